"""Work orders from the first call to the check that the fault is gone; photographs; outages and rounds."""

import io
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from manara.access.roles import Role
from manara.access.who import Who
from manara.base.clock import to_us
from manara.base.errors import Conflict, InvalidInput, NotFound
from manara.network.health.kinds import CAUSES
from manara.network.health.tables import CameraOutage, CauseRow, ConditionRow
from manara.network.maintenance import actions, checking, photos, rules, views
from manara.network.maintenance.advice import ADVICE
from manara.network.tables import Camera, Sector, Site
from manara.store.database import Database
from tests.support.state import migrated

AT = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
TECHNICIAN = Who("tech", "Technician", frozenset({Role.TECHNICIAN}))
NORTH_ONLY = Who("north", "North", frozenset({Role.TECHNICIAN}), frozenset({"north"}))


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = migrated(tmp_path / "state.sqlite")
    fill(made)
    yield made
    made.close()


def fill(made: Database) -> None:
    now_us = to_us(AT)
    with made.act(Who.system("test"), AT) as act:
        act.session.add_all([Sector(id=one, code=one, changed_us=0) for one in ("north", "south")])
        act.session.flush()
        act.session.add(Site(id="site", code="S-1", lat=31.0, lon=46.0, sector_id="north", changed_us=0))
        act.session.add(Site(id="other", code="S-2", lat=31.1, lon=46.0, sector_id="south", changed_us=0))
        act.session.flush()
        act.session.add(
            Camera(
                id="cam",
                code="C-1",
                site_id="site",
                sector_id="north",
                main_url="rtsp://h/",
                lat=31,
                lon=46,
                changed_us=0,
            )
        )
        act.session.add(
            CauseRow(
                id="cause", kind="camera_dirty", key="k", rule="r", subject="camera:cam", site_id="site",
                since_us=now_us, opened_us=now_us, changed_us=now_us, camera_ids=["cam"],
            )
        )  # fmt: skip
        act.session.add(
            ConditionRow(id="sign", kind="image_dirty", subject="camera:cam", since_us=now_us, known_us=now_us)
        )


def end_fault(database: Database, at: datetime) -> None:
    with database.act(Who.system("test"), at) as act:
        cause, sign = act.session.get(CauseRow, "cause"), act.session.get(ConditionRow, "sign")
        assert cause
        assert sign
        cause.closed_us = sign.ended_us = act.at_us


def done(database: Database) -> str:
    order_id = str(actions.raise_order(database, TECHNICIAN, AT, {"cause_id": "cause"})["id"])
    for state in (rules.ACCEPTED, rules.ON_SITE, rules.DONE):
        actions.move_order(database, TECHNICIAN, AT, order_id, state, "wiped")
    return order_id


def test_a_cause_has_one_open_order_that_knows_what_to_bring(database: Database) -> None:
    order = actions.raise_order(database, TECHNICIAN, AT, {"cause_id": "cause", "alarm_id": "alarm"})
    assert order["raised"]
    assert (order["site_id"], order["camera_ids"], order["cause_kind"]) == ("site", ["cam"], "camera_dirty")
    assert order["parts"] == ["dome", "wiper_set"]
    again = actions.raise_order(database, TECHNICIAN, AT, {"cause_id": "cause"})
    assert (again["id"], again["raised"]) == (order["id"], False)
    actions.move_order(database, TECHNICIAN, AT, order["id"], rules.CANCELLED)
    assert actions.raise_order(database, TECHNICIAN, AT, {"cause_id": "cause"})["number"] == order["number"] + 1


def test_who_asks_in_the_same_moment_gets_the_one_order_and_every_other_its_own_number(any_database: Database) -> None:
    fill(any_database)
    together = threading.Barrier(6)
    answers: list[dict[str, Any]] = []

    def ask(values: dict[str, Any]) -> None:
        together.wait()
        answers.append(actions.raise_order(any_database, TECHNICIAN, AT, values))

    asked: list[dict[str, Any]] = [{"cause_id": "cause"}] * 3 + [{"site_id": "site", "description": "look"}] * 3
    threads = [threading.Thread(target=ask, args=(values,)) for values in asked]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    of_cause = [one for one in answers if one["cause_id"]]
    assert sorted(one["raised"] for one in of_cause) == [False, False, True]
    assert len({one["id"] for one in of_cause}) == 1
    assert sorted({one["number"] for one in answers}) == [1, 2, 3, 4]


