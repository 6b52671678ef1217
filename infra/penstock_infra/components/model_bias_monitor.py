"""SageMaker Clarify's bias of a model in service, by the clock."""

from __future__ import annotations

import pulumi
from pydantic import Field

from penstock_infra import monitor_images
from penstock_infra.components import endpoint_monitor
from penstock_infra.components.endpoint_monitor import EndpointMonitor, LabelledArguments
from penstock_infra.inputs import Text


class ModelBiasMonitorArguments(LabelledArguments):
    """What is watched against which labels, and the analysis that is asked for."""

    config_uri: Text = Field(description="analysis_config.json in S3: headers, label, facets, metrics")
    features_attribute: str | None = Field(
        default=None, description="the features in the request, where it is JSON: a JMESPath expression"
    )


class ModelBiasMonitor(EndpointMonitor):
    """A Clarify schedule that measures whether an endpoint answers groups of people differently.

    Each run merges the answers with the labels that came later, computes the bias metrics that the configuration names, and
    sends each to CloudWatch. Reports go to `s3://<reports>/monitoring/<model>/model-bias`. AWS has closed Model Monitor to
    new customers. A run of two jobs of a quarter of an hour on an `ml.m5.large` costs about 0.06 USD: 40 USD a month by the
    hour, 2 USD by the day.
    """

    TYPE = "penstock:monitoring:ModelBiasMonitor"

    def __init__(self, name: str, args: ModelBiasMonitorArguments, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, args, opts)
        request = endpoint_monitor.request(
            args,
            "ModelBias",
            application={
                "ImageUri": args.image_uri or monitor_images.clarify(args.placement),
                "ConfigUri": args.config_uri,
            },
            endpoint_input={
                **endpoint_monitor.labelled(args),
                **({} if args.features_attribute is None else {"FeaturesAttribute": args.features_attribute}),
            },
            constraints_uri=args.constraints_uri,
            ground_truth_uri=args.ground_truth_uri,
        )
        self.define(name, args, "ModelBias", request)
