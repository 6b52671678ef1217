"""What a resource type is: names of its properties, and create, read, update, delete over AWS's API.

A type is a class with a table of names; the verbs are code only as far as AWS is irregular (`types/shaped.py` has the
regular ones). The recipe for adding a type: `types/__init__.py`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from penstock_deploy import assets
from penstock_deploy.provider.clients import Aws
from penstock_deploy.values import UNKNOWN, Properties

Tags = dict[str, str]


class ResourceType:
    """Base of all types. Names of properties are Pulumi's (camelCase), separated by blanks."""

    pulumi_type: ClassVar[str] = ""
    #: inputs that a program may give (beside `region` and, where `taggable`, `tags`)
    inputs: ClassVar[str] = ""
    #: outputs that only AWS knows
    outputs: ClassVar[str] = ""
    #: outputs that an update changes as well: unknown in the preview of one
    volatile: ClassVar[str] = ""
    required: ClassVar[str] = ""
    #: inputs whose change replaces the resource
    immutable: ClassVar[str] = ""
    defaults: ClassVar[Mapping[str, Any]] = {}
    #: inputs that hold JSON documents, compared by meaning
    documents: ClassVar[str] = ""
    #: inputs that hold IAM policies, compared by meaning (a single action equals a list of one, order does not matter)
    policies: ClassVar[str] = ""
    #: inputs that hold sets: order does not matter
    sets: ClassVar[str] = ""
    #: the input that is named automatically, the longest name that AWS takes, and whether it must be lower case
    named: ClassVar[str] = ""
    name_limit: ClassVar[int] = 64
    name_lower: ClassVar[bool] = False
    #: what every name of the type begins with
    name_start: ClassVar[str] = ""
    #: the input that holds a name's prefix, where the type has one
    prefix: ClassVar[str] = ""
    confidential: ClassVar[str] = ""
    taggable: ClassVar[bool] = False
    #: whether the type exists in a region (and so takes `region`, as every regional type does since version 7)
    regional: ClassVar[bool] = True
    #: the new one cannot exist beside the old one
    delete_before_replace: ClassVar[bool] = False
    #: seconds that waiting for a state may take at most
    patience: ClassVar[float] = 600.0

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        split = {name: frozenset(getattr(cls, name).split()) for name in _SPLIT}
        if cls.taggable:
            split["inputs"] |= {"tags"}
            split["outputs"] |= {"tagsAll"}
        if cls.regional:
            split["inputs"] |= {"region"}
            split["outputs"] |= {"region"}
            split["immutable"] |= {"region"}
        if cls.prefix:
            split["inputs"] |= {cls.prefix}
            split["immutable"] |= {cls.prefix}
        split["immutable"] &= split["inputs"]
        cls.names = split

    names: ClassVar[dict[str, frozenset[str]]] = {}

    # -- the verbs

    def create(self, aws: Aws, inputs: Properties) -> str:
        """Make it; the id. When calls follow the one that makes it, set `aws.made` to the id before them."""
        raise NotImplementedError

    def read(self, aws: Aws, id_: str, known: Properties) -> Properties | None:
        """Properties as they are now; None when it is gone. `known` are the inputs last known, perhaps empty.

        A property that AWS does not tell is left out; one that is None was cleared.
        """
        raise NotImplementedError

    def update(self, aws: Aws, id_: str, inputs: Properties, old: Properties, changed: set[str]) -> None:
        """Change it in place. `changed` are the names of the inputs that differ."""
        raise NotImplementedError

    def delete(self, aws: Aws, id_: str, inputs: Properties) -> None:
        """Delete it; an error of AWS that says it is gone is no error (`gone`)."""
        raise NotImplementedError

    def locate(self, aws: Aws, inputs: Properties) -> str | None:  # noqa: ARG002
        """The id that a resource with these inputs has, whether it exists or not; None where AWS chooses ids."""
        return None

    def replaces(self, old: Properties, new: Properties, changed: set[str]) -> set[str]:  # noqa: ARG002
        """Which changed inputs force a replacement."""
        return changed & self.names["immutable"]

    def check(self, inputs: Properties) -> list[tuple[str, str]]:  # noqa: ARG002
        """Failures of checks beyond the table: property and reason."""
        return []

    def canonical(self, name: str, value: Any) -> Any:
        """A form of a property's value in which equal meanings are equal."""
        if name in self.names["policies"]:
            return _policy(_document(value))
        if name in self.names["documents"]:
            return _document(value)
        if name in self.names["sets"] and isinstance(value, list):
            return sorted(value, key=lambda item: json.dumps(item, sort_keys=True))
        return assets.digests(compact(value))


_SPLIT = ("inputs", "outputs", "volatile", "required", "immutable", "documents", "policies", "sets", "confidential")


def _document(value: Any) -> Any:
    if isinstance(value, str) and value != UNKNOWN:
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def _policy(value: Any, key: str = "") -> Any:
    if key == "Statement":
        return [_policy(item) for item in (value if isinstance(value, list) else [value])]
    if isinstance(value, dict):
        return {name: _policy(item, name) for name, item in value.items()}
    if isinstance(value, list):
        items = [_policy(item) for item in value]
        if all(isinstance(item, str) for item in items):
            items = sorted(items)
        return items[0] if len(items) == 1 else items
    return value


def compact(value: Any) -> Any:
    """The value without nulls and without Pulumi's own `__defaults`."""
    if isinstance(value, dict):
        return {key: compact(item) for key, item in value.items() if item is not None and not key.startswith("__")}
    if isinstance(value, list):
        return [compact(item) for item in value]
    return value


def gone(error: Exception, *codes: str) -> bool:
    """Whether an error of AWS says that the thing does not exist; `codes` are the type's own words for it."""
    response = getattr(error, "response", None)
    if not isinstance(response, dict):
        return False
    code = str(response.get("Error", {}).get("Code", ""))
    if code in codes:
        return True
    return code.startswith(("NoSuch", "NotFound", "404", "ResourceNotFound")) or code.endswith(".NonExistentQueue")


def absent(call: Callable[[], Any], *codes: str) -> Any | None:
    """The call's result; None when AWS says that the thing does not exist."""
    from botocore.exceptions import ClientError

    try:
        return call()
    except ClientError as error:
        if gone(error, *codes):
            return None
        raise


def tag_list(tags: Mapping[str, str] | None, key: str = "Key", value: str = "Value") -> list[dict[str, str]]:
    """AWS's list form of tags."""
    return [{key: name, value: text} for name, text in (tags or {}).items()]


def tag_map(tags: list[dict[str, str]] | None, key: str = "Key", value: str = "Value") -> Tags:
    """Pulumi's form of AWS's list of tags."""
    return {item[key]: item.get(value, "") for item in tags or []}


def sync_tags(
    inputs: Properties, old: Properties, tag: Callable[[Tags], Any], untag: Callable[[list[str]], Any]
) -> None:
    """Bring tags from `old` to `inputs`: `untag` with the keys that go, `tag` with what is new or changed."""
    new_tags: Tags = inputs.get("tags") or {}
    old_tags: Tags = old.get("tags") or {}
    removed = sorted(set(old_tags) - set(new_tags))
    if removed:
        untag(removed)
    changed = {name: text for name, text in new_tags.items() if old_tags.get(name) != text}
    if changed:
        tag(changed)
