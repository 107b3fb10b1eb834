"""What survives: references, pictures, and what is put aside."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from manara.vision.store import MOST_NOW, VisionStore, pack, unpack
from tests.vision.drawn import Camera


@pytest.fixture(scope="module")
def healthy() -> Camera:
    camera = Camera()
    camera.looks(20)
    return camera


def test_memory_comes_back(tmp_path: Path, healthy: Camera) -> None:
    store = VisionStore(tmp_path)
    store.save("c1", pack(healthy.judge))
    back = store.load("c1", recent_from_us=0)
    assert back is not None
    assert back.recent is not None
    [view], [before] = back.references.views, healthy.judge.references.views
    assert np.abs(view.edges - before.edges).max() < 0.01
    assert view.score == pytest.approx(before.score)
    assert store.load("c1", recent_from_us=healthy.at_us + 1).recent is None  # type: ignore[union-attr]
    twin = Camera(judge=back, at_us=healthy.at_us)
    for _ in range(5):
        assert twin.look().verdict.findings == []
    assert len(pack(healthy.judge)) < 200_000
    assert len(store.views("c1")) == 1


def test_a_camera_that_was_turned_while_nobody_looked_is_found(tmp_path: Path, healthy: Camera) -> None:
    back = unpack("c1", pack(healthy.judge), recent_from_us=healthy.at_us + 1)
    twin = Camera(judge=back, at_us=healthy.at_us + 3_600_000_000)
    for _ in range(6):
        judged = twin.look(twin.seen(right=160), step_s=2.5)
    assert [found.kind for found in judged.verdict.findings] == ["image_moved"]


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=200))
def test_garbage_is_put_aside(garbage: bytes) -> None:
    with pytest.raises(ValueError):
        unpack("c1", garbage, recent_from_us=0)


def test_a_state_that_cannot_be_read_stops_nothing(tmp_path: Path) -> None:
    store = VisionStore(tmp_path)
    store.save("c1", b"nonsense")
    assert store.views("c1") == []
    assert store.load("c1", recent_from_us=0) is None
    assert store.bad_states == 1
    assert (tmp_path / "c1" / "state.bad").exists()
    assert store.load("c1", recent_from_us=0) is None
    assert store.bad_states == 1


def test_pictures_are_few_and_names_lead_nowhere_else(tmp_path: Path) -> None:
    store = VisionStore(tmp_path)
    for number in range(MOST_NOW + 10):
        store.keep_picture("c1", "now", number, b"jpeg", {"ref-1.jpg"})
    store.keep_picture("c1", "ref", 1, b"one", {"ref-1.jpg"})
    store.keep_picture("c1", "ref", 2, b"two", {"ref-1.jpg"})
    store.keep_picture("c1", "ref", 3, b"three", {"ref-1.jpg"})
    names = store.names("c1")
    assert sum(name.startswith("now-") for name in names) == MOST_NOW
    assert [name for name in names if name.startswith("ref-")] == ["ref-1.jpg", "ref-3.jpg"]
    assert store.picture("c1", "ref-1.jpg") == b"one"
    for name in ("../c1/ref-1.jpg", "state.bin", "ref-9.jpg", "ref-1.jpg\0", ""):
        assert store.picture("c1", name) is None
    assert store.picture("../c1", "ref-1.jpg") is None if _safe(store) else True
    store.forget("c1")
    assert store.names("c1") == []


def _safe(store: VisionStore) -> bool:
    return store.names("../c1") == []
