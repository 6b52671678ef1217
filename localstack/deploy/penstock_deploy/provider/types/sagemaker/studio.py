"""Studio: domains, the profiles of their users, and spaces."""

from __future__ import annotations

from typing import Any, ClassVar

from penstock_deploy.provider.clients import Aws
from penstock_deploy.provider.registry import resource
from penstock_deploy.provider.types.sagemaker.identified import IdentifiedType
from penstock_deploy.values import Properties

_PATIENCE = 900.0


@resource
class Domain(IdentifiedType):
    pulumi_type = "aws:sagemaker/domain:Domain"
    inputs = (
        "domainName authMode vpcId subnetIds defaultUserSettings defaultSpaceSettings domainSettings kmsKeyId "
        "appNetworkAccessType appSecurityGroupManagement retentionPolicy tagPropagation"
    )
    outputs = (
        "arn url homeEfsFileSystemId securityGroupIdForDomainBoundary singleSignOnApplicationArn "
        "singleSignOnManagedApplicationInstanceId"
    )
    required = "domainName authMode vpcId subnetIds defaultUserSettings"
    immutable = "domainName authMode vpcId kmsKeyId"
    defaults: ClassVar[dict[str, Any]] = {"appNetworkAccessType": "PublicInternetOnly", "tagPropagation": "DISABLED"}
    sets = "subnetIds"
    create_operation, read_operation = "CreateDomain", "DescribeDomain"
    update_operation, delete_operation = "UpdateDomain", "DeleteDomain"
    id_member, arn_member = "DomainId", "DomainArn"
    private = ("retentionPolicy",)
    patience = _PATIENCE

    def request(self, aws: Aws, operation: str, inputs: Properties) -> dict[str, Any]:
        if operation == "UpdateDomain" and "domainSettings" in inputs:
            given = {name: value for name, value in inputs.items() if name != "domainSettings"}
            given["domainSettingsForUpdate"] = inputs["domainSettings"]
            return super().request(aws, operation, given)
        return super().request(aws, operation, inputs)

    def update(self, aws: Aws, id_: str, inputs: Properties, old: Properties, changed: set[str]) -> None:
        """What happens to the files when the domain goes (`retentionPolicy`) is told to AWS with its deletion only."""
        super().update(aws, id_, inputs, old, changed - {"retentionPolicy"})

    def begin_deletion(self, aws: Aws, id_: str, inputs: Properties) -> None:
        kept = (inputs.get("retentionPolicy") or {}).get("homeEfsFileSystem") or "Retain"
        request = {"DomainId": id_, "RetentionPolicy": {"HomeEfsFileSystem": kept}}
        self.forgiving(lambda: aws.call(self.service, self.delete_operation, request))

    def locate(self, aws: Aws, inputs: Properties) -> str | None:
        """AWS chooses the id: the newest domain of this name."""
        found = [
            item
            for page in aws.client(self.service).get_paginator("list_domains").paginate()
            for item in page["Domains"]
            if item["DomainName"] == inputs["domainName"] and item["Status"] != "Deleting"
        ]
        found.sort(key=lambda item: item["CreationTime"])
        return str(found[-1]["DomainId"]) if found else None


class InDomain(IdentifiedType):
    """A part of a domain. Its id is its ARN, `...:<kind>/<domain>/<name>`."""

    arn_kind: ClassVar[str] = ""
    name_member: ClassVar[str] = ""
    name_input: ClassVar[str] = ""
    patience = _PATIENCE

    def identity(self, id_: str) -> dict[str, Any]:
        _, domain, name = id_.split(":", 5)[5].split("/", 2)
        return {"DomainId": domain, self.name_member: name}

    def locate(self, aws: Aws, inputs: Properties) -> str | None:
        return aws.arn("sagemaker", f"{self.arn_kind}/{inputs['domainId']}/{inputs[self.name_input]}")


@resource
class UserProfile(InDomain):
    pulumi_type = "aws:sagemaker/userProfile:UserProfile"
    inputs = "domainId userProfileName userSettings singleSignOnUserIdentifier singleSignOnUserValue"
    outputs = "arn homeEfsFileSystemUid"
    required = "domainId userProfileName"
    immutable = "domainId userProfileName singleSignOnUserIdentifier singleSignOnUserValue"
    create_operation, read_operation = "CreateUserProfile", "DescribeUserProfile"
    update_operation, delete_operation = "UpdateUserProfile", "DeleteUserProfile"
    id_member = arn_member = "UserProfileArn"
    arn_kind, name_member, name_input = "user-profile", "UserProfileName", "userProfileName"


@resource
class Space(InDomain):
    pulumi_type = "aws:sagemaker/space:Space"
    inputs = "domainId spaceName spaceDisplayName spaceSettings ownershipSettings spaceSharingSettings"
    outputs = "arn url homeEfsFileSystemUid"
    required = "domainId spaceName"
    immutable = "domainId spaceName ownershipSettings spaceSharingSettings"
    create_operation, read_operation = "CreateSpace", "DescribeSpace"
    update_operation, delete_operation = "UpdateSpace", "DeleteSpace"
    id_member = arn_member = "SpaceArn"
    arn_kind, name_member, name_input = "space", "SpaceName", "spaceName"
