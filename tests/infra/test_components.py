"""A contract that every component keeps: type token, keyword-only configuration, parents, tags, encryption, outputs.

Components are found by themselves: one that is added without an example (`EXAMPLES` in its own test file in `components/`,
or here) fails a test.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import json
import pkgutil
import re
from pathlib import Path
from typing import Any

import pulumi
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pulumi_aws import s3
from pydantic import ValidationError

import penstock_infra.components
from penstock_ci.cost import estimate, prices
from penstock_ci.plans import PlannedResource
from penstock_infra import features
from penstock_infra.components.component import Arguments, Component
from penstock_infra.components.endpoint_monitor import EndpointMonitor
from penstock_infra.components.role import RoleComponent
from penstock_infra.oidc import WorkflowTrust
from penstock_infra.placement import Placement
from penstock_infra.repository import Repository
from penstock_infra.tags import Tags
from penstock_policy import Resource, check, tags

KEY = "arn:aws:kms:eu-central-1:123456789012:key/data"
BOUNDARY = "arn:aws:iam::123456789012:policy/boundary"
ROLE = "arn:aws:iam::123456789012:role/role"
REPOSITORY = Repository.parse("acme@1001/flight-delays@2002")
GROUP = features.FeatureDefinition(
    name="origin",
    record_identifier="origin",
    event_time="event_time",
    features=(features.Feature(name="origin", type="String"), features.Feature(name="event_time", type="String")),
)
EXAMPLES: dict[str, dict[str, Any]] = {
    "Catalogue": {"curated_bucket": "curated"},
    "CiRole": {
        "duty": "deploy",
        "trust": WorkflowTrust(repository=REPOSITORY, environment="deploy", workflow="deploy.yml"),
        "provider_arn": "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com",
        "permissions_boundary_arn": BOUNDARY,
        "artifact_bucket": "artifacts",
        "key_arns": (KEY,),
        "state_bucket": "state",
        "state_key_arn": KEY,
    },
    "DataKey": {"purpose": "data", "description": "The lake", "publishers": ("cloudwatch.amazonaws.com",)},
    "DriftAlarm": {"model": "flight-delays", "topic_arn": "arn:aws:sns:eu-central-1:123456789012:alarms"},
    "FeatureGroup": {
        "model": "flight-delays",
        "definition": GROUP,
        "offline_store_uri": "s3://features/offline-store",
        "role_arn": ROLE,
        "key_arn": KEY,
    },
    "FeatureStoreRole": {"permissions_boundary_arn": BOUNDARY, "bucket": "features", "key_arn": KEY},
    "GitHubOidc": {},
    "ImageRepository": {"key_arn": KEY},
    "LakeZone": {"zone": "raw", "key_arn": KEY, "log_bucket": "logs"},
    "LogBucket": {},
    "OfflineStore": {"key_arn": KEY, "log_bucket": "logs"},
    "PermissionsBoundary": {},
    "Pipeline": {"model": "flight-delays", "definition": {"Steps": []}, "role_arn": ROLE},
    "PrivateBucket": {"purpose": "artifacts", "key_arn": KEY},
    "RepositoryDispatch": {
        "repository": REPOSITORY,
        "token": None,
        "permissions_boundary_arn": BOUNDARY,
    },
    "ServingRole": {
        "permissions_boundary_arn": BOUNDARY,
        "artifact_bucket": "artifacts",
        "image_repository_arn": "arn:aws:ecr:eu-central-1:123456789012:repository/models",
        "key_arns": (KEY,),
    },
    "TrainingRole": {
        "permissions_boundary_arn": BOUNDARY,
        "raw_bucket": "raw",
        "written_buckets": ("clean", "curated", "artifacts"),
        "offline_store_bucket": "features",
        "image_repository_arn": "arn:aws:ecr:eu-central-1:123456789012:repository/models",
        "key_arns": (KEY,),
    },
}


def _examples_of_own_files() -> dict[str, dict[str, Any]]:
    """`EXAMPLES` of every test file in `components/`."""
    found: dict[str, dict[str, Any]] = {}
    for path in sorted((Path(__file__).parent / "components").glob("test_*.py")):
        spec = importlib.util.spec_from_file_location(f"examples_of_{path.stem}", path)
        assert spec
        assert spec.loader
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        found |= getattr(module, "EXAMPLES", {})
    return found


EXAMPLES |= _examples_of_own_files()
AREAS = "security|network|storage|operations|delivery|lake|features|training|serving|registry|monitoring"


def components() -> dict[str, type[Component]]:
    """All components by class name."""
    found: dict[str, type[Component]] = {}
    for module in pkgutil.iter_modules(penstock_infra.components.__path__):
        loaded = importlib.import_module(f"penstock_infra.components.{module.name}")
        for _, member in inspect.getmembers(loaded, inspect.isclass):
            if issubclass(member, Component) and member not in (Component, EndpointMonitor, RoleComponent):
                found[member.__name__] = member
    return found


COMPONENTS = components()


def arguments_of(component: type[Component]) -> type[Arguments]:
    """The class of a component's configuration."""
    module = importlib.import_module(component.__module__)
    return getattr(module, f"{component.__name__}Arguments")  # type: ignore[no-any-return]


