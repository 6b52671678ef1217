"""Everything that can be tagged says whose it is and who pays."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from penstock_policy.resource import Finding, Resource, finding, mapping, of_type
from penstock_policy.settings import UNSPECIFIED, Settings

REQUIRED = ("Project", "Environment", "Owner", "CostCenter", "ManagedBy")
TAGGABLE = frozenset(
    {
        "aws:appautoscaling/target:Target",
        "aws:athena/workgroup:Workgroup",
        "aws:budgets/budget:Budget",
        "aws:budgets/budgetAction:BudgetAction",
        "aws:cloudwatch/compositeAlarm:CompositeAlarm",
        "aws:cloudwatch/eventBus:EventBus",
        "aws:cloudwatch/eventRule:EventRule",
        "aws:cloudwatch/logGroup:LogGroup",
        "aws:cloudwatch/metricAlarm:MetricAlarm",
        "aws:dynamodb/table:Table",
        "aws:ec2/flowLog:FlowLog",
        "aws:ec2/routeTable:RouteTable",
        "aws:ec2/securityGroup:SecurityGroup",
        "aws:ec2/subnet:Subnet",
        "aws:ec2/vpc:Vpc",
        "aws:ec2/vpcEndpoint:VpcEndpoint",
        "aws:ecr/repository:Repository",
        "aws:emrserverless/application:Application",
        "aws:glue/catalogDatabase:CatalogDatabase",
        "aws:glue/dataQualityRuleset:DataQualityRuleset",
        "aws:glue/job:Job",
        "aws:iam/openIdConnectProvider:OpenIdConnectProvider",
        "aws:iam/policy:Policy",
        "aws:iam/role:Role",
        "aws:kms/key:Key",
        "aws:lambda/function:Function",
        "aws:s3/bucket:Bucket",
        "aws:sagemaker/codeRepository:CodeRepository",
        "aws:sagemaker/dataQualityJobDefinition:DataQualityJobDefinition",
        "aws:sagemaker/domain:Domain",
        "aws:sagemaker/endpoint:Endpoint",
        "aws:sagemaker/endpointConfiguration:EndpointConfiguration",
        "aws:sagemaker/featureGroup:FeatureGroup",
        "aws:sagemaker/mlflowApp:MlflowApp",
        "aws:sagemaker/mlflowTrackingServer:MlflowTrackingServer",
        "aws:sagemaker/model:Model",
        "aws:sagemaker/modelCard:ModelCard",
        "aws:sagemaker/modelPackageGroup:ModelPackageGroup",
        "aws:sagemaker/monitoringSchedule:MonitoringSchedule",
        "aws:sagemaker/notebookInstance:NotebookInstance",
        "aws:sagemaker/pipeline:Pipeline",
        "aws:sagemaker/space:Space",
        "aws:sagemaker/userProfile:UserProfile",
        "aws:scheduler/scheduleGroup:ScheduleGroup",
        "aws:secretsmanager/secret:Secret",
        "aws:sns/topic:Topic",
        "aws:sqs/queue:Queue",
        "aws:ssm/parameter:Parameter",
        "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
        "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
        "pulumi-python:dynamic/penstock:MonitoringJobDefinition",
    }
)


def required_tags(resources: Sequence[Resource], settings: Settings = UNSPECIFIED) -> Iterator[Finding]:  # noqa: ARG001 - every policy's signature
    """Every taggable resource has all required tags, none of them empty."""
    for resource in of_type(resources, *TAGGABLE):
        given = mapping(resource.inputs.get("tags"))
        if missing := [tag for tag in REQUIRED if not str(given.get(tag) or "").strip()]:
            yield finding("required_tags", resource, f"tags are missing: {', '.join(missing)}", "Set them")
