"""`pulumi:autonaming`: how resources are named that the program gives no name, by stack, package or type.

    pulumi:autonaming:
      pattern: ${stack}-${name}-${hex(4)}
      providers:
        aws:
          resources:
            "aws:sqs/queue:Queue": {mode: verbatim}

See https://www.pulumi.com/docs/iac/concepts/resources/names/#autonaming-configuration.
"""

from __future__ import annotations

import hashlib
import json
import random
import re
import string
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from penstock_deploy import urns
from penstock_deploy.errors import DeploymentError
from penstock_deploy.plugins.interface import Naming

KEY = "pulumi:autonaming"
_CONFIGURED = re.compile(r"\$\{config\.([^}]+)\}")
_RANDOM = re.compile(r"\$\{(hex|alphanum|string|num)\((\d+)\)\}|\$\{(uuid)\}")
_ALPHABETS = {
    "hex": string.hexdigits[:16],
    "alphanum": string.ascii_lowercase + string.digits,
    "string": string.ascii_lowercase,
    "num": string.digits,
}
_MODES = ("default", "verbatim", "disabled")
_OWN = ("mode", "pattern", "enforce")
_FIX = "See https://www.pulumi.com/docs/iac/concepts/resources/names/#autonaming-configuration."


@dataclass(frozen=True)
class _Way:
    """One way of naming. `mode` is one of `_MODES`, or `pattern`."""

    mode: str = "default"
    pattern: str = ""
    enforce: bool = False


@dataclass(frozen=True)
class _Package:
    way: _Way
    types: Mapping[str, _Way]


@dataclass(frozen=True)
class Autonaming:
    """The ways of naming of a stack; the one of a type wins over that of its package, and that over the stack's."""

    way: _Way = field(default_factory=_Way)
    packages: Mapping[str, _Package] = field(default_factory=dict)

    def naming(self, urn: str, seed: bytes) -> Naming | None:
        """How the resource is to be named; None for the provider's own way. Equal seeds give equal names."""
        type_, name = urns.type_of(urn), urns.name(urn)
        package = self.packages.get(type_.split(":", 1)[0])
        way = self.way if package is None else package.types.get(type_, package.way)
        if way.mode == "default":
            return None
        if way.mode == "pattern":
            proposed = _fill(way.pattern.replace("${name}", name), seed)
            has_random = _RANDOM.search(way.pattern) is not None
            return Naming(proposed, enforced=way.enforce, delete_before_replace=not has_random)
        return Naming(name if way.mode == "verbatim" else "", enforced=True, delete_before_replace=True)


def parse(configuration: Mapping[str, str], project: str, stack: str) -> Autonaming:
    """The autonaming in a stack's configuration; the provider's own way when there is none.

    Raises:
        DeploymentError: it is not as Pulumi takes it.
    """
    text = configuration.get(KEY)
    if text is None:
        return Autonaming()
    try:
        section = json.loads(text)
    except ValueError as error:
        raise DeploymentError(f"{KEY} is not a mapping: {error}", _FIX) from error

    def setting(key: str) -> str:
        return _setting(configuration, project, key)

    def resolve(pattern: str) -> str:
        for word, value in (("organization", "organization"), ("project", project), ("stack", stack)):
            pattern = pattern.replace(f"${{{word}}}", value)
        return _CONFIGURED.sub(lambda match: setting(match[1]), pattern)

    way = _way(section, KEY, resolve, also=("providers",)) or _Way()
    packages = {}
    for name, content in _mapping(section.get("providers"), f"{KEY}.providers").items():
        where = f"{KEY}.providers.{name}"
        of_package = _way(content, where, resolve, also=("resources",)) or way
        types = {}
        for type_, inner in _mapping(content.get("resources"), f"{where}.resources").items():
            of_type = _way(inner, f"{where}.resources.{type_}", resolve)
            if of_type is None:
                raise DeploymentError(f"{where}.resources.{type_}: mode or pattern must be given", _FIX)
            types[type_] = of_type
        packages[name] = _Package(of_package, types)
    return Autonaming(way, packages)


def _mapping(value: Any, where: str) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise DeploymentError(f"{where} is not a mapping", _FIX)
    return value


def _way(value: Any, where: str, resolve: Callable[[str], str], also: tuple[str, ...] = ()) -> _Way | None:
    content = _mapping(value, where)
    unknown = sorted(set(content) - {*_OWN, *also})
    if unknown:
        raise DeploymentError(f"{where}: {unknown[0]} is not known", f"Known: {', '.join((*_OWN, *also))}.")
    mode, pattern, enforce = (content.get(name) for name in _OWN)
    if mode is not None and (pattern is not None or enforce is not None):
        raise DeploymentError(f"{where}: mode and pattern or enforce cannot be given together", _FIX)
    if pattern is not None:
        return _Way("pattern", resolve(str(pattern)), enforce is True)
    if enforce is not None:
        raise DeploymentError(f"{where}: enforce needs a pattern", _FIX)
    if mode is None:
        return None
    if mode not in _MODES:
        raise DeploymentError(f"{where}: there is no mode {mode!r}", f"Modes: {', '.join(_MODES)}.")
    return _Way(str(mode))


def _setting(configuration: Mapping[str, str], project: str, key: str) -> str:
    """A value of the project's configuration; a dotted key reaches into an object."""
    name, *inner = key.split(".")
    text = configuration.get(f"{project}:{name}")
    value: Any = text
    if text is not None and inner:
        value = json.loads(text) if text.startswith("{") else None
        for part in inner:
            value = value.get(part) if isinstance(value, dict) else None
    if value is None:
        raise DeploymentError(
            f"{KEY}: there is no configuration {project}:{key} for ${{config.{key}}}",
            f"Set it: penstock up --config {key}=VALUE, or in the stack's file.",
        )
    return value if isinstance(value, str) else json.dumps(value)


def _fill(pattern: str, seed: bytes) -> str:
    """The pattern with its random parts drawn from the seed."""
    draw = random.Random(hashlib.sha256(seed).digest())  # noqa: S311 - names, not secrets

    def one(match: re.Match[str]) -> str:
        if match[3]:
            return str(uuid.UUID(bytes=draw.randbytes(16)))
        return "".join(draw.choice(_ALPHABETS[match[1]]) for _ in range(int(match[2])))

    return _RANDOM.sub(one, pattern)
