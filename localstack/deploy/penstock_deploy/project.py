"""A Pulumi project as it lies on disk: `Pulumi.yaml`, the optional `Pulumi.<stack>.yaml`, the program's interpreter."""

from __future__ import annotations

import difflib
import json
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from penstock_deploy.errors import DeploymentError, UnsupportedError

_STACK_NAME = re.compile(r"[A-Za-z0-9_.-]{1,100}\Z")


@dataclass(frozen=True)
class Project:
    """What `Pulumi.yaml` says."""

    directory: Path
    name: str
    program: Path
    virtualenv: str
    configuration: Mapping[str, Any]
    stack_directory: Path

    @property
    def folder(self) -> Path:
        """Where the program runs: paths in it are relative to this."""
        program = self.program.resolve()
        return program if program.is_dir() else program.parent


@dataclass
class Configuration:
    """A stack's configuration: every value as the text Pulumi hands to programs, and which keys are secret."""

    values: dict[str, str] = field(default_factory=dict)
    secret_keys: list[str] = field(default_factory=list)
    encryption_salt: str = ""


def _mapping(path: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise DeploymentError(f"{path} is not valid YAML: {error}") from error
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise DeploymentError(f"{path} must hold a mapping, not a {type(content).__name__}")
    return content


def load(directory: Path) -> Project:
    """Read `Pulumi.yaml` of a project folder."""
    directory = directory.resolve()
    path = next((p for p in (directory / "Pulumi.yaml", directory / "Pulumi.yml") if p.is_file()), None)
    if path is None:
        raise DeploymentError(f"{directory} has no Pulumi.yaml", "Name the folder of a Pulumi project.")
    content = _mapping(path)
    name = content.get("name")
    if not isinstance(name, str) or not name:
        raise DeploymentError(f"{path} has no `name`")
    runtime = content.get("runtime")
    options: Mapping[str, Any] = {}
    if isinstance(runtime, dict):
        options = runtime.get("options") or {}
        runtime = runtime.get("name")
    if runtime != "python":
        raise UnsupportedError(f"runtime {runtime!r} in {path}", "Programs are written in Python: `runtime: python`.")
    for key in ("plugins", "packages"):
        if content.get(key):
            raise UnsupportedError(f"`{key}` in {path}")
    return Project(
        directory=directory,
        name=name,
        program=directory / str(content.get("main") or "."),
        virtualenv=str(options.get("virtualenv") or ""),
        configuration=content.get("config") or {},
        stack_directory=directory / str(content.get("stackConfigDir") or "."),
    )


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return json.dumps(value, separators=(",", ":"), default=str)


def check_stack_name(stack: str) -> str:
    """The stack's name, if Pulumi's file backend would take it."""
    if not _STACK_NAME.match(stack):
        raise DeploymentError(f"{stack!r} is not a stack name: use letters, digits, '-', '_' and '.'")
    return stack


def configuration(
    project: Project,
    stack: str,
    decrypt: Callable[[str, str], str],
    overrides: Mapping[str, str] | None = None,
) -> Configuration:
    """The configuration of a stack: `Pulumi.<stack>.yaml`, then the project's defaults, then `overrides` over both.

    `decrypt(salt, ciphertext)` opens a secure value; it is called only where there is one.
    """
    path = project.stack_directory / f"Pulumi.{stack}.yaml"
    content = _mapping(path) if path.is_file() else {}
    if content.get("environment"):
        raise UnsupportedError(f"`environment:` (Pulumi ESC) in {path}")
    result = Configuration(encryption_salt=str(content.get("encryptionsalt") or ""))
    provider = str(content.get("secretsprovider") or "passphrase")
    if provider not in ("passphrase", "default"):
        raise UnsupportedError(
            f"secrets provider {provider!r} in {path}", "The local engine keeps secrets by passphrase."
        )
    for key, value in (content.get("config") or {}).items():
        name = key if ":" in key else f"{project.name}:{key}"
        if holds_secure(value):
            if not result.encryption_salt:
                raise DeploymentError(f"{path}: {key} is secure, but the file has no encryptionsalt to open it with")
            # A secret within a list or map makes the whole key secret, as with Pulumi.
            value = opened(value, lambda text: decrypt(result.encryption_salt, text))
            result.secret_keys.append(name)
        result.values[name] = _text(value)
    declared = _defaults(project, result)
    for key, value in (overrides or {}).items():
        result.values[key if ":" in key else f"{project.name}:{key}"] = value
    _check_declared(project, declared, result)
    return result


def is_secure(value: Any) -> bool:
    """Whether a value of a stack's file is a secret, as a whole."""
    return isinstance(value, dict) and set(value) == {"secure"}


def holds_secure(value: Any) -> bool:
    """Whether there is a secret anywhere in a value of a stack's file."""
    if isinstance(value, dict):
        return is_secure(value) or any(holds_secure(item) for item in value.values())
    return isinstance(value, list) and any(holds_secure(item) for item in value)


def opened(value: Any, decrypt: Callable[[str], str]) -> Any:
    """The value with its secrets decrypted."""
    if is_secure(value):
        return decrypt(str(value["secure"]))
    if isinstance(value, dict):
        return {key: opened(item, decrypt) for key, item in value.items()}
    if isinstance(value, list):
        return [opened(item, decrypt) for item in value]
    return value


def _defaults(project: Project, result: Configuration) -> dict[str, Mapping[str, Any]]:
    """Add the project's own values; return the typed declarations by full key."""
    declared: dict[str, Mapping[str, Any]] = {}
    for key, declaration in project.configuration.items():
        name = key if ":" in key else f"{project.name}:{key}"
        if isinstance(declaration, dict):
            declared[name] = declaration
            value = declaration.get("value", declaration.get("default"))
            if declaration.get("secret") and name in result.values and name not in result.secret_keys:
                result.secret_keys.append(name)
        else:
            value = declaration
        if value is not None and name not in result.values:
            result.values[name] = _text(value)
    return declared


_KINDS: dict[str, Callable[[str], bool]] = {
    "string": lambda _: True,
    "boolean": lambda text: text in ("true", "false"),
    "integer": lambda text: re.fullmatch(r"-?\d+", text) is not None,
    "array": lambda text: text.startswith("["),
    "object": lambda text: text.startswith("{"),
}


def _check_declared(project: Project, declared: Mapping[str, Mapping[str, Any]], result: Configuration) -> None:
    for name, declaration in declared.items():
        kind = declaration.get("type")
        if name not in result.values:
            if kind and "value" not in declaration:
                raise DeploymentError(
                    f"configuration {name} is required by {project.directory / 'Pulumi.yaml'} and is not set"
                )
            continue
        check = _KINDS.get(str(kind or "string"))
        if check is not None and not check(result.values[name]):
            raise DeploymentError(f"configuration {name} must be of type {kind}")
    typed = {name for name, declaration in declared.items() if declaration.get("type")}
    if not typed:
        return
    for name in result.values:
        if name.startswith(f"{project.name}:") and name not in declared:
            near = difflib.get_close_matches(name, typed, 1)
            known = ", ".join(sorted(key.split(":", 1)[1] for key in typed))
            raise DeploymentError(
                f"configuration {name} is not declared in {project.directory / 'Pulumi.yaml'}",
                f"Did you mean {near[0]}?" if near else f"Declared: {known}.",
            )


def interpreter(project: Project, python: Path | None) -> Path:
    """The Python that runs the program: the one given, else the project's virtual environment, else this one."""
    if python is not None:
        if not python.is_file():
            raise DeploymentError(f"{python} is not a Python interpreter")
        return python
    if project.virtualenv:
        candidate = project.directory / project.virtualenv / "bin" / "python"
        if candidate.is_file():
            return candidate
    return Path(sys.executable)
