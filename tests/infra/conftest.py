"""A Pulumi run without an engine: every program gets its own loop, and what it registers is kept for the test to read.

A run that registers nothing, meets an unknown type or leaves an output unresolved fails, so that no test passes without
having run.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pulumi
import pytest
from google.protobuf import json_format
from pulumi.runtime import mocks, rpc, set_all_config
from pulumi.runtime.settings import configure, reset_options
from pulumi.runtime.stack import run_in_stack

from penstock_infra.placement import Placement
from penstock_infra.tags import Tags

sys.path.insert(0, str(Path(__file__).parents[2] / "infra" / "policy"))

ACCOUNT = "123456789012"
REGION = "eu-central-1"
STACK_TYPE = "pulumi:pulumi:Stack"


@dataclass(frozen=True, kw_only=True)
class Registered:
    """One resource as the program registered it; inputs by their names on the wire, secrets unwrapped."""

    type: str
    name: str
    urn: str
    parent: str
    custom: bool
    protect: bool
    dependencies: tuple[str, ...]
    inputs: dict[str, Any]
    secret_inputs: frozenset[str]
    ignore_changes: tuple[str, ...] = ()
    alias_types: frozenset[str] = frozenset()


@dataclass
class Run:
    """What a program registered and exported."""

    resources: list[Registered] = field(default_factory=list)
    component_outputs: dict[str, dict[str, Any]] = field(default_factory=dict)
    exports: dict[str, Any] = field(default_factory=dict)

    def of(self, type_: str) -> list[Registered]:
        """The resources of one type; at least one, or the test fails."""
        found = [resource for resource in self.resources if resource.type == type_]
        assert found, f"no {type_} among {sorted({resource.type for resource in self.resources})}"
        return found

    def one(self, type_: str) -> Registered:
        """The only resource of one type."""
        found = self.of(type_)
        assert len(found) == 1, f"{len(found)} of {type_}"
        return found[0]

    def has(self, type_: str) -> bool:
        return any(resource.type == type_ for resource in self.resources)


def _arn(service: str, resource: str, *, region: str = REGION) -> str:
    return f"arn:aws:{service}:{region}:{ACCOUNT}:{resource}"


def _outputs(type_: str, name: str, given: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """The identifier and the computed properties that AWS would give."""

    def physical(key: str) -> str:
        assert given.get(key), f"{type_} {name} has no {key}"
        return str(given[key])

    match type_:
        case "aws:kms/key:Key":
            key_id = f"key-{name}"
            return key_id, {"arn": _arn("kms", f"key/{key_id}"), "keyId": key_id}
        case "aws:kms/alias:Alias":
            return physical("name"), {"arn": _arn("kms", physical("name"))}
        case "aws:s3/bucket:Bucket":
            return physical("bucket"), {"arn": f"arn:aws:s3:::{physical('bucket')}"}
        case (
            "aws:s3/bucketVersioning:BucketVersioning"
            | "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"
            | "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"
            | "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration"
            | "aws:s3/bucketPolicy:BucketPolicy"
            | "aws:s3/bucketOwnershipControls:BucketOwnershipControls"
            | "aws:s3/bucketLogging:BucketLogging"
            | "aws:s3/bucketNotification:BucketNotification"
        ):
            return physical("bucket"), {}
        case "aws:iam/role:Role":
            return physical("name"), {"arn": _arn("iam", f"role/{physical('name')}", region="")}
        case "aws:iam/rolePolicy:RolePolicy":
            return f"{physical('role')}:{physical('name')}", {}
        case "aws:iam/policy:Policy":
            arn = _arn("iam", f"policy/{physical('name')}", region="")
            return arn, {"arn": arn}
        case "aws:iam/openIdConnectProvider:OpenIdConnectProvider":
            arn = _arn("iam", f"oidc-provider/{physical('url').removeprefix('https://')}", region="")
            return arn, {"arn": arn}
        case "aws:sns/topic:Topic":
            return _arn("sns", physical("name")), {"arn": _arn("sns", physical("name"))}
        case "aws:sns/topicPolicy:TopicPolicy":
            return physical("arn"), {}
        case "aws:sns/topicSubscription:TopicSubscription":
            return f"{physical('topic')}:{name}", {"arn": f"{physical('topic')}:{name}"}
        case "aws:sqs/queue:Queue":
            url = f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{physical('name')}"
            return url, {"arn": _arn("sqs", physical("name")), "url": url}
        case "aws:ecr/repository:Repository":
            url = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/{physical('name')}"
            return physical("name"), {"arn": _arn("ecr", f"repository/{physical('name')}"), "repositoryUrl": url}
        case "aws:ecr/lifecyclePolicy:LifecyclePolicy" | "aws:ecr/repositoryPolicy:RepositoryPolicy":
            return physical("repository"), {}
        case "aws:glue/catalogDatabase:CatalogDatabase":
            return f"{ACCOUNT}:{physical('name')}", {"arn": _arn("glue", f"database/{physical('name')}")}
        case "aws:glue/catalogTable:CatalogTable":
            place = f"{physical('databaseName')}/{physical('name')}"
            return f"{ACCOUNT}:{place.replace('/', ':')}", {"arn": _arn("glue", f"table/{place}")}
        case "aws:glue/dataQualityRuleset:DataQualityRuleset":
            return physical("name"), {"arn": _arn("glue", f"dataQualityRuleset/{physical('name')}")}
        case "aws:athena/workgroup:Workgroup":
            return physical("name"), {"arn": _arn("athena", f"workgroup/{physical('name')}")}
        case "aws:lakeformation/dataLakeSettings:DataLakeSettings":
            return ACCOUNT, {}
        case "aws:lakeformation/resource:Resource":
            return physical("arn"), {}
        case "aws:lakeformation/permissions:Permissions":
            return f"{physical('principal')}-{name}", {}
        case "aws:scheduler/schedule:Schedule":
            return f"default/{physical('name')}", {"arn": _arn("scheduler", f"schedule/default/{physical('name')}")}
        case "aws:cloudwatch/eventRule:EventRule":
            return physical("name"), {"arn": _arn("events", f"rule/{physical('name')}")}
        case "aws:cloudwatch/eventTarget:EventTarget":
            return f"{physical('rule')}-{physical('targetId')}", {}
        case "aws:cloudwatch/eventConnection:EventConnection":
            return physical("name"), {"arn": _arn("events", f"connection/{physical('name')}/1")}
        case "aws:cloudwatch/eventApiDestination:EventApiDestination":
            return physical("name"), {"arn": _arn("events", f"api-destination/{physical('name')}/1")}
        case "aws:cloudwatch/metricAlarm:MetricAlarm":
            return physical("name"), {"arn": _arn("cloudwatch", f"alarm:{physical('name')}")}
        case "pulumi-python:dynamic/penstock:FeatureSchema":
            return physical("group"), {}
        case "pulumi-python:dynamic/penstock:MonitoringJobDefinition":
            return physical("name"), {"arn": _arn("sagemaker", f"job-definition/{physical('name')}")}
        case "aws:cloudwatch/logGroup:LogGroup":
            return physical("name"), {"arn": _arn("logs", f"log-group:{physical('name')}")}
        case "aws:cloudwatch/dashboard:Dashboard":
            arn = _arn("cloudwatch", f"dashboard/{physical('dashboardName')}", region="")
            return physical("dashboardName"), {"dashboardArn": arn}
        case "aws:lambda/function:Function":
            return physical("name"), {"arn": _arn("lambda", f"function:{physical('name')}")}
        case "aws:sagemaker/dataQualityJobDefinition:DataQualityJobDefinition":
            arn = _arn("sagemaker", f"data-quality-job-definition/{physical('name')}")
            return physical("name"), {"arn": arn}
        case "aws:sagemaker/monitoringSchedule:MonitoringSchedule":
            return physical("name"), {"arn": _arn("sagemaker", f"monitoring-schedule/{physical('name')}")}
        case "aws:sagemaker/featureGroup:FeatureGroup":
            arn = _arn("sagemaker", f"feature-group/{physical('featureGroupName')}")
            return physical("featureGroupName"), {"arn": arn}
        case "aws:sagemaker/modelPackageGroup:ModelPackageGroup":
            arn = _arn("sagemaker", f"model-package-group/{physical('modelPackageGroupName')}")
            return physical("modelPackageGroupName"), {"arn": arn}
        case "aws:sagemaker/pipeline:Pipeline":
            return physical("pipelineName"), {"arn": _arn("sagemaker", f"pipeline/{physical('pipelineName')}")}
        case "aws:sagemaker/model:Model":
            return physical("name"), {"arn": _arn("sagemaker", f"model/{physical('name')}")}
        case "aws:sagemaker/endpointConfiguration:EndpointConfiguration":
            return physical("name"), {"arn": _arn("sagemaker", f"endpoint-config/{physical('name')}")}
        case "aws:sagemaker/endpoint:Endpoint":
            return physical("name"), {"arn": _arn("sagemaker", f"endpoint/{physical('name')}")}
        case "aws:sagemaker/modelPackageGroupPolicy:ModelPackageGroupPolicy":
            return physical("modelPackageGroupName"), {}
        case "aws:sagemaker/modelCard:ModelCard":
            return physical("modelCardName"), {
                "modelCardArn": _arn("sagemaker", f"model-card/{physical('modelCardName')}")
            }
        case "aws:appautoscaling/target:Target":
            return physical("resourceId"), {"arn": _arn("application-autoscaling", "scalable-target/1")}
        case "aws:appautoscaling/policy:Policy":
            return physical("name"), {"arn": _arn("autoscaling", f"scalingPolicy:1:policyName/{physical('name')}")}
        case "aws:appautoscaling/scheduledAction:ScheduledAction":
            return physical("name"), {"arn": _arn("autoscaling", f"scheduledAction:1:{physical('name')}")}
        case "aws:budgets/budget:Budget":
            return f"{ACCOUNT}:{physical('name')}", {"arn": _arn("budgets", f"budget/{physical('name')}", region="")}
        case "aws:ec2/vpc:Vpc" | "aws:ec2/subnet:Subnet" | "aws:ec2/routeTable:RouteTable":
            identifier = f"{type_.rsplit(':', 1)[-1].lower()}-{name}"
            return identifier, {"arn": _arn("ec2", identifier)}
        case "aws:ec2/routeTableAssociation:RouteTableAssociation":
            return f"{physical('subnetId')}-{physical('routeTableId')}", {}
        case "aws:ec2/securityGroup:SecurityGroup":
            return f"sg-{physical('name')}", {"arn": _arn("ec2", f"security-group/sg-{physical('name')}")}
        case (
            "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
            | "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"
        ):
            return f"sgr-{name}", {"arn": _arn("ec2", f"security-group-rule/sgr-{name}")}
        case "aws:ec2/vpcEndpoint:VpcEndpoint":
            return f"vpce-{name}", {"arn": _arn("ec2", f"vpc-endpoint/vpce-{name}"), "prefixListId": f"pl-{name}"}
        case "aws:ec2/flowLog:FlowLog":
            return f"fl-{name}", {"arn": _arn("ec2", f"vpc-flow-log/fl-{name}")}
        case "aws:sagemaker/mlflowTrackingServer:MlflowTrackingServer":
            server = physical("trackingServerName")
            return server, {"arn": _arn("sagemaker", f"mlflow-tracking-server/{server}")}
        case "aws:sagemaker/mlflowApp:MlflowApp":
            arn = _arn("sagemaker", "mlflow-app/app-ABCD1234EFGH")
            return arn, {"arn": arn, "name": physical("name")}
        case "aws:sagemaker/codeRepository:CodeRepository":
            return physical("codeRepositoryName"), {
                "arn": _arn("sagemaker", f"code-repository/{physical('codeRepositoryName')}")
            }
        case "aws:sagemaker/domain:Domain":
            assert given["subnetIds"], "a domain without subnets"
            return "d-abcdefgh1234", {
                "arn": _arn("sagemaker", "domain/d-abcdefgh1234"),
                "url": "https://d-abcdefgh1234",
            }
        case "aws:sagemaker/userProfile:UserProfile":
            arn = _arn("sagemaker", f"user-profile/{physical('domainId')}/{physical('userProfileName')}")
            return arn, {"arn": arn}
        case "aws:sagemaker/space:Space":
            arn = _arn("sagemaker", f"space/{physical('domainId')}/{physical('spaceName')}")
            return arn, {"arn": arn}
        case "aws:emrserverless/application:Application":
            assert physical("name")
            return "00abcdefgh", {"arn": _arn("emr-serverless", "/applications/00abcdefgh")}
        case "aws:budgets/budgetAction:BudgetAction":
            return f"{ACCOUNT}:action-{name}:{physical('budgetName')}", {"actionId": f"action-{name}"}
        case _ if type_.startswith("penstock:"):
            return "", {}
        case _:
            raise AssertionError(f"{type_} is not known to the tests: teach tests/infra/conftest.py its outputs")


class Aws(mocks.Mocks):
    """An AWS that accepts everything; `stacks` are the outputs of other stacks, `parameters` SSM's."""

    def __init__(self, stacks: dict[str, dict[str, Any]], parameters: dict[str, str]) -> None:
        self.stacks = stacks
        self.parameters = parameters

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        if args.typ == "pulumi:pulumi:StackReference":
            reference = str(args.resource_id)
            assert reference in self.stacks, f"stack {reference} is not among {sorted(self.stacks)}"
            return reference, {"name": reference, "outputs": self.stacks[reference], "secretOutputNames": []}
        identifier, computed = _outputs(args.typ, args.name, args.inputs)
        return identifier, {**args.inputs, **computed}

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[str, Any], list[tuple[str, str]] | None]:
        match args.token:
            case "aws:index/getCallerIdentity:getCallerIdentity":
                return {"accountId": ACCOUNT, "arn": _arn("iam", "user/test", region=""), "userId": "test"}, []
            case "aws:index/getRegion:getRegion":
                return {"region": REGION, "name": REGION, "id": REGION}, []
            case "aws:index/getPartition:getPartition":
                return {"partition": "aws", "dnsSuffix": "amazonaws.com", "id": "aws"}, []
            case "aws:index/getAvailabilityZones:getAvailabilityZones":
                names = [f"{REGION}{letter}" for letter in "abc"]
                return {"id": REGION, "region": REGION, "names": names, "zoneIds": names, "groupNames": [REGION]}, []
            case "aws:ssm/getParametersByPath:getParametersByPath":
                path = f"{args.args['path']}/"
                found = {name: value for name, value in self.parameters.items() if name.startswith(path)}
                return {
                    "id": path,
                    "path": args.args["path"],
                    "arns": [_arn("ssm", f"parameter{name}") for name in found],
                    "names": list(found),
                    "types": ["String" for _ in found],
                    "values": list(found.values()),
                    "withDecryption": True,
                    "recursive": False,
                }, []
            case _:
                raise AssertionError(f"{args.token} is not known to the tests")


