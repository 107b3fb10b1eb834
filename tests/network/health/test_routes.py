"""A camera's health and causes over HTTP and on the screens' hub: by sector, and as the contract says."""

from pathlib import Path

from manara.messages import HealthChanged, RecorderStatus, StreamStatus
from manara.network.health.actions import commit, read_topology
from manara.network.health.monitor import Monitor
from tests.web.world import World, running

S = 1_000_000


def lose(world: World, code: str) -> None:
    """Health finds one camera lost, and commits it."""
    now_us = world.clock.wall_us()
    with world.database.read() as session:
        monitor = Monitor(read_topology(session), now_us)
    stream = StreamStatus(
        camera_id=world.ids[code], stream="main", state="lost", cause="stalled", since_us=now_us, recorder_id="r"
    )
    monitor.status(RecorderStatus(recorder_id="r", at_us=now_us, streams=[stream]), now_us)
    for after_s in (0, 3):
        commit(world.database, now_us + after_s * S, monitor.step(now_us + after_s * S))


def test_health_and_causes_are_seen_in_ones_own_sectors(tmp_path: Path) -> None:
    with running(tmp_path, wired=True) as world:
        lose(world, "n1")
        lose(world, "s1")
        told = world.ask("north", "GET", f"/api/cameras/{world.ids['n1']}/health").json()
        assert not told["doing_job"]
        assert [one["kind"] for one in told["conditions"]] == ["video_lost"]
        assert told["cause"]["kind"] == "camera_dead"
        assert [one["end_us"] for one in told["outages"]] == [None]
        well = world.ask("north", "GET", f"/api/cameras/{world.ids['n2']}/health").json()
        assert well["doing_job"]
        assert well["cause"] is None
        assert world.ask("north", "GET", f"/api/cameras/{world.ids['s1']}/health").status_code == 404
        (mine,) = world.ask("north", "GET", "/api/causes").json()["causes"]
        assert mine["camera_ids"] == [world.ids["n1"]]
        both = world.ask("supervisor", "GET", "/api/causes").json()["causes"]
        assert len(both) == 2
        whole = world.ask("north", "GET", f"/api/causes/{mine['id']}").json()
        assert [one["kind"] for one in whole["members"]] == ["video_lost"]
        (other,) = [one for one in both if one["id"] != mine["id"]]
        assert world.ask("north", "GET", f"/api/causes/{other['id']}").status_code == 404

        assert world.wiring is not None
        assert world.client.portal is not None
        fact = HealthChanged(camera_ids=[world.ids["n1"], world.ids["n2"]])
        world.client.portal.call(world.wiring.together[HealthChanged], [fact])
        shown = world.hub.value("health", world.ids["n1"])
        assert shown is not None
        assert (shown["doing_job"], shown["cause_id"]) == (False, mine["id"])
        assert world.hub.value("health", world.ids["n2"]) is None
