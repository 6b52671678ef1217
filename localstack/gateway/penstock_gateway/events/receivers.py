"""Where the local GitHub receiver listens now, for destinations that name where it listened before.

The supervisor gives it the port of the last run where that is free, and writes into `ports.json` which ones it had.
"""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from penstock_gateway import settings

LOOPBACK = frozenset({"127.0.0.1", "localhost"})


def today(url: str, ports_file: Path | None = None) -> str:
    """The address to send to: the receiver's of today for one of its former ones, any other as it is."""
    parts = urlsplit(url)
    if parts.hostname not in LOOPBACK or parts.port is None:
        return url
    file = ports_file or settings.from_environment().state_dir / "ports.json"
    try:
        ports = json.loads(file.read_text())
    except (FileNotFoundError, ValueError):
        return url
    if parts.port not in ports.get("former_receivers", []) or not ports.get("receiver"):
        return url
    return urlunsplit(parts._replace(netloc=f"{parts.hostname}:{ports['receiver']}"))