class Recorder(mocks.MockMonitor):
    """A monitor that keeps every registration with its options."""

    def __init__(self, aws: Aws, run: Run) -> None:
        super().__init__(aws)
        self.run = run

    def RegisterResource(self, request: Any) -> Any:
        if request.type != STACK_TYPE:
            wire = json_format.MessageToDict(request.object)
            inputs = rpc.deserialize_properties(request.object)
            self.run.resources.append(
                Registered(
                    type=request.type,
                    name=request.name,
                    urn=self.make_urn(request.parent, request.type, request.name),
                    parent=request.parent,
                    custom=request.custom,
                    protect=request.protect,
                    dependencies=tuple(sorted(request.dependencies)),
                    inputs=_plain(inputs),
                    secret_inputs=frozenset(key for key, value in wire.items() if _holds_secret(value)),
                    ignore_changes=tuple(request.ignoreChanges),
                    alias_types=frozenset(_alias_types(request)),
                )
            )
        return super().RegisterResource(request)

    def RegisterResourceOutputs(self, request: Any) -> Any:
        outputs = _plain(rpc.deserialize_properties(request.outputs))
        if STACK_TYPE in request.urn.split("::")[2]:
            if request.urn.split("::")[2] == STACK_TYPE:
                self.run.exports = outputs
            else:
                self.run.component_outputs[request.urn] = outputs
        else:
            self.run.component_outputs[request.urn] = outputs
        return super().RegisterResourceOutputs(request)


