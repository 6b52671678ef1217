"""Whether a state folder, or a snapshot of one, can be read by this Penstock.

What LocalStack holds is kept as it holds it; so it is read by the versions of LocalStack and moto that wrote it.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from penstock_cloud import environments
from penstock_cloud.errors import CloudError
from penstock_cloud.state import StateFolder, write_atomically

FORMAT = 1
"""Of our own files; another number is another layout."""

_PIN = re.compile(r"^(localstack-core|moto-ext)(?:\[[^\]]*\])?==([^\s;\\]+)", re.MULTILINE)

Versions = dict[str, str]


def current(lock: Path | None = None) -> Versions:
    """The versions that matter, of the gateway's lock."""
    text = (lock or environments.lock_file("gateway")).read_text()
    return {"format": str(FORMAT), **dict(sorted(_PIN.findall(text)))}


def difference(found: Versions, wanted: Versions) -> str:
    """What `found` has otherwise than `wanted`, in words; empty where they agree."""
    names = sorted({*found, *wanted})
    other = [name for name in names if found.get(name) != wanted.get(name)]
    return ", ".join(f"{name} {found.get(name, 'none')} (here {wanted.get(name, 'none')})" for name in other)


def read(folder: StateFolder) -> Versions | None:
    """The versions that wrote a state; None where it does not say."""
    try:
        found: Versions = json.loads(folder.made_with.read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return None
    return found


def write(folder: StateFolder) -> None:
    """Say which versions write this state."""
    write_atomically(folder.made_with, json.dumps(current(), indent=2))


def require(folder: StateFolder) -> None:
    """Raise CloudError for a state that this Penstock cannot read."""
    found = read(folder)
    afresh = "start afresh: penstock cloud reset --yes, then penstock cloud up and penstock up --all"
    if found is None:
        stacks = sorted((folder.pulumi / ".pulumi/stacks").glob("*/*.json"))
        if stacks:
            names = ", ".join(stack.parent.name for stack in stacks[:3])
            raise CloudError(
                f"{folder.path} was written by a Penstock that did not keep buckets and roles over a stop, and its stacks"
                f" ({names}, ...) name some that are gone",
                afresh,
            )
    elif told := difference(found, current()):
        raise CloudError(
            f"{folder.path} was written by another version of Penstock: {told}",
            f"use the version of Penstock that wrote it, or {afresh}",
        )
