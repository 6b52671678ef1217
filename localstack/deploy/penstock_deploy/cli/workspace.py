"""Where a command works: the project above the current folder, its backend, and the stack that is selected there.

The selection lies where the Pulumi CLI keeps it: `$PULUMI_HOME/workspaces/<project>-<sha1 of the path of Pulumi.yaml>-
workspace.json`, by backend. Who selects a stack with the one command has selected it for the other.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from penstock_deploy import project as projects
from penstock_deploy.cli.failures import WRONG_USE, CommandError, no_stack
from penstock_deploy.project import Project

if TYPE_CHECKING:
    from penstock_deploy.state.backend import Backend, StackFiles

_ORGANIZATION = "organization"
_NEEDED = (("PULUMI_BACKEND_URL",), ("PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE"))
ENVIRONMENT_FIX = 'Start the local cloud (penstock cloud up), then: eval "$(penstock cloud env)"'


def current_folder(environment: Mapping[str, str]) -> Path:
    """The current folder as the shell names it (which may pass through a link), as the Pulumi CLI takes it."""
    named = environment.get("PWD", "")
    here = Path.cwd()
    if named and Path(named).is_absolute() and Path(named).exists() and Path(named).samefile(here):
        return Path(named)
    return here


def find_project(folder: Path) -> Path:
    """The nearest Pulumi.yaml, from the folder upwards."""
    for candidate in (folder, *folder.parents):
        for name in ("Pulumi.yaml", "Pulumi.yml"):
            if (candidate / name).is_file():
                return candidate / name
    raise CommandError(
        f"no Pulumi.yaml project file found (searching upwards from {folder})",
        "Go to the folder of a Pulumi project, or name it with --cwd.",
    )


@dataclass
class Workspace:
    """A project, as commands work on it."""

    file: Path
    project: Project
    environment: Mapping[str, str]
    _backend: Backend | None = None

    @property
    def backend_url(self) -> str:
        return self.environment["PULUMI_BACKEND_URL"]

    def backend(self) -> Backend:
        """The backend that holds the project's states."""
        if self._backend is None:
            from penstock_deploy.state.backend import Backend
            from penstock_deploy.state.secrets import passphrase_from

            self._backend = Backend(self.backend_url, passphrase_from(self.environment))
        return self._backend

    def stack(self, name: str) -> StackFiles:
        """The files of one of the project's stacks."""
        return self.backend().stack(self.project.name, name)

    def stack_names(self) -> list[str]:
        """The project's stacks."""
        folder = self.backend().root / "stacks" / self.project.name
        return sorted({path.stem for path in folder.glob("*.json")} | {path.stem for path in folder.glob("*.journal")})

    def configuration_file(self, stack: str) -> Path:
        """Pulumi.<stack>.yaml."""
        return self.project.stack_directory / f"Pulumi.{stack}.yaml"

    def name_of(self, reference: str) -> str:
        """The stack that `STACK`, `organization/STACK` or `organization/PROJECT/STACK` names in this project."""
        parts = reference.split("/")
        if len(parts) > 1 and parts[0] != _ORGANIZATION:
            raise CommandError("organization name must be 'organization'", code=WRONG_USE)
        if len(parts) > 3 or (len(parts) == 3 and parts[1] != self.project.name):
            raise CommandError(
                f"{reference} is not a stack of the project {self.project.name}", "Go to that project's folder."
            )
        return projects.check_stack_name(parts[-1])

    def existing(self, name: str) -> str:
        """The name, if there is such a stack."""
        if not self.stack(name).exists():
            raise no_stack(name)
        return name

    def chosen(self, named: str | None) -> str | None:
        """The stack that was named, else PULUMI_STACK, else the selected one; None when there is none of these."""
        reference = named or self.environment.get("PULUMI_STACK") or self.selected()
        return self.name_of(reference) if reference else None

    def require(self, named: str | None) -> str:
        """The stack to work on; it exists."""
        name = self.chosen(named)
        if name is None:
            raise CommandError(
                "no stack selected; please use `pulumilocal stack select` or `pulumilocal stack init` to choose one"
            )
        return self.existing(name)

    # -- the selection

    @property
    def settings_file(self) -> Path:
        home = self.environment.get("PULUMI_HOME") or Path(self.environment.get("HOME") or Path.home()) / ".pulumi"
        path = hashlib.sha1(str(self.file).encode(), usedforsecurity=False).hexdigest()
        return Path(home) / "workspaces" / f"{self.project.name}-{path}-workspace.json"

    def _settings(self) -> dict[str, Any]:
        try:
            found = json.loads(self.settings_file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except ValueError as error:
            raise CommandError(f"could not parse file {self.settings_file}: {error}", "Remove it.") from error
        return found if isinstance(found, dict) else {}

    def selected(self) -> str | None:
        """The selected stack, fully qualified."""
        settings = self._settings()
        by_backend = settings.get("stacks") or {}
        return by_backend.get(self.backend_url) or settings.get("stack") or None

    def forget(self, name: str) -> None:
        """Select no stack, if this one is selected: it is gone."""
        reference = self.selected()
        if reference is not None and reference.rsplit("/", 1)[-1] == name:
            self.select(None)

    def select(self, name: str | None) -> None:
        """Select a stack, or none."""
        settings = self._settings()
        by_backend = dict(settings.pop("stacks", None) or {})
        by_backend.pop(self.backend_url, None)
        if name is None:
            settings.pop("stack", None)
        else:
            by_backend[self.backend_url] = f"{_ORGANIZATION}/{self.project.name}/{name}"
        if by_backend:
            settings["stacks"] = by_backend
        if not settings:
            self.settings_file.unlink(missing_ok=True)
            return
        from penstock_deploy.state.checkpoint import write_atomically

        write_atomically(self.settings_file, settings)


def open_workspace(environment: Mapping[str, str]) -> Workspace:
    """The workspace of the current folder.

    Raises:
        CommandError: the environment does not name the local cloud, or there is no project here.
    """
    for names in _NEEDED:
        if not any(name in environment for name in names):
            raise CommandError(f"{' or '.join(names)} is not set", ENVIRONMENT_FIX, code=WRONG_USE)
    file = find_project(current_folder(environment))
    return Workspace(file, projects.load(file.parent), environment)
