"""A background job that fails or ends begins again."""

import asyncio

import pytest

from manara.base import forever as module


def test_what_fails_or_ends_begins_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "AGAIN_S", 0.0)
    times: list[int] = []
    enough = asyncio.Event()

    async def work() -> None:
        times.append(1)
        if len(times) == 1:
            raise KeyError("a fault of ours")
        if len(times) == 3:
            enough.set()

    async def check() -> None:
        task = asyncio.create_task(module.forever("work", work))
        async with asyncio.timeout(5):
            await enough.wait()
        task.cancel()

    asyncio.run(check())
    assert len(times) >= 3
