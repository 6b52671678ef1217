"""The checkpoint file of Pulumi's file backend: `.pulumi/stacks/<project>/<stack>.json`."""

from __future__ import annotations

import hashlib
import json
import os
import uuid
from pathlib import Path
from typing import Any

from penstock_deploy.errors import DeploymentError, UnsupportedError
from penstock_deploy.state import resource as resources
from penstock_deploy.state.secrets import PassphraseSecrets
from penstock_deploy.state.snapshot import PendingOperation, Snapshot

ENGINE_VERSION = "v3.272.0"
_VERSIONS = (3, 4)
_KNOWN = ("manifest", "secrets_providers", "resources", "pending_operations", "metadata")
_REFUSED = {"snippets": "snippets"}


def read(path: Path) -> dict[str, Any] | None:
    """The `latest` part of a checkpoint file; None where there is no file. Refuses other versions and damaged files."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    try:
        document = json.loads(text)
        version = document["version"]
        latest = document["checkpoint"].get("latest") or {}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DeploymentError(
            f"the state file {path} is damaged ({type(error).__name__}: {error})",
            f"Put back an older one: {path.name}.bak beside it, or a file of .pulumi/history.",
        ) from error
    if version not in _VERSIONS:
        raise UnsupportedError(f"version {version} of the state file {path}")
    if document.get("features"):
        raise UnsupportedError(f"features {document['features']} of the state file {path}")
    return dict(latest)


def salt_of(latest: dict[str, Any]) -> str:
    """The passphrase salt in a checkpoint; refuses other secrets providers."""
    provider = latest.get("secrets_providers") or {}
    kind = provider.get("type", "passphrase")
    if kind != "passphrase":
        raise UnsupportedError(f"secrets provider {kind!r} of the state")
    return str((provider.get("state") or {}).get("salt") or "")


def time_of(latest: dict[str, Any] | None) -> str:
    """When the checkpoint was written, as it says; empty for none."""
    return str(((latest or {}).get("manifest") or {}).get("time") or "")


def parse(latest: dict[str, Any], secrets: PassphraseSecrets) -> Snapshot:
    """The snapshot in a checkpoint. Fields that are not known here are kept; what would need to be run is refused."""
    for key, what in _REFUSED.items():
        if latest.get(key):
            raise UnsupportedError(f"{what} in the state")
    pending = [
        PendingOperation(str(operation["type"]), resources.from_json(operation["resource"], secrets))
        for operation in latest.get("pending_operations") or []
    ]
    base = [resources.from_json(item, secrets) for item in latest.get("resources") or []]
    extra = {key: value for key, value in latest.items() if key not in _KNOWN}
    return Snapshot(base=base, pending=pending, metadata=latest.get("metadata") or {}, extra=extra)


def render(snapshot: Snapshot, secrets: PassphraseSecrets, time: str) -> dict[str, Any]:
    """The `latest` part of a checkpoint that holds what `snapshot` holds now."""
    manifest = {
        "time": time,
        "magic": hashlib.sha256(ENGINE_VERSION.encode()).hexdigest(),
        "version": ENGINE_VERSION,
    }
    latest: dict[str, Any] = {
        "manifest": manifest,
        "secrets_providers": {"type": "passphrase", "state": {"salt": secrets.salt}},
        "resources": [resources.to_json(state, secrets) for state in snapshot.resources()],
        "metadata": snapshot.metadata,
        **snapshot.extra,
    }
    if snapshot.pending:
        latest["pending_operations"] = [
            {"resource": resources.to_json(operation.resource, secrets), "type": operation.type}
            for operation in snapshot.pending
        ]
    return latest


def write_atomically(path: Path, content: Any, *, backup: bool = False) -> None:
    """Write JSON so that a reader, or a crash at any moment, meets the old file or the new one, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        with temporary.open("w", encoding="utf-8") as file:
            json.dump(content, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        if backup and path.exists():
            _keep_backup(path)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _keep_backup(path: Path) -> None:
    """Keep the present file as `.bak` by a hard link, so that the name never goes missing."""
    backup = path.with_name(path.name + ".bak")
    backup.unlink(missing_ok=True)
    try:
        backup.hardlink_to(path)
    except OSError:
        backup.write_bytes(path.read_bytes())
