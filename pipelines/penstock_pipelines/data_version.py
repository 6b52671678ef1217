"""The version of data: a hash of their content, so that equal data have equal versions whenever and wherever they lie."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

LENGTH = 16


def of_files(files: Mapping[str, Path]) -> str:
    """Version of files by the names they are known under; a changed byte or name changes it."""
    digest = hashlib.sha256()
    for name in sorted(files):
        digest.update(f"{name}\0{digest_of(files[name])}\n".encode())
    return digest.hexdigest()[:LENGTH]


def digest_of(file: Path) -> str:
    """SHA-256 of a file's bytes, hexadecimal."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