def test_the_second_of_two_who_change_one_order_is_told_also_where_the_clock_was_set_back(database: Database) -> None:
    order = actions.raise_order(database, TECHNICIAN, AT, {"site_id": "site"})
    seen = {"changed_us": order["changed_us"]}
    for at in (AT, AT - timedelta(hours=1)):
        changed = actions.change_order(database, TECHNICIAN, at, order["id"], {"description": f"of {at}", **seen})
        with pytest.raises(Conflict) as told:
            actions.change_order(database, TECHNICIAN, at, order["id"], {"description": "mine", **seen})
        assert (told.value.code, told.value.detail) == ("changed_meanwhile", {"changed_us": changed["changed_us"]})
        seen = {"changed_us": changed["changed_us"]}


def test_finished_work_is_closed_when_health_agrees(database: Database) -> None:
    order_id = done(database)
    assert checking.check(database, AT + timedelta(seconds=60)) == 0  # still wrong, and still time
    end_fault(database, AT + timedelta(seconds=70))
    assert checking.check(database, AT + timedelta(seconds=75)) == 1
    with database.read() as session:
        order = views.order(session, order_id, TECHNICIAN)
    assert order["state"] == rules.CLOSED
    assert [entry["what"] for entry in order["entries"]] == ["open", "accepted", "on_site", "done", "closed"]
    assert order["entries"][-1]["by"] == ""  # the program


def test_finished_work_comes_back_when_the_fault_is_still_there(database: Database) -> None:
    order_id = done(database)
    assert checking.check(database, AT + timedelta(seconds=301)) == 1
    with database.read() as session:
        order = views.order(session, order_id, TECHNICIAN)
    assert (order["state"], order["reopened_count"]) == (rules.REOPENED, 1)
    assert order["entries"][-1]["detail"]["still"] == ["camera_dirty camera:cam", "image_dirty camera:cam"]
    assert checking.check(database, AT + timedelta(seconds=900)) == 0  # it is not done any more


def test_a_fault_that_came_back_under_another_id_is_still_there(database: Database) -> None:
    order_id = done(database)
    end_fault(database, AT)
    with database.act(Who.system("test"), AT) as act:
        row = act.session.get(CauseRow, "cause")
        assert row
        values = {column.name: getattr(row, column.name) for column in CauseRow.__table__.columns}
        act.session.add(CauseRow(**values | {"id": "anew", "closed_us": None}))
    assert checking.check(database, AT + timedelta(seconds=400)) == 1
    with database.read() as session:
        assert views.order(session, order_id, TECHNICIAN)["state"] == rules.REOPENED


@given(st.lists(st.sampled_from(rules.STATES), max_size=8))
def test_no_way_leads_out_of_an_end(path: list[str]) -> None:
    state = rules.OPEN
    for wanted in path:
        if rules.may_move(state, wanted):
            assert state not in rules.ENDED
            state = wanted


def test_a_wrong_move_says_what_may_be(database: Database) -> None:
    order_id = str(actions.raise_order(database, TECHNICIAN, AT, {"site_id": "site"})["id"])
    with pytest.raises(Conflict) as told:
        actions.move_order(database, TECHNICIAN, AT, order_id, rules.CLOSED)
    assert told.value.detail == {"state": "open", "may": ["accepted", "assigned", "cancelled"]}


def test_all_faults_are_named_and_other_sectors_are_not_there(database: Database) -> None:
    with pytest.raises(InvalidInput) as told:
        actions.raise_order(database, TECHNICIAN, AT, {"priority": "urgent", "team_id": 5, "colour": "red"})
    assert {fault.field for fault in told.value.fields} >= {"site_id", "priority", "colour"}
    with pytest.raises(NotFound):
        actions.raise_order(database, NORTH_ONLY, AT, {"site_id": "other"})
    order = actions.raise_order(database, TECHNICIAN, AT, {"site_id": "other"})
    with database.read() as session, pytest.raises(NotFound):
        views.order(session, order["id"], NORTH_ONLY)
    with pytest.raises(NotFound):
        actions.move_order(database, NORTH_ONLY, AT, order["id"], rules.ACCEPTED)


