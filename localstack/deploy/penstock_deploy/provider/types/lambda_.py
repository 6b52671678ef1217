"""Lambda: functions of zip archives, and who may invoke them. (`lambda` is a word of Python: hence the underscore.)"""

from __future__ import annotations

import base64
import hashlib
import json
import time
from typing import Any, ClassVar

from penstock_deploy import assets
from penstock_deploy.errors import DeploymentError
from penstock_deploy.plugins.interface import ProviderError
from penstock_deploy.provider import shaped
from penstock_deploy.provider.clients import Aws
from penstock_deploy.provider.registry import resource
from penstock_deploy.provider.resource_type import ResourceType, absent, sync_tags
from penstock_deploy.values import Properties

_POLL_SECONDS = 0.1
_CODE = ("code", "s3Bucket", "s3Key", "s3ObjectVersion", "sourceCodeHash", "architectures")
_CONFIGURATION = (
    "handler",
    "runtime",
    "role",
    "description",
    "timeout",
    "memorySize",
    "environment",
    "kmsKeyArn",
    "deadLetterConfig",
    "tracingConfig",
    "layers",
    "ephemeralStorage",
)
_UNRESERVED = -1
"""Pulumi's number for "no concurrency is reserved"."""


@resource
class Function(ResourceType):
    """Of what the local Lambda runs: no images, no VPC, no log group other than `/aws/lambda/<name>`."""

    pulumi_type = "aws:lambda/function:Function"
    inputs = (
        "name packageType publish reservedConcurrentExecutions skipDestroy "
        f"{' '.join(_CODE)} {' '.join(_CONFIGURATION)}"
    )
    outputs = "arn invokeArn qualifiedArn version lastModified sourceCodeHash sourceCodeSize codeSha256"
    volatile = "lastModified sourceCodeSize codeSha256"
    required = "role"
    immutable = "name packageType"
    defaults: ClassVar[dict[str, Any]] = {
        "memorySize": 128,
        "timeout": 3,
        "packageType": "Zip",
        "publish": False,
        "reservedConcurrentExecutions": _UNRESERVED,
        "skipDestroy": False,
    }
    sets = "architectures"
    named = "name"
    name_limit = 64
    taggable = True
    _RENAMES: ClassVar[dict[str, str]] = {"kmsKeyArn": "KMSKeyArn"}

    def check(self, inputs: Properties) -> list[tuple[str, str]]:
        """What the local Lambda could not run; AWS needs handler and runtime for an archive too."""
        if inputs.get("packageType") != "Zip":
            return [("packageType", "must be Zip: the local Lambda runs no images")]
        faults = [(name, "is required and missing") for name in ("handler", "runtime") if not inputs.get(name)]
        if "code" not in inputs and not (inputs.get("s3Bucket") and inputs.get("s3Key")):
            faults.append(("code", "is required and missing (or s3Bucket and s3Key)"))
        return faults

    def create(self, aws: Aws, inputs: Properties) -> str:
        name = str(inputs["name"])
        request = self._request(aws, "CreateFunction", inputs)
        request |= {"Code": self._code(aws, inputs), "PackageType": "Zip", "Publish": bool(inputs.get("publish"))}
        if inputs.get("architectures"):
            request["Architectures"] = inputs["architectures"]
        if inputs.get("tags"):
            request["Tags"] = inputs["tags"]
        aws.client("lambda").create_function(**request)
        aws.made = name
        self._settle(aws, name)
        if inputs.get("reservedConcurrentExecutions", _UNRESERVED) != _UNRESERVED:
            self._reserve(aws, name, inputs)
        return name

    def _request(self, aws: Aws, operation: str, inputs: Properties) -> dict[str, Any]:
        given = {name: inputs[name] for name in _CONFIGURATION if inputs.get(name) is not None}
        shape = shaped.input_shape(aws, "lambda", operation)
        return {
            "FunctionName": inputs["name"],
            **shaped.to_aws(given, shape, self._RENAMES, f"{self.pulumi_type}: "),
        }

    @staticmethod
    def _code(aws: Aws, inputs: Properties) -> dict[str, Any]:
        if inputs.get("code") is not None:
            return {"ZipFile": assets.zipped(inputs["code"], aws.folder)}
        place = {"S3Bucket": inputs["s3Bucket"], "S3Key": inputs["s3Key"]}
        if inputs.get("s3ObjectVersion"):
            place["S3ObjectVersion"] = inputs["s3ObjectVersion"]
        return place

    def _settle(self, aws: Aws, name: str) -> None:
        """Wait until the function can be invoked, and changed again."""
        limit = time.monotonic() + (aws.timeout or self.patience)
        while True:
            found = aws.client("lambda").get_function_configuration(FunctionName=name)
            state, update = found.get("State", "Active"), found.get("LastUpdateStatus", "Successful")
            if state in ("Active", "Inactive") and update == "Successful":
                return
            if "Failed" in (state, update):
                reason = found.get("StateReason") or found.get("LastUpdateStatusReason") or "no reason was given"
                raise ProviderError(f"Function {name} failed: {reason}")
            if time.monotonic() > limit:
                raise ProviderError(f"Function {name} is still {state} ({update})")
            if aws.stopping.wait(_POLL_SECONDS):
                raise ProviderError(f"stopped waiting for function {name}, which is {state} ({update})")

    @staticmethod
    def _reserve(aws: Aws, name: str, inputs: Properties) -> None:
        wanted = int(inputs.get("reservedConcurrentExecutions", _UNRESERVED))
        client = aws.client("lambda")
        if wanted == _UNRESERVED:
            client.delete_function_concurrency(FunctionName=name)
        else:
            client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=wanted)

    def read(self, aws: Aws, id_: str, known: Properties) -> Properties | None:
        found = absent(lambda: aws.client("lambda").get_function(FunctionName=id_))
        if found is None:
            return None
        configuration = found["Configuration"]
        shape = shaped.output_shape(aws, "lambda", "GetFunction").members["Configuration"]
        told: Properties = dict(shaped.from_aws(configuration, shape, self._RENAMES, known))
        result = {name: value for name, value in told.items() if name in self.names["inputs"] and name != "code"}
        result["layers"] = [layer["Arn"] for layer in configuration.get("Layers", [])] or None
        for name in ("description", "environment", "deadLetterConfig"):  # not kmsKeyArn, which LocalStack never tells
            result.setdefault(name, None)
        result["name"] = id_
        reserved = (found.get("Concurrency") or {}).get("ReservedConcurrentExecutions")
        result["reservedConcurrentExecutions"] = _UNRESERVED if reserved is None else reserved
        if "code" in known and self._is_other(aws, known["code"], configuration["CodeSha256"]):
            result["code"] = None
        arn = str(configuration["FunctionArn"])
        return {
            **result,
            "arn": arn,
            "invokeArn": f"arn:aws:apigateway:{aws.region}:lambda:path/2015-03-31/functions/{arn}/invocations",
            "qualifiedArn": f"{arn}:{configuration['Version']}",
            "version": configuration["Version"],
            "lastModified": configuration["LastModified"],
            "sourceCodeHash": configuration["CodeSha256"],
            "codeSha256": configuration["CodeSha256"],
            "sourceCodeSize": configuration["CodeSize"],
            "region": aws.region,
            "tags": found.get("Tags") or {},
        }

    @staticmethod
    def _is_other(aws: Aws, archive: Properties, sha256: str) -> bool:
        """Whether the function runs other code than an archive's; one that cannot be read any more is not compared."""
        try:
            content = assets.zipped(archive, aws.folder)
        except DeploymentError:
            return False
        return base64.b64encode(hashlib.sha256(content).digest()).decode() != sha256

    def update(self, aws: Aws, id_: str, inputs: Properties, old: Properties, changed: set[str]) -> None:
        client = aws.client("lambda")
        if changed & set(_CODE):
            request: dict[str, Any] = {"FunctionName": id_, **self._code(aws, inputs)}
            if inputs.get("architectures"):
                request["Architectures"] = inputs["architectures"]
            client.update_function_code(**request, Publish=bool(inputs.get("publish")))
            self._settle(aws, id_)
        if changed & set(_CONFIGURATION):
            cleared: dict[str, dict[str, Any]] = {
                "description": {"Description": ""},
                "environment": {"Environment": {"Variables": {}}},
                "kmsKeyArn": {"KMSKeyArn": ""},
                "deadLetterConfig": {"DeadLetterConfig": {"TargetArn": ""}},
                "layers": {"Layers": []},
            }
            request = self._request(aws, "UpdateFunctionConfiguration", inputs)
            for name, empty in cleared.items():
                if name in changed and inputs.get(name) is None:
                    request |= empty
            client.update_function_configuration(**request)
            self._settle(aws, id_)
        if "reservedConcurrentExecutions" in changed:
            self._reserve(aws, id_, inputs)
        if "tags" in changed:
            arn = aws.arn("lambda", f"function:{id_}")
            sync_tags(
                inputs,
                old,
                lambda tags: client.tag_resource(Resource=arn, Tags=tags),
                lambda keys: client.untag_resource(Resource=arn, TagKeys=keys),
            )

    def delete(self, aws: Aws, id_: str, inputs: Properties) -> None:
        if not inputs.get("skipDestroy"):
            absent(lambda: aws.client("lambda").delete_function(FunctionName=id_))

    def locate(self, aws: Aws, inputs: Properties) -> str | None:  # noqa: ARG002
        return str(inputs["name"])