def make(name: str, placement: Placement, **changes: Any) -> Component:
    """The example of a component, inside a program."""
    component = COMPONENTS[name]
    values = {**EXAMPLES[name], **changes}
    if name == "RepositoryDispatch":
        values["token"] = pulumi.Output.from_input("token")
    return component("example", arguments_of(component)(placement=placement, **values))  # type: ignore[arg-type]


def as_resources(run: Any) -> list[Resource]:
    return [Resource(type=item.type, name=item.name, inputs=item.inputs) for item in run.resources]


def unpriced(run: Any) -> list[str]:
    """Types that the price list does not know: neither by the month, nor by use, nor as free."""
    planned = [
        PlannedResource(
            urn=item.urn, type=item.type, name=item.name, operation="create", protect=False, inputs=item.inputs
        )
        for item in run.resources
        if item.custom and item.type.startswith("aws:")
    ]
    return [line.type for line in estimate.estimate(planned, prices.load()).unknown if "this type" in line.why]


def test_every_component_has_an_example() -> None:
    assert set(COMPONENTS) == set(EXAMPLES)


def test_type_tokens_are_unique_and_well_formed() -> None:
    tokens = {name: component.TYPE for name, component in COMPONENTS.items()}
    assert len(set(tokens.values())) == len(tokens)
    for name, token in tokens.items():
        assert re.fullmatch(rf"penstock:({AREAS}):{name}", token), token


@pytest.mark.parametrize("name", EXAMPLES)
def test_configuration_is_typed_frozen_and_keyword_only(name: str, placement: Placement) -> None:
    component = COMPONENTS[name]
    arguments = arguments_of(component)
    signature = inspect.signature(component.__init__)
    assert list(signature.parameters) == ["self", "name", "args", "opts"]
    assert signature.parameters["args"].annotation == arguments.__name__
    with pytest.raises(TypeError):
        arguments(placement)
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        arguments(placement=placement, colour="red", **{k: v for k, v in EXAMPLES[name].items() if v is not None})
    assert arguments.model_config["frozen"]
    assert arguments.model_json_schema()["properties"]["placement"]


@pytest.mark.parametrize("name", EXAMPLES)
def test_docstrings_say_what_it_makes_and_costs(name: str) -> None:
    text = (COMPONENTS[name].__doc__ or "").strip()
    assert re.search(r"USD|Free|free|costs nothing", text), f"{name} does not say what it costs"
    assert arguments_of(COMPONENTS[name]).__doc__


@pytest.mark.parametrize("name", EXAMPLES)
def test_contract(name: str, run_program: Any, placement: Placement) -> None:
    run = run_program(lambda: make(name, placement))
    component, *children = run.resources
    assert component.type == COMPONENTS[name].TYPE
    assert not component.custom
    assert children, "it makes nothing"
    urns = {resource.urn for resource in run.resources}
    assert all(child.parent in urns for child in children), "a child without its parent"
    assert run.component_outputs[component.urn], "no outputs registered"
    assert all(value not in (None, "") for value in run.component_outputs[component.urn].values())
    assert [str(finding) for finding in check(as_resources(run))] == []
    assert unpriced(run) == []
    expected = placement.tags.as_dict()
    for child in children:
        if child.type in tags.TAGGABLE:
            assert child.inputs["tags"] == expected, child.urn


def test_the_contract_can_fail(run_program: Any, placement: Placement) -> None:
    """A component that forgets everything is caught: the checks above do run."""

    class Careless(Component):
        TYPE = "penstock:storage:Careless"

        def __init__(self, name: str, args: Arguments) -> None:
            super().__init__(name, args)
            s3.Bucket(name, bucket="careless", opts=self.child())

    run = run_program(lambda: Careless("example", Arguments(placement=placement)))
    policies = {finding.policy for finding in check(as_resources(run))}
    assert policies == {"private", "encrypted", "required_tags"}
    assert run.component_outputs == {}


