"""What holds for all tests: long files begin first, and the examples that Hypothesis looks at are always the same."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("suite", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("suite")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A file stays on one worker: no worker may be left alone with a long one when the others have nothing more to do."""
    lengths: dict[str, int] = {}
    for item in items:
        length = 2 if item.get_closest_marker("e2e") else 1 if item.get_closest_marker("slow") else 0
        file = item.nodeid.partition("::")[0]
        lengths[file] = max(length, lengths.get(file, 0))
    items.sort(key=lambda item: -lengths[item.nodeid.partition("::")[0]])