def test_the_nearest_team_comes_first(database: Database) -> None:
    for code, lat in (("FAR", 32.0), ("NEAR", 31.01)):
        actions.keep_team(database, TECHNICIAN, AT, None, {"code": code, "lat": lat, "lon": 46.0})
    actions.keep_team(
        database, TECHNICIAN, AT, None, {"code": "SOUTH", "lat": 31.0, "lon": 46.0, "sector_ids": ["south"]}
    )
    with database.read() as session:
        names = {team["id"]: team["code"] for team in views.teams(session)}
        nearest = views.nearest_teams(session, "site")
    assert [(names[one["team_id"]], one["away_km"]) for one in nearest] == [("NEAR", 1.1), ("FAR", 111.2)]


def test_a_photograph_is_kept_without_what_the_phone_hides_in_it(database: Database, tmp_path: Path) -> None:
    order_id = str(actions.raise_order(database, TECHNICIAN, AT, {"site_id": "site"})["id"])
    picture = Image.new("RGB", (3000, 1000), "red")
    exif = Image.Exif()
    exif[0x010F] = "A phone's maker"
    exif[0x0112] = 6  # turned by a quarter
    out = io.BytesIO()
    picture.save(out, "JPEG", exif=exif)
    photo = actions.add_photo(database, TECHNICIAN, AT, tmp_path / "photos", order_id, "before", out.getvalue())
    kept = Image.open(tmp_path / "photos" / order_id / f"{photo['id']}.jpg")
    assert kept.size == (photo["width_px"], photo["height_px"]) == (640, 1920)
    assert not kept.getexif()
    with database.read() as session:
        assert [one["id"] for one in views.order(session, order_id, TECHNICIAN)["photos"]] == [photo["id"]]


@pytest.mark.parametrize(
    "data", [b"", b"GIF89a" + bytes(50), b"\xff\xd8\xff\xe0 broken", bytes(photos.UPLOAD_BYTES + 1)]
)
def test_what_is_no_photograph_is_refused_and_leaves_nothing(database: Database, tmp_path: Path, data: bytes) -> None:
    order_id = str(actions.raise_order(database, TECHNICIAN, AT, {"site_id": "site"})["id"])
    with pytest.raises(InvalidInput):
        actions.add_photo(database, TECHNICIAN, AT, tmp_path / "photos", order_id, "after", data)
    assert not list((tmp_path / "photos").rglob("*.jpg"))


def test_an_outage_has_an_end_and_a_round_knows_what_is_due(database: Database) -> None:
    now_us = to_us(AT)
    day_us = 86_400_000_000
    with pytest.raises(InvalidInput) as told:
        actions.keep_outage(
            database, TECHNICIAN, AT, None, {"reason": "Mast", "from_us": now_us, "until_us": now_us - 1}
        )
    assert {fault.field for fault in told.value.fields} == {"site_ids", "until_us"}
    values = {"reason": "Mast", "site_ids": ["site"], "from_us": now_us, "until_us": now_us + day_us}
    outage = actions.keep_outage(database, TECHNICIAN, AT, None, values)
    assert actions.end_outage(database, TECHNICIAN, AT, outage["id"])["ended_us"] == now_us
    with pytest.raises(Conflict):
        actions.end_outage(database, TECHNICIAN, AT, outage["id"])
    cleaning = {"name_en": "Cleaning", "kind": "cleaning", "site_ids": ["site", "other"], "every_days": 30}
    row = actions.keep_round(database, TECHNICIAN, AT, None, cleaning | {"first_due_us": now_us - day_us})
    assert row["overdue"] == 2
    row = actions.round_done(database, TECHNICIAN, AT, row["id"], "site")
    assert (row["overdue"], row["due_us"]["site"]) == (1, now_us + 30 * day_us)


def test_every_cause_of_a_site_has_a_kit() -> None:
    program = {"recorder_down", "role_restarting", "handler_stuck"}
    assert set(CAUSES) - program == set(ADVICE)


def test_a_camera_is_due_from_when_it_was_added(database: Database) -> None:
    now_us = to_us(AT)
    hour_us = 3_600_000_000
    with database.act(Who.system("test"), AT) as act:
        camera = act.session.get(Camera, "cam")
        assert camera
        camera.created_us = now_us - hour_us  # of ten hours that are asked for
        act.session.add(
            CameraOutage(
                id="lost",
                camera_id="cam",
                site_id="site",
                start_us=now_us - hour_us // 2,
                known_us=now_us,
                condition="x",
            )
        )
    with database.read() as session:
        found = views.availability(session, TECHNICIAN, now_us - 10 * hour_us, now_us, "site", now_us, 99.0)
    assert found["whole"]["available_pct"] == 50.0
