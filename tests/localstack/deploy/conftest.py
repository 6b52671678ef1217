"""Fixtures of the engine's and the provider's tests."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from folder_stack import Stack, make_stack


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    """An empty stack on a cloud that is a folder."""
    return make_stack(tmp_path)


@pytest.fixture(scope="session")
def cloud_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The environment of a local cloud that lives as long as the session."""
    from tests.local_cloud import running

    from penstock_cloud import cloud

    state = tmp_path_factory.mktemp("cloud")
    with running(state) as info:
        yield {**cloud.environment(info), "PATH": os.environ["PATH"], "HOME": str(state)}
