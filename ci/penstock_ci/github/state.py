"""What GitHub would keep, in the local cloud's state folder.

github-token                                      the one token that is answered
github/repositories.json                          "owner/name" -> checkout
github/comments/<owner>__<name>/<number>.json     comments of an issue or pull request; the newest text beside it as .md
github/pulls/<owner>__<name>.json                 pull requests
github/runs/<id>/                                 run.json, log.txt, event.json, artifacts/
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock

from penstock_ci.errors import UserError

FULL_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9._-]+")


def now() -> str:
    """The time as GitHub writes it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def write_json(path: Path, document: Any) -> None:
    """Write whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    part.write_text(json.dumps(document, indent=2), encoding="utf-8")
    part.replace(path)


def read_json(path: Path, default: Any) -> Any:
    """The document, or the default where there is no such file."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return default


class GitHubState:
    """The folder, with one method for each thing that is kept. Several processes may use it at once."""

    def __init__(self, state_dir: Path) -> None:
        self.state_dir = state_dir
        self.folder = state_dir / "github"
        self.runs_folder = self.folder / "runs"

    @property
    def token(self) -> str:
        """The token; the local cloud makes it at its first start.

        Raises:
            UserError: there is none.
        """
        try:
            return (self.state_dir / "github-token").read_text(encoding="utf-8").strip()
        except FileNotFoundError:
            raise UserError(
                f"{self.state_dir} has no github-token", "start the local cloud: penstock cloud up"
            ) from None

    @contextmanager
    def locked(self) -> Iterator[None]:
        """One writer at a time."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with FileLock(self.folder / ".lock", timeout=30):
            yield

    # Repositories

    def repositories(self) -> dict[str, Path]:
        """`owner/name` -> checkout."""
        listed = read_json(self.folder / "repositories.json", {})
        return {name: Path(path) for name, path in listed.items()}

    def register(self, name: str, checkout: Path) -> None:
        """Answer for a repository with this checkout; an earlier checkout of that name is replaced.

        Raises:
            UserError: the name or the folder cannot be one.
        """
        if not FULL_NAME.fullmatch(name):
            raise UserError(f"'{name}' is not a repository's name", "it is owner/name, as in penstock.yaml")
        if not (checkout / ".git").exists():
            raise UserError(f"{checkout} is not a git checkout", "git init there, and commit")
        self.record(name, checkout)

    def record(self, name: str, checkout: Path) -> None:
        """Write down where a repository's checkout is or will be, unchecked."""
        with self.locked():
            listed = {known: str(path) for known, path in self.repositories().items()}
            write_json(self.folder / "repositories.json", listed | {name: str(checkout.resolve())})

    def checkout(self, name: str) -> Path | None:
        """The checkout of a repository, in whatever case its name is written."""
        for known, path in self.repositories().items():
            if known.lower() == name.lower():
                return path
        return None

    def clone(self, checkout: Path, name: str, target: Path, branch: str) -> str:
        """A clean clone of one branch as committed; returns its commit.

        Raises:
            UserError: git says no.
        """
        commands = [
            ["git", "clone", "--quiet", "--branch", branch, "--single-branch", str(checkout), str(target)],
            ["git", "-C", str(target), "remote", "set-url", "origin", f"https://github.com/{name}.git"],
        ]
        for command in commands:
            finished = subprocess.run(command, capture_output=True, text=True, check=False)
            if finished.returncode:
                last = (finished.stderr.strip().splitlines() or ["git failed"])[-1]
                raise UserError(f"{checkout}: {last}", f"the checkout needs a commit on its branch {branch}")
        found = subprocess.run(
            ["git", "-C", str(target), "rev-parse", "HEAD"], capture_output=True, text=True, check=True
        )
        return found.stdout.strip()

    # Comments

    def _comments_file(self, name: str, number: int) -> Path:
        return self.folder / "comments" / name.lower().replace("/", "__") / f"{number}.json"

    def comments(self, name: str, number: int) -> list[dict[str, Any]]:
        """Comments of an issue or pull request, oldest first."""
        found: list[dict[str, Any]] = read_json(self._comments_file(name, number), [])
        return found

    def add_comment(self, name: str, number: int, body: str, url: str) -> dict[str, Any]:
        """Add a comment; returns it as GitHub does."""
        with self.locked():
            counter = self.folder / "comments" / "next"
            identifier = int(read_json(counter, 1))
            write_json(counter, identifier + 1)
            comment = {
                "id": identifier,
                "url": f"{url}/repos/{name}/issues/comments/{identifier}",
                "issue_url": f"{url}/repos/{name}/issues/{number}",
                "body": body,
                "user": {"login": "github-actions[bot]", "type": "Bot"},
                "created_at": now(),
                "updated_at": now(),
            }
            self._write_comments(name, number, [*self.comments(name, number), comment])
        return comment

    def find_comment(self, name: str, identifier: int) -> tuple[int, dict[str, Any]] | None:
        """A comment by its id, with the number of its issue."""
        for file in (self.folder / "comments" / name.lower().replace("/", "__")).glob("*.json"):
            for comment in read_json(file, []):
                if comment["id"] == identifier:
                    return int(file.stem), comment
        return None

    def change_comment(self, name: str, identifier: int, body: str | None) -> dict[str, Any] | None:
        """Give a comment another text, or delete it (`body` None); None where there is no such comment."""
        with self.locked():
            found = self.find_comment(name, identifier)
            if found is None:
                return None
            number, comment = found
            changed = comment if body is None else comment | {"body": body, "updated_at": now()}
            rest = [changed if other["id"] == identifier else other for other in self.comments(name, number)]
            self._write_comments(name, number, [c for c in rest if body is not None or c["id"] != identifier])
        return changed

    def _write_comments(self, name: str, number: int, comments: list[dict[str, Any]]) -> None:
        file = self._comments_file(name, number)
        write_json(file, comments)
        file.with_suffix(".md").write_text(
            "\n\n---\n\n".join(str(comment["body"]) for comment in comments), encoding="utf-8"
        )

    # Pull requests

    def pulls(self, name: str) -> list[dict[str, Any]]:
        """The pull requests of a repository."""
        found: list[dict[str, Any]] = read_json(self.folder / "pulls" / f"{name.lower().replace('/', '__')}.json", [])
        return found

    def add_pull(self, name: str, pull: dict[str, Any]) -> dict[str, Any]:
        """Open a pull request; it gets the next number."""
        with self.locked():
            known = self.pulls(name)
            opened = {"number": len(known) + 1, "state": "open", "created_at": now()} | pull
            write_json(self.folder / "pulls" / f"{name.lower().replace('/', '__')}.json", [*known, opened])
        return opened

    # Workflow runs

    def new_run(self, record: dict[str, Any]) -> dict[str, Any]:
        """A run with the next id, queued."""
        with self.locked():
            self.runs_folder.mkdir(parents=True, exist_ok=True)
            taken = [int(entry.name) for entry in self.runs_folder.iterdir() if entry.name.isdigit()]
            identifier = max(taken, default=0) + 1
            made = {"id": identifier, "status": "queued", "conclusion": None, "created_at": now()} | record
            self.write_run(made)
        return made

    def write_run(self, record: dict[str, Any]) -> None:
        """Keep a run's record."""
        write_json(self.runs_folder / str(record["id"]) / "run.json", record)

    def run(self, identifier: int) -> dict[str, Any] | None:
        """A run's record."""
        found: dict[str, Any] | None = read_json(self.runs_folder / str(identifier) / "run.json", None)
        return found

    def runs(self, name: str = "") -> list[dict[str, Any]]:
        """Runs, newest first, of one repository or of all."""
        if not self.runs_folder.is_dir():
            return []
        identifiers = sorted(
            (int(entry.name) for entry in self.runs_folder.iterdir() if entry.name.isdigit()), reverse=True
        )
        records = [record for record in map(self.run, identifiers) if record is not None]
        return [record for record in records if not name or record["repository"].lower() == name.lower()]
