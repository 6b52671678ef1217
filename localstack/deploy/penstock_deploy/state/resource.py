"""One resource as the state keeps it, and its JSON form in Pulumi's checkpoint."""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field, fields, replace
from typing import Any

from penstock_deploy.errors import UnsupportedError
from penstock_deploy.state.secrets import PassphraseSecrets
from penstock_deploy.values import Properties

_NAMES = {
    "property_dependencies": "propertyDependencies",
    "additional_secret_outputs": "additionalSecretOutputs",
    "custom_timeouts": "customTimeouts",
    "retain_on_delete": "retainOnDelete",
    "deleted_with": "deletedWith",
    "ignore_changes": "ignoreChanges",
    "replace_on_changes": "replaceOnChanges",
    "pending_replacement": "pendingReplacement",
    "init_errors": "initErrors",
}
_ALWAYS = ("urn", "custom", "type")
_REFUSED = {
    "viewOf": "a resource view",
    "resourceHooks": "a resource with hooks",
    "replaceWith": "replaceWith",
    "taint": "a tainted resource",
    "refreshBeforeUpdate": "refreshBeforeUpdate",
    "snippetID": "a resource of a snippet",
    "extensionRef": "a resource of an extension",
}


@dataclass
class ResourceState:
    """A resource's inputs, outputs and options. `extra` keeps the fields of the checkpoint that are not known here."""

    urn: str
    type: str
    custom: bool
    id: str = ""
    inputs: Properties = field(default_factory=dict)
    outputs: Properties = field(default_factory=dict)
    parent: str = ""
    protect: bool = False
    external: bool = False
    delete: bool = False
    dependencies: list[str] = field(default_factory=list)
    property_dependencies: dict[str, list[str]] = field(default_factory=dict)
    provider: str = ""
    additional_secret_outputs: list[str] = field(default_factory=list)
    custom_timeouts: dict[str, float] = field(default_factory=dict)
    retain_on_delete: bool = False
    deleted_with: str = ""
    ignore_changes: list[str] = field(default_factory=list)
    replace_on_changes: list[str] = field(default_factory=list)
    pending_replacement: bool = False
    init_errors: list[str] = field(default_factory=list)
    created: str = ""
    modified: str = ""
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def is_provider(self) -> bool:
        return self.type.startswith("pulumi:providers:")

    @property
    def is_default_provider(self) -> bool:
        """Whether it is a provider that no program registered: made by the engine, and not shown."""
        name = self.urn.rsplit("::", 1)[-1]
        return self.is_provider and not self.parent and (name == "default" or name.startswith("default_"))

    @property
    def is_managed(self) -> bool:
        """Whether a provider made it and would have to delete it."""
        return self.custom and not self.external and not self.is_provider

    def needs(self) -> set[str]:
        """URNs of everything this resource depends on in any way."""
        urns = {self.parent, self.deleted_with, self.provider.rsplit("::", 1)[0] if self.provider else ""}
        urns.update(self.dependencies)
        for listed in self.property_dependencies.values():
            urns.update(listed)
        urns.discard("")
        return urns

    def copy(self, **changes: Any) -> ResourceState:
        """A copy with some fields changed."""
        return replace(self, **changes)


_FIELDS = {item.name: _NAMES.get(item.name, item.name) for item in fields(ResourceState) if item.name != "extra"}
_BY_JSON = {json_name: name for name, json_name in _FIELDS.items()}


def now() -> str:
    """The time in the form that the checkpoint uses."""
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def to_json(state: ResourceState, secrets: PassphraseSecrets) -> dict[str, Any]:
    """The checkpoint's form of a resource; secrets are encrypted, empty fields left out."""
    result: dict[str, Any] = {}
    for name, json_name in _FIELDS.items():
        value = getattr(state, name)
        if name in ("inputs", "outputs"):
            value = secrets.seal(value)
        if name in _ALWAYS or value:
            result[json_name] = value
    for key, value in state.extra.items():
        result.setdefault(key, value)
    return result


def from_json(content: dict[str, Any], secrets: PassphraseSecrets) -> ResourceState:
    """A resource from its form in the checkpoint. Refuses what this engine cannot carry on (by name)."""
    known: dict[str, Any] = {}
    extra: dict[str, Any] = {}
    for key, value in content.items():
        if key in _REFUSED and value:
            raise UnsupportedError(f"{_REFUSED[key]} ({content.get('urn')}) in the state")
        name = _BY_JSON.get(key)
        if name is None:
            extra[key] = value
        elif value is not None:
            known[name] = value
    for name in ("inputs", "outputs"):
        known[name] = secrets.unseal(known.get(name) or {})
    known.setdefault("custom", False)
    return ResourceState(**known, extra=extra)
