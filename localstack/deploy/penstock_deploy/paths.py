"""Property paths as Pulumi writes them: `tags.env`, `rules[0].status`, `tags["a.b"]`, `rules[*].id`, `*`."""

from __future__ import annotations

import copy
import re
from typing import Any

from penstock_deploy.values import Secret

Key = str | int
_TOKEN = re.compile(r'\["((?:[^"\\]|\\.)*)"\]|\[(\d+|\*)\]|\.?([^.\[\]]+)')
_PLAIN = re.compile(r"[A-Za-z_$][\w$-]*\Z")
_MISSING = object()


def parse(path: str) -> list[Key]:
    """The keys of a path; `*` stands for every element."""
    keys: list[Key] = []
    at = 0
    while at < len(path):
        match = _TOKEN.match(path, at)
        if match is None or match.end() == at:
            raise ValueError(f"not a property path: {path!r}")
        quoted, index, word = match.groups()
        if quoted is not None:
            keys.append(quoted.replace('\\"', '"'))
        elif index is not None:
            keys.append(index if index == "*" else int(index))
        else:
            keys.append(word)
        at = match.end()
    return keys


def write(keys: list[Key]) -> str:
    """The text of a path."""
    text = ""
    for key in keys:
        if isinstance(key, int):
            text += f"[{key}]"
        elif _PLAIN.match(key):
            text += f".{key}" if text else key
        else:
            text += '["' + key.replace('"', '\\"') + '"]'
    return text


def covers(pattern: str, path: str) -> bool:
    """Whether `path` is what `pattern` names, or lies in it, or contains it."""
    wanted, given = parse(pattern), parse(path)
    return all(a in ("*", b) for a, b in zip(wanted, given, strict=False))


def _step(value: Any, key: Key) -> Any:
    if isinstance(value, Secret):
        value = value.value
    if isinstance(value, dict) and isinstance(key, str):
        return value.get(key, _MISSING)
    if isinstance(value, list) and isinstance(key, int) and key < len(value):
        return value[key]
    return _MISSING


def _carry(old: Any, new: Any, keys: list[Key]) -> Any:
    """`new` with what lies at `keys` taken from `old`."""
    if not keys:
        return copy.deepcopy(old)
    if isinstance(new, Secret):
        return Secret(_carry(old, new.value, keys))
    key, rest = keys[0], keys[1:]
    if key == "*":
        bare = old.value if isinstance(old, Secret) else old
        if isinstance(new, dict):
            names = [*new, *(bare if isinstance(bare, dict) else {})]
            for each in dict.fromkeys(names):
                new = _carry(old, new, [each, *rest])
        elif isinstance(new, list):
            for index in range(len(new)):
                new = _carry(old, new, [index, *rest])
        return new
    before = _step(old, key)
    if isinstance(new, dict) and isinstance(key, str):
        result = dict(new)
        if before is _MISSING:
            if not rest:
                result.pop(key, None)
        elif key in result or not rest:
            result[key] = _carry(before, result.get(key), rest)
        return result
    if isinstance(new, list) and isinstance(key, int) and key < len(new) and before is not _MISSING:
        return [*new[:key], _carry(before, new[key], rest), *new[key + 1 :]]
    return new


def ignore(old: dict[str, Any], new: dict[str, Any], patterns: list[str]) -> dict[str, Any]:
    """`new` with every property named in `patterns` as it was in `old` (absent where it was absent)."""
    result: Any = new
    for pattern in patterns:
        result = _carry(old, result, parse(pattern))
    return dict(result)


def differences(old: Any, new: Any, at: list[Key] | None = None) -> list[tuple[list[Key], str]]:
    """The deepest paths at which two plain values differ, each with "add", "delete" or "update"."""
    here = at or []
    if isinstance(old, dict) and isinstance(new, dict):
        found: list[tuple[list[Key], str]] = []
        for key in sorted({*old, *new}):
            if key not in old:
                found.append(([*here, key], "add"))
            elif key not in new:
                found.append(([*here, key], "delete"))
            else:
                found += differences(old[key], new[key], [*here, key])
        return found
    if isinstance(old, list) and isinstance(new, list):
        found = []
        for index in range(max(len(old), len(new))):
            if index >= len(old):
                found.append(([*here, index], "add"))
            elif index >= len(new):
                found.append(([*here, index], "delete"))
            else:
                found += differences(old[index], new[index], [*here, index])
        return found
    if old == new and isinstance(old, bool) == isinstance(new, bool):
        return []
    return [(here, "update")]
