"""Assets and archives among property values: files that a program hands to resources, such as a Lambda function's code.

In the protocol and in the state they are dicts marked by a signature, with a `hash` of what is in them: SHA-256 of the
bytes, or, for an archive that is not one file, of the tar file that Pulumi would make of its members. Two of one hash are
equal, wherever they come from. Paths are those of the program: relative to the folder that it runs in.
"""

from __future__ import annotations

import hashlib
import io
import posixpath
import tarfile
import urllib.parse
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from penstock_deploy.errors import DeploymentError, UnsupportedError
from penstock_deploy.values import ARCHIVE_SIGNATURE, ASSET_SIGNATURE, SIGNATURE, Secret

Member = tuple[str, bytes]
_TAR_ENDINGS = (".tar", ".tgz", ".tar.gz")
_ZIP_ENDINGS = (".zip", ".jar")
_SKIPPED = ".pulumi"
_BLOCK = 512
_LONGEST_NAME = 100
_LONGEST_PREFIX = 155
_LARGEST_PLAIN = 8**11
_ZIP_DATE = (1990, 1, 1, 0, 0, 0)
_SHORT_HASH = 7


def is_asset(value: Any) -> bool:
    """Whether the value is an asset: one file or text."""
    return isinstance(value, dict) and value.get(SIGNATURE) == ASSET_SIGNATURE


def is_archive(value: Any) -> bool:
    """Whether the value is an archive: a folder, a packed file or named assets."""
    return isinstance(value, dict) and value.get(SIGNATURE) == ARCHIVE_SIGNATURE


def hashed(value: Any, folder: Path) -> Any:
    """The value with a hash in every asset and archive. `folder` is where the program runs.

    Raises:
        DeploymentError: a file is not there, or is no archive. UnsupportedError: one lies on another machine.
    """
    if isinstance(value, Secret):
        return Secret(hashed(value.value, folder))
    if is_asset(value):
        return {**value, "hash": hashlib.sha256(content(value, folder)).hexdigest()}
    if is_archive(value):
        known = {**value, "assets": hashed(value["assets"], folder)} if "assets" in value else value
        return {**known, "hash": _archive_hash(known, folder)}
    if isinstance(value, dict):
        return {key: hashed(item, folder) for key, item in value.items()}
    if isinstance(value, list):
        return [hashed(item, folder) for item in value]
    return value


def digests(value: Any) -> Any:
    """The value with assets and archives reduced to what they are compared by."""
    if is_asset(value) or is_archive(value):
        return label(value) if not value.get("hash") else f"{value[SIGNATURE]}:{value['hash']}"
    if isinstance(value, dict):
        return {key: digests(item) for key, item in value.items()}
    if isinstance(value, list):
        return [digests(item) for item in value]
    return value


def label(value: dict[str, Any]) -> str:
    """How an asset or archive is shown: `archive(file:./code 5f70bf1)`."""
    kind = "asset" if is_asset(value) else "archive"
    where = "text" if kind == "asset" else "assets"
    where = next((f"{name}:{value[key]}" for key, name in (("path", "file"), ("uri", "uri")) if value.get(key)), where)
    return f"{kind}({where} {str(value.get('hash') or '')[:_SHORT_HASH]})".replace(" )", ")")


def content(asset: dict[str, Any], folder: Path) -> bytes:
    """The bytes of an asset."""
    where = _place(asset, folder, "the asset")
    return str(asset.get("text") or "").encode() if where is None else _read(where, "the asset")


def members(archive: dict[str, Any], folder: Path) -> Iterator[Member]:
    """The files of an archive, by name and content; a name that comes twice is told once."""
    seen = set()
    for name, data in _members(archive, folder):
        if name not in seen:
            seen.add(name)
            yield name, data


def zipped(archive: dict[str, Any], folder: Path) -> bytes:
    """The archive as a ZIP file: itself where it is one, else made of its members; equal members give equal bytes."""
    where = _place(archive, folder, "the archive")
    if where is not None and where.name.endswith(_ZIP_ENDINGS):
        return _read(where, "the archive")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in members(archive, folder):
            entry = zipfile.ZipInfo(name, _ZIP_DATE)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            file.writestr(entry, data)
    return packed.getvalue()


def _place(value: dict[str, Any], folder: Path, what: str) -> Path | None:
    """Where an asset or archive lies; None for one that is given in the program."""
    if value.get("path"):
        return folder / str(value["path"])
    if value.get("uri"):
        parts = urllib.parse.urlsplit(str(value["uri"]))
        if parts.scheme != "file":
            raise UnsupportedError(
                f"{what} at {value['uri']}", "Fetch it, and name the file: the local cloud is offline."
            )
        return Path(urllib.parse.unquote(parts.path))
    return None