def _alias_types(request: Any) -> Iterator[str]:
    """The types under which the resource may be known, whichever way the SDK tells them."""
    for urn in request.aliasURNs:
        yield urn.split("::")[2].rsplit("$", 1)[-1]
    for alias in request.aliases:
        yield alias.spec.type if alias.WhichOneof("alias") == "spec" else alias.urn.split("::")[2].rsplit("$", 1)[-1]


def _holds_secret(value: Any) -> bool:
    if isinstance(value, dict):
        return rpc._special_sig_key in value or any(_holds_secret(item) for item in value.values())
    return isinstance(value, list) and any(_holds_secret(item) for item in value)


def _plain(value: Any) -> Any:
    """Plain dictionaries and lists; a secret is what it hides."""
    if rpc.is_rpc_secret(value):
        return _plain(rpc.unwrap_rpc_secret(value))
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, pulumi.AssetArchive):
        return {"archive": _plain(value.assets)}
    if isinstance(value, pulumi.FileAsset):
        return {"file": Path(str(value.path)).name}
    if isinstance(value, pulumi.StringAsset):
        return {"text": value.text}
    return value


def pytest_configure(config: pytest.Config) -> None:
    """pulumi_aws warns about classes of its own that it imports."""
    config.addinivalue_line("filterwarnings", r"ignore:.*has been deprecated in favor of:DeprecationWarning:pulumi_aws")


