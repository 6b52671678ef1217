"""The end of development stacks that have outlived their TTL."""

from __future__ import annotations

import pulumi
from pydantic import Field

from penstock_infra import grants
from penstock_infra.components.component import Arguments, Component
from penstock_infra.components.scheduled_function import ScheduledFunction, ScheduledFunctionArguments, Timing
from penstock_infra.iam import Statement
from penstock_infra.inputs import Text
from penstock_infra.placement import StackName


class TtlCleanerArguments(Arguments):
    """Whose endpoints are deleted, when, and who hears of it."""

    stacks: tuple[StackName, ...] = Field(min_length=1, description="the stacks whose endpoints have an end")
    schedule: str = Field(default="rate(1 hour)", description="EventBridge Scheduler's expression")
    timezone: str = Field(default="UTC", description="the expression's time zone, by its IANA name")
    key_arn: Text = Field(description="KMS key of the topic and of the function's settings")
    topic_arn: Text
    permissions_boundary_arn: Text


class TtlCleaner(Component):
    """Deletes endpoints of development stacks once their tag `TTL` has run out, and says how the rest goes.

    Only endpoints, which cost by the hour; only of the named stacks, by the function's IAM role too; only with a TTL that
    has passed. Data, models and configurations stay for `penstock destroy`. About 0.10 USD a month (an alarm).
    """

    TYPE = "penstock:operations:TtlCleaner"

    arn: pulumi.Output[str]
    function_name: str

    def __init__(self, name: str, args: TtlCleanerArguments, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, args, opts)
        function = ScheduledFunction(
            name,
            ScheduledFunctionArguments(
                placement=args.placement,
                purpose=("ttl-cleaner",),
                description="Deletes endpoints that have outlived their TTL",
                module="ttl_cleaner",
                timings=(Timing(purpose="clean", expression=args.schedule, timezone=args.timezone),),
                environment={"STACKS": ",".join(args.stacks), "TOPIC_ARN": args.topic_arn},
                may=permissions(args),
                key_arn=args.key_arn,
                topic_arn=args.topic_arn,
                permissions_boundary_arn=args.permissions_boundary_arn,
            ),
            opts=self.child(),
        )
        self.arn = function.arn
        self.function_name = function.function_name
        self.finish({"arn": self.arn, "functionName": self.function_name})


def permissions(args: TtlCleanerArguments) -> tuple[Statement, ...]:
    """Deleting the stacks' endpoints, with the scaling that SageMaker takes down along with them; telling the topic."""
    placement = args.placement
    return (
        *grants.find_endpoints(placement),
        grants.delete_endpoints("DeleteEndpointsOfTheStacks", placement, *args.stacks),
        Statement(
            sid="EndTheirScaling",
            actions=("application-autoscaling:DeregisterScalableTarget",),
            resources=(placement.arn("application-autoscaling", "scalable-target/*"),),
            conditions={"StringEquals": {"application-autoscaling:service-namespace": ["sagemaker"]}},
        ),
        grants.publish("TellTheTopic", args.topic_arn),
        grants.use_keys("EncryptMessages", args.key_arn),
    )
