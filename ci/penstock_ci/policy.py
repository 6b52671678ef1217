"""The policies on a preview: a stack's settings from its files, the judgement of its plan, and how it is told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from penstock_ci import stackfiles
from penstock_ci.errors import UserError
from penstock_policy import POLICIES, Finding, Judgement, Resource, Settings, SettingsError, judge, settings_of

if TYPE_CHECKING:
    from penstock_ci.output import Output
    from penstock_ci.plans import PlannedResource

MOST_NAMES = 3
"""How many resources are named of those that an advisory finding says the same of."""


def settings(folder: Path, stack: str, overrides: Mapping[str, str] = {}) -> Settings:
    """The policy settings of a project's stack: Pulumi.yaml, over it Pulumi.<stack>.yaml, over both `overrides`.

    Args:
        folder: The project's folder.
        stack: The stack's name.
        overrides: Configuration given with `--config`.

    Raises:
        UserError: the settings are wrong, or a file cannot be read.
    """
    files = stackfiles.read(folder, stack, overrides)
    try:
        return settings_of(dict(files.values), stack=stack, source=files.source)
    except SettingsError as error:
        first, *faults = str(error).splitlines()
        raise UserError(
            first.removesuffix(":"), "correct them there, or in Pulumi.yaml", detail="\n".join(faults)
        ) from None


def judgement(resources: Iterable[PlannedResource], chosen: Settings) -> Judgement:
    """What the policies find in a plan.

    Raises:
        UserError: a policy document of the program is none.
    """
    judged = [
        Resource(
            type=resource.type,
            name=resource.name,
            urn=resource.urn,
            inputs=resource.inputs,
            protect=resource.protect,
            operation=resource.operation,
            changed=resource.changed,
        )
        for resource in resources
    ]
    try:
        return judge(POLICIES, judged, chosen)
    except ValueError as error:
        raise UserError(str(error), "correct the policy document in the program") from None


def document(found: Judgement) -> dict[str, Any]:
    """The judgement for `--json`."""
    return {
        "ok": found.ok,
        "mandatory": [_finding(entry) for entry in found.mandatory],
        "advisory": [_finding(entry) for entry in found.advisory],
        "excepted": [_finding(entry) | {"reason": exemption.reason} for entry, exemption in found.excepted],
        "unused_exceptions": [
            {"policy": exemption.policy, "resource": exemption.resource} for exemption in found.unused
        ],
    }


def show(output: Output, found: Judgement) -> None:
    """A line for each mandatory finding, one for all that is advised in the same words, and one for exceptions."""
    for entry in found.mandatory:
        output.marked("failed", f"policy {entry}")
    alike: dict[tuple[str, str, str], list[str]] = {}
    for entry in found.advisory:
        alike.setdefault((entry.policy, entry.message, entry.remedy), []).append(entry.name)
    for (policy, message, remedy), names in alike.items():
        told = ", ".join(names[:MOST_NAMES]) + (
            f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
        )
        output.marked("warning", f"policy {policy}: {told}: {message}. {remedy}")
    for entry, exemption in found.excepted:
        output.progress(f"policy {entry.policy}: {entry.type} {entry.name}: excepted: {exemption.reason}")
    for exemption in found.unused:
        output.progress(
            f"policy:exceptions: {exemption.policy} of {exemption.resource} excuses nothing (any more): remove it",
            kind="warning",
        )


def errors(found: Judgement) -> list[str]:
    """What stops an `up`, a line a finding."""
    return [f"policy {entry}" for entry in found.mandatory]


def _finding(entry: Finding) -> dict[str, Any]:
    return {
        "policy": entry.policy,
        "type": entry.type,
        "name": entry.name,
        "urn": entry.urn,
        "message": entry.message,
        "remedy": entry.remedy,
    }
