"""What every child of the supervisor is given."""

import asyncio
import sys
from pathlib import Path

import pytest

from manara.app.supervisor import Role, Supervisor

TELL = (
    "import os, sys; print(os.environ['MALLOC_ARENA_MAX'], flush=True); sys.stdin.read(); import time; time.sleep(60)"
)


@pytest.mark.parametrize(("given", "told"), [(None, "2"), ("8", "8")])
def test_children_keep_little_freed_memory_unless_somebody_says_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str | None, told: str
) -> None:
    monkeypatch.delenv("MALLOC_ARENA_MAX", raising=False)
    if given is not None:
        monkeypatch.setenv("MALLOC_ARENA_MAX", given)
    output = tmp_path / "output"

    async def play() -> None:
        supervisor = Supervisor(tmp_path)
        supervisor.start(Role("child", [sys.executable, "-c", TELL], output=output))
        async with asyncio.timeout(20):
            while True:
                if output.exists() and output.read_text():
                    break
                await asyncio.sleep(0.02)
        await supervisor.stop()

    asyncio.run(play())
    assert output.read_text().split()[0] == told
