"""EMR Serverless: applications."""

from __future__ import annotations

import time
import uuid
from typing import Any, ClassVar

from penstock_deploy.plugins.interface import ProviderError
from penstock_deploy.provider import shaped
from penstock_deploy.provider.clients import Aws
from penstock_deploy.provider.registry import resource
from penstock_deploy.provider.resource_type import ResourceType, absent
from penstock_deploy.provider.tagging import Tagging
from penstock_deploy.values import Properties

_SERVICE = "emr-serverless"
_TAGGING = Tagging(_SERVICE, arn="resourceArn", tags="tags", keys="tagKeys", as_map=True)
_MISSING = ("ResourceNotFoundException",)
_POLL_SECONDS = 1.0
_IDLE = ("CREATED", "STOPPED")
_UNCHANGEABLE = ("name", "type", "clientToken")


@resource
class Application(ResourceType):
    """A change needs an application that is not started; one that is started is stopped first."""

    pulumi_type = "aws:emrserverless/application:Application"
    inputs = (
        "name releaseLabel type architecture autoStartConfiguration autoStopConfiguration imageConfiguration "
        "initialCapacities interactiveConfiguration jobLevelCostAllocationConfiguration maximumCapacity "
        "monitoringConfiguration networkConfiguration runtimeConfigurations schedulerConfiguration"
    )
    outputs = "arn autoStartConfiguration autoStopConfiguration"
    required = "releaseLabel type"
    immutable = "name type"
    defaults: ClassVar[dict[str, Any]] = {"architecture": "X86_64"}
    named = "name"
    taggable = True
    renames: ClassVar[dict[str, str]] = {
        "initialCapacities": "initialCapacity",
        "runtimeConfigurations": "runtimeConfiguration",
        "cloudwatchLoggingConfiguration": "cloudWatchLoggingConfiguration",
    }

    def canonical(self, name: str, value: Any) -> Any:
        """AWS writes the type with a capital letter, however it was given."""
        if name == "type" and isinstance(value, str):
            return value.lower()
        return super().canonical(name, value)

    def _request(self, aws: Aws, operation: str, inputs: Properties) -> dict[str, Any]:
        shape = shaped.input_shape(aws, _SERVICE, operation)
        content = {name: value for name, value in inputs.items() if name not in ("tags", "region", "initialCapacities")}
        request = dict(shaped.to_aws(content, shape, self.renames, f"{self.pulumi_type}: "))
        if inputs.get("initialCapacities"):
            inner = shape.members["initialCapacity"].value
            request["initialCapacity"] = {
                item["initialCapacityType"]: shaped.to_aws(item.get("initialCapacityConfig") or {}, inner, self.renames)
                for item in inputs["initialCapacities"]
            }
        return request

    def create(self, aws: Aws, inputs: Properties) -> str:
        request = self._request(aws, "CreateApplication", inputs)
        request |= {"clientToken": uuid.uuid4().hex, "tags": dict(inputs.get("tags") or {})}
        aws.made = str(aws.call(_SERVICE, "CreateApplication", request)["applicationId"])
        found = self._rest(aws, aws.made, "CREATING")
        if found is None or found["state"] != "CREATED":
            raise ProviderError(f"Application {aws.made} is {(found or {}).get('state', 'gone')} after its creation")
        return aws.made

    def _describe(self, aws: Aws, id_: str) -> dict[str, Any] | None:
        answer = absent(lambda: aws.call(_SERVICE, "GetApplication", {"applicationId": id_}), *_MISSING)
        if answer is None or answer["application"]["state"] == "TERMINATED":
            return None
        return dict(answer["application"])

    def _rest(self, aws: Aws, id_: str, *busy: str) -> dict[str, Any] | None:
        """Wait while it is in one of these states."""
        limit = time.monotonic() + (aws.timeout or self.patience)
        while (found := self._describe(aws, id_)) is not None and found["state"] in busy:
            if time.monotonic() > limit:
                raise ProviderError(f"Application {id_} is still {found['state']}")
            if aws.stopping.wait(_POLL_SECONDS):
                raise ProviderError(f"stopped waiting for Application {id_}, which is {found['state']}")
        return found

    def _stop(self, aws: Aws, id_: str) -> None:
        found = self._rest(aws, id_, "CREATING", "STARTING")
        if found is not None and found["state"] not in _IDLE:
            aws.call(_SERVICE, "StopApplication", {"applicationId": id_})
            self._rest(aws, id_, "STARTED", "STOPPING")

    def read(self, aws: Aws, id_: str, known: Properties) -> Properties | None:
        found = self._describe(aws, id_)
        if found is None:
            return None
        shape = shaped.output_shape(aws, _SERVICE, "GetApplication").members["application"]
        capacity = found.pop("initialCapacity", None)
        read: Properties = dict(shaped.from_aws(found, shape, self.renames, known))
        result = {name: value for name, value in read.items() if name in self.names["inputs"] | self.names["outputs"]}
        if capacity or known.get("initialCapacities"):
            inner = shape.members["initialCapacity"].value
            result["initialCapacities"] = [
                {
                    "initialCapacityType": kind,
                    "initialCapacityConfig": shaped.from_aws(config, inner, self.renames),
                }
                for kind, config in sorted((capacity or {}).items())
            ]
        for name in self.names["inputs"] & set(known):
            result.setdefault(name, None)
        result["tags"] = _TAGGING.read(aws, result["arn"])
        result["region"] = aws.region
        return result

    def update(self, aws: Aws, id_: str, inputs: Properties, old: Properties, changed: set[str]) -> None:
        if changed - {"tags"}:
            self._stop(aws, id_)
            given = {name: value for name, value in inputs.items() if name not in _UNCHANGEABLE and name in changed}
            request = self._request(aws, "UpdateApplication", given)
            aws.call(_SERVICE, "UpdateApplication", {**request, "applicationId": id_, "clientToken": uuid.uuid4().hex})
        if "tags" in changed:
            _TAGGING.sync(aws, aws.arn(_SERVICE, f"/applications/{id_}"), inputs, old)

    def delete(self, aws: Aws, id_: str, inputs: Properties) -> None:  # noqa: ARG002
        self._stop(aws, id_)
        absent(lambda: aws.call(_SERVICE, "DeleteApplication", {"applicationId": id_}), *_MISSING)
        self._rest(aws, id_, *_IDLE)

    def locate(self, aws: Aws, inputs: Properties) -> str | None:
        """AWS chooses the id: the newest application of this name."""
        pages = aws.client(_SERVICE).get_paginator("list_applications").paginate()
        found = [
            item
            for page in pages
            for item in page["applications"]
            if item.get("name") == inputs["name"] and item["state"] != "TERMINATED"
        ]
        found.sort(key=lambda item: item["createdAt"])
        return str(found[-1]["id"]) if found else None
