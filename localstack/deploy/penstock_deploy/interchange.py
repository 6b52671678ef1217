"""A stack's state as a document: what `pulumi stack export` writes and `pulumi stack import` reads, and the same here."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any

from penstock_deploy import urns
from penstock_deploy.errors import DeploymentError, UnsupportedError
from penstock_deploy.state import checkpoint
from penstock_deploy.state.backend import StackFiles
from penstock_deploy.state.secrets import PassphraseSecrets
from penstock_deploy.values import SECRET_SIGNATURE, SIGNATURE, Secret

VERSION = 3
_VERSIONS = (3, 4)
_PROVIDER_TYPE = "pulumi:providers:"


def export(files: StackFiles, *, show_secrets: bool = False) -> dict[str, Any]:
    """The stack's deployment, `{"version": 3, "deployment": {...}}`; its secrets encrypted, or in clear when asked for."""
    snapshot, secrets, time = files.load()
    latest = checkpoint.read(files.path) or {}
    if time == "journal" or not latest:
        # A deployment that was cut off, or runs now, is further than the checkpoint.
        latest = checkpoint.render(snapshot, secrets, checkpoint.time_of(latest))
    if show_secrets:
        latest = _map_secrets(latest, lambda marked: _in_clear(secrets.unseal(marked)))
    return {"version": VERSION, "deployment": latest}


def admit(document: Any, files: StackFiles, *, force: bool = False) -> list[str]:
    """Make a deployment the stack's state; what the user should know of it.

    As Pulumi does: plaintext secrets are encrypted, pending operations are dropped, and what is not sound (a resource of
    another stack, a dependency that is missing) is refused unless `force` is set.

    Raises:
        DeploymentError: it is no deployment, is not sound, or holds what this engine cannot carry on. Nothing is changed.
    """
    deployment = _deployment(document)
    salt = checkpoint.salt_of(deployment)
    secrets = PassphraseSecrets(files.backend.passphrase, salt) if salt else files.load()[1]
    latest = _map_secrets(deployment, lambda marked: _closed(marked, secrets))
    latest["secrets_providers"] = {"type": "passphrase", "state": {"salt": secrets.salt}}
    latest.setdefault("metadata", {})
    warnings = []
    for operation in latest.pop("pending_operations", None) or []:
        urn = (operation.get("resource") or {}).get("urn")
        warnings.append(f"removing pending operation '{operation.get('type')}' on '{urn}' from snapshot")
    _parse(latest, secrets)
    faults = [fault for fault in (*_strangers(latest, files), integrity_error(latest)) if fault]
    if faults and not force:
        raise DeploymentError(
            "\n".join(faults), "importing this file could be dangerous; rerun with --force to proceed anyway"
        )
    files.backend.prepare()
    files.lock.acquire()
    try:
        stack = f"organization/{files.project}/{files.name}"
        content = {"version": VERSION, "checkpoint": {"stack": stack, "latest": latest}}
        checkpoint.write_atomically(files.path, content, backup=True)
        files.journal_path.unlink(missing_ok=True)
    finally:
        files.lock.release()
    return [*faults, *warnings]


def _deployment(document: Any) -> dict[str, Any]:
    if not isinstance(document, dict) or not isinstance(document.get("deployment"), dict):
        raise DeploymentError(
            "this is no deployment", 'Expected what `stack export` writes: {"version", "deployment"}.'
        )
    version = document.get("version")
    if version not in _VERSIONS:
        raise UnsupportedError(f"version {version} of a deployment", "Export it with a present version of Pulumi.")
    if document.get("features"):
        raise UnsupportedError(f"a deployment with the features {', '.join(map(str, document['features']))}")
    found: dict[str, Any] = document["deployment"]
    return found


def _parse(latest: dict[str, Any], secrets: PassphraseSecrets) -> None:
    try:
        checkpoint.parse(latest, secrets)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise DeploymentError(f"this deployment is damaged ({type(error).__name__}: {error})") from error


