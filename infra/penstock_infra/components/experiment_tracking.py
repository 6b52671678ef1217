"""Where experiments are logged: managed MLflow."""

from __future__ import annotations

from enum import Enum
from typing import Annotated, Literal, Self

import pulumi
from pulumi_aws import ec2, sagemaker
from pydantic import Field, StringConstraints, model_validator

from penstock_infra import naming
from penstock_infra.components.component import Arguments, Component
from penstock_infra.components.private_network import own_principals
from penstock_infra.components.tracking_role import ARTIFACT_PREFIX
from penstock_infra.inputs import Text
from penstock_infra.isolation import Network

type Window = Annotated[str, StringConstraints(pattern=r"^(Mon|Tue|Wed|Thu|Fri|Sat|Sun):([01]\d|2[0-3]):[0-5]\d$")]
"""A weekday and a time in UTC: `Sun:03:00`."""


class TrackingKind(Enum):
    """What MLflow runs as: an app (no size, paid by use of storage only) or a server of its own (paid by the hour)."""

    APP = "app"
    SERVER = "server"


class ExperimentTrackingArguments(Arguments):
    """The kind of MLflow, where its runs' files lie, and its role, which must be allowed to write there."""

    kind: TrackingKind
    size: Literal["Small", "Medium", "Large"] = Field(
        default="Small", description="of a server: for up to 25, 50 or 100 users; an app has none"
    )
    artifact_bucket: Text
    role_arn: Text
    network: Network | None = Field(
        default=None, description="a network without the internet, whose jobs are to reach a server"
    )
    maintenance: Window = Field(default="Sun:03:00", description="when AWS may restart it: weekday and time in UTC")

    @model_validator(mode="after")
    def _an_app_has_no_door(self) -> Self:
        if self.network is not None and self.kind is TrackingKind.APP:
            raise ValueError(
                "jobs in a network without the internet reach a server of MLflow, but no app: take a server"
            )
        return self


class ExperimentTracking(Component):
    """A managed MLflow app or tracking server, its artifacts below `mlflow/` of the (encrypted) artifact bucket.

    An app costs nothing besides its storage. A server costs by the hour, idle or not, until it is stopped: about
    0.64 USD for Small (470 USD a month), more for the larger ones. Making a server takes AWS about 25 minutes. Jobs of a
    network without the internet reach it through an interface endpoint: 7.30 USD a month and zone.
    """

    TYPE = "penstock:training:ExperimentTracking"

    arn: pulumi.Output[str]
    tracking_name: str

    def __init__(
        self, name: str, args: ExperimentTrackingArguments, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(name, args, opts)
        self.tracking_name = args.placement.name(naming.TRACKING, "experiments")
        artifacts = pulumi.Output.concat("s3://", args.artifact_bucket, "/", ARTIFACT_PREFIX.rstrip("/"))
        # Models come into the registry through the pipeline's gates only: never by MLflow itself.
        if args.kind is TrackingKind.SERVER:
            self.arn = sagemaker.MlflowTrackingServer(
                name,
                tracking_server_name=self.tracking_name,
                tracking_server_size=args.size,
                artifact_store_uri=artifacts,
                role_arn=args.role_arn,
                automatic_model_registration=False,
                weekly_maintenance_window_start=args.maintenance,
                tags=self.tags,
                opts=self.child(holds_data=True),
            ).arn
        else:
            self.arn = sagemaker.MlflowApp(
                name,
                name=self.tracking_name,
                artifact_store_uri=artifacts,
                role_arn=args.role_arn,
                model_registration_mode="AutoModelRegistrationDisabled",
                weekly_maintenance_window_start=args.maintenance,
                tags=self.tags,
                opts=self.child(holds_data=True),
            ).arn
        if args.network is not None:
            self._door(name, args.network)
        self.finish({"arn": self.arn})

    def _door(self, name: str, network: Network) -> None:
        """What jobs reach the server through, in the security group that they share.

        https://docs.aws.amazon.com/sagemaker/latest/dg/mlflow-interface-endpoint.html
        """
        ec2.VpcEndpoint(
            name,
            vpc_id=network.vpc_id,
            service_name=f"aws.sagemaker.{self.placement.region}.experiments",
            vpc_endpoint_type="Interface",
            subnet_ids=network.subnets,
            security_group_ids=[network.security_group_id],
            private_dns_enabled=True,
            policy=own_principals(self.placement).render(),
            tags=self.tags,
            opts=self.child(),
        )
