"""An API destination that names the receiver's former address reaches today's."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from penstock_gateway.events import receivers


@pytest.mark.parametrize(
    ("url", "today"),
    [
        ("http://127.0.0.1:7001/repos/a/b/dispatches?x=1", "http://127.0.0.1:9001/repos/a/b/dispatches?x=1"),
        ("http://localhost:7002/x", "http://localhost:9001/x"),
        ("http://127.0.0.1:9001/x", "http://127.0.0.1:9001/x"),
        ("http://127.0.0.1:8000/x", "http://127.0.0.1:8000/x"),
        ("https://api.github.com:7001/x", "https://api.github.com:7001/x"),
        ("https://api.github.com/x", "https://api.github.com/x"),
    ],
)
def test_former_addresses(tmp_path: Path, url: str, today: str) -> None:
    file = tmp_path / "ports.json"
    file.write_text(json.dumps({"gateway": 1, "services": 2, "receiver": 9001, "former_receivers": [7001, 7002]}))
    assert receivers.today(url, file) == today
    assert receivers.today(url, tmp_path / "none.json") == url
