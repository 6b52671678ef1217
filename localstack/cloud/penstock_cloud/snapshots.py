"""Snapshots: a whole local cloud in one file, and back.

A snapshot is a gzipped tar: `snapshot.json` (what it is, and which versions wrote it), then the state folder below
`state/`. It holds the folder's secrets (Pulumi's passphrase, the receiver's token), so its owner alone may read it.
"""

from __future__ import annotations

import contextlib
import datetime
import io
import json
import os
import re
import shutil
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from filelock import FileLock, Timeout
from pydantic import BaseModel, ValidationError

from penstock_cloud import cloud, compatibility, freezing
from penstock_cloud.errors import CloudError
from penstock_cloud.state import StateFolder, write_atomically

SUFFIX = ".tar.gz"
HEAD, BODY = "snapshot.json", "state"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")

LEFT_OUT = frozenset({"cloud.json", "frozen-by", "logs", "start-failure.json", "supervisor.lock"})
KEPT_OF_GATEWAY = frozenset({"schedules-fired.json", "state"})
LEFT_OUT_OF_JOBS = frozenset({"home", "ml"})
IMMUTABLE = frozenset({"s3", "images"})
"""Folders whose files are never written again: a second name is a copy."""

Progress = Callable[[str], None]


class Snapshot(BaseModel):
    """What a snapshot says of itself."""

    name: str
    created: datetime.datetime
    versions: dict[str, str]
    state_dir: Path
    size: int = 0
    file: Path = Path()


def default_folder() -> Path:
    """$PENSTOCK_SNAPSHOTS_DIR, else penstock-snapshots in the user's folder for state."""
    given = os.environ.get("PENSTOCK_SNAPSHOTS_DIR")
    if given:
        return Path(given).absolute()
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local/state") / "penstock-snapshots"


def file_of(name: str) -> Path:
    """The file of a snapshot: below the default folder for a bare name, else the path as it is given. Raises CloudError."""
    if "/" in name or name.endswith(SUFFIX):
        return Path(name).expanduser().absolute()
    if not _NAME.fullmatch(name):
        raise CloudError(
            f"'{name}' cannot be the name of a snapshot", "use letters, digits, '.', '_' and '-', or give a path"
        )
    return default_folder() / f"{name}{SUFFIX}"


def known() -> list[Snapshot]:
    """The snapshots in the default folder, the newest first; what is none is passed over."""
    found = []
    for file in default_folder().glob(f"*{SUFFIX}"):
        with contextlib.suppress(CloudError):
            found.append(head(file))
    return sorted(found, key=lambda snapshot: snapshot.created, reverse=True)


def head(file: Path) -> Snapshot:
    """What a file says of itself. Raises CloudError if it is no snapshot."""
    try:
        with tarfile.open(file) as archive:
            first = archive.next()
            stream = archive.extractfile(first) if first and first.name == HEAD else None
            if stream is None:
                raise CloudError(f"{file} is not a snapshot of a local cloud", "name one that penstock cloud save made")
            told = Snapshot.model_validate_json(stream.read())
    except (tarfile.TarError, EOFError, OSError, ValidationError) as error:
        raise CloudError(f"{file} is not a whole snapshot: {error}", "save it again: penstock cloud save") from error
    return told.model_copy(update={"file": file, "size": file.stat().st_size})


# Save


def save(state_dir: Path, name: str, *, replace: bool = False, tell: Progress | None = None) -> Snapshot:
    """Write the state of a local cloud, running or stopped, to a file; one that runs stands still for a moment.

    `name` is a bare name or a path; a file that is there is refused unless `replace`. Raises CloudError.
    """
    folder = StateFolder(state_dir.absolute())
    file = file_of(name)
    if not folder.made_with.exists():
        raise CloudError(f"there is no local cloud in {folder.path}", "start one: penstock cloud up")
    if file.exists() and not replace:
        raise CloudError(f"there is a snapshot {file} already", "take another name, or replace it: --yes")
    file.parent.mkdir(parents=True, exist_ok=True)
    sweep(folder)
    staging = Path(tempfile.mkdtemp(prefix=".saving-", dir=folder.path))
    try:
        with _still(folder):
            _copy(folder.path, staging)
        _mend_links(folder.path, staging)
        if tell:
            tell("writing the snapshot")
        snapshot = Snapshot(
            name=file.name.removesuffix(SUFFIX),
            created=datetime.datetime.now(datetime.UTC),
            versions=compatibility.read(folder) or {},
            state_dir=folder.path,
        )
        _write(file, snapshot, staging)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return head(file)


def sweep(folder: StateFolder) -> None:
    """Remove what a save that was killed left."""
    for left in folder.path.glob(".saving-*"):
        shutil.rmtree(left, ignore_errors=True)


@contextlib.contextmanager
def _still(folder: StateFolder) -> Iterator[None]:
    """Nothing writes to the folder."""
    running = cloud.info(folder.path)
    if running:
        with freezing.frozen(folder, running.pid):
            yield
        return
    with _alone(folder, "it is starting or stopping"):
        yield


@contextlib.contextmanager
def _alone(folder: StateFolder, why_not: str) -> Iterator[None]:
    """Hold the supervisor's lock, so that no local cloud starts here."""
    lock = FileLock(folder.lock)
    try:
        lock.acquire(timeout=2)
    except Timeout:
        raise CloudError(
            f"the local cloud of {folder.path} is in use: {why_not}", "wait a moment, and run it again"
        ) from None
    try:
        yield
    finally:
        lock.release()