type Program = Callable[[], object]
type Runner = Callable[..., Run]


@pytest.fixture(scope="session")
def run_program() -> Runner:
    """Runs a program and gives what it registered.

    `config` is the stack's, by full keys; `stacks` the outputs of other stacks by `organization/project/stack`;
    `environment` the variables that the program sees besides those of the test.
    """

    def run(
        program: Program,
        *,
        project: str = "test",
        stack: str = "dev",
        config: dict[str, str] | None = None,
        secrets: tuple[str, ...] = (),
        stacks: dict[str, dict[str, Any]] | None = None,
        parameters: dict[str, str] | None = None,
        environment: dict[str, str] | None = None,
    ) -> Run:
        outcome = Run()
        monitor = Recorder(Aws(stacks or {}, parameters or {}), outcome)
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        reset_options(project=project, stack=stack)
        set_all_config(config or {}, list(secrets))
        configure(
            mocks.MockSettings(
                monitor=monitor,
                monitor_features=set(monitor.GetDeploymentInfo(None).supportedFeatures),
                engine=mocks.MockEngine(logging.getLogger("pulumi-test")),
                project=project,
                stack=stack,
                dry_run=False,
                organization="organization",
                root_directory=None,
                parallel=None,
                callbacks=None,
            )
        )
        try:
            with pytest.MonkeyPatch.context() as variables:
                for name in ("GITHUB_TOKEN", "GITHUB_API_URL", "AWS_PROFILE", "AWS_ENDPOINT_URL"):
                    variables.delenv(name, raising=False)
                for name, value in (environment or {}).items():
                    variables.setenv(name, value)
                loop.run_until_complete(run_in_stack(lambda: _run(program)))
        finally:
            reset_options()
            set_all_config({}, [])
            loop.close()
            asyncio.set_event_loop(None)
        assert outcome.resources, "the program registered nothing"
        return outcome

    return run


def _run(program: Program) -> None:
    program()


@pytest.fixture
def placement() -> Placement:
    """A production stack of some account: protected, nothing emptied by destroy."""
    return Placement(
        account=ACCOUNT,
        region=REGION,
        stack="prod",
        tags=Tags(project="penstock", environment="prod", owner="ml-platform", cost_center="1000"),
    )


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The variables of a local cloud that lives as long as these tests."""
    from tests.local_cloud import running

    from penstock_cloud import cloud

    state = tmp_path_factory.mktemp("cloud")
    with running(state) as info:
        yield {**cloud.environment(info), "PATH": os.environ["PATH"], "HOME": str(state)}
