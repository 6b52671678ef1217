"""SageMaker Clarify's attributions of a model in service, by the clock."""

from __future__ import annotations

from typing import Self

import pulumi
from pydantic import Field, model_validator

from penstock_infra import monitor_images
from penstock_infra.components import endpoint_monitor
from penstock_infra.components.endpoint_monitor import EndpointMonitor, MonitorArguments
from penstock_infra.inputs import Text


class ModelExplainabilityMonitorArguments(MonitorArguments):
    """What is watched, and the analysis that is asked for."""

    config_uri: Text = Field(
        description="analysis_config.json in S3: headers, SHAP's baseline, the model's name; an endpoint_name_prefix in it "
        "must be sagemaker-clarify-endpoint, which MonitoringRole allows"
    )
    constraints_uri: Text | None = Field(
        default=None, description="the baseline's analysis in S3; without it a job measures and judges nothing"
    )
    features_attribute: str | None = Field(
        default=None, description="the features in the request, where it is JSON: a JMESPath expression"
    )
    inference_attribute: str | None = Field(default=None, description="the answer's key or column that is explained")

    @model_validator(mode="after")
    def _asks_the_model(self) -> Self:
        if self.network_isolation:
            raise ValueError("network_isolation: the job asks the model, over the network")
        return self


class ModelExplainabilityMonitor(EndpointMonitor):
    """A Clarify schedule that follows which features an endpoint's answers come from.

    Each run computes SHAP values of what was asked, on an endpoint of its own that it makes of the model and deletes,
    compares their ranking with the baseline's, and sends each to CloudWatch. Reports go to
    `s3://<reports>/monitoring/<model>/model-explainability`. AWS has closed Model Monitor to new customers. A run of half
    an hour on an `ml.m5.large` with an endpoint of one more costs about 0.12 USD: 85 USD a month by the hour, 4 USD by the
    day.
    """

    TYPE = "penstock:monitoring:ModelExplainabilityMonitor"

    def __init__(
        self, name: str, args: ModelExplainabilityMonitorArguments, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(name, args, opts)
        attributes = {"FeaturesAttribute": args.features_attribute, "InferenceAttribute": args.inference_attribute}
        request = endpoint_monitor.request(
            args,
            "ModelExplainability",
            application={
                "ImageUri": args.image_uri or monitor_images.clarify(args.placement),
                "ConfigUri": args.config_uri,
            },
            endpoint_input={name: value for name, value in attributes.items() if value is not None},
            constraints_uri=args.constraints_uri,
        )
        self.define(name, args, "ModelExplainability", request)
