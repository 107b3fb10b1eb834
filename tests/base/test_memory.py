"""How many heaps a role's threads have, and that what is free goes back."""

import asyncio
import subprocess
import sys

import pytest

from manara.base import memory

_COUNT = """
import ctypes, sys, threading
from manara.base import memory
libc = ctypes.CDLL(None)
libc.fdopen.restype = ctypes.c_void_p
if sys.argv[1] == "few":
    memory.few_heaps()
meet = threading.Barrier(7)
def use():
    kept = [bytes(2000) for _ in range(1000)]
    meet.wait(30)
    del kept
threads = [threading.Thread(target=use) for _ in range(6)]
for one in threads: one.start()
meet.wait(30)
out = ctypes.c_void_p(libc.fdopen(1, b"w"))
libc.malloc_info(0, out)
libc.fflush(out)
"""


@pytest.mark.skipif(memory._libc() is None, reason="not glibc")
def test_threads_share_two_heaps() -> None:
    def heaps(how: str) -> int:
        done = subprocess.run(
            [sys.executable, "-c", _COUNT, how], capture_output=True, text=True, check=True, timeout=60
        )
        return done.stdout.count("<heap nr=")

    assert heaps("as it is") > memory.HEAPS
    assert heaps("few") == memory.HEAPS


def test_what_is_free_is_given_back_where_the_system_can(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "GIVE_BACK_S", 0.0)
    asyncio.run(memory.give_back())
    monkeypatch.setattr(memory, "_libc", lambda: None)
    memory.few_heaps()
    asyncio.run(memory.give_back())
