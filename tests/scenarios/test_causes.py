"""What goes wrong in a network, as timetables, up to the cause. Each line is told as the devices would tell it."""

from tests.network.health.world import LEAVES, Told
from tests.scenarios.timetable import at, by, never_more_than, opens, timetable


def tell(site: str, subject: str, quantity: str, value: float):  # type: ignore[no-untyped-def]
    """A line's act: one reading."""
    return lambda told: told.reading(site, subject, quantity, value)


def charge(site: str, pct: float):  # type: ignore[no-untyped-def]
    """The battery tells its charge, twice, as one value alone is not believed."""

    def act(told: Told) -> None:
        told.reading(site, f"power_source:battery-{site}", "state_of_charge_pct", pct)

    return act


def test_a_site_goes_dark_by_night() -> None:
    told = timetable(
        at(0, "the grid goes at the market", tell("market", "power_source:grid-market", "grid_present", 0)),
        by(12, opens("grid_lost site:market")),
        at(3000, "the battery is low", charge("market", 18)),
        at(3040, "and still", charge("market", 17)),
        by(3060, opens("battery_low site:market")),
        at(9000, "the battery is empty", charge("market", 4)),
        at(9030, "and still", charge("market", 3)),
        at(9100, "all four cameras stall", lambda t: t.lose("market")),
        by(9105, opens("site_power_lost site:market")),
        at(9160, "the box is silent", lambda t: t.box("market")),
        by(9300, opens("site_power_lost site:market")),
        at(20000, "the grid is back", tell("market", "power_source:grid-market", "grid_present", 1)),
        at(20001, "the box speaks", lambda t: t.box("market", "ok")),
        at(20060, "the cameras come back one by one", lambda t: t.stream("market1")),
        at(20090, "and another", lambda t: t.stream("market2")),
        at(20120, "and the rest", lambda t: t.back("market")),
        at(20121, "the battery charges", charge("market", 40)),
        at(20180, "and charges", charge("market", 45)),
        by(20300, opens()),
    )
    assert told.opened() == ["grid_lost site:market", "battery_low site:market", "site_power_lost site:market"]
    last = [cause for batch in told.batches for cause in batch.causes.values() if cause.kind == "site_power_lost"][-1]
    assert last.direct
    assert last.camera_ids == {f"market{n}" for n in range(1, 5)}
    assert {"grid_lost", "battery_empty", "cameras_dark"} <= {seen["what"] for seen in last.evidence}
    low = [cause for batch in told.batches for cause in batch.causes.values() if cause.kind == "battery_low"][-1]
    assert low.absorbed_into == last.id


def test_a_ring_is_cut_and_healed() -> None:
    timetable(
        at(0, "the fibre between bridge and school", tell("bridge", "link:bridge-school", "link_up", 0)),
        by(20, opens("ring_open link:bridge-school")),
        at(600, "is spliced", tell("bridge", "link:bridge-school", "link_up", 1)),
        by(620, opens()),
        by(621, never_more_than(1)),
    )


def test_a_ring_is_cut_twice_and_what_lies_between_is_one_cause() -> None:
    told = timetable(
        at(0, "a first cut costs nothing", tell("bridge", "link:bridge-school", "link_up", 0)),
        at(300, "a second one does", tell("gate", "link:school-gate", "link_up", 0)),
        at(310, "the school stalls", lambda t: t.lose("school")),
        at(315, "its box, by its own modem, still tells", tell("school", "switch:sw-school", "switch_up", 1)),
        by(320, opens("ring_open link:bridge-school", "link_cut link:school-gate")),
        at(900, "the second is spliced", tell("gate", "link:school-gate", "link_up", 1)),
        at(905, "the cameras come back", lambda t: t.back("school")),
        by(930, opens("ring_open link:bridge-school")),
    )
    assert told.opened() == ["ring_open link:bridge-school", "link_cut link:school-gate"]


def test_a_switch_dies() -> None:
    told = timetable(
        at(100, "the market stalls", lambda t: t.lose("market")),
        at(101, "its link is down at the hub", tell("hub", "link:hub-market", "link_up", 0)),
        at(106, "its controller misses the switch", tell("market", "switch:sw-market", "switch_up", 0)),
        by(112, opens("switch_dead switch:sw-market")),
        at(600, "a new one", tell("market", "switch:sw-market", "switch_up", 1)),
        at(601, "the link is up", tell("hub", "link:hub-market", "link_up", 1)),
        at(630, "the cameras are back", lambda t: t.back("market")),
        by(650, opens()),
    )
    assert told.opened() == ["switch_dead switch:sw-market"]
    cause = next(iter(told.batches[-1].causes.values()))
    assert cause.direct
    assert "switch_up" in {seen["what"] for seen in cause.evidence}


