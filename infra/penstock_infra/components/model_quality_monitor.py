"""SageMaker Model Monitor's model quality, by the clock: what a model answered against what came true."""

from __future__ import annotations

import pulumi

from penstock_infra import monitor_images
from penstock_infra.components import endpoint_monitor
from penstock_infra.components.endpoint_monitor import EndpointMonitor, LabelledArguments
from penstock_infra.quality import Measurement


class ModelQualityMonitorArguments(Measurement, LabelledArguments):
    """What is watched against which labels, and what kind of problem the model solves."""


class ModelQualityMonitor(EndpointMonitor):
    """A Model Monitor schedule that joins an endpoint's answers with the labels that came later, and measures them.

    Each run is two processing jobs: one merges, one computes (accuracy, AUC, F1 and more; errors of a regression), holds
    them against constraints where there are any, and sends each to CloudWatch, for `ModelQualityAlarm`. Reports go to
    `s3://<reports>/monitoring/<model>/model-quality`. AWS has closed Model Monitor to new customers. A run of two jobs of a
    quarter of an hour on an `ml.m5.large` costs about 0.06 USD: 40 USD a month by the hour, 2 USD by the day.
    """

    TYPE = "penstock:monitoring:ModelQualityMonitor"

    def __init__(
        self, name: str, args: ModelQualityMonitorArguments, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(name, args, opts)
        request = endpoint_monitor.request(
            args,
            "ModelQuality",
            application={
                "ImageUri": args.image_uri or monitor_images.analyzer(args.placement),
                "ProblemType": args.problem_type,
            },
            endpoint_input=endpoint_monitor.labelled(args),
            constraints_uri=args.constraints_uri,
            ground_truth_uri=args.ground_truth_uri,
        )
        self.define(name, args, "ModelQuality", request)