@resource
class Permission(ResourceType):
    """A statement of a function's own policy. Nothing of it can be changed."""

    pulumi_type = "aws:lambda/permission:Permission"
    inputs = (
        "action function principal principalOrgId qualifier sourceAccount sourceArn statementId eventSourceToken "
        "functionUrlAuthType"
    )
    required = "action function principal"
    immutable = inputs
    named = "statementId"
    name_limit = 100
    prefix = "statementIdPrefix"
    _RENAMES: ClassVar[dict[str, str]] = {"function": "FunctionName", "principalOrgId": "PrincipalOrgID"}

    def create(self, aws: Aws, inputs: Properties) -> str:
        shape = shaped.input_shape(aws, "lambda", "AddPermission")
        given = {name: value for name, value in inputs.items() if name not in ("region", self.prefix)}
        aws.call("lambda", "AddPermission", shaped.to_aws(given, shape, self._RENAMES, f"{self.pulumi_type}: "))
        return str(inputs["statementId"])

    def _statement(self, aws: Aws, id_: str, known: Properties) -> Properties | None:
        request = {"FunctionName": known["function"]}
        if known.get("qualifier"):
            request["Qualifier"] = known["qualifier"]
        answer = absent(lambda: aws.client("lambda").get_policy(**request))
        statements = json.loads(answer["Policy"])["Statement"] if answer else []
        return next((item for item in statements if item.get("Sid") == id_), None)

    def read(self, aws: Aws, id_: str, known: Properties) -> Properties | None:
        if not known.get("function"):
            raise ProviderError(f"permission {id_} cannot be read without the function it belongs to")
        statement = self._statement(aws, id_, known)
        if statement is None:
            return None
        principal = statement["Principal"]
        conditions: Properties = {}
        for operator in statement.get("Condition", {}).values():
            conditions |= {name.lower(): value for name, value in operator.items()}
        return {
            **known,
            "statementId": id_,
            "action": statement["Action"],
            "principal": next(iter(principal.values())) if isinstance(principal, dict) else principal,
            "sourceArn": conditions.get("aws:sourcearn"),
            "sourceAccount": conditions.get("aws:sourceaccount"),
            "region": aws.region,
        }

    def delete(self, aws: Aws, id_: str, inputs: Properties) -> None:
        request = {"FunctionName": inputs["function"], "StatementId": id_}
        if inputs.get("qualifier"):
            request["Qualifier"] = inputs["qualifier"]
        absent(lambda: aws.client("lambda").remove_permission(**request))

    def locate(self, aws: Aws, inputs: Properties) -> str | None:  # noqa: ARG002
        return str(inputs["statementId"])
