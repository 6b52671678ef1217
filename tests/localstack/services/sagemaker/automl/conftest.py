"""The client of the services that run Autopilot jobs."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.fixture(scope="module")
def sagemaker(serving: Any) -> Any:
    return serving.client()
