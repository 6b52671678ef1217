"""A model's drift job, by the clock."""

from __future__ import annotations

import json

import pulumi
from pydantic import Field

from penstock_infra import grants
from penstock_infra.components.component import Arguments, Component
from penstock_infra.components.scheduled_function import ScheduledFunction, ScheduledFunctionArguments, Timing
from penstock_infra.functions.drift_job import job_stem
from penstock_infra.iam import Statement
from penstock_infra.inputs import Later, Text
from penstock_infra.model import ModelName

START_JOBS = ("sagemaker:AddTags", "sagemaker:CreateProcessingJob")


class DriftMonitorArguments(Arguments):
    """The model, how often and how far back is looked, and what the job runs with."""

    model: ModelName
    version_arns: Text = Field(description="ARN pattern of the model's registered versions, in this account or another")
    schedule: str = Field(default="cron(0 6 * * ? *)", description="EventBridge Scheduler's expression")
    timezone: str = Field(default="UTC", description="the expression's time zone, by its IANA name")
    hours: int = Field(default=24, ge=1, le=24 * 31, description="the window that ends when the job starts, in hours")
    minimum_rows: int = Field(default=200, ge=1, description="fewer captured rows than this are not judged")
    instance_type: str = Field(default="ml.m5.large", pattern=r"^ml\.[a-z0-9-]+\.[a-z0-9]+$")
    artifact_bucket: Text = Field(description="where requests are captured and reports go")
    job_role_arn: Text = Field(description="the role that the job runs with: that of training")
    subnet_ids: tuple[str, ...] | Later = Field(
        default=(), description="subnets that the job runs in; AWS's own if none"
    )
    security_group_id: Text = Field(default="", description="the security group of the job in these subnets")
    data_key_arn: Text = Field(description="KMS key of the job's disk and of the function's settings")
    artifact_key_arn: Text = Field(description="KMS key of the report")
    topic_arn: Text
    permissions_boundary_arn: Text


class DriftMonitor(Component):
    """Starts the model's drift job by the clock: captured requests and answers against the live version's baseline.

    It is the job of `penstock drift`, in the model's own container, so it needs no Model Monitor, which AWS has closed to
    new customers. Violations raise the model's drift alarm, which starts the retraining. While nothing is live, or nothing
    was asked, no job starts. A job of ten minutes on an `ml.m5.large` costs about 0.02 USD, the function's alarm 0.10 USD
    a month.
    """

    TYPE = "penstock:monitoring:DriftMonitor"

    arn: pulumi.Output[str]
    function_name: str

    def __init__(self, name: str, args: DriftMonitorArguments, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, args, opts)
        function = ScheduledFunction(
            f"{name}-drift",
            ScheduledFunctionArguments(
                placement=args.placement,
                purpose=("drift", args.model),
                description=f"Starts the drift job of {args.model}",
                module="drift_job",
                timings=(
                    Timing(
                        purpose="start",
                        expression=args.schedule,
                        timezone=args.timezone,
                        event={"time": "<aws.scheduler.scheduled-time>"},
                    ),
                ),
                environment={"STACK": args.placement.stack, "JOB": job(args)},
                may=permissions(args),
                key_arn=args.data_key_arn,
                topic_arn=args.topic_arn,
                permissions_boundary_arn=args.permissions_boundary_arn,
            ),
            opts=self.child(),
        )
        self.arn = function.arn
        self.function_name = function.function_name
        self.finish({"arn": self.arn, "functionName": self.function_name})


def job(args: DriftMonitorArguments) -> pulumi.Output[str]:
    """What the function has to know of the job, as JSON."""
    content = {
        "model": args.model,
        "hours": args.hours,
        "bucket": args.artifact_bucket,
        "role_arn": args.job_role_arn,
        "instance_type": args.instance_type,
        "minimum_rows": args.minimum_rows,
        "volume_key_arn": args.data_key_arn,
        "output_key_arn": args.artifact_key_arn,
        "tags": args.placement.tags.as_dict(),
        "subnet_ids": list(args.subnet_ids) if isinstance(args.subnet_ids, tuple) else args.subnet_ids,
        "security_group_id": args.security_group_id,
    }
    return pulumi.Output.from_input(content).apply(lambda known: json.dumps(known, sort_keys=True))


def permissions(args: DriftMonitorArguments) -> tuple[Statement, ...]:
    """Finding the live version and its captures, and starting the one kind of job with the one role."""
    placement = args.placement
    return (
        Statement(
            sid="FindTheLiveVersion",
            actions=("ssm:GetParameter",),
            resources=(placement.arn("ssm", f"parameter/penstock/{placement.stack}/{args.model}/*"),),
        ),
        Statement(
            sid="ReadItsBaseline",
            actions=("sagemaker:DescribeModelPackage",),
            resources=(args.version_arns,),
        ),
        grants.list_buckets("FindCaptures", placement, args.artifact_bucket),
        Statement(
            sid="StartDriftJobs",
            actions=START_JOBS,
            resources=(placement.arn("sagemaker", f"processing-job/{job_stem(args.model)}-drift-*"),),
        ),
        grants.pass_roles("WithTheJobsRole", "sagemaker.amazonaws.com", args.job_role_arn),
        grants.lend_keys("LendKeysToDisks", args.data_key_arn),
    )
