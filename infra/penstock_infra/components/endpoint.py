"""A model's endpoint, if a version of it is to be live."""

from __future__ import annotations

import json
from typing import Any

import pulumi
from pulumi_aws import sagemaker, ssm

from penstock_infra import naming
from penstock_infra.components.component import Arguments, Component
from penstock_infra.inputs import Text
from penstock_infra.model import EndpointSettings, ModelName

VARIANT = "AllTraffic"
LIVE_VERSION = "model-package-arn"
"""The SSM parameter below `/penstock/<stack>/<model>/` that holds the ARN of the version to serve."""


class EndpointArguments(Arguments):
    """The model, the version to serve (none while the registry is empty), how, and where requests are captured."""

    model: ModelName
    model_package_arn: str | None
    settings: EndpointSettings = EndpointSettings()
    capture_bucket: Text
    role_arn: Text
    data_key_arn: Text
    artifact_key_arn: Text


class Endpoint(Component):
    """A SageMaker endpoint that serves one registered version, with requests and answers captured and encrypted.

    Without a version it makes nothing, so that a new model's stack is green before its first approval. A new version makes
    a new model and configuration beside the old ones; the endpoint is updated in place and never replaced. An `ml.m5.large`
    costs about 83 USD a month.
    """

    TYPE = "penstock:serving:Endpoint"

    endpoint_name: pulumi.Output[str]

    def __init__(self, name: str, args: EndpointArguments, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, args, opts)
        self.endpoint_name = pulumi.Output.from_input("")
        if args.model_package_arn is not None:
            self.endpoint_name = self._serve(name, args, args.model_package_arn)
        self.finish({"endpointName": self.endpoint_name})

    def _serve(self, name: str, args: EndpointArguments, package_arn: str) -> pulumi.Output[str]:
        """Makes model, configuration and endpoint; gives the endpoint's name."""
        settings = args.settings
        model = sagemaker.Model(
            name,
            name=_versioned(args.model, {"package": package_arn, "role": args.role_arn}),
            execution_role_arn=args.role_arn,
            primary_container={"model_package_name": package_arn},
            tags=self.tags,
            opts=self.child(),
        )
        shape: dict[str, Any] = {
            "production_variants": [
                {
                    "variant_name": VARIANT,
                    "model_name": model.name,
                    "instance_type": settings.instance_type,
                    "initial_instance_count": settings.instance_count,
                    "initial_variant_weight": 1,
                }
            ],
            "data_capture_config": {
                "enable_capture": settings.data_capture_percent > 0,
                "initial_sampling_percentage": settings.data_capture_percent,
                "destination_s3_uri": pulumi.Output.concat("s3://", args.capture_bucket, f"/capture/{args.model}"),
                "kms_key_id": args.artifact_key_arn,
                "capture_options": [{"capture_mode": "Input"}, {"capture_mode": "Output"}],
                "capture_content_type_header": {
                    "csv_content_types": ["text/csv"],
                    "json_content_types": ["application/json"],
                },
            },
            "kms_key_arn": args.data_key_arn,
        }
        configuration = sagemaker.EndpointConfiguration(
            name, name=_versioned(args.model, shape), **shape, tags=self.tags, opts=self.child()
        )
        endpoint = sagemaker.Endpoint(
            name,
            name=args.model,
            endpoint_config_name=configuration.name,
            tags=self.tags,
            opts=self.child(),
        )
        endpoint_name: pulumi.Output[str] = endpoint.name
        return endpoint_name


def _versioned(model: str, content: dict[str, Any]) -> pulumi.Output[str]:
    """`<model>-<hash of content>`: what cannot be changed gets a new name, and is made before the old one goes."""
    return pulumi.Output.from_input(content).apply(
        lambda known: f"{model}-{naming.digest(json.dumps(known, sort_keys=True))}"
    )


def live_version(stack: str, model: str) -> str | None:
    """The ARN of the version that was last deployed, from its SSM parameter; None before the first."""
    path = f"/penstock/{stack}/{model}"
    found = ssm.get_parameters_by_path(path=path)
    parameters = dict(zip(found.names, found.values, strict=True))
    value = parameters.get(f"{path}/{LIVE_VERSION}")
    return str(value) if value else None
