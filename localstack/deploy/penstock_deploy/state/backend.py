"""Pulumi's file backend: where the states of all stacks lie, and how one is read, kept and closed."""

from __future__ import annotations

import json
import re
import threading
import time
import urllib.parse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from penstock_deploy.errors import DeploymentError, UnsupportedError
from penstock_deploy.state import checkpoint
from penstock_deploy.state import journal as journals
from penstock_deploy.state import resource as resources
from penstock_deploy.state.disk import sync_folder, writing
from penstock_deploy.state.lock import StackLock
from penstock_deploy.state.order import in_order, rename
from penstock_deploy.state.resource import ResourceState
from penstock_deploy.state.secrets import PassphraseSecrets
from penstock_deploy.state.snapshot import PendingOperation, Snapshot
from penstock_deploy.urns import STACK_TYPE
from penstock_deploy.values import Properties

_PROTECTED = re.compile(rb'"protect":\s*true')
_SALT_FILE = "penstock-salt"


class Backend:
    """A folder of states, opened with one passphrase."""

    def __init__(self, url: str, passphrase: str) -> None:
        if not url:
            raise DeploymentError("PULUMI_BACKEND_URL is not set", "Set it to file:// and a folder.")
        parts = urllib.parse.urlsplit(url)
        if parts.scheme != "file":
            raise UnsupportedError(f"backend {url!r}", "The local engine keeps states in files: file://<folder>.")
        folder = Path(urllib.parse.unquote(parts.netloc + parts.path)).expanduser()
        self.root = folder / ".pulumi"
        self.passphrase = passphrase

    def stack(self, project: str, name: str) -> StackFiles:
        """The files of one stack."""
        return StackFiles(self, project, name)

    def prepare(self) -> None:
        """Make the folder, with the backend's own version file."""
        meta = self.root / "meta.yaml"
        with writing(meta):
            self.root.mkdir(parents=True, exist_ok=True)
            if not meta.exists():
                meta.write_text("version: 1\n", encoding="utf-8")

    def new_secrets(self) -> PassphraseSecrets:
        """Secrets for a new stack. New stacks of a backend share a salt, so that a deployment derives one key."""
        path = self.root / _SALT_FILE
        if path.exists():
            return PassphraseSecrets(self.passphrase, path.read_text(encoding="utf-8").strip())
        return PassphraseSecrets(self.passphrase)

    def keep_salt(self, secrets: PassphraseSecrets) -> None:
        """Remember the salt of a new stack for the next one."""
        path = self.root / _SALT_FILE
        with writing(path):
            if not path.exists():
                path.write_text(secrets.salt + "\n", encoding="utf-8")

    def stack_outputs(self, reference: str) -> Properties:
        """The outputs of the stack that a StackReference names: `<organization>/<project>/<stack>`."""
        parts = reference.split("/")
        if len(parts) != 3 or not all(parts):
            raise DeploymentError(
                f"{reference!r} does not name a stack", "Write organization/<project>/<stack> in the StackReference."
            )
        files = self.stack(parts[1], parts[2])
        if not files.exists():
            raise DeploymentError(
                f"the stack {reference} does not exist in {self.root.parent}", f"Bring {parts[1]} up first."
            )
        snapshot, _, _ = files.load()
        for state in snapshot.resources():
            if state.type == STACK_TYPE:
                return dict(state.outputs)
        return {}


