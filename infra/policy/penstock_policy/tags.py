"""Everything that can be tagged says whose it is and who pays."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from penstock_policy.resource import Finding, Resource, finding

REQUIRED = ("Project", "Environment", "Owner", "CostCenter", "ManagedBy")
TAGGABLE = frozenset(
    {
        "aws:athena/workgroup:Workgroup",
        "aws:cloudwatch/eventRule:EventRule",
        "aws:cloudwatch/logGroup:LogGroup",
        "aws:cloudwatch/metricAlarm:MetricAlarm",
        "aws:ecr/repository:Repository",
        "aws:glue/catalogDatabase:CatalogDatabase",
        "aws:iam/openIdConnectProvider:OpenIdConnectProvider",
        "aws:iam/policy:Policy",
        "aws:iam/role:Role",
        "aws:kms/key:Key",
        "aws:s3/bucket:Bucket",
        "aws:sagemaker/endpoint:Endpoint",
        "aws:sagemaker/endpointConfiguration:EndpointConfiguration",
        "aws:sagemaker/featureGroup:FeatureGroup",
        "aws:sagemaker/model:Model",
        "aws:sagemaker/modelPackageGroup:ModelPackageGroup",
        "aws:sagemaker/pipeline:Pipeline",
        "aws:secretsmanager/secret:Secret",
        "aws:sns/topic:Topic",
        "aws:sqs/queue:Queue",
        "aws:ssm/parameter:Parameter",
    }
)


def required(resources: Sequence[Resource]) -> Iterator[Finding]:
    """Every taggable resource has all required tags, none of them empty."""
    for resource in resources:
        if resource.type not in TAGGABLE:
            continue
        given = resource.inputs.get("tags") or {}
        if missing := [tag for tag in REQUIRED if not given.get(tag)]:
            yield finding("required_tags", resource, f"tags are missing: {', '.join(missing)}", "Set them")
