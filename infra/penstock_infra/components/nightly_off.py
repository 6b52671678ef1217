"""A development stack's endpoints, off for the night."""

from __future__ import annotations

import pulumi
from pydantic import Field

from penstock_infra import grants
from penstock_infra.components.component import Arguments, Component
from penstock_infra.components.scheduled_function import ScheduledFunction, ScheduledFunctionArguments, Timing
from penstock_infra.iam import Statement
from penstock_infra.inputs import Text
from penstock_infra.tags import MANAGED_BY


class NightlyOffArguments(Arguments):
    """When endpoints go and come back, the key of what is told, and who hears of failures."""

    off: str = Field(default="cron(0 20 * * ? *)", description="EventBridge Scheduler's expression of the evening")
    on: str | None = Field(default="cron(0 7 ? * MON-FRI *)", description="of the morning; none leaves them off")
    timezone: str = Field(default="UTC", description="the expressions' time zone, by its IANA name")
    key_arn: Text
    topic_arn: Text
    permissions_boundary_arn: Text


class NightlyOff(Component):
    """Deletes the stack's endpoints in the evening and makes them again in the morning.

    Endpoints that scale automatically and those with the tag `AlwaysOn: true` stay on. Configurations, models and captured
    data stay. Costs about 0.10 USD a month (an alarm) and saves the nights: of an `ml.m5.large`, off from 20 to 7 o'clock
    and at week-ends, about 55 of 83 USD.
    """

    TYPE = "penstock:operations:NightlyOff"

    arn: pulumi.Output[str]
    function_name: str

    def __init__(self, name: str, args: NightlyOffArguments, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, args, opts)
        timings = [Timing(purpose="off", expression=args.off, timezone=args.timezone, event={"action": "off"})]
        if args.on is not None:
            timings.append(Timing(purpose="on", expression=args.on, timezone=args.timezone, event={"action": "on"}))
        function = ScheduledFunction(
            name,
            ScheduledFunctionArguments(
                placement=args.placement,
                purpose=("nightly-off",),
                description="Endpoints off for the night",
                module="nightly_off",
                timings=tuple(timings),
                environment={"STACK": args.placement.stack, "PARAMETERS": parameters(args)},
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


def parameters(args: Arguments) -> str:
    """The path of the SSM parameters in which endpoints that are off are noted."""
    return f"/penstock/{args.placement.stack}/operations/nightly-off"


def permissions(args: NightlyOffArguments) -> tuple[Statement, ...]:
    """The stack's endpoints deleted, and made again with the tags that they had."""
    placement = args.placement
    tags = {"aws:RequestTag/ManagedBy": [MANAGED_BY], "aws:RequestTag/Environment": [placement.stack]}
    return (
        *grants.find_endpoints(placement),
        grants.delete_endpoints("DeleteEndpointsOfTheStack", placement, placement.stack),
        Statement(
            sid="AnyResourceScalableTargetsAreListedWhole",
            actions=("application-autoscaling:DescribeScalableTargets",),
            resources=("*",),
        ),
        Statement(
            sid="ReadConfigurations",
            actions=("sagemaker:DescribeEndpointConfig",),
            resources=grants.sagemaker_resources(placement, "endpoint-config"),
        ),
        Statement(
            sid="MakeEndpointsOfTheStack",
            actions=("sagemaker:AddTags", "sagemaker:CreateEndpoint"),
            resources=grants.sagemaker_resources(placement, "endpoint", "endpoint-config"),
            conditions={"StringEquals": tags},
        ),
        Statement(
            sid="NoteWhatIsOff",
            actions=("ssm:DeleteParameter", "ssm:GetParametersByPath", "ssm:PutParameter"),
            resources=(
                placement.arn("ssm", f"parameter{parameters(args)}"),
                placement.arn("ssm", f"parameter{parameters(args)}/*"),
            ),
        ),
    )