def test_a_battery_is_stolen() -> None:
    told = timetable(
        at(0, "the cabinet opens", tell("gate", "cabinet:gate", "cabinet_door_open", 1)),
        at(8, "the battery is gone", tell("gate", "power_source:battery-gate", "battery_present", 0)),
        by(20, opens("battery_stolen site:gate")),
        at(3600, "the grid goes too", tell("gate", "power_source:grid-gate", "grid_present", 0)),
        at(3612, "and with it all cameras", lambda t: t.lose("gate")),
        by(3620, opens("battery_stolen site:gate")),
    )
    assert told.opened() == ["battery_stolen site:gate"]


def test_a_lens_is_sprayed() -> None:
    told = timetable(
        at(
            0,
            "paint on the dome looks dirty and out of focus",
            lambda t: t.picture("gate2", "image_dirty", "image_blurred"),
        ),
        by(8, opens("camera_dirty camera:gate2")),
        at(4000, "it is wiped", lambda t: t.picture("gate2")),
        at(4015, "and well", lambda t: t.picture("gate2")),
        by(4016, opens()),
    )
    (cause,) = [cause for cause in told.batches[-1].causes.values()]
    assert cause.pictures == {"reference": "ref.jpg", "now": "now.jpg"}


def test_a_camera_is_turned() -> None:
    timetable(
        at(0, "somebody turns it", lambda t: t.picture("school3", "image_moved")),
        by(8, opens("camera_moved camera:school3")),
    )


def test_a_credential_stops_working_on_a_fleet() -> None:
    told = timetable(
        at(0, "the market's first camera refuses", lambda t: t.stream("market1", "refused", "unauthorized")),
        at(1, "and the bridge's", lambda t: t.stream("bridge1", "refused", "unauthorized")),
        at(30, "and the rest that use it", lambda t: [t.stream(f"{s}1", "refused", "unauthorized") for s in LEAVES]),
        by(33, opens("camera_credential camera:market1")),
        by(33, never_more_than(1)),
    )
    (cause,) = told.causes().values()
    assert cause.camera_ids == {f"{site}1" for site in LEAVES}


def test_dust_comes_over_a_sector() -> None:
    cameras = [f"{site}{n}" for site in ("market", "bridge", "school") for n in range(1, 5)]

    def storm(first: int, last: int):  # type: ignore[no-untyped-def]
        return lambda t: [t.picture(camera, "image_blurred") for camera in cameras[first:last]]

    def over(told: Told) -> None:
        for camera in cameras:
            told.picture(camera)

    told = timetable(
        at(0, "it reaches the bridge", storm(4, 6)),
        at(3, "and the market", storm(0, 2)),
        at(20, "and the school", storm(8, 10)),
        at(40, "and everything", storm(0, 12)),
        by(45, opens("sector_weather camera:bridge1")),
        at(5000, "it is over", over),
        at(5015, "and well", over),
        by(5030, opens()),
    )
    assert [kind for kind in told.opened() if kind.startswith("sector_weather")] == ["sector_weather camera:bridge1"]
    assert len(told.opened()) == 1


def test_what_was_no_weather_is_told_when_the_other_camera_is_well() -> None:
    timetable(
        at(0, "the sun shines into the bridge's lens", lambda t: t.picture("bridge1", "image_white")),
        at(8, "somebody covers one at the market", lambda t: t.picture("market1", "image_covered")),
        by(12, opens("camera_white camera:bridge1")),
        at(13, "the sun has passed", lambda t: t.picture("bridge1")),
        at(19, "for good", lambda t: t.picture("bridge1")),
        by(26, opens("camera_covered camera:market1")),
    )


def test_a_recorders_disk_is_full() -> None:
    timetable(
        at(0, "full", lambda t: t.disk("full")),
        by(3, opens("recorder_disk_full disk:recorder-1|/disk0")),
        at(600, "there is room again", lambda t: t.disk("ok")),
        at(612, "and stays", lambda t: t.disk("ok")),
        by(613, opens()),
    )


def test_a_recorder_dies_and_its_cameras_are_no_alarms_of_their_own() -> None:
    timetable(
        at(0, "it falls silent", lambda t: t.recorders.clear()),
        by(9, opens("recorder_down recorder:recorder-1")),
        by(60, opens("recorder_down recorder:recorder-1")),
        by(60, never_more_than(1)),
    )


