"""The model registry: versions of a model, their approval and their numbers. AWS's own API on both clouds."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from penstock_ci import platform
from penstock_ci.errors import Failure, UserError, did_you_mean

if TYPE_CHECKING:
    from penstock_ci.target import Target

ROWS = "rows"
"""In an evaluation's metrics, the number of rows: not a quality."""

Approval = Literal["Approved", "Rejected", "PendingManualApproval"]


@dataclass(frozen=True)
class Version:
    """A model package of a group, as DescribeModelPackage answers it."""

    description: dict[str, Any]
    stack: str
    """The stack that it is registered in."""

    @property
    def arn(self) -> str:
        """The package's ARN, ending in `/<group>/<version>`."""
        return str(self.description["ModelPackageArn"])

    @property
    def model(self) -> str:
        """The model's name, which the package group's name holds before the stack's."""
        return str(self.description["ModelPackageGroupName"]).removesuffix(f"-{self.stack}")

    @property
    def number(self) -> int:
        """1 for the first version registered."""
        return int(self.description["ModelPackageVersion"])

    @property
    def approval(self) -> str:
        """Approved, Rejected or PendingManualApproval."""
        return str(self.description.get("ModelApprovalStatus", "PendingManualApproval"))

    @property
    def created(self) -> datetime | None:
        """When it was registered."""
        return self.description.get("CreationTime")

    @property
    def properties(self) -> dict[str, str]:
        """CustomerMetadataProperties: commit, data version, digests, windows, parameters."""
        return dict(self.description.get("CustomerMetadataProperties") or {})

    @property
    def artifact(self) -> str:
        """S3 URI of model.tar.gz."""
        containers = self.description.get("InferenceSpecification", {}).get("Containers") or [{}]
        return str(containers[0].get("ModelDataUrl", ""))

    @property
    def evaluation(self) -> str:
        """S3 URI of evaluation.json; empty when none was registered."""
        quality = (self.description.get("ModelMetrics") or {}).get("ModelQuality") or {}
        return str((quality.get("Statistics") or {}).get("S3Uri", ""))

    def summary(self) -> dict[str, Any]:
        """What `--json` shows of a version."""
        return {
            "model": self.model,
            "version": self.number,
            "arn": self.arn,
            "approval": self.approval,
            "created": self.created.isoformat() if self.created else None,
            "properties": self.properties,
        }


def versions(target: Target, model: str) -> list[Version]:
    """Every version of a model, newest first, from the registry that the stack deploys from (`registryStack`).

    Raises:
        UserError: there is no such model package group.
    """
    where = platform.registry(target)
    name = f"{model}-{where.stack}"
    if where.account in ("", target.account()):
        found = in_group(target, name, where.stack)
        if not found and model not in models(target):
            raise _unknown_model(target, model)
        return found
    try:
        return in_group(target, group_arn(target, where.account, name), where.stack)
    except target.client("sagemaker").exceptions.ClientError as error:
        if error.response["Error"].get("Code") != "AccessDeniedException":
            raise
        raise UserError(
            f"account {target.account()} may not read the versions of {model} in the stack '{where.stack}' "
            f"(account {where.account}): {error.response['Error'].get('Message')}",
            f"name it in sharedWith of that stack's files, infra/Pulumi.{where.stack}.yaml of the model among them, and bring "
            "them up; or the role that asks lacks the right",
            exit_code=1,
        ) from error


def group_arn(target: Target, account: str, group: str) -> str:
    """The ARN of a model package group in an account: how AWS names a group of another one."""
    partition = target.identity().split(":")[1]
    return f"arn:{partition}:sagemaker:{target.region}:{account}:model-package-group/{group}"


def in_group(target: Target, group: str, stack: str) -> list[Version]:
    """The versions of a stack's group, by its name or ARN, newest first; none where there is no such group."""
    client = target.client("sagemaker")
    pages = client.get_paginator("list_model_packages").paginate(
        ModelPackageGroupName=group, SortBy="CreationTime", SortOrder="Descending"
    )
    try:
        arns = [package["ModelPackageArn"] for page in pages for package in page["ModelPackageSummaryList"]]
    except client.exceptions.ClientError as error:
        if _means_missing(error):
            return []
        raise
    found = [Version(client.describe_model_package(ModelPackageName=arn), stack) for arn in arns]
    return sorted(found, key=lambda version: version.number, reverse=True)


