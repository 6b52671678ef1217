"""ECR: repositories and their lifecycle policies."""

from __future__ import annotations

from typing import Any, ClassVar

from penstock_deploy.provider.clients import Aws
from penstock_deploy.provider.registry import resource
from penstock_deploy.provider.resource_type import ResourceType, absent
from penstock_deploy.provider.tagging import Tagging
from penstock_deploy.values import Properties

_TAGGING = Tagging("ecr", arn="resourceArn", tags="tags", keys="tagKeys")
_MISSING = ("RepositoryNotFoundException", "LifecyclePolicyNotFoundException")


@resource
class Repository(ResourceType):
    pulumi_type = "aws:ecr/repository:Repository"
    inputs = "name encryptionConfigurations forceDelete imageScanningConfiguration imageTagMutability"
    outputs = "arn registryId repositoryUrl"
    immutable = "name encryptionConfigurations"
    defaults: ClassVar[dict[str, Any]] = {"imageTagMutability": "MUTABLE"}
    named = "name"
    name_limit = 256
    name_lower = True
    taggable = True

    def create(self, aws: Aws, inputs: Properties) -> str:
        request: dict[str, Any] = {
            "repositoryName": inputs["name"],
            "imageTagMutability": inputs["imageTagMutability"],
            "tags": _TAGGING.wrap(inputs.get("tags")),
        }
        scanning = inputs.get("imageScanningConfiguration")
        if scanning:
            request["imageScanningConfiguration"] = {"scanOnPush": bool(scanning.get("scanOnPush"))}
        encryption = (inputs.get("encryptionConfigurations") or [None])[0]
        if encryption:
            request["encryptionConfiguration"] = {"encryptionType": encryption.get("encryptionType") or "AES256"}
            if encryption.get("kmsKey"):
                request["encryptionConfiguration"]["kmsKey"] = encryption["kmsKey"]
        aws.client("ecr").create_repository(**request)
        return str(inputs["name"])

    def read(self, aws: Aws, id_: str, known: Properties) -> Properties | None:  # noqa: ARG002
        answer = absent(lambda: aws.client("ecr").describe_repositories(repositoryNames=[id_]), *_MISSING)
        if answer is None or not answer["repositories"]:
            return None
        found = answer["repositories"][0]
        encryption = found.get("encryptionConfiguration") or {"encryptionType": "AES256"}
        return {
            "name": id_,
            "arn": found["repositoryArn"],
            "registryId": found["registryId"],
            "repositoryUrl": found["repositoryUri"],
            "imageTagMutability": found.get("imageTagMutability", "MUTABLE"),
            "imageScanningConfiguration": dict(found.get("imageScanningConfiguration") or {"scanOnPush": False}),
            "encryptionConfigurations": [
                {name: encryption[name] for name in ("encryptionType", "kmsKey") if encryption.get(name)}
            ],
            "region": aws.region,
            "tags": _TAGGING.read(aws, found["repositoryArn"]),
        }

    def update(self, aws: Aws, id_: str, inputs: Properties, old: Properties, changed: set[str]) -> None:
        ecr = aws.client("ecr")
        if "imageTagMutability" in changed:
            ecr.put_image_tag_mutability(repositoryName=id_, imageTagMutability=inputs["imageTagMutability"])
        if "imageScanningConfiguration" in changed:
            scan = bool((inputs.get("imageScanningConfiguration") or {}).get("scanOnPush"))
            ecr.put_image_scanning_configuration(repositoryName=id_, imageScanningConfiguration={"scanOnPush": scan})
        if "tags" in changed:
            _TAGGING.sync(aws, aws.arn("ecr", f"repository/{id_}"), inputs, old)

    def delete(self, aws: Aws, id_: str, inputs: Properties) -> None:
        force = bool(inputs.get("forceDelete"))
        absent(lambda: aws.client("ecr").delete_repository(repositoryName=id_, force=force), *_MISSING)

    def locate(self, aws: Aws, inputs: Properties) -> str | None:  # noqa: ARG002
        return str(inputs["name"])


@resource
class LifecyclePolicy(ResourceType):
    pulumi_type = "aws:ecr/lifecyclePolicy:LifecyclePolicy"
    inputs = "repository policy"
    outputs = "registryId"
    required = "repository policy"
    immutable = "repository"
    documents = "policy"

    def create(self, aws: Aws, inputs: Properties) -> str:
        aws.client("ecr").put_lifecycle_policy(
            repositoryName=inputs["repository"], lifecyclePolicyText=inputs["policy"]
        )
        return str(inputs["repository"])

    def read(self, aws: Aws, id_: str, known: Properties) -> Properties | None:  # noqa: ARG002
        found = absent(lambda: aws.client("ecr").get_lifecycle_policy(repositoryName=id_), *_MISSING)
        if found is None:
            return None
        return {
            "repository": id_,
            "policy": found["lifecyclePolicyText"],
            "registryId": found.get("registryId"),
            "region": aws.region,
        }

    def update(self, aws: Aws, id_: str, inputs: Properties, old: Properties, changed: set[str]) -> None:  # noqa: ARG002
        self.create(aws, inputs)

    def delete(self, aws: Aws, id_: str, inputs: Properties) -> None:  # noqa: ARG002
        absent(lambda: aws.client("ecr").delete_lifecycle_policy(repositoryName=id_), *_MISSING)

    def locate(self, aws: Aws, inputs: Properties) -> str | None:  # noqa: ARG002
        return str(inputs["repository"])


@resource
class RepositoryPolicy(ResourceType):
    pulumi_type = "aws:ecr/repositoryPolicy:RepositoryPolicy"
    inputs = "repository policy"
    outputs = "registryId"
    required = "repository policy"
    immutable = "repository"
    policies = "policy"

    def create(self, aws: Aws, inputs: Properties) -> str:
        aws.client("ecr").set_repository_policy(repositoryName=inputs["repository"], policyText=inputs["policy"])
        return str(inputs["repository"])

    def read(self, aws: Aws, id_: str, known: Properties) -> Properties | None:  # noqa: ARG002
        found = absent(
            lambda: aws.client("ecr").get_repository_policy(repositoryName=id_),
            *_MISSING,
            "RepositoryPolicyNotFoundException",
        )
        if found is None:
            return None
        return {
            "repository": id_,
            "policy": found["policyText"],
            "registryId": found.get("registryId"),
            "region": aws.region,
        }

    def update(self, aws: Aws, id_: str, inputs: Properties, old: Properties, changed: set[str]) -> None:  # noqa: ARG002
        self.create(aws, inputs)

    def delete(self, aws: Aws, id_: str, inputs: Properties) -> None:  # noqa: ARG002
        absent(
            lambda: aws.client("ecr").delete_repository_policy(repositoryName=id_),
            *_MISSING,
            "RepositoryPolicyNotFoundException",
        )

    def locate(self, aws: Aws, inputs: Properties) -> str | None:  # noqa: ARG002
        return str(inputs["repository"])