ENCRYPTED = {
    "PrivateBucket": (
        "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
        "rules",
    ),
    "NotificationTopic": ("aws:sns/topic:Topic", "kmsMasterKeyId"),
    "ImageRepository": ("aws:ecr/repository:Repository", "encryptionConfigurations"),
    "Endpoint": ("aws:sagemaker/endpointConfiguration:EndpointConfiguration", "kmsKeyArn"),
    "FeatureGroup": ("aws:sagemaker/featureGroup:FeatureGroup", "onlineStoreConfig"),
    "RepositoryDispatch": ("aws:sqs/queue:Queue", "sqsManagedSseEnabled"),
}


@pytest.mark.parametrize("name", ENCRYPTED)
def test_encrypted_by_default(name: str, run_program: Any, placement: Placement) -> None:
    type_, key = ENCRYPTED[name]
    value = run_program(lambda: make(name, placement)).one(type_).inputs[key]
    if key == "sqsManagedSseEnabled":
        assert value is True
    else:
        assert KEY in str(value)


value = st.text(alphabet="abcXYZ019 _.:/=+-@", min_size=1, max_size=60).filter(str.strip)
stacks = st.from_regex(r"[a-z][a-z0-9-]{0,23}", fullmatch=True)


@settings(max_examples=12, deadline=None)
@given(stack=stacks, owner=value, cost_center=value, purpose=st.from_regex(r"[a-z][a-z0-9-]{0,31}", fullmatch=True))
@pytest.mark.parametrize("name", ["PrivateBucket", "TrainingRole", "RepositoryDispatch", "CiRole"])
def test_any_valid_configuration_is_named_tagged_and_narrow(
    name: str, run_program: Any, stack: str, owner: str, cost_center: str, purpose: str
) -> None:
    placement = Placement(
        account="123456789012",
        region="ap-southeast-2",
        stack=stack,
        tags=Tags(project="p", environment=stack, owner=owner, cost_center=cost_center),
    )
    changes = {"purpose": purpose} if name == "PrivateBucket" else {}
    run = run_program(lambda: make(name, placement, **changes))
    assert check(as_resources(run)) == []
    longest = {
        "aws:s3/bucket:Bucket": ("bucket", 63),
        "aws:iam/role:Role": ("name", 64),
        "aws:sqs/queue:Queue": ("name", 80),
    }
    for resource in run.resources:
        if resource.type in longest:
            key, limit = longest[resource.type]
            assert 3 <= len(resource.inputs[key]) <= limit
        if resource.type.startswith("aws:cloudwatch/event") and "name" in resource.inputs:
            assert len(resource.inputs["name"]) <= 64


# -- what single components make --


def test_private_bucket(run_program: Any, placement: Placement) -> None:
    run = run_program(lambda: make("PrivateBucket", placement, log_bucket="logs", infrequent_access_after=90))
    bucket = run.one("aws:s3/bucket:Bucket")
    assert bucket.protect
    assert bucket.inputs["forceDestroy"] is False
    assert run.one("aws:s3/bucketVersioning:BucketVersioning").inputs["versioningConfiguration"] == {
        "status": "Enabled"
    }
    (rule,) = run.one("aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration").inputs["rules"]
    assert rule["noncurrentVersionExpiration"] == {"noncurrentDays": 90}
    assert rule["transitions"] == [{"days": 90, "storageClass": "STANDARD_IA"}]
    assert run.one("aws:s3/bucketLogging:BucketLogging").inputs["targetBucket"] == "logs"
    policy = run.one("aws:s3/bucketPolicy:BucketPolicy").inputs["policy"]
    assert '"aws:SecureTransport":["false"]' in policy


def test_data_key(run_program: Any, placement: Placement) -> None:
    run = run_program(lambda: make("DataKey", placement))
    key = run.one("aws:kms/key:Key")
    assert key.inputs["enableKeyRotation"] is True
    assert key.inputs["deletionWindowInDays"] == 30
    assert key.protect
    assert run.one("aws:kms/alias:Alias").inputs["name"] == "alias/penstock-prod-data"


def test_an_account_with_its_own_provider_keeps_it(run_program: Any, placement: Placement) -> None:
    run = run_program(lambda: make("GitHubOidc", placement, existing_arn="arn:existing"))
    assert not run.has("aws:iam/openIdConnectProvider:OpenIdConnectProvider")
    assert list(run.component_outputs.values()) == [{"arn": "arn:existing"}]


