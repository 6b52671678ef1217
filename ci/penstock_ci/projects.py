"""Pulumi projects by name: the platform's five, or a folder with a Pulumi.yaml."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path

from penstock_ci.errors import UserError, did_you_mean
from penstock_ci.repository import find_if_any

PLATFORM = ("foundation", "datalake", "featurestore", "training", "operations")
"""Short names of the platform's projects, in the order in which they depend on each other."""


@dataclass(frozen=True)
class Project:
    """A folder with a Pulumi program.

    Attributes:
        name: What the user calls it: a short name of the platform, or the folder as given.
        folder: Where Pulumi.yaml is.
    """

    name: str
    folder: Path


def platform_folder() -> Path:
    """Where the platform's projects are: beside the package in a checkout, inside it in a wheel."""
    spec = importlib.util.find_spec("penstock_infra")
    if spec is None or spec.origin is None:
        raise UserError("penstock_infra is not installed", "install penstock again")
    package = Path(spec.origin).parent
    packaged = package / "projects"
    return packaged if packaged.is_dir() else package.parent / "projects"


def platform() -> list[Project]:
    """The platform's projects, in order of dependency."""
    return [platform_project(name) for name in PLATFORM]


def platform_project(name: str) -> Project:
    """A project of the platform by its short name."""
    folder = platform_folder() / name
    if not (folder / "Pulumi.yaml").is_file():
        raise UserError(f"the platform project '{name}' is missing: {folder}", "install penstock again")
    return Project(name, folder)


def resolve(name: str | None) -> Project:
    """The project that the user named; without a name, `infra` of the model repository one stands in.

    Raises:
        UserError: there is no such project.
    """
    if name is None:
        return _default()
    folder = Path(name)
    if (folder / "Pulumi.yaml").is_file():
        return Project(name, folder.resolve())
    if name in PLATFORM:
        return platform_project(name)
    repository = find_if_any()
    if repository is not None and name == "infra" and (repository.infrastructure / "Pulumi.yaml").is_file():
        return Project(name, repository.infrastructure)
    where = "has no Pulumi.yaml" if folder.is_dir() else "is neither a folder nor a project of the platform"
    if name == "infra" and repository is not None:
        raise UserError(f"{repository.infrastructure} has no Pulumi.yaml", "restore it from the template: penstock new")
    if name == "infra":
        where = "is the project of a model repository, and this is none"
    hint = did_you_mean(name, [known for known in (*PLATFORM, "infra") if known != name])
    raise UserError(
        f"'{name}' {where}{hint}",
        f"name one of {', '.join(PLATFORM)}, or a folder with a Pulumi.yaml",
    )


def _default() -> Project:
    repository = find_if_any()
    if repository is not None and (repository.infrastructure / "Pulumi.yaml").is_file():
        return Project("infra", repository.infrastructure)
    if Path("Pulumi.yaml").is_file():
        return Project(".", Path.cwd())
    raise UserError(
        "no project was named", f"name one of {', '.join(PLATFORM)} (or --all), or a folder with a Pulumi.yaml"
    )