def _map_secrets(value: Any, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Any:
    if isinstance(value, dict):
        if value.get(SIGNATURE) == SECRET_SIGNATURE:
            return change(value)
        return {key: _map_secrets(item, change) for key, item in value.items()}
    if isinstance(value, list):
        return [_map_secrets(item, change) for item in value]
    return value


def _in_clear(value: Any) -> Any:
    """The JSON form of a property value with its secrets marked and not encrypted."""
    if isinstance(value, Secret):
        text = json.dumps(_in_clear(value.value), separators=(",", ":"), ensure_ascii=False)
        return {SIGNATURE: SECRET_SIGNATURE, "plaintext": text}
    if isinstance(value, dict):
        return {key: _in_clear(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_in_clear(item) for item in value]
    return value


def _closed(marked: dict[str, Any], secrets: PassphraseSecrets) -> dict[str, Any]:
    if ("plaintext" in marked) == ("ciphertext" in marked):
        raise DeploymentError("malformed secret value: exactly one of `ciphertext` or `plaintext` must be supplied")
    if "ciphertext" in marked:
        return marked
    try:
        value = secrets.unseal(marked)
    except (TypeError, ValueError) as error:
        raise DeploymentError(f"malformed secret value: `plaintext` must be JSON ({error})") from error
    sealed: dict[str, Any] = secrets.seal(value)
    return sealed


def _strangers(latest: Mapping[str, Any], files: StackFiles) -> list[str]:
    found = []
    for item in latest.get("resources") or []:
        parts = str(item.get("urn", "")).removeprefix("urn:pulumi:").split("::")
        if parts[0] != files.name:
            found.append(f"resource '{item.get('urn')}' is from a different stack ({parts[0]} != {files.name})")
    return found


def integrity_error(latest: Mapping[str, Any]) -> str:
    """What Pulumi's own check of a snapshot would find wrong with a deployment; empty when it is sound."""
    error = _integrity_error(latest)
    return f"state file contains errors: {error}" if error else ""


def _integrity_error(latest: Mapping[str, Any]) -> str:
    manifest = latest.get("manifest") or {}
    if manifest.get("magic") != hashlib.sha256(str(manifest.get("version", "")).encode()).hexdigest():
        return "magic cookie mismatch; possible tampering/corruption detected"
    resources = latest.get("resources") or []
    every = {item.get("urn") for item in resources}
    seen: set[str] = set()
    providers: set[str] = set()
    living: set[str] = set()
    for index, item in enumerate(resources):
        urn, type_, id_ = item.get("urn"), item.get("type"), item.get("id", "")
        if not urn:
            return f"resource at index {index} missing required 'urn' field"
        if not type_:
            return f"resource '{urn}' missing required 'type' field"
        if not item.get("custom") and id_:
            return f"resource '{urn}' has 'custom false but non-empty ID"
        if type_.startswith(_PROVIDER_TYPE):
            providers.add(f"{urn}::{id_}")
        provider = item.get("provider")
        if provider and provider not in providers and not item.get("pendingReplacement"):
            return f"resource {urn} refers to unknown provider {provider}"
        for what, needed in _needs(item):
            if needed not in seen:
                place = "comes after it" if needed in every else "is missing"
                return f"resource {urn}'s {what} {needed} {place}"
        seen.add(urn)
        if not item.get("delete"):
            if urn in living:
                return f"duplicate resource {urn} (not marked for deletion)"
            living.add(urn)
    return ""


def _needs(item: Mapping[str, Any]) -> list[tuple[str, str]]:
    found = [("parent", item["parent"])] if item.get("parent") else []
    found += [("dependency", urn) for urn in item.get("dependencies") or []]
    for name, listed in (item.get("propertyDependencies") or {}).items():
        found += [(f"property dependency (from property {name})", urn) for urn in listed or []]
    if item.get("deletedWith"):
        found.append(("deletedWith", item["deletedWith"]))
    return found


def resource_count(files: StackFiles) -> tuple[int, str]:
    """How many resources a stack's state has, and when it was written (Pulumi's form; empty when never)."""
    latest = export(files)["deployment"]
    return len(latest.get("resources") or []), checkpoint.time_of(latest)


def is_empty(files: StackFiles) -> bool:
    """Whether the stack has nothing but, perhaps, its root: then it may be removed."""
    listed = export(files)["deployment"].get("resources") or []
    return not listed or (len(listed) == 1 and listed[0].get("type") == urns.STACK_TYPE)


def text(document: Any) -> str:
    """A document as Pulumi prints it."""
    return json.dumps(document, indent=4, ensure_ascii=False)
