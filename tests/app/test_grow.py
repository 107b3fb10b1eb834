"""Recorders are added while running, when cameras have become too many for those that run."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy.exc import OperationalError

from manara.app.supervisor import Role, Supervisor
from manara.app.up import grow
from tests.support.patience import LONG_S


class Watched(Supervisor):
    """Notes what it is asked to keep alive, and starts nothing."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.asked: list[Role] = []

    def start(self, role: Role) -> None:
        self.asked.append(role)


def test_more_cameras_start_another_recorder_and_tell_all_how_many_they_are(tmp_path: Path) -> None:
    answers: Iterator[int | Exception] = iter([1, 1, OperationalError("busy", None, Exception("locked")), 3, 2, 3])
    supervisor = Watched(tmp_path)
    done = asyncio.Event()

    async def play() -> None:
        loop = asyncio.get_running_loop()

        def count() -> int:
            answer = next(answers, None)
            if answer is None:
                loop.call_soon_threadsafe(done.set)
                return 3
            if isinstance(answer, Exception):
                raise answer
            return answer

        growing = asyncio.create_task(grow(supervisor, count, ["--data", "d"], every_s=0.0, apart_s=0.0))
        async with asyncio.timeout(LONG_S):
            await done.wait()
        growing.cancel()

    asyncio.run(play())
    assert [role.name for role in supervisor.asked] == ["recorder-1", "recorder-2", "recorder-3"]
    assert {tuple(role.command[-2:]) for role in supervisor.asked} == {("--of", "3")}


def test_the_recorders_that_an_import_made_necessary_come_one_by_one(tmp_path: Path) -> None:
    answers = iter([1, 3])
    supervisor = Watched(tmp_path)

    async def play() -> None:
        growing = asyncio.create_task(grow(supervisor, lambda: next(answers), [], every_s=0.0, apart_s=3600.0))
        async with asyncio.timeout(LONG_S):
            while len(supervisor.asked) < 2:
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)
        growing.cancel()

    asyncio.run(play())
    assert [role.name for role in supervisor.asked] == ["recorder-1", "recorder-2"]  # the third waits for its turn


def test_the_command_of_a_kept_role_changes_at_its_next_start(tmp_path: Path) -> None:
    async def play() -> None:
        supervisor = Supervisor(tmp_path)
        marks = [tmp_path / "first", tmp_path / "second"]
        supervisor.start(Role("one", ["sh", "-c", f"touch {marks[0]}; sleep 0.2"]))
        async with asyncio.timeout(LONG_S):
            while not marks[0].exists():
                await asyncio.sleep(0.01)
            supervisor.start(Role("one", ["sh", "-c", f"touch {marks[1]}; sleep 30"]))
            while not marks[1].exists():
                await asyncio.sleep(0.01)
        await supervisor.stop()

    asyncio.run(play())
