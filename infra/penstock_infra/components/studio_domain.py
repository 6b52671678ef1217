"""Studio: where people work with notebooks."""

from __future__ import annotations

import pulumi
from pulumi_aws import sagemaker
from pydantic import Field

from penstock_infra import naming
from penstock_infra.components.component import Arguments, Component
from penstock_infra.inputs import Text
from penstock_infra.isolation import Network

IDLE_MINUTES_LEAST, IDLE_MINUTES_MOST = 60, 525_600
"""What AWS allows as the time after which an idle app is shut down."""


class StudioDomainArguments(Arguments):
    """The network, the role and the key of Studio, what is offered in it, and when idle apps end."""

    network: Network = Field(description="the VPC that Studio's files lie in; a domain always has one")
    isolated: bool = Field(default=True, description="notebooks reach the VPC only, not the internet")
    role_arn: Text = Field(description="the role of shared spaces, and of users without one of their own")
    key_arn: Text = Field(description="the KMS key of everybody's files and disks")
    repository_urls: tuple[str, ...] = Field(default=(), max_length=10, description="Git repositories on offer")
    idle_minutes: int = Field(
        default=60, ge=IDLE_MINUTES_LEAST, le=IDLE_MINUTES_MOST, description="an app idle for so long is shut down"
    )
    disk_gb: int = Field(default=5, ge=5, le=16_384, description="a space's disk at first, in GB")
    largest_disk_gb: int = Field(default=100, ge=5, le=16_384, description="a space's disk at most, in GB")


class StudioDomain(Component):
    """A Studio domain, its files and disks encrypted, its people known by IAM, idle apps shut down after an hour.

    Role sessions carry the user's name, so that the audit trail says who did what. Where data is protected, everybody's
    files outlive the domain. Free besides the files (EFS, 0.30 USD a GB and month), the spaces' disks (0.11 USD) and the
    apps (by instance and hour: 0.05 USD for an ml.t3.medium).
    """

    TYPE = "penstock:training:StudioDomain"

    domain_id: pulumi.Output[str]
    arn: pulumi.Output[str]

    def __init__(self, name: str, args: StudioDomainArguments, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, args, opts)
        groups = [args.network.security_group_id]
        disks: sagemaker.DomainDefaultUserSettingsSpaceStorageSettingsArgsDict = {
            "default_ebs_storage_settings": {
                "default_ebs_volume_size_in_gb": args.disk_gb,
                "maximum_ebs_volume_size_in_gb": args.largest_disk_gb,
            }
        }
        domain = sagemaker.Domain(
            name,
            domain_name=args.placement.name(naming.DOMAIN, "studio"),
            auth_mode="IAM",
            vpc_id=args.network.vpc_id,
            subnet_ids=args.network.subnets,
            app_network_access_type="VpcOnly" if args.isolated else "PublicInternetOnly",
            kms_key_id=args.key_arn,
            default_user_settings={
                "execution_role": args.role_arn,
                "security_groups": groups,
                "default_landing_uri": "studio::",
                "studio_web_portal": "ENABLED",
                "sharing_settings": {"notebook_output_option": "Disabled"},
                "space_storage_settings": disks,
                "jupyter_lab_app_settings": {
                    "code_repositories": [{"repository_url": url} for url in args.repository_urls],
                    "app_lifecycle_management": {
                        "idle_settings": {
                            "lifecycle_management": "ENABLED",
                            "idle_timeout_in_minutes": args.idle_minutes,
                        }
                    },
                },
            },
            default_space_settings={"execution_role": args.role_arn, "security_groups": groups},
            domain_settings={"execution_role_identity_config": "USER_PROFILE_NAME"},
            retention_policy={"home_efs_file_system": "Delete" if args.placement.force_destroy else "Retain"},
            tag_propagation="ENABLED",
            tags=self.tags,
            opts=self.child(holds_data=True),
        )
        self.domain_id = domain.id
        self.arn = domain.arn
        self.finish({"domainId": self.domain_id, "arn": self.arn})