def _copy(source: Path, target: Path) -> None:
    for entry in source.iterdir():
        if entry.name in LEFT_OUT or entry.name.startswith(".saving-"):
            continue
        copy_file = _link if entry.name in IMMUTABLE else shutil.copy2
        if entry.is_dir():
            shutil.copytree(
                entry, target / entry.name, symlinks=True, ignore=_ignored, copy_function=copy_file, dirs_exist_ok=True
            )
        elif entry.is_file():
            shutil.copy2(entry, target / entry.name)


def _ignored(directory: str, names: list[str]) -> set[str]:
    """Files of the moment: shared memory of databases, sockets, folders of running jobs, LocalStack's scratch."""
    folder = Path(directory)
    left = {name for name in names if name.endswith("-shm") or (folder / name).is_socket() or (folder / name).is_fifo()}
    if folder.name == "gateway":
        left |= set(names) - KEPT_OF_GATEWAY
    elif folder.parent.name == "jobs":
        left |= LEFT_OUT_OF_JOBS & set(names)
    return left


def _link(source: str, target: str) -> str:
    if source.endswith(".json"):
        return str(shutil.copy2(source, target))
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:  # a file system without hard links
        shutil.copy2(source, target)
    return target


def _mend_links(source: Path, staging: Path) -> None:
    """Links within the state become relative; those to places outside (environments in the cache) stay behind."""
    for parent, folders, files in os.walk(staging):
        for name in (*folders, *files):
            link = Path(parent, name)
            if not link.is_symlink() or not (target := link.readlink()).is_absolute():
                continue
            link.unlink()
            if target.is_relative_to(source):
                inside = staging / target.relative_to(source)
                link.symlink_to(os.path.relpath(inside, link.parent))


def _write(file: Path, snapshot: Snapshot, staging: Path) -> None:
    temporary = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with (
            os.fdopen(descriptor, "wb") as stream,
            tarfile.open(fileobj=stream, mode="w:gz", compresslevel=3) as archive,
        ):
            text = snapshot.model_dump_json(exclude={"file", "size"}).encode()
            entry = tarfile.TarInfo(HEAD)
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text))
            archive.add(staging, BODY)
        temporary.replace(file)
    finally:
        temporary.unlink(missing_ok=True)


# Load


def load(state_dir: Path, name: str, *, replace: bool = False) -> Snapshot:
    """Make a snapshot the state of a stopped local cloud: all of it, or nothing is changed.

    A state that is there is refused unless `replace`; then a cloud that runs is stopped first. Raises CloudError.
    """
    folder = StateFolder(state_dir.absolute())
    snapshot = _find(name)
    if told := compatibility.difference(snapshot.versions, compatibility.current()):
        raise CloudError(
            f"the snapshot '{snapshot.name}' was made by another version of Penstock: {told}",
            "load it with the version of Penstock that made it",
        )
    present = folder.path.exists() and any(folder.path.iterdir())
    if present and not (folder.made_with.exists() or folder.lock.exists()):
        raise CloudError(
            f"{folder.path} does not look like a local cloud's state folder", "name the folder with --state-dir"
        )
    if present and not replace:
        raise CloudError(
            f"there is a local cloud's state in {folder.path}",
            "replace it (it is gone then): --yes, or keep it first: penstock cloud save NAME",
        )
    cloud.down(folder.path)
    folder.path.mkdir(parents=True, exist_ok=True)
    try:
        with _alone(folder, "it was started meanwhile"):
            _exchange(folder, snapshot)
    except BaseException:
        if not present:
            shutil.rmtree(folder.path, ignore_errors=True)
        raise
    return snapshot


def _find(name: str) -> Snapshot:
    file = file_of(name)
    if not file.exists():
        names = ", ".join(snapshot.name for snapshot in known()) or "none"
        raise CloudError(f"there is no snapshot '{name}' ({file})", f"snapshots in {default_folder()}: {names}")
    return head(file)


def _exchange(folder: StateFolder, snapshot: Snapshot) -> None:
    path = folder.path
    loading = Path(tempfile.mkdtemp(prefix=f".{path.name}.loading-", dir=path.parent))
    replaced = path.with_name(f".{path.name}.replaced-{os.getpid()}")
    try:
        try:
            with tarfile.open(snapshot.file) as archive:
                archive.extractall(loading, filter="data")
        except (tarfile.TarError, EOFError, OSError) as error:
            raise CloudError(
                f"the snapshot {snapshot.file} cannot be read: {error}", "nothing was changed; take another snapshot"
            ) from error
        fresh = loading / BODY
        fresh.chmod(0o700)
        _settle(StateFolder(fresh), snapshot.state_dir, path)
        path.rename(replaced)
        try:
            fresh.rename(path)
        except OSError:
            replaced.rename(path)
            raise
    finally:
        shutil.rmtree(loading, ignore_errors=True)
        shutil.rmtree(replaced, ignore_errors=True)


def _settle(fresh: StateFolder, old: Path, new: Path) -> None:
    """Make what names the old place of the state name the new one."""
    fresh.lock.touch()
    for folder in (fresh.logs, fresh.images):
        folder.mkdir(exist_ok=True)
    was, is_now = (json.dumps(f"{place}/")[1:-1] for place in (old, new))
    for file in fresh.images.glob("*.json"):
        write_atomically(file, file.read_text().replace(was, is_now))
