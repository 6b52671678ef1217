"""Spark for what one machine cannot hold: EMR Serverless."""

from __future__ import annotations

from typing import Annotated, Literal

import pulumi
from pulumi_aws import emrserverless
from pydantic import Field, StringConstraints

from penstock_infra import naming
from penstock_infra.components.component import Arguments, Component
from penstock_infra.inputs import Text
from penstock_infra.isolation import Network

LOG_PREFIX = "spark/logs/"
MOST_GB_OF_A_CPU = 8
"""EMR Serverless gives a worker 2 to 8 GB of memory for each of its vCPUs."""

type Release = Annotated[str, StringConstraints(pattern=r"^emr-[0-9]+\.[0-9]+\.[0-9]+$")]


class SparkApplicationArguments(Arguments):
    """The release, how large it may grow, when it stops, and where its logs go."""

    release: Release = Field(default="emr-7.10.0", description="the EMR release: Spark 3.5 and Iceberg are in it")
    architecture: Literal["ARM64", "X86_64"] = Field(default="ARM64", description="ARM64 costs a fifth less")
    most_cpus: int = Field(default=16, ge=4, le=4_000, description="vCPUs of all jobs together at most")
    most_disk_gb: int = Field(default=200, ge=20, le=64_000, description="disk of all jobs together at most, in GB")
    idle_minutes: int = Field(default=15, ge=1, le=10_080, description="it stops when idle for so long")
    log_bucket: Text = Field(description="where logs are written, below spark/logs/")
    key_arn: Text = Field(description="the KMS key of the logs")
    network: Network | None = Field(default=None, description="where workers run; in AWS's own network if none")


class SparkApplication(Component):
    """An EMR Serverless application for Spark that starts with a job, grows to a limit and stops when idle.

    Nothing is kept warm: an idle application is free. A job costs about 0.042 USD a vCPU and hour and 0.0046 USD a GB and
    hour (ARM64), so at most about 1.26 USD an hour at the default limit of 16 vCPUs and 128 GB. Logs go to the bucket,
    encrypted; AWS's own copy, which is kept for 30 days, is encrypted with the same key.
    """

    TYPE = "penstock:training:SparkApplication"

    application_id: pulumi.Output[str]
    arn: pulumi.Output[str]

    def __init__(self, name: str, args: SparkApplicationArguments, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, args, opts)
        application = emrserverless.Application(
            name,
            name=args.placement.name(naming.SPARK_APPLICATION, "spark"),
            type="spark",
            release_label=args.release,
            architecture=args.architecture,
            maximum_capacity={
                "cpu": f"{args.most_cpus} vCPU",
                "memory": f"{args.most_cpus * MOST_GB_OF_A_CPU} GB",
                "disk": f"{args.most_disk_gb} GB",
            },
            auto_start_configuration={"enabled": True},
            auto_stop_configuration={"enabled": True, "idle_timeout_minutes": args.idle_minutes},
            monitoring_configuration={
                "s3_monitoring_configuration": {
                    "log_uri": pulumi.Output.concat("s3://", args.log_bucket, "/", LOG_PREFIX),
                    "encryption_key_arn": args.key_arn,
                },
                "managed_persistence_monitoring_configuration": {
                    "enabled": True,
                    "encryption_key_arn": args.key_arn,
                },
            },
            network_configuration=(
                {"subnet_ids": args.network.subnets, "security_group_ids": [args.network.security_group_id]}
                if args.network
                else None
            ),
            tags=self.tags,
            opts=self.child(),
        )
        self.application_id = application.id
        self.arn = application.arn
        self.finish({"applicationId": self.application_id, "arn": self.arn})
