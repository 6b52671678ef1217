"""Fixtures of the tests of what the gateway keeps."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from kept_gateway import Gateway


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Gateway]:
    """A gateway that was started; whoever kills it starts it again."""
    made = Gateway(tmp_path / "state")
    made.start()
    yield made
    made.stop()
