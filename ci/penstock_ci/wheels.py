"""Wheels of the kit itself: built from a checkout, or packed again from what is installed."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
import subprocess
import sys
import zipfile
from importlib.metadata import Distribution, distribution
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit
from urllib.request import url2pathname

from penstock_ci.errors import Failure

_TIMESTAMP = (2020, 2, 2, 0, 0, 0)
_OF_THE_INSTALLATION = {"INSTALLER", "REQUESTED", "RECORD", "direct_url.json", "uv_cache.json"}


_OUTSIDE = {"..", "bin"}
"""Where installers put programs: made anew from the entry points, so no part of a wheel."""


def kit_wheel(folder: Path) -> Path:
    """Put the wheel of the running `penstock` into a folder. Equal contents give equal bytes.

    Raises:
        Failure: the checkout does not build.
    """
    installed = distribution("penstock")
    checkout = _checkout(installed)
    return _build(checkout, folder) if checkout else _pack(installed, folder)


def _checkout(installed: Distribution) -> Path | None:
    """The checkout of an editable installation; None for an ordinary one."""
    text = installed.read_text("direct_url.json")
    if not text:
        return None
    origin = json.loads(text)
    if not origin.get("dir_info", {}).get("editable"):
        return None
    return Path(url2pathname(urlsplit(origin["url"]).path))


def _build(checkout: Path, folder: Path) -> Path:
    before = set(folder.glob("*.whl"))
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)],
        cwd=checkout,
        capture_output=True,
        text=True,
        check=False,
    )
    made = set(folder.glob("penstock-*.whl")) - before
    if done.returncode != 0 or not made:
        raise Failure(
            f"the wheel of Penstock could not be built from {checkout}", "make setup", detail=done.stderr[-2000:]
        )
    return made.pop()


def _pack(installed: Distribution, folder: Path) -> Path:
    """A wheel is a zip of the installed files and their record."""
    information = f"penstock-{installed.version}.dist-info"
    target = folder / f"penstock-{installed.version}-py3-none-any.whl"
    rows: list[tuple[str, str, str]] = []
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(installed.files or [], key=str):
            name = PurePosixPath(path)
            if name.suffix == ".pyc" or name.parts[0] in _OUTSIDE or name.is_absolute():
                continue
            if name.parts[0] == information and name.name in _OF_THE_INSTALLATION:
                continue
            content = Path(str(installed.locate_file(path))).read_bytes()
            _add(archive, str(name), content)
            digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
            rows.append((str(name), f"sha256={digest}", str(len(content))))
        record = io.StringIO()
        csv.writer(record, lineterminator="\n").writerows([*rows, (f"{information}/RECORD", "", "")])
        _add(archive, f"{information}/RECORD", record.getvalue().encode())
    return target


def _add(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    entry = zipfile.ZipInfo(name, _TIMESTAMP)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o644 << 16
    archive.writestr(entry, content)
