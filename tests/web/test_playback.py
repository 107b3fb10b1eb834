"""Playback and export through the web, from a real archive on disk."""

import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from manara.formats.fmp4_read import init_bytes, scan
from manara.recorder.archive import Archive
from tests.recorder.archive_rig import START_US, Feed, Rig, wait_for
from tests.web.world import World, running

SECOND = 1_000_000
LENGTH_S = 25


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A control process beside an archive that holds 25 s of camera n1, in GOPs of 1 s."""
    folder = tmp_path_factory.mktemp("playback")
    rig = Rig(folder / "rig").start()
    with running(folder / "control", wired=True, archive=Archive([rig.index_path])) as world:
        feed = Feed(world.ids["n1"])
        rig.begin(feed)
        rig.send(feed, LENGTH_S)
        archive = Archive([rig.index_path])
        wait_for(lambda: len(archive.plan(feed.key.camera_id, START_US, feed.wall_us).pieces) == LENGTH_S, "recorded")
        yield world
    rig.writer.stop()


def path_of(world: World, what: str, start_s: float, end_s: float, **query: object) -> str:
    """A route of camera n1 for a span in seconds of the recording."""
    more = "".join(f"&{name}={value}" for name, value in query.items())
    span = f"from_us={START_US + round(start_s * SECOND)}&to_us={START_US + round(end_s * SECOND)}"
    return f"/api/cameras/{world.ids['n1']}/{what}?{span}{more}"


def times(data: bytes) -> list[int]:
    """Wall times of the fragments of an answer, in s of the recording."""
    assert data[4:8] == b"ftyp"

    def read(offset: int, count: int) -> bytes:
        return data[offset : offset + count]

    start = init_bytes(read)
    return [round((head.wall_us - START_US) / SECOND) for _, head in scan(read, start, len(data))]


def audited(world: World, action: str) -> list[dict[str, Any]]:
    """Entries of the log with this action, oldest first."""
    return list(reversed(world.ask("auditor", "GET", f"/api/audit?action={action}").json()))


def test_the_timeline_tells_what_there_is(recorded: World) -> None:
    told = recorded.ask("operator", "GET", path_of(recorded, "timeline", -10, 100)).json()
    assert told["earliest_us"] == START_US
    assert [span["start_us"] for span in told["spans"]] == [START_US]
    assert told["holds"] == []
    body = {"camera_ids": [recorded.ids["n1"]], "start_us": START_US, "end_us": START_US + SECOND, "reason": "a case"}
    hold = recorded.ask("supervisor", "POST", "/api/holds", json=body).json()
    told = recorded.ask("operator", "GET", path_of(recorded, "timeline", 0, 100)).json()
    assert [(held["id"], held["reason"]) for held in told["holds"]] == [(hold["id"], "a case")]


def test_fragments_are_the_bytes_on_disk_and_the_look_is_in_the_log(recorded: World) -> None:
    answer = recorded.ask("operator", "GET", path_of(recorded, "fragments", 5, 8))
    assert answer.headers["content-type"] == "video/mp4"
    assert "content-encoding" not in answer.headers
    assert "x-next-us" not in answer.headers
    assert times(answer.content) == [5, 6, 7]
    entry = audited(recorded, "playback:look")[-1]
    assert entry["subject"] == recorded.ids["n1"]
    assert entry["actor_name"] == "The operator"
    assert entry["detail"]["footage"] == [{"from_us": START_US + 5 * SECOND, "to_us": START_US + 8 * SECOND}]


def test_a_limit_cuts_between_gops_and_says_where_to_go_on(recorded: World) -> None:
    got: list[int] = []
    at_s, requests = 0.0, 0
    while True:
        answer = recorded.ask("operator", "GET", path_of(recorded, "fragments", at_s, LENGTH_S, limit_bytes=60_000))
        got += times(answer.content)
        requests += 1
        if "x-next-us" not in answer.headers:
            break
        at_s = (int(answer.headers["x-next-us"]) - START_US) / SECOND
    assert got == list(range(LENGTH_S))
    assert requests > 1


def test_key_frames_alone_are_much_less(recorded: World) -> None:
    whole = recorded.ask("operator", "GET", path_of(recorded, "fragments", 0, 10)).content
    keys = recorded.ask("operator", "GET", path_of(recorded, "fragments", 0, 10, keyframes=1)).content
    assert times(keys) == list(range(10))
    assert len(keys) < len(whole)


def test_a_span_without_footage_is_empty_and_no_look(recorded: World) -> None:
    looks = len(audited(recorded, "playback"))
    answer = recorded.ask("supervisor", "GET", path_of(recorded, "fragments", 1000, 1010))
    assert (answer.status_code, answer.content) == (200, b"")
    assert len(audited(recorded, "playback")) == looks


@pytest.mark.parametrize(("start", "end"), [(5, 5), (6, 5), (0, 2 * 86_400)])
def test_bad_spans_are_refused(recorded: World, start: int, end: int) -> None:
    answer = recorded.ask("operator", "GET", path_of(recorded, "fragments", start, end))
    assert answer.status_code == 422
    assert answer.json()["fields"][0]["field"] == "to_us"


def test_a_picture_of_a_moment(recorded: World) -> None:
    path = f"/api/cameras/{recorded.ids['n1']}/frame.jpg?at_us={START_US + 7 * SECOND + 500_000}&width_px=64"
    answer = recorded.ask("supervisor", "GET", path)
    assert answer.content[:3] == b"\xff\xd8\xff"
    assert 7.3 < (int(answer.headers["x-frame-us"]) - START_US) / SECOND <= 7.5
    assert audited(recorded, "playback:look")[-1]["detail"]["how"] == ["snapshot"]
    nothing = recorded.ask("supervisor", "GET", f"/api/cameras/{recorded.ids['n1']}/frame.jpg?at_us=5")
    assert nothing.json()["error"] == "no_footage"


def done(world: World, export_id: str) -> Callable[[], bool]:
    """Whether a job is over."""
    return lambda: (
        world.ask("supervisor", "GET", f"/api/exports/{export_id}").json()["state"]
        not in (
            "queued",
            "running",
        )
    )


def ordered(world: World, camera: str = "n1", start_s: float = 3, end_s: float = 9) -> dict[str, Any]:
    """A new export job."""
    body = {
        "camera_ids": [world.ids[camera]],
        "start_us": START_US + round(start_s * SECOND),
        "end_us": START_US + round(end_s * SECOND),
        "reason": "case 12",
    }
    answer = world.ask("supervisor", "POST", "/api/exports", json=body)
    assert answer.status_code == 201
    return dict(answer.json())


def test_an_export_is_made_fetched_and_proves_itself(recorded: World, tmp_path: Path) -> None:
    job = ordered(recorded)
    wait_for(done(recorded, job["id"]), "export")
    job = recorded.ask("supervisor", "GET", f"/api/exports/{job['id']}").json()
    assert (job["state"], job["error"], job["progress_pct"]) == ("done", "", 100.0)
    for file in job["files"]:
        answer = recorded.ask("supervisor", "GET", f"/api/exports/{job['id']}/files/{file['name']}")
        assert hashlib.sha256(answer.content).hexdigest() == file["sha256"]
        (tmp_path / file["name"]).write_bytes(answer.content)
    video = job["files"][0]["name"]
    part = recorded.ask("supervisor", "GET", f"/api/exports/{job['id']}/files/{video}", headers={"Range": "bytes=4-7"})
    assert (part.status_code, part.content) == (206, b"ftyp")
    manifest = json.loads((tmp_path / "manifest.json").read_bytes())
    assert (manifest["why"], manifest["who"]["name"]) == ("case 12", "The supervisor")
    assert manifest["cameras"][0]["code"] == "n1"
    fetched = [entry["detail"]["name"] for entry in audited(recorded, "export:download")]
    assert sorted(fetched) == sorted(file["name"] for file in job["files"])


def test_files_of_an_export_are_only_its_own(recorded: World) -> None:
    job = ordered(recorded)
    wait_for(done(recorded, job["id"]), "export")
    for name in ("secret.key", "..%2f..%2fsecret.key", "manifest.json.part"):
        assert recorded.ask("supervisor", "GET", f"/api/exports/{job['id']}/files/{name}").status_code == 404
    assert recorded.ask("operator", "GET", f"/api/exports/{job['id']}/files/manifest.json").status_code == 403


def test_an_export_without_footage_fails_and_says_so(recorded: World) -> None:
    job = ordered(recorded, "n2")
    wait_for(done(recorded, job["id"]), "export")
    job = recorded.ask("supervisor", "GET", f"/api/exports/{job['id']}").json()
    assert job["state"] == "failed"
    assert "nothing was recorded" in job["error"]


def test_an_export_that_ran_when_the_program_ended_is_made_at_the_next_start(tmp_path: Path) -> None:
    rig = Rig(tmp_path / "rig").start()
    archive = Archive([rig.index_path])
    with running(tmp_path / "control", archive=archive) as world:
        feed = Feed(world.ids["n1"])
        rig.begin(feed)
        rig.send(feed, 5)
        rig.written()
        world.app.state.exporting.stop()  # as when the program ends: the job is let go and stays as it was
        job = ordered(world, start_s=0, end_s=4)
        wait_for(
            lambda: world.ask("supervisor", "GET", f"/api/exports/{job['id']}").json()["state"] == "running", "taken"
        )
    with running(tmp_path / "control", again=True, archive=archive) as world:
        wait_for(done(world, job["id"]), "made")
        assert world.ask("supervisor", "GET", f"/api/exports/{job['id']}").json()["state"] == "done"
    rig.writer.stop()
