"""Auto scaling of an endpoint's live variant."""

from __future__ import annotations

import pulumi
from pulumi_aws import appautoscaling, cloudwatch

from penstock_infra.components.component import Arguments, Component
from penstock_infra.components.endpoint_alarms import ENDPOINT_ALARM_PREFIX, NAMESPACE
from penstock_infra.hosting import VARIANT
from penstock_infra.inputs import Text
from penstock_infra.serving import ScalingSettings, Strategy

SERVICE = "sagemaker"
INSTANCES = "sagemaker:variant:DesiredInstanceCount"
PROVISIONED = "sagemaker:variant:DesiredProvisionedConcurrency"


class EndpointScalingArguments(Arguments):
    """The endpoint as the program knows it and as it is when it serves, what is scaled, and within which limits."""

    endpoint_name: str
    endpoint: Text
    strategy: Strategy
    settings: ScalingSettings


class EndpointScaling(Component):
    """A scalable target, its target-tracking policy, and one scheduled action for each schedule.

    Real-time variants follow the requests per instance, asynchronous ones the requests that wait (from nothing up by a
    step as soon as one waits), serverless ones the share of the provisioned concurrency that is in use. Free; the alarms
    that AWS keeps for it cost about 0.20 USD a month.
    """

    TYPE = "penstock:serving:EndpointScaling"

    resource_id: pulumi.Output[str]

    def __init__(self, name: str, args: EndpointScalingArguments, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, args, opts)
        settings = args.settings
        dimension = PROVISIONED if args.strategy is Strategy.SERVERLESS else INSTANCES
        target = appautoscaling.Target(
            name,
            service_namespace=SERVICE,
            resource_id=pulumi.Output.concat("endpoint/", args.endpoint, f"/variant/{VARIANT}"),
            scalable_dimension=dimension,
            min_capacity=settings.minimum,
            max_capacity=settings.maximum,
            tags=self.tags,
            opts=self.child(),
        )
        appautoscaling.Policy(
            name,
            name=f"{args.endpoint_name}-tracking",
            policy_type="TargetTrackingScaling",
            service_namespace=target.service_namespace,
            resource_id=target.resource_id,
            scalable_dimension=target.scalable_dimension,
            target_tracking_scaling_policy_configuration=tracking(args),
            opts=self.child(),
        )
        if args.strategy is Strategy.ASYNC and settings.minimum == 0:
            self._wake(name, args, target)
        for schedule in settings.schedules:
            appautoscaling.ScheduledAction(
                f"{name}-{schedule.name}",
                name=f"{args.endpoint_name}-{schedule.name}",
                service_namespace=target.service_namespace,
                resource_id=target.resource_id,
                scalable_dimension=target.scalable_dimension,
                schedule=schedule.when,
                timezone=schedule.timezone,
                scalable_target_action={"min_capacity": schedule.minimum, "max_capacity": schedule.maximum},
                opts=self.child(),
            )
        self.resource_id = target.resource_id
        self.finish({"resourceId": self.resource_id})

    def _wake(self, name: str, args: EndpointScalingArguments, target: appautoscaling.Target) -> None:
        """From no instance to one as soon as a request waits: a target of waiting requests per instance says nothing then.

        SageMaker developer guide, "Autoscale an asynchronous endpoint".
        """
        step = appautoscaling.Policy(
            f"{name}-wake",
            name=f"{args.endpoint_name}-wake",
            policy_type="StepScaling",
            service_namespace=target.service_namespace,
            resource_id=target.resource_id,
            scalable_dimension=target.scalable_dimension,
            step_scaling_policy_configuration={
                "adjustment_type": "ChangeInCapacity",
                "metric_aggregation_type": "Average",
                "cooldown": args.settings.scale_in_seconds,
                "step_adjustments": [{"metric_interval_lower_bound": "0", "scaling_adjustment": 1}],
            },
            opts=self.child(),
        )
        cloudwatch.MetricAlarm(
            f"{name}-wake",
            name=f"{ENDPOINT_ALARM_PREFIX}{args.endpoint_name}-wake",
            alarm_description=f"Requests of {args.endpoint_name} wait and no instance runs",
            namespace=NAMESPACE,
            metric_name="HasBacklogWithoutCapacity",
            dimensions={"EndpointName": args.endpoint_name},
            statistic="Average",
            period=60,
            evaluation_periods=2,
            datapoints_to_alarm=2,
            threshold=1,
            comparison_operator="GreaterThanOrEqualToThreshold",
            treat_missing_data="missing",
            alarm_actions=[step.arn],
            tags=self.tags,
            opts=self.child(),
        )


def tracking(args: EndpointScalingArguments) -> appautoscaling.PolicyTargetTrackingScalingPolicyConfigurationArgsDict:
    """What is tracked: a metric that SageMaker has for it, or the queue of an asynchronous endpoint."""
    settings = args.settings
    common: appautoscaling.PolicyTargetTrackingScalingPolicyConfigurationArgsDict = {
        "target_value": settings.target,
        "scale_in_cooldown": settings.scale_in_seconds,
        "scale_out_cooldown": settings.scale_out_seconds,
    }
    if args.strategy is Strategy.ASYNC:
        common["customized_metric_specification"] = {
            "metric_name": "ApproximateBacklogSizePerInstance",
            "namespace": NAMESPACE,
            "dimensions": [{"name": "EndpointName", "value": args.endpoint_name}],
            "statistic": "Average",
        }
    elif args.strategy is Strategy.SERVERLESS:
        # AWS counts this one as a share of 1.
        common["target_value"] = settings.target / 100
        common["predefined_metric_specification"] = {
            "predefined_metric_type": "SageMakerVariantProvisionedConcurrencyUtilization"
        }
    else:
        common["predefined_metric_specification"] = {"predefined_metric_type": "SageMakerVariantInvocationsPerInstance"}
    return common
