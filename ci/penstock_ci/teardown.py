"""Before a model repository's stack is destroyed: what pipelines and deployments left, which no Pulumi program owns.

AWS refuses to delete a model package group that holds versions, and Pulumi's provider cannot be told to force it. So the
versions go first, where the stack's setting `forceDestroy` allows it; else destroying is refused.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from penstock_ci import registry, releases
from penstock_ci.errors import UserError

if TYPE_CHECKING:
    from penstock_ci.projects import Project
    from penstock_ci.target import Target

GROUP = "aws:sagemaker/modelPackageGroup:ModelPackageGroup"


def check(target: Target, project: Project, resources: list[dict[str, Any]]) -> list[str]:
    """The package groups of a stack that may be taken away with their versions.

    Raises:
        UserError: one has versions, and the stack is not set to lose them.
    """
    groups = _groups(resources)
    if not groups or force_destroy(project, target.stack):
        return groups
    for group in groups:
        count = len(registry.in_group(target, group, target.stack))
        if count:
            raise UserError(
                f"{group} has {count} registered version{'s' if count > 1 else ''}, which destroy would delete",
                f"to lose them, set forceDestroy in {project.folder / f'Pulumi.{target.stack}.yaml'}",
            )
    return groups


def clear(target: Target, groups: list[str], on_progress: Callable[[str], None]) -> None:
    """Delete the groups' versions and what says which of them is live. Their artifacts in S3 stay."""
    client = target.client("sagemaker")
    for group in groups:
        versions = registry.in_group(target, group, target.stack)
        for version in versions:
            client.delete_model_package(ModelPackageName=version.arn)
        if versions:
            on_progress(
                f"deleted {len(versions)} version{'s' if len(versions) > 1 else ''} of {group} from the registry"
            )
        releases.forget(target, group.removesuffix(f"-{target.stack}"))


def force_destroy(project: Project, stack: str) -> bool:
    """The stack's setting `forceDestroy`; false when its file does not say."""
    import yaml

    try:
        document = yaml.safe_load((project.folder / f"Pulumi.{stack}.yaml").read_text()) or {}
    except FileNotFoundError:
        return False
    settings: dict[str, Any] = document.get("config") or {}
    return any(key.endswith(":forceDestroy") and value in {True, "true"} for key, value in settings.items())


def _groups(resources: list[dict[str, Any]]) -> list[str]:
    """Names of the model package groups in a stack's state."""
    return [
        str(entry.get("id") or entry["outputs"]["modelPackageGroupName"])
        for entry in resources
        if entry["type"] == GROUP and (entry.get("id") or entry.get("outputs"))
    ]
