"""A step's changes property by property, as they may be shown: secrets hidden, unknown values named so."""

from __future__ import annotations

from typing import Any

from penstock_deploy import assets, paths
from penstock_deploy.values import UNKNOWN, Properties, hide

Details = dict[str, dict[str, Any]]
_SECRET = "[secret]"  # noqa: S105 - what is shown instead of one
_ABSENT = object()


def _shown(value: Any) -> Any:
    if assets.is_asset(value) or assets.is_archive(value):
        return assets.label(value)
    if isinstance(value, dict):
        return {key: _shown(item) for key, item in value.items() if not key.startswith("__")}
    if isinstance(value, list):
        return [_shown(item) for item in value]
    return "[unknown]" if isinstance(value, str) and value == UNKNOWN else value


def _at(value: Any, keys: list[paths.Key]) -> Any:
    for key in keys:
        in_list = isinstance(value, list) and isinstance(key, int) and key < len(value)
        if in_list or (isinstance(value, dict) and key in value):
            value = value[key]
        else:
            return value if value == _SECRET else _ABSENT
    return value


def details(old: Properties, new: Properties, changed: list[str] | None = None) -> Details:
    """For each changed path its `kind` (add, delete, update) and the `old` and `new` values.

    Without `changed`, all properties that only one of the two has: those of a creation or a deletion.
    """
    before, after = _shown(hide(old, _SECRET)), _shown(hide(new, _SECRET))
    wanted = sorted({*before, *after}) if changed is None else changed
    found: Details = {}
    for path in wanted:
        keys: list[paths.Key] = [path] if changed is None else paths.parse(path)
        was, is_ = _at(before, keys), _at(after, keys)
        entry: dict[str, Any] = {"kind": "add" if was is _ABSENT else "delete" if is_ is _ABSENT else "update"}
        if was is _ABSENT and is_ is _ABSENT:
            entry["kind"] = "update"
        if was is not _ABSENT:
            entry["old"] = was
        if is_ is not _ABSENT:
            entry["new"] = is_
        found[path] = entry
    return found