def _read(where: Path, what: str) -> bytes:
    try:
        return where.read_bytes()
    except OSError as error:
        raise DeploymentError(f"{what} {where} cannot be read: {error.strerror or error}") from error


def _members(archive: dict[str, Any], folder: Path) -> Iterator[Member]:
    where = _place(archive, folder, "the archive")
    if where is None:
        for name, item in sorted((archive.get("assets") or {}).items()):
            if is_asset(item):
                yield name, content(item, folder)
            else:
                for inner, data in _members(item, folder):
                    yield posixpath.normpath(posixpath.join(name, inner)), data
    elif where.name.endswith(_TAR_ENDINGS + _ZIP_ENDINGS):
        yield from _unpacked(where)
    elif where.is_dir():
        for path in _files(where):
            yield path.relative_to(where).as_posix(), _read(path, "the file")
    else:
        problem = (
            "is neither a folder nor a .zip, .jar, .tar, .tgz or .tar.gz file" if where.exists() else "is not there"
        )
        raise DeploymentError(f"the archive {where} {problem}")


def _unpacked(where: Path) -> Iterator[Member]:
    """The files in a packed file."""
    packed = io.BytesIO(_read(where, "the archive"))
    try:
        if where.name.endswith(_ZIP_ENDINGS):
            with zipfile.ZipFile(packed) as archive:
                for entry in archive.infolist():
                    if not entry.is_dir():
                        yield posixpath.normpath(entry.filename), archive.read(entry)
            return
        with tarfile.open(fileobj=packed) as tar:
            for each in tar:
                if each.isfile() and (opened := tar.extractfile(each)) is not None:
                    yield posixpath.normpath(each.name), opened.read()
    except (zipfile.BadZipFile, tarfile.TarError) as error:
        raise DeploymentError(f"the archive {where} is damaged: {error}") from error


def _files(folder: Path) -> Iterator[Path]:
    """The files of a folder and its folders in the order of their names; what a link to a file names counts as a file."""
    for path in sorted(folder.iterdir(), key=lambda each: each.name.encode()):
        if path.name == _SKIPPED:
            continue
        if not path.is_dir():
            yield path
        elif not path.is_symlink():
            yield from _files(path)


def _archive_hash(archive: dict[str, Any], folder: Path) -> str:
    where = _place(archive, folder, "the archive")
    if where is not None and where.name.endswith(_TAR_ENDINGS + _ZIP_ENDINGS):
        return hashlib.sha256(_read(where, "the archive")).hexdigest()
    digest = hashlib.sha256()
    for name, data in members(archive, folder):
        digest.update(_tar_header(name, len(data)))
        digest.update(data + bytes(-len(data) % _BLOCK))
    digest.update(bytes(2 * _BLOCK))
    return digest.hexdigest()


def _tar_header(name: str, size: int) -> bytes:
    """The header of a file in a tar file: mode 600, no times.

    Byte for byte what Pulumi's engine hashes for a name that fits USTAR. For other names (very long, not ASCII) its
    writer differs, and an engine that takes the stack over sees the archive as changed, once.
    """
    plain = _split(name)
    if plain is None or size >= _LARGEST_PLAIN:
        entry = tarfile.TarInfo(name)
        entry.size, entry.mode = size, 0o600
        return entry.tobuf(tarfile.PAX_FORMAT)
    prefix, suffix = plain
    before = suffix.encode().ljust(100, b"\0") + b"0000600\0" + 2 * b"0000000\0" + b"%011o\0" % size + b"00000000000\0"
    after = b"0" + bytes(100) + b"ustar\00000" + bytes(64) + 2 * b"0000000\0" + prefix.encode().ljust(167, b"\0")
    return before + b"%06o\0 " % sum(before + b" " * 8 + after) + after


def _split(name: str) -> tuple[str, str] | None:
    """A name as USTAR holds it, in two parts where it is long; None when it cannot."""
    if not name.isascii():
        return None
    if len(name) <= _LONGEST_NAME:
        return "", name
    cut = name[: _LONGEST_PREFIX + 1].rfind("/")
    if cut <= 0 or not 0 < len(name) - cut - 1 <= _LONGEST_NAME:
        return None
    return name[:cut], name[cut + 1 :]