def models(target: Target) -> list[str]:
    """The names of all models that the stack's registry knows."""
    end = f"-{platform.registry(target).stack}"
    pages = target.client("sagemaker").get_paginator("list_model_package_groups").paginate()
    groups = [group["ModelPackageGroupName"] for page in pages for group in page["ModelPackageGroupSummaryList"]]
    return [group.removesuffix(end) for group in groups if group.endswith(end)]


def pick(target: Target, model: str, number: int | None, *, approval: Approval | None = None) -> Version:
    """One version: by number, or the newest (with this approval).

    Raises:
        UserError: there is none.
    """
    found = versions(target, model)
    if number is not None:
        for version in found:
            if version.number == number:
                return version
        known = ", ".join(str(version.number) for version in reversed(found)) or "none yet"
        raise UserError(
            f"{model} has no version {number}", f"its versions: {known} (penstock status {model})", exit_code=1
        )
    for version in found:
        if approval is None or version.approval == approval:
            return version
    if not found:
        raise UserError(f"{model} has no versions yet", "register one: penstock train", exit_code=1)
    raise UserError(
        f"{model} has no version that is {approval}",
        f"its newest is version {found[0].number} ({found[0].approval}): penstock review {model}",
        exit_code=1,
    )


def by_arn(target: Target, arn: str) -> Version:
    """The version with this ARN.

    Raises:
        UserError: it does not exist or the ARN is not one of a model package.
    """
    if ":model-package/" not in arn:
        raise UserError(
            f"'{arn}' is not the ARN of a model package", "it looks like arn:aws:sagemaker:...:model-package/NAME/1"
        )
    client = target.client("sagemaker")
    try:
        return Version(client.describe_model_package(ModelPackageName=arn), platform.registry(target).stack)
    except client.exceptions.ClientError as error:
        if _means_missing(error):
            raise UserError(
                f"the registry has no model package {arn}", "penstock status shows what it has", exit_code=1
            ) from error
        raise


def decide(target: Target, version: Version, approval: Approval, comment: str) -> None:
    """Set a version's approval; on AWS and locally this is what the deployment waits for."""
    request: dict[str, Any] = {"ModelPackageArn": version.arn, "ModelApprovalStatus": approval}
    if comment:
        request["ApprovalDescription"] = comment
    target.client("sagemaker").update_model_package(**request)


def metrics(target: Target, version: Version) -> dict[str, float]:
    """The numbers of the version's evaluation.json, by name; empty when none was registered."""
    return numbers(evaluation(target, version))


def evaluation(target: Target, version: Version) -> dict[str, Any]:
    """The version's evaluation.json; empty when none was registered.

    Raises:
        Failure: the registered file is gone or is not JSON.
    """
    if not version.evaluation:
        return {}
    document: dict[str, Any] = read_json(target, version.evaluation)
    return document


def read_json(target: Target, uri: str) -> Any:
    """A JSON document from S3.

    Raises:
        Failure: it is missing or is not JSON.
    """
    client = target.client("s3")
    parts = urlsplit(uri)
    try:
        body = client.get_object(Bucket=parts.netloc, Key=parts.path.lstrip("/"))["Body"].read()
    except client.exceptions.ClientError as error:
        raise Failure(f"{uri} cannot be read: {error.response['Error'].get('Code')}") from error
    try:
        return json.loads(body)
    except json.JSONDecodeError as error:
        raise Failure(f"{uri} is not JSON: {error}") from error


def numbers(document: dict[str, Any]) -> dict[str, float]:
    """The metrics in an evaluation: flat under `metrics`, else in AWS's form (`{"..._metrics": {"auc": {"value": 0.7}}}`)."""
    flat = document.get("metrics")
    sections = [flat] if isinstance(flat, dict) else [document[name] for name in document if name.endswith("_metrics")]
    found: dict[str, float] = {}
    for section in sections:
        for name, entry in section.items():
            value = entry.get("value") if isinstance(entry, dict) else entry
            if isinstance(value, int | float) and not isinstance(value, bool) and name != ROWS:
                found[name] = float(value)
    return found


def _means_missing(error: Any) -> bool:
    problem = error.response.get("Error", {})
    message = str(problem.get("Message", "")).lower()
    return problem.get("Code") == "ResourceNotFound" or "does not exist" in message or "could not find" in message


def _unknown_model(target: Target, model: str) -> UserError:
    known = models(target)
    listed = (
        f"models here: {', '.join(known)}" if known else "bring up a model repository's infra first: penstock up infra"
    )
    return UserError(f"the registry has no model '{model}'{did_you_mean(model, known)}", listed, exit_code=1)
