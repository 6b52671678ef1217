"""What a program wants of one resource, read from its registration."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from penstock_deploy import assets
from penstock_deploy.errors import DeploymentError, StepError, UnsupportedError
from penstock_deploy.state.resource import ResourceState
from penstock_deploy.urns import STACK_TYPE
from penstock_deploy.values import Properties, from_struct


@dataclass
class Goal:
    """A wanted resource with Pulumi's resource options."""

    urn: str
    type: str
    name: str
    custom: bool
    parent: str
    inputs: Properties
    provider: str = ""
    version: str = ""
    protect: bool = False
    retain_on_delete: bool = False
    delete_before_replace: bool | None = None
    deleted_with: str = ""
    dependencies: list[str] = field(default_factory=list)
    property_dependencies: dict[str, list[str]] = field(default_factory=dict)
    ignore_changes: list[str] = field(default_factory=list)
    replace_on_changes: list[str] = field(default_factory=list)
    additional_secret_outputs: list[str] = field(default_factory=list)
    custom_timeouts: dict[str, float] = field(default_factory=dict)
    aliases: list[str] = field(default_factory=list)

    @property
    def package(self) -> str:
        return self.type.split(":", 1)[0]

    def needs(self) -> set[str]:
        """URNs of everything in the program that the resource refers to."""
        return self.state().needs()

    def state(self) -> ResourceState:
        """The state this goal leads to, before any provider has spoken."""
        return ResourceState(
            urn=self.urn,
            type=self.type,
            custom=self.custom,
            inputs=self.inputs,
            parent=self.parent,
            protect=self.protect,
            dependencies=self.dependencies,
            property_dependencies=self.property_dependencies,
            provider=self.provider,
            additional_secret_outputs=self.additional_secret_outputs,
            custom_timeouts=self.custom_timeouts,
            retain_on_delete=self.retain_on_delete,
            deleted_with=self.deleted_with,
            ignore_changes=self.ignore_changes,
            replace_on_changes=self.replace_on_changes,
        )


_REFUSED = {
    "importId": "the option `import`",
    "remote": "a remote component",
    "envVarMappings": "the option `env_var_mappings`",
    "replace_with": "the option `replace_with`",
    "replacement_trigger": "the option `replacement_trigger`",
    "state_migrations": "state migrations",
    "hooks": "a resource hook",
    "snippetId": "a snippet",
    "packageRef": "a parameterized package",
}


def refuse_unsupported(request: Any) -> None:
    """Refuse a registration that asks for what this engine does not have, before anything is done for it."""
    for descriptor, value in request.ListFields():
        what = _REFUSED.get(descriptor.name)
        if what is None:
            continue
        if descriptor.name == "hooks" and not value.ListFields():
            continue
        raise UnsupportedError(f"{request.type} {request.name!r}: {what}")


def from_request(request: Any, urn: str, parent: str, aliases: list[str], folder: Path) -> Goal:
    """The goal in a RegisterResourceRequest. `folder` is where the program runs."""
    try:
        inputs = assets.hashed(from_struct(request.object), folder)
    except UnsupportedError:
        raise
    except DeploymentError as error:
        raise StepError(urn, error.message, error.fix) from error
    timeouts = {}
    if request.HasField("customTimeouts"):
        timeouts = {item.name: _seconds(text) for item, text in request.customTimeouts.ListFields()}
    return Goal(
        urn=urn,
        type=request.type,
        name=request.name,
        custom=request.custom,
        parent="" if request.type == STACK_TYPE else parent,
        inputs={key: value for key, value in inputs.items() if value is not None},
        provider=request.provider,
        version=request.version,
        protect=request.protect,
        retain_on_delete=request.retainOnDelete,
        delete_before_replace=request.deleteBeforeReplace if request.deleteBeforeReplaceDefined else None,
        deleted_with=request.deletedWith,
        dependencies=sorted(request.dependencies),
        property_dependencies={key: sorted(item.urns) for key, item in sorted(request.propertyDependencies.items())},
        ignore_changes=list(request.ignoreChanges),
        replace_on_changes=list(request.replaceOnChanges),
        additional_secret_outputs=list(request.additionalSecretOutputs),
        custom_timeouts=timeouts,
        aliases=aliases,
    )


_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}


def _seconds(text: str) -> float:
    """Seconds in a duration as Go writes it: `1h30m`, `90s`."""
    total, number, unit = 0.0, "", ""
    for char in [*text, "0"]:
        if char.isdigit() or char == ".":
            if unit:
                total += float(number) * _UNITS.get(unit, 1.0)
                number, unit = "", ""
            number += char
        else:
            unit += char
    return total