def test_an_empty_registry_has_no_endpoint_and_is_green(run_program: Any, placement: Placement) -> None:
    run = run_program(lambda: make("Endpoint", placement, model_package_arn=None))
    assert [resource.type for resource in run.resources] == ["penstock:serving:Endpoint"]
    assert list(run.component_outputs.values()) == [{"endpointName": "", "modelName": ""}]


def test_endpoint(run_program: Any, placement: Placement) -> None:
    run = run_program(lambda: make("Endpoint", placement))
    model = run.one("aws:sagemaker/model:Model").inputs
    configuration = run.one("aws:sagemaker/endpointConfiguration:EndpointConfiguration").inputs
    endpoint = run.one("aws:sagemaker/endpoint:Endpoint").inputs
    assert model["primaryContainer"] == {"modelPackageName": EXAMPLES["Endpoint"]["model_package_arn"]}
    assert configuration["productionVariants"][0]["modelName"] == model["name"]
    assert configuration["dataCaptureConfig"]["destinationS3Uri"] == "s3://artifacts/capture/flight-delays"
    assert configuration["dataCaptureConfig"]["initialSamplingPercentage"] == 100
    assert (endpoint["name"], endpoint["endpointConfigName"]) == ("flight-delays", configuration["name"])


@pytest.mark.parametrize(
    ("change", "new_model"),
    [
        ({"model_package_arn": "arn:aws:sagemaker:eu-central-1:123456789012:model-package/flight-delays/2"}, True),
        ({"settings": {"instance_count": 2}}, False),
        ({"settings": {"data_capture_percent": 50}}, False),
        ({"capture_bucket": "other"}, False),
    ],
)
def test_what_cannot_change_gets_a_new_name(
    run_program: Any, placement: Placement, change: dict[str, Any], new_model: bool
) -> None:
    """So that the new one is there before the old one goes, and the endpoint is updated, not replaced."""

    def names(**changes: Any) -> tuple[str, str, str]:
        run = run_program(lambda: make("Endpoint", placement, **changes))
        types = ("model:Model", "endpointConfiguration:EndpointConfiguration", "endpoint:Endpoint")
        first, second, third = (run.one(f"aws:sagemaker/{type_}").inputs["name"] for type_ in types)
        return first, second, third

    before, after = names(), names(**change)
    assert (before[0] != after[0]) is new_model
    assert before[1] != after[1]
    assert before[2] == after[2] == "flight-delays"
    assert names() == before


def test_feature_group(run_program: Any, placement: Placement) -> None:
    group = run_program(lambda: make("FeatureGroup", placement)).one("aws:sagemaker/featureGroup:FeatureGroup")
    assert group.protect
    assert group.inputs["featureGroupName"] == "flight-delays-origin"
    assert group.inputs["onlineStoreConfig"] == {"enableOnlineStore": True, "securityConfig": {"kmsKeyId": KEY}}
    assert group.inputs["offlineStoreConfig"]["s3StorageConfig"] == {
        "s3Uri": "s3://features/offline-store",
        "kmsKeyId": KEY,
    }


@pytest.mark.parametrize(("online", "offline"), [(True, False), (False, True)])
def test_feature_group_in_one_store(run_program: Any, placement: Placement, online: bool, offline: bool) -> None:
    definition = GROUP.model_copy(update={"online": online, "offline": offline})
    run = run_program(lambda: make("FeatureGroup", placement, definition=definition))
    inputs = run.one("aws:sagemaker/featureGroup:FeatureGroup").inputs
    assert ("onlineStoreConfig" in inputs, "offlineStoreConfig" in inputs) == (online, offline)


def test_drift_alarm(run_program: Any, placement: Placement) -> None:
    alarm = run_program(lambda: make("DriftAlarm", placement)).one("aws:cloudwatch/metricAlarm:MetricAlarm").inputs
    assert (alarm["namespace"], alarm["metricName"]) == ("Penstock/Drift", "Violations")
    assert alarm["name"] == "penstock-drift-flight-delays"
    assert alarm["dimensions"] == {"Model": "flight-delays"}
    assert (alarm["period"], alarm["threshold"], alarm["treatMissingData"]) == (60, 0, "notBreaching")
    assert alarm["alarmActions"] == [EXAMPLES["DriftAlarm"]["topic_arn"]]