def test_what_happens_in_a_maintenance_window_is_concluded_all_the_same() -> None:
    """Suppression is the alarms' side: health says what is so."""
    timetable(
        at(0, "the technician opens the cabinet", tell("river", "cabinet:river", "cabinet_door_open", 1)),
        by(14, opens("cabinet_open site:river")),
        at(60, "and unplugs a camera", lambda t: t.stream("river2", "lost", "stalled")),
        by(65, opens("cabinet_open site:river", "camera_dead camera:river2")),
    )


def test_the_control_room_is_cut_off_and_that_is_one_cause() -> None:
    told = timetable(
        at(0, "everything that is linked stalls", lambda t: t.lose("market", "bridge", "school", "gate", "river")),
        by(25, opens("site_isolated site:room", "site_isolated site:river")),
    )
    assert len(told.opened()) == 2  # nobody entered how the river's site is linked


def test_one_lost_camera_is_told_within_five_seconds() -> None:
    told = timetable(
        at(100, "it stalls", lambda t: t.stream("bridge2", "lost", "stalled")),
        by(103, opens("camera_dead camera:bridge2")),
    )
    (cause,) = told.causes().values()
    assert not cause.direct, "nothing but its silence speaks for it"


def test_the_broker_dies_and_that_is_one_cause() -> None:
    def silent(told: Told) -> None:
        for site in ("hub", *LEAVES):
            told.box(site)

    timetable(
        at(0, "no box is heard any more", silent),
        by(40, opens("telemetry_failed role:health")),
        by(40, never_more_than(1)),
    )


def test_a_cabinet_heats_up_and_is_told_with_the_second_hot_reading() -> None:
    def hot(value: float):  # type: ignore[no-untyped-def]
        return tell("market", "cabinet:market", "cabinet_temperature_c", value)

    told = timetable(
        at(0, "warm as each day", hot(44)),
        at(10, "one wild value", hot(90)),
        at(20, "is no heat", hot(45)),
        by(25, opens()),
        at(30, "it heats", hot(67)),
        at(40, "and heats", hot(71)),
        by(43, opens("cabinet_hot site:market")),
        at(600, "it cools", hot(50)),
        at(661, "and stays cool", hot(48)),
        by(663, opens()),
    )
    assert len(told.opened()) == 1


def test_a_fan_that_stands_still_is_told_before_the_cabinet_is_hot() -> None:
    timetable(
        at(0, "warm", tell("market", "cabinet:market", "cabinet_temperature_c", 44)),
        at(1, "and the fan stands", tell("market", "cabinet:market", "fan_rpm", 0)),
        at(11, "still", tell("market", "cabinet:market", "fan_rpm", 0)),
        by(14, opens("cabinet_hot site:market")),
    )


def test_what_a_mended_switch_leaves_behind_is_no_new_cause() -> None:
    told = timetable(
        at(0, "the ring is open", tell("gate", "link:school-gate", "link_up", 0)),
        at(300, "the bridge's switch dies, and the school is behind it", lambda t: t.lose("bridge", "school")),
        at(301, "its link is down", tell("school", "link:bridge-school", "link_up", 0)),
        at(306, "its controller misses the switch", tell("bridge", "switch:sw-bridge", "switch_up", 0)),
        at(307, "the school's own modem tells of its switch", tell("school", "switch:sw-school", "switch_up", 1)),
        by(312, opens("ring_open link:school-gate", "switch_dead switch:sw-bridge")),
        at(600, "it is switched on again", tell("bridge", "switch:sw-bridge", "switch_up", 1)),
        at(610, "its cameras come back, the school's not yet", lambda t: t.back("bridge")),
        at(612, "one breaks once more", lambda t: t.stream("bridge2", "lost", "server_closed")),
        at(613, "the school's switch lives", tell("school", "switch:sw-school", "switch_up", 1)),
        at(614, "its box was not heard for a minute", lambda t: t.box("school")),
        at(620, "and speaks", lambda t: t.box("school", "ok")),
        at(625, "the port is asked again", tell("school", "link:bridge-school", "link_up", 1)),
        at(630, "the school is back, and the one", lambda t: (t.back("school"), t.stream("bridge2"))),
        by(650, opens("ring_open link:school-gate")),
    )
    assert told.opened() == ["ring_open link:school-gate", "switch_dead switch:sw-bridge"]


