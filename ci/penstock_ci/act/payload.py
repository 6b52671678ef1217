"""Events as GitHub would send them, filled from the checkout where no payload is given."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from penstock_ci.errors import UserError

DEFAULT_BRANCH = "main"


def git(repository: Path, *arguments: str) -> str:
    """Output of a git command in the repository, stripped; an empty string where git says no."""
    finished = subprocess.run(["git", *arguments], cwd=repository, capture_output=True, text=True, check=False)
    return finished.stdout.strip() if finished.returncode == 0 else ""


def full_name(repository: Path) -> str:
    """`owner/name` of a checkout: from its penstock.yaml, else from its origin, else from the folder."""
    configuration = repository / "penstock.yaml"
    if configuration.is_file():
        import yaml

        try:
            said = yaml.safe_load(configuration.read_text(encoding="utf-8"))
        except yaml.YAMLError:
            said = None
        if isinstance(said, dict) and "/" in str(said.get("repository", "")):
            return str(said["repository"])
    origin = git(repository, "remote", "get-url", "origin").removesuffix(".git").rstrip("/")
    parts = origin.replace(":", "/").split("/")
    if "github" in origin and len(parts) >= 2:
        return "/".join(parts[-2:])
    return f"local/{repository.resolve().name}"


def read(path: Path) -> dict[str, Any]:
    """A payload from a JSON file.

    Raises:
        UserError: no such file, or not a JSON object.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"payload {path}: {error.strerror}", "name a JSON file") from error
    except ValueError as error:
        raise UserError(f"payload {path} is not JSON: {error}", "correct the file") from error
    if not isinstance(document, dict):
        raise UserError(f"payload {path} is not a JSON object", "a payload is what GitHub sends: an object")
    return document


def default(event: str, repository: Path, action: str = "") -> dict[str, Any]:
    """The payload of an event on the checkout as it stands.

    `action` is the activity type, or a dispatch's event_type.
    """
    branch = git(repository, "branch", "--show-current") or DEFAULT_BRANCH
    head = git(repository, "rev-parse", "HEAD")
    base = git(repository, "rev-parse", DEFAULT_BRANCH) or head
    if event in {"pull_request", "pull_request_target"}:
        return {
            "action": action or "synchronize",
            "number": 1,
            "pull_request": {
                "number": 1,
                "title": git(repository, "log", "-1", "--format=%s"),
                "head": {"ref": branch, "sha": head},
                "base": {"ref": DEFAULT_BRANCH, "sha": base},
            },
        }
    if event == "push":
        before = git(repository, "rev-parse", "HEAD~1") or "0" * 40
        return {"ref": f"refs/heads/{branch}", "before": before, "after": head}
    if event == "repository_dispatch":
        return {"action": action, "branch": DEFAULT_BRANCH, "client_payload": {}}
    if event == "workflow_dispatch":
        return {"ref": f"refs/heads/{branch}", "inputs": {}}
    return {"action": action} if action else {}


def complete(payload: dict[str, Any], name: str) -> dict[str, Any]:
    """The payload with the parts GitHub puts into every event: repository and sender."""
    owner, _, short = name.partition("/")
    repository = {"full_name": name, "name": short, "owner": {"login": owner}, "default_branch": DEFAULT_BRANCH}
    return {"repository": repository, "sender": {"login": owner}} | payload


def action_of(event: str, payload: dict[str, Any]) -> str:
    """The activity type in a payload, or a dispatch's event_type; empty where the event has none."""
    return str(payload.get("action") or "") if event != "push" else ""


def branch_of(event: str, payload: dict[str, Any]) -> str:
    """The branch that an event's `branches` filter looks at: pushed to, or a pull request's base."""
    if event == "push":
        return str(payload.get("ref") or "").removeprefix("refs/heads/")
    if event in {"pull_request", "pull_request_target"}:
        return str(((payload.get("pull_request") or {}).get("base") or {}).get("ref") or "")
    return ""