def test_repository_dispatch(run_program: Any, placement: Placement) -> None:
    run = run_program(lambda: make("RepositoryDispatch", placement, api_url="https://ghe.example.com/api/v3/"))
    destination = run.one("aws:cloudwatch/eventApiDestination:EventApiDestination").inputs
    assert destination["invocationEndpoint"] == "https://ghe.example.com/api/v3/repos/acme/flight-delays/dispatches"
    assert destination["httpMethod"] == "POST"
    targets = run.of("aws:cloudwatch/eventTarget:EventTarget")
    assert {target.inputs["rule"] for target in targets} == {
        rule.inputs["name"] for rule in run.of("aws:cloudwatch/eventRule:EventRule")
    }
    assert all(target.inputs["deadLetterConfig"]["arn"] for target in targets)
    connection = run.one("aws:cloudwatch/eventConnection:EventConnection")
    assert connection.inputs["authParameters"]["apiKey"] == {"key": "Authorization", "value": "Bearer token"}
    assert connection.secret_inputs == {"authParameters"}


@pytest.mark.parametrize("url", ["http://api.github.com", "ftp://x", "api.github.com"])
def test_tokens_travel_encrypted(run_program: Any, placement: Placement, url: str) -> None:
    with pytest.raises(ValidationError, match="must be https"):
        run_program(lambda: make("RepositoryDispatch", placement, api_url=url))


def test_image_repository(run_program: Any, placement: Placement) -> None:
    repository = run_program(lambda: make("ImageRepository", placement)).one("aws:ecr/repository:Repository")
    assert repository.protect
    assert repository.inputs["imageTagMutability"] == "IMMUTABLE"
    assert repository.inputs["imageScanningConfiguration"] == {"scanOnPush": True}
    assert repository.inputs["encryptionConfigurations"] == [{"encryptionType": "KMS", "kmsKey": KEY}]


@pytest.mark.parametrize("name", ["CiRole", "TrainingRole", "ServingRole"])
def test_what_is_handed_on_stays_with_aws_services(name: str, run_program: Any, placement: Placement) -> None:
    """Roles are passed to SageMaker (one to Scheduler) alone, keys lent to AWS's own resources alone."""
    document = json.loads(
        run_program(lambda: make(name, placement)).one("aws:iam/rolePolicy:RolePolicy").inputs["policy"]
    )
    passed = [item for item in document["Statement"] if "iam:PassRole" in item["Action"]]
    lent = [item for item in document["Statement"] if "kms:CreateGrant" in item["Action"]]
    assert lent
    assert passed or name == "ServingRole"
    for statement in passed:
        service = "scheduler" if statement["Sid"] == "PassScheduleRole" else "sagemaker"
        assert statement["Condition"] == {"StringEquals": {"iam:PassedToService": [f"{service}.amazonaws.com"]}}
        assert all(
            resource.startswith(f"arn:aws:iam::{placement.account}:role/penstock-")
            for resource in statement["Resource"]
        )
    for statement in lent:
        assert statement["Condition"] == {"Bool": {"kms:GrantIsForAWSResource": ["true"]}}


@pytest.mark.parametrize("duty", ["plan", "train", "deploy"])
def test_duties_are_separate(run_program: Any, placement: Placement, duty: str) -> None:
    """Planning changes nothing, training cannot touch what is live, and none of them can approve a version."""
    policy = (
        run_program(lambda: make("CiRole", placement, duty=duty)).one("aws:iam/rolePolicy:RolePolicy").inputs["policy"]
    )
    may = {
        "start": '"sagemaker:StartPipelineExecution"' in policy,
        "push": '"ecr:PutImage"' in policy,
        "go live": '"sagemaker:UpdateEndpoint"' in policy or '"ssm:PutParameter"' in policy,
        "approve": '"sagemaker:UpdateModelPackage"' in policy,
        "write state": '"s3:PutObject"' in policy,
    }
    trains, deploys = duty != "plan", duty == "deploy"
    assert may == {"start": trains, "push": trains, "go live": deploys, "approve": False, "write state": trains}


def test_pipeline_defaults_come_from_the_platform(run_program: Any, placement: Placement) -> None:
    definition = {"Parameters": [{"Name": "RawBucket", "Type": "String"}], "Steps": []}
    run = run_program(
        lambda: make(
            "Pipeline", placement, definition=definition, defaults={"RawBucket": pulumi.Output.from_input("raw-1")}
        )
    )
    inputs = run.one("aws:sagemaker/pipeline:Pipeline").inputs
    assert '"DefaultValue":"raw-1"' in inputs["pipelineDefinition"]
    assert inputs["pipelineName"] == "flight-delays"