class StackFiles:
    """Paths and reading of one stack's state."""

    def __init__(self, backend: Backend, project: str, name: str) -> None:
        self.backend = backend
        self.project = project
        self.name = name
        self.path = backend.root / "stacks" / project / f"{name}.json"
        self.journal_path = self.path.with_suffix(".journal")
        self.lock = StackLock(backend.root / "locks" / "organization" / project / name, f"{project}/{name}")

    def may_be_protected(self) -> bool:
        """Whether some resource of the state is protected, seen without opening it."""
        for path in (self.path, self.journal_path):
            try:
                if _PROTECTED.search(path.read_bytes()):
                    return True
            except OSError:
                continue
        return False

    def exists(self) -> bool:
        return self.path.exists() or self.journal_path.exists()

    def load(self, salt: str = "") -> tuple[Snapshot, PassphraseSecrets, str]:
        """The state as it stands: checkpoint and journal; the secrets that opened it; the checkpoint's time.

        `salt` is used for a stack that has no state yet. A state that is damaged or cannot be read is a DeploymentError.
        """
        try:
            return self._load(salt)
        except OSError as error:
            raise DeploymentError(f"the state file {self.path} cannot be read: {error.strerror or error}") from error
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise DeploymentError(
                f"the state file {self.path} is damaged ({type(error).__name__}: {error})",
                f"Put back an older one: {self.path.name}.bak beside it, or an export of the stack.",
            ) from error

    def _load(self, salt: str) -> tuple[Snapshot, PassphraseSecrets, str]:
        latest = checkpoint.read(self.path)
        time_of_base = checkpoint.time_of(latest)
        known = checkpoint.salt_of(latest or {}) or self._journal_salt() or salt
        secrets = PassphraseSecrets(self.backend.passphrase, known) if known else self.backend.new_secrets()
        snapshot = checkpoint.parse(latest or {}, secrets)
        if journals.replay(self.journal_path, time_of_base, snapshot, secrets):
            snapshot = snapshot.settled()
            time_of_base = "journal"
        return snapshot, secrets, time_of_base

    def _journal_salt(self) -> str:
        try:
            with self.journal_path.open("rb") as file:
                return str(json.loads(file.readline()).get("salt") or "")
        except (FileNotFoundError, ValueError):
            return ""

    def record_history(self, kind: str, ok: bool, counts: Mapping[str, int], started: float) -> None:
        """Note the deployment in the backend's history, as the CLI's `stack history` reads it."""
        folder = self.backend.root / "history" / self.project / self.name
        entry = {
            "kind": kind,
            "startTime": int(started),
            "message": "",
            "environment": {},
            "config": {},
            "result": "succeeded" if ok else "failed",
            "endTime": int(time.time()),
            "resourceChanges": dict(counts),
        }
        path = folder / f"{self.name}-{time.time_ns()}.history.json"
        with writing(path):
            folder.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(entry), encoding="utf-8")

    def remove(self) -> None:
        """Forget the stack: its state, journal and backup."""
        for path in (self.path, self.journal_path, self.path.with_name(self.path.name + ".bak")):
            path.unlink(missing_ok=True)


