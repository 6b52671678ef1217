"""The local cloud's backend: a folder and a passphrase."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from penstock_ci.bootstrap.pieces import Piece

if TYPE_CHECKING:
    from penstock_ci.target import Target


def file_backend(target: Target, *, check: bool) -> list[Piece]:
    """The folder of Pulumi's file backend and the file with its passphrase."""
    folder = Path(urlsplit(target.environment["PULUMI_BACKEND_URL"]).path)
    passphrase = Path(target.environment["PULUMI_CONFIG_PASSPHRASE_FILE"])
    pieces: list[Piece] = []
    if folder.is_dir():
        pieces.append(Piece("state backend", f"file://{folder}", "there"))
    else:
        if not check:
            folder.mkdir(parents=True)
        pieces.append(Piece("state backend", f"file://{folder}", "missing" if check else "created"))
    if passphrase.is_file() and passphrase.read_text().strip():
        pieces.append(Piece("secrets passphrase", str(passphrase), "there"))
    else:
        if not check:
            passphrase.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(passphrase, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "w") as file:
                file.write(secrets.token_urlsafe(32))
        pieces.append(Piece("secrets passphrase", str(passphrase), "missing" if check else "created"))
    return pieces
