"""Small parts of the role: what is told of devices, what is forgotten, a folder of measurements that is full."""

from manara.base.clock import FakeClock
from manara.messages import DeviceTold, DiskStatus, Reading
from manara.network.health.conditions import Latches
from manara.network.health.role import MEASUREMENTS, gone
from manara.network.health.topology import Topology
from manara.network.health.vitals import VitalsBook
from manara.network.telemetry.latest import Latest
from tests.network.health.world import EVENING_US, Told, topology


def test_a_device_is_told_again_when_it_changes_not_while_its_silence_grows() -> None:
    book, latches, latest = VitalsBook(), Latches(), Latest(FakeClock(EVENING_US))

    def report(state: str, since_us: int, *, complete: bool = False) -> dict[str, DeviceTold]:
        told = {"rtu-gate": DeviceTold(state=state, since_us=since_us)}
        made = book.report(topology(), latches, latest, {}, {}, EVENING_US, complete=complete, devices=told)
        return made.devices

    assert report("ok", 1)["rtu-gate"].state == "ok"
    assert not report("ok", 1)
    assert report("silent", 5)["rtu-gate"].since_us == 5
    assert not report("silent", 6), "the same silence, reckoned a little otherwise"
    assert report("silent", 7, complete=True)["rtu-gate"].since_us == 5


def test_readings_of_what_is_removed_are_forgotten() -> None:
    old, latest = topology(), Latest(FakeClock(EVENING_US))
    for site, subject, quantity in (("gate", "switch:sw-gate", "switch_up"), ("river", "switch:sw-river", "switch_up")):
        told = Reading(site_id=site, subject=subject, quantity=quantity, value=1.0, at_us=EVENING_US)
        assert latest.take([told])
    left = [switch for id, switch in old.switches.items() if id != "sw-gate"]
    new = Topology.of(old.sites.values(), old.cameras.values(), left, old.links.values())
    assert gone(old, new, latest) == {"switch:sw-gate"}
    assert gone(old, old, latest) == set()
    latest.forget(gone(old, new, latest))
    assert [one.subject for site in latest.sites() for one in latest.of_site(site)] == ["switch:sw-river"]


def test_a_full_folder_of_measurements_is_a_cause() -> None:
    told = Told()
    full = DiskStatus(path="/data/measurements", state="full", cause="no_space")
    told.monitor.program.disk(MEASUREMENTS, full, told.now_us)
    told.go(5)
    assert list(told.causes()) == ["recorder_disk_full disk:measurements|/data/measurements"]
    told.monitor.program.disk(MEASUREMENTS, DiskStatus(path="/data/measurements"), told.now_us)
    told.go(20)
    assert not told.causes()
