"""The role of Model Monitor's and Clarify's jobs."""

from __future__ import annotations

import pulumi
from pydantic import Field

from penstock_infra import grants, isolation, monitor_images
from penstock_infra.components.role import RoleArguments, RoleComponent
from penstock_infra.iam import Document, Statement, service_trust
from penstock_infra.inputs import Text
from penstock_infra.isolation import Network

METRIC_NAMESPACES = tuple(
    f"aws/sagemaker/Endpoints/{kind}-metrics" for kind in ("data", "model", "bias", "explainability")
)
SHADOW = "sagemaker-clarify-endpoint-*"
"""What Clarify calls the endpoint that it asks (developer guide, "Fairness, model explainability and bias detection with
SageMaker Clarify", troubleshooting)."""
ASK_SHADOW = (
    "sagemaker:AddTags",
    "sagemaker:CreateEndpoint",
    "sagemaker:CreateEndpointConfig",
    "sagemaker:DeleteEndpoint",
    "sagemaker:DeleteEndpointConfig",
    "sagemaker:DescribeEndpoint",
    "sagemaker:DescribeEndpointConfig",
    "sagemaker:InvokeEndpoint",
)


class MonitoringRoleArguments(RoleArguments):
    """What the jobs read, and where their reports go."""

    report_bucket: Text = Field(description="where requests are captured, baselines lie and reports go")
    label_buckets: tuple[Text, ...] = Field(default=(), description="other buckets, with labels")
    key_arns: tuple[Text, ...] = Field(min_length=1)
    network: Network | None = Field(default=None, description="where jobs run; in AWS's own network if none")


class MonitoringRole(RoleComponent):
    """The role with which SageMaker runs monitoring jobs: reads captures and labels, writes reports and metrics. Free."""

    TYPE = "penstock:monitoring:MonitoringRole"

    def __init__(self, name: str, args: MonitoringRoleArguments, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, args, opts)
        self.make(
            name,
            args,
            purpose=("monitoring",),
            trust=service_trust("sagemaker.amazonaws.com", account=args.placement.account),
            may=permissions(args),
        )


def permissions(args: MonitoringRoleArguments) -> Document:
    """Reading what was asked, answered and came true; writing below `monitoring/`; explaining on an endpoint of its own."""
    placement = args.placement
    read = (args.report_bucket, *args.label_buckets)
    return Document.of(
        grants.list_buckets("FindCaptures", placement, *read),
        grants.read_objects("ReadCaptures", placement, *read),
        Statement(
            sid="WriteReports",
            actions=grants.WRITE_OBJECTS,
            resources=(grants.objects(placement, args.report_bucket, "monitoring/"),),
        ),
        grants.use_keys("UseKeys", *args.key_arns),
        grants.lend_keys("LendKeysToDisks", *args.key_arns),
        grants.pull_images("PullImages", *monitor_images.repository_arns(placement)),
        grants.log_in_to_registry(),
        grants.write_logs("WriteJobLogs", placement, "/aws/sagemaker/ProcessingJobs"),
        grants.put_metrics(*METRIC_NAMESPACES),
        Statement(
            sid="AskAnEndpointOfItsOwn",
            actions=ASK_SHADOW,
            resources=tuple(placement.arn("sagemaker", f"{kind}/{SHADOW}") for kind in ("endpoint", "endpoint-config")),
        ),
        Statement(
            sid="FindTheModel",
            actions=("sagemaker:DescribeModel",),
            resources=grants.sagemaker_resources(placement, "model"),
        ),
        *isolation.joining(placement, args.network),
    )