def test_what_stays_wrong_after_a_mending_is_told_when_its_time_is_over() -> None:
    told = timetable(
        at(0, "the bridge's switch dies; the ring was open", tell("gate", "link:school-gate", "link_up", 0)),
        at(300, "both are dark", lambda t: t.lose("bridge", "school")),
        at(306, "its controller misses it", tell("bridge", "switch:sw-bridge", "switch_up", 0)),
        at(307, "the link is down", tell("school", "link:bridge-school", "link_up", 0)),
        at(600, "it is switched on again", tell("bridge", "switch:sw-bridge", "switch_up", 1)),
        at(610, "the bridge is back", lambda t: t.back("bridge")),
        at(640, "the school has power and a switch", tell("school", "switch:sw-school", "switch_up", 1)),
        by(840, opens("ring_open link:school-gate", "link_cut link:bridge-school")),
    )
    assert told.opened()[-1] == "link_cut link:bridge-school", "the fibre was cut as well"


def test_a_whole_sector_that_stands_still_is_one_cause_and_heals() -> None:
    cameras = [f"{site}{n}" for n in range(1, 5) for site in ("market", "bridge", "school")]
    told = timetable(
        *(at(n * 2.0, "one stands still", lambda t, c=c: t.picture(c, "image_frozen")) for n, c in enumerate(cameras)),
        by(40, opens("camera_frozen camera:bridge1")),
        at(600, "all move again but one", lambda t: [t.picture(c) for c in cameras[1:]]),
        at(611, "and go on", lambda t: [t.picture(c) for c in cameras[1:]]),
        at(800, "the one too", lambda t: t.picture("market1")),
        at(811, "and goes on", lambda t: t.picture("market1")),
        by(812, opens()),
    )
    assert len(told.opened()) <= 2, told.opened()


def test_a_dust_storm_that_ends_camera_by_camera_leaves_no_flood() -> None:
    cameras = [f"{site}{n}" for n in range(1, 5) for site in ("market", "bridge", "school")]

    def ends(number: int, camera: str):  # type: ignore[no-untyped-def]
        return [at(900 + 20 * number + again, "well", lambda t: t.picture(camera)) for again in (0, 12)]

    told = timetable(
        *(
            at(n * 3.0, "dust", lambda t, c=c: t.picture(c, "image_blurred", "image_dirty"))
            for n, c in enumerate(cameras)
        ),
        *(at(s, "still", lambda t: [t.picture(c, "image_blurred") for c in cameras]) for s in range(120, 900, 60)),
        by(100, opens("sector_weather camera:bridge1")),
        *(line for number, camera in enumerate(cameras) for line in ends(number, camera)),
        by(1300, opens()),
    )
    assert len(told.opened()) == 1, told.opened()


def test_a_recorder_is_down_while_a_site_of_its_cameras_falls_silent() -> None:
    """Nobody knows whether that site has pictures: its readings are no fault of their own."""

    def silent(told: Told) -> None:
        for site in LEAVES[1:4]:
            told.box(site)

    told = Told()
    told.recorders.clear()
    told.go(30)
    assert list(told.causes()) == ["recorder_down recorder:recorder-1"]
    silent(told)
    told.go(90)
    assert list(told.causes()) == ["recorder_down recorder:recorder-1"], told.opened()


def test_a_site_behind_tells_whether_the_switch_before_it_lives() -> None:
    """The bridge's box is not heard; the school behind it has a modem and tells how it sees the bridge."""

    def dark(last: float):  # type: ignore[no-untyped-def]
        return timetable(
            at(0, "the ring is open", tell("gate", "link:school-gate", "link_up", 0)),
            at(300, "both are dark", lambda t: t.lose("bridge", "school")),
            at(312, "the school's modem tells", tell("school", "link:bridge-school", "link_up", last)),
            at(340, "and again", tell("school", "link:bridge-school", "link_up", last)),
        )

    told = dark(1)
    told.go(345)
    assert "link_cut link:room-bridge" in told.causes()
    told = dark(0)
    told.go(345)
    assert "switch_dead switch:sw-bridge" in told.causes()


def test_where_nothing_decides_the_candidates_are_named() -> None:
    told = timetable(
        at(100, "the market stalls", lambda t: t.lose("market")), by(125, opens("site_isolated site:market"))
    )
    (cause,) = told.causes().values()
    (either,) = [seen for seen in cause.evidence if seen["what"] == "candidates"]
    assert either["value"] == ["link_cut", "switch_dead"], "its power was well a minute ago"
    assert "hub-market" in either["text_en"]
    assert "SW-MARKET" in either["text_ar"]
