"""What a change of a feature definition means for the feature group that exists, and what to do when AWS cannot make it.

AWS appends features to a group (UpdateFeatureGroup, FeatureAdditions) and changes how the online store keeps records; a
group can lose no feature and change no type, key, event time or storage: that is a new group, and the data of the old
one goes with it.
https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_UpdateFeatureGroup.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

FIXED = {
    "recordIdentifier": "the record identifier",
    "eventTime": "the event time",
    "online": "whether it is online",
    "onlineStorage": "the online store's storage type",
    "offline": "whether it is offline",
    "tableFormat": "the offline store's table format",
    "offlineStoreUri": "where the offline store lies",
    "roleArn": "the role that it is written with",
    "keyArn": "its KMS key",
}
"""What a group keeps for life, by the names of the schema's properties."""

_VERSION = re.compile(r"(.*)-v([0-9]+)")


@dataclass(frozen=True, kw_only=True)
class Change:
    """A change of a group's schema.

    Attributes:
        added: The features that are new, as `{"name": ..., "type": ...}`, in the definition's order.
        replacing: Why the group would have to be replaced, one reason an entry; empty when AWS can do it in place.
    """

    added: tuple[Mapping[str, str], ...] = ()
    replacing: tuple[str, ...] = ()


def compare(old: Mapping[str, Any], new: Mapping[str, Any], unknown: str = "") -> Change:
    """What leads from one schema to another; `unknown` is what stands for a value that only the update will bring.

    A schema is `{"features": [{"name", "type"}...], "recordIdentifier": ..., "eventTime": ..., ...}`: see `FIXED`.
    The order of features means nothing to a group.
    """
    before = {str(item["name"]): str(item["type"]) for item in old.get("features", [])}
    after = {str(item["name"]): str(item["type"]) for item in new.get("features", [])}
    replacing = [f"the feature {name} is gone" for name in before if name not in after]
    replacing += [
        f"the feature {name} was {kind} and would be {after[name]}"
        for name, kind in before.items()
        if after.get(name, kind) != kind
    ]
    for key, what in FIXED.items():
        was, would = old.get(key), new.get(key)
        if key in old and was != would and unknown not in (was, would):
            replacing.append(f"{what} was {_told(was)} and would be {_told(would)}")
    added = tuple(item for item in new.get("features", []) if item["name"] not in before)
    return Change(added=added, replacing=tuple(replacing))


def _told(value: Any) -> str:
    return {True: "true", False: "false", None: "nothing", "": "nothing"}.get(value, str(value))


def next_version(name: str) -> str:
    """The name of the version after this one: `origin` -> `origin-v2` -> `origin-v3`."""
    found = _VERSION.fullmatch(name)
    return f"{found[1]}-v{int(found[2]) + 1}" if found else f"{name}-v2"


def refusal(definition: str, old: Mapping[str, Any], new: Mapping[str, Any], change: Change) -> str:
    """Why a group is not replaced, and the two safe ways: undo, or a new version beside the old with a backfill."""
    version = next_version(definition)
    reasons = "\n".join(f"  - {reason}" for reason in change.replacing)
    steps = "\n".join(f"  {number}. {step}" for number, step in enumerate(backfill(definition, old, new), 1))
    return (
        f"the feature group of features/{definition}.yaml would be replaced, and its records lost, because\n{reasons}\n"
        f"Undo that in features/{definition}.yaml (features may be added), or make a new version beside it:\n"
        f"{steps}\n"
        f"Where the data may go: delete features/{definition}.yaml, bring the stack up, and add {version}.yaml later."
    )


def backfill(definition: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[str, ...]:
    """The steps from a group to its next version, saying for each feature where its history comes from."""
    version = next_version(definition)
    before = {str(item["name"]): str(item["type"]) for item in old.get("features", [])}
    after = {str(item["name"]): str(item["type"]) for item in new.get("features", [])}
    copied = [name for name, kind in after.items() if before.get(name) == kind]
    cast = [f"{name} ({before[name]} to {kind})" for name, kind in after.items() if before.get(name, kind) != kind]
    computed = [name for name in after if name not in before]
    same_key = all(old.get(key) == new.get(key) for key in ("recordIdentifier", "eventTime"))
    history = [f"copy {', '.join(copied)}"] if copied and same_key else []
    history += [f"cast {', '.join(cast)}"] if cast and same_key else []
    history += [f"compute {', '.join(computed)} from the lake"] if computed and same_key else []
    source = (
        "; ".join(history)
        if same_key
        else "compute every feature from the lake: record identifier or event time differ"
    )
    return (
        f"put features/{definition}.yaml back and write the change to features/{version}.yaml (name: {version});",
        f"bring the stack up: {version} is made, empty, beside {definition};",
        f"backfill it from {definition}'s offline store, with the old event times: {source};",
        "let the pipeline write both; compare them on the same records;",
        f"point readers (training set, endpoint) at {version}; when nothing reads {definition} any more, "
        f"delete features/{definition}.yaml.",
    )
