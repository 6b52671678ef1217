"""A stack's configuration as its files say it: Pulumi.yaml, over it Pulumi.<stack>.yaml, over both what the command says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from penstock_ci.errors import UserError


@dataclass(frozen=True)
class StackFiles:
    """The configuration of a project's stack by full keys (`aws:region`, `policy:environment`), and its file's name."""

    values: Mapping[str, Any]
    source: str


def read(folder: Path, stack: str, overrides: Mapping[str, str] = {}) -> StackFiles:
    """The configuration of a project's stack.

    Args:
        folder: The project's folder.
        stack: The stack's name.
        overrides: Configuration given with `--config`.

    Raises:
        UserError: a file cannot be read.
    """
    project = _read(folder / "Pulumi.yaml")
    directory = folder / str(project.get("stackConfigDir") or ".")
    name = f"Pulumi.{stack}.yaml"
    values: dict[str, Any] = {}
    for key, declared in _configuration(project).items():
        whole = isinstance(declared, Mapping) and ("value" in declared or "default" in declared)
        values[key] = declared.get("value", declared.get("default")) if whole else declared
    values |= _configuration(_read(directory / name))
    values |= overrides
    return StackFiles(values, f"{name} in {directory}")


def _configuration(content: Mapping[str, Any]) -> dict[str, Any]:
    found = content.get("config") or {}
    return {str(key): value for key, value in found.items()} if isinstance(found, Mapping) else {}


def _read(path: Path) -> Mapping[str, Any]:
    import yaml

    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, yaml.YAMLError) as error:
        raise UserError(f"{path} cannot be read as YAML: {error}", "correct the file") from None
    return content if isinstance(content, Mapping) else {}
