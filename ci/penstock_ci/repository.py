"""The model repository that a command runs in: its folder, configuration, commit and interpreter."""

from __future__ import annotations

import functools
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from penstock_ci.errors import UserError

if TYPE_CHECKING:
    from penstock_pipelines.configuration import ModelConfiguration

CONFIGURATION = "penstock.yaml"

RepositoryOption = Annotated[
    Path | None,
    typer.Option(
        "--repository",
        "-C",
        metavar="FOLDER",
        show_default="the folder with penstock.yaml, from here upward",
        help="Model repository to work in.",
    ),
]


@dataclass(frozen=True)
class Repository:
    """A model repository: the folder that holds `penstock.yaml`."""

    root: Path

    @functools.cached_property
    def configuration(self) -> ModelConfiguration:
        """The typed `penstock.yaml`.

        Raises:
            ConfigurationError: of penstock_pipelines, when a key or value is wrong.
        """
        from penstock_pipelines.configuration import load

        return load(self.root / CONFIGURATION)

    @property
    def name(self) -> str:
        """The model's name. What it has on a stack is called after both: `Target.model_name`."""
        return self.configuration.name

    @property
    def infrastructure(self) -> Path:
        """The folder of the repository's own Pulumi project."""
        return self.root / "infra"

    @property
    def python(self) -> Path:
        """The interpreter of the repository's environment.

        Raises:
            UserError: `make setup` has not run.
        """
        python = self.root / ".venv/bin/python"
        if not python.exists():
            raise UserError(f"{self.root} has no environment (.venv)", "make it: make setup")
        return python

    def build_folder(self, *parts: str) -> Path:
        """A folder below `build/`, made when it is missing."""
        folder = self.root.joinpath("build", *parts)
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def commit(self) -> str:
        """The commit that is checked out, with `-dirty` when files differ from it; empty without git."""
        head = self._git("rev-parse", "HEAD")
        if not head:
            return ""
        return f"{head}-dirty" if self._git("status", "--porcelain", "--untracked-files=no") else head

    def _git(self, *arguments: str) -> str:
        try:
            done = subprocess.run(
                ["git", "-C", str(self.root), *arguments], capture_output=True, text=True, check=False, timeout=30
            )
        except FileNotFoundError:
            return ""
        return done.stdout.strip() if done.returncode == 0 else ""


def find(start: Path | None = None) -> Repository:
    """The model repository at or above a folder (default: here).

    Raises:
        UserError: there is none.
    """
    repository = find_if_any(start)
    if repository is None:
        raise UserError(
            f"{(start or Path.cwd()).resolve()} is not in a model repository (no {CONFIGURATION} here or above)",
            "go into one, name it with --repository, or make one: penstock new",
        )
    return repository


def find_if_any(start: Path | None = None) -> Repository | None:
    """Like `find`, but None when there is no model repository.

    Raises:
        UserError: `start` is given and is no folder.
    """
    if start is not None and not start.is_dir():
        raise UserError(f"{start} is not a folder", "name the folder of a model repository")
    folder = (start or Path.cwd()).resolve()
    for candidate in [folder, *folder.parents]:
        if (candidate / CONFIGURATION).is_file():
            return Repository(candidate)
        if candidate == Path(os.environ.get("HOME", "/")):
            break
    return None


def model_name(model: str | None, repository: Path | None = None) -> str:
    """The model a verb is about: its argument, else the name in `penstock.yaml`.

    Raises:
        UserError: no argument and no model repository.
    """
    if model:
        return model
    found = find_if_any(repository)
    if found is None:
        raise UserError(
            "no model was named and there is no penstock.yaml here", "name the model: `name` in its penstock.yaml"
        )
    return found.name


ModelArgument = Annotated[
    str | None,
    typer.Argument(metavar="[MODEL]", help="The model; default: `name` in ./penstock.yaml.", show_default=False),
]
