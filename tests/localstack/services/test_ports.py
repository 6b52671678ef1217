"""Ports that are given to processes that do not listen yet."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from penstock_cloud import processes
from penstock_services import ports

COUNT = 300
"""So many of the system's own choices would hardly ever differ: it chooses among some 14,000."""
OTHER = f"from penstock_services import ports; print(*[ports.free_port() for _ in range({COUNT})], flush=True); input()"


@pytest.fixture(autouse=True)
def _claims_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """What these tests claim, others may have again."""
    for module in (ports, processes):
        claims: list[object] = []
        monkeypatch.setattr(module, "_claims", claims)


def test_nobody_gets_a_port_that_another_was_given_a_moment_ago() -> None:
    with subprocess.Popen([sys.executable, "-c", OTHER], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout
        found = [int(word) for word in other.stdout.readline().split()]
        found += [ports.free_port() for _ in range(COUNT)] + [processes.free_port() for _ in range(COUNT)]
        other.kill()
    assert len(set(found)) == 3 * COUNT


@pytest.mark.parametrize("module", [ports, processes])
def test_a_claim_ends(module: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CLAIM_SECONDS", 0.0)
    for _ in range(3):
        module.free_port()  # type: ignore[attr-defined]
        time.sleep(0.01)
    assert len(module._claims) == 1  # type: ignore[attr-defined]