class StateKeeper:
    """The snapshot of a deployment under way, kept on the disk step by step. With `dry`, in memory only (previews)."""

    def __init__(self, files: StackFiles, salt: str = "", *, dry: bool) -> None:
        self.files = files
        self._lock = threading.RLock()
        self.snapshot, self.secrets, base_time = files.load(salt)
        self._index = {id(state): index for index, state in enumerate(self.snapshot.base)}
        self._journal: journals.Journal | None = None
        self._number = 0
        self._changed = base_time == "journal"
        self._dry = dry
        self._base_time = base_time
        self._renamed: dict[str, str] = {}

    def open(self) -> None:
        """Begin to record. The lock of the stack must be held."""
        if self._dry:
            return
        self.files.backend.prepare()
        self.files.backend.keep_salt(self.secrets)
        if self._changed:
            self._base_time = self._write_checkpoint()
        self._begin_journal()

    def _begin_journal(self) -> None:
        self._journal = journals.Journal(self.files.journal_path, self._base_time, self.secrets.salt)

    def _record(self, *changes: dict[str, Any]) -> None:
        self._changed = True
        if self._journal is not None:
            self._journal.append(list(changes))

    def _json(self, state: ResourceState) -> dict[str, Any]:
        return {} if self._dry else resources.to_json(state, self.secrets)

    def begin(self, kind: str, state: ResourceState) -> int:
        """Note that a step on `state` begins; `kind` is creating, updating, deleting... Returns the step's number."""
        with self._lock:
            self._number += 1
            self.snapshot.pending.append(PendingOperation(kind, state, self._number))
            self._record({"begin": self._number, "type": kind, "resource": self._json(state)})
            return self._number

    def commit(
        self,
        *,
        end: int | None = None,
        new: ResourceState | None = None,
        old: ResourceState | None = None,
        condemned: ResourceState | None = None,
    ) -> None:
        """Note what a step brought: it ended, `new` holds from now on, `old` does so no longer.

        `condemned` is an old state that `new` replaces and that is still to be deleted.
        """
        with self._lock:
            changes: list[dict[str, Any]] = []
            if end is not None:
                self.snapshot.pending = [item for item in self.snapshot.pending if item.number != end]
                changes.append({"end": end})
            if old is not None:
                index = self._index[id(old)]
                self.snapshot.superseded.add(index)
                changes.append({"supersede": index})
            if old is not None and new is not None and old.urn != new.urn:
                self._renamed[old.urn] = new.urn
            if new is not None:
                self.snapshot.new.append(new)
                changes.append({"add": self._json(new)})
            if condemned is not None:
                condemned.delete = True
                changes.append({"restate": self._index[id(condemned)], "resource": self._json(condemned)})
            self._record(*changes)

    def amend(self, state: ResourceState, **fields: Any) -> None:
        """Change fields of a new state in place."""
        with self._lock:
            for name, value in fields.items():
                setattr(state, name, value)
            index = next(at for at in range(len(self.snapshot.new) - 1, -1, -1) if self.snapshot.new[at] is state)
            self._record({"amend": index, "resource": self._json(state)})

    def restate(self, old: ResourceState, **fields: Any) -> None:
        """Change fields of an old state in place."""
        with self._lock:
            for name, value in fields.items():
                setattr(old, name, value)
            self._record({"restate": self._index[id(old)], "resource": self._json(old)})

    def adopt(self, state: ResourceState) -> None:
        """Take a resource found in the cloud into the old states."""
        with self._lock:
            self.snapshot.base.append(state)
            self._index[id(state)] = len(self.snapshot.base) - 1
            self._changed = True

    def resolve(self, operation: PendingOperation) -> None:
        """Drop a pending operation whose outcome is known by now."""
        with self._lock:
            self.snapshot.pending = [item for item in self.snapshot.pending if item is not operation]
            self._changed = True

    def save(self) -> None:
        """Begin anew from what holds now: after a recovery or a refresh, whose changes the journal cannot all say."""
        with self._lock:
            self._settle()
            if self._dry:
                return
            self._base_time = self._write_checkpoint()
            if self._journal is not None:
                self._journal.close(remove=True)
                self._begin_journal()

    def _settle(self) -> None:
        self.snapshot = self.snapshot.settled()
        rename(self.snapshot.base, self._renamed)
        self.snapshot.base = in_order(self.snapshot.base)
        self._index = {id(state): index for index, state in enumerate(self.snapshot.base)}

    def _write_checkpoint(self) -> str:
        moment = resources.now()
        document = {
            "version": 3,
            "checkpoint": {
                "stack": f"organization/{self.files.project}/{self.files.name}",
                "latest": checkpoint.render(self.snapshot, self.secrets, moment),
            },
        }
        with writing(self.files.path):
            checkpoint.write_atomically(self.files.path, document, backup=True)
        sync_folder(self.files.path.parent)
        self._changed = False
        return moment

    def close(self) -> None:
        """Write the checkpoint, if anything changed, and end the journal; it stays where the checkpoint cannot be written."""
        with self._lock:
            if self._dry:
                return
            written = False
            try:
                if self._changed or not self.files.path.exists():
                    self._settle()
                    self._write_checkpoint()
                written = True
            finally:
                if self._journal is not None:
                    self._journal.close(remove=written)
                    self._journal = None
