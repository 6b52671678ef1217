"""The journal of a deployment under way: each change of the snapshot is one line, written before anything follows it.

A checkpoint of n resources written after every step would cost n squared; the journal costs the step. It lies beside the
checkpoint as `<stack>.journal`, begins with the time of the checkpoint it continues, and goes away when the next
checkpoint is written. A journal whose time is not the checkpoint's was overtaken by it and is dropped. A line cut off by
a crash is dropped with what it said: the step it would have recorded is then pending, and is resolved at the next run.
"""

from __future__ import annotations

import contextlib
import json
import os
import threading
import time
from pathlib import Path
from typing import Any

from penstock_deploy.errors import DeploymentError
from penstock_deploy.state import resource as resources
from penstock_deploy.state.disk import writing
from penstock_deploy.state.secrets import PassphraseSecrets
from penstock_deploy.state.snapshot import PendingOperation, Snapshot

_SYNC_SECONDS = 0.05


def apply(snapshot: Snapshot, change: dict[str, Any], secrets: PassphraseSecrets) -> None:
    """Apply one recorded change to a snapshot that is as it was when the change was recorded."""
    match change:
        case {"begin": number, "type": kind, "resource": content}:
            snapshot.pending.append(PendingOperation(kind, resources.from_json(content, secrets), number))
        case {"end": number}:
            snapshot.pending = [operation for operation in snapshot.pending if operation.number != number]
        case {"supersede": index}:
            snapshot.superseded.add(index)
        case {"restate": index, "resource": content}:
            snapshot.base[index] = resources.from_json(content, secrets)
        case {"add": content}:
            snapshot.new.append(resources.from_json(content, secrets))
        case {"amend": index, "resource": content}:
            snapshot.new[index] = resources.from_json(content, secrets)
        case _:
            raise ValueError(f"unknown change in the journal: {sorted(change)}")


def replay(path: Path, base_time: str, snapshot: Snapshot, secrets: PassphraseSecrets) -> bool:
    """Apply the journal at `path`, if it continues the checkpoint of `base_time`; whether there was something in it."""
    try:
        lines = path.read_bytes().split(b"\n")
    except FileNotFoundError:
        return False
    if lines and lines[-1] != b"":
        lines = lines[:-1]
    lines = [line for line in lines if line]
    if not lines or _read(path, 1, lines[0]).get("base") != base_time:
        return False
    for number, line in enumerate(lines[1:], 2):
        for change in _read(path, number, line):
            try:
                apply(snapshot, change, secrets)
            except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
                raise _damaged(path, number, error) from error
    return len(lines) > 1


def _read(path: Path, number: int, line: bytes) -> Any:
    try:
        return json.loads(line)
    except ValueError as error:
        raise _damaged(path, number, error) from error


def _damaged(path: Path, number: int, error: Exception) -> DeploymentError:
    return DeploymentError(
        f"the journal {path} is damaged in line {number} ({type(error).__name__}: {error})",
        "It holds what a deployment did that was cut off. Take the lines from there on out of it, or move it away, then "
        "refresh the stack.",
    )


class Journal:
    """Appends changes; synced to the disk within a twentieth of a second, and at close."""

    def __init__(self, path: Path, base_time: str, salt: str) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._dirty = threading.Event()
        self._closed = False
        self._length = 0
        self._failure: OSError | None = None
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND
        with writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(path, flags, 0o600)
            try:
                self._write(json.dumps({"base": base_time, "salt": salt}).encode() + b"\n")
                os.fsync(self._file)
            except OSError:
                os.close(self._file)
                raise
        self._syncer = threading.Thread(target=self._sync, name="journal", daemon=True)
        self._syncer.start()

    def append(self, changes: list[dict[str, Any]]) -> None:
        """Write changes that hold together as one line; a DeploymentError when the disk does not take them."""
        line = json.dumps(changes, separators=(",", ":")).encode() + b"\n"
        with self._lock, writing(self._path):
            if self._closed:
                return  # a deployment that no longer waited for this step: the checkpoint has it as pending
            if self._failure is not None:
                raise self._failure
            self._write(line)
        self._dirty.set()

    def _write(self, data: bytes) -> None:
        """Write all of it or nothing: half a line would spoil the next one."""
        view = memoryview(data)
        try:
            while view:
                view = view[os.write(self._file, view) :]
        except OSError:
            with contextlib.suppress(OSError):
                os.ftruncate(self._file, self._length)
            raise
        self._length += len(data)

    def _sync(self) -> None:
        sync = getattr(os, "fdatasync", os.fsync)
        while not self._closed:
            self._dirty.wait()
            self._dirty.clear()
            try:
                sync(self._file)
            except OSError as error:
                self._failure = error
                return
            if not self._closed:
                time.sleep(_SYNC_SECONDS)

    def close(self, *, remove: bool) -> None:
        """Stop; remove the file once a checkpoint holds what it said."""
        if not self._closed:
            self._closed = True
            self._dirty.set()
            self._syncer.join()
            os.close(self._file)
        if remove:
            self._path.unlink(missing_ok=True)
