"""Worlds for the web's tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.web.world import World, running


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A control process without facts, shared by the tests of a file."""
    with running(tmp_path_factory.mktemp("web")) as world:
        yield world


@pytest.fixture
def wired(tmp_path: Path) -> Iterator[World]:
    """A control process in which facts flow, fresh for each test."""
    with running(tmp_path, wired=True) as world:
        yield world
