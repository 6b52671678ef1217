"""The platform's programs as a whole: what they register and export, and that their graphs change only on purpose."""

from __future__ import annotations

import functools
import json
import runpy
import typing
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic.alias_generators import to_camel
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.json import JSONSnapshotExtension

from penstock_infra.configuration import (
    DataLakeSettings,
    FeatureStoreSettings,
    FoundationSettings,
    OperationsSettings,
    PlatformSettings,
    TrainingSettings,
)
from penstock_infra.errors import ConfigurationError
from penstock_policy import Environment, Resource, Settings, check

PROJECTS = Path(__file__).parents[2] / "infra" / "projects"
ORDER = ("foundation", "datalake", "featurestore", "training", "operations")
EXPORTS = {
    "foundation": {
        "account",
        "region",
        "dataKeyArn",
        "artifactKeyArn",
        "messageKeyArn",
        "artifactBucket",
        "logBucket",
        "alarmTopicArn",
        "costTopicArn",
        "permissionsBoundaryArn",
        "oidcProviderArn",
        "planRoleArn",
        "trainRoleArn",
        "deployRoleArn",
        "ciRoleArns",
        "registryStack",
        "registryAccount",
        "registryBucket",
        "registryKeyArn",
        "vpcId",
        "privateSubnetIds",
        "securityGroupId",
    },
    "datalake": {
        "rawBucket",
        "cleanBucket",
        "curatedBucket",
        "glueDatabase",
        "queryWorkgroup",
        "queryResultsBucket",
        "landingQueueUrl",
    },
    "featurestore": {"offlineStoreUri", "featureStoreRoleArn"},
    "training": {
        "trainingRoleArn",
        "servingRoleArn",
        "transformScheduleRoleArn",
        "monitoringRoleArn",
        "imageRepositoryUrl",
        "trackingServerArn",
        "jobSubnetIds",
        "jobSecurityGroupId",
        "studioDomainId",
        "sparkApplicationId",
        "sparkRoleArn",
        "approvalRuleArn",
        "driftRuleArn",
    },
    "operations": {"operationsDashboard"},
}
OFF = {
    "foundation": {"vpcId", "privateSubnetIds", "securityGroupId"},
    "training": {
        "trackingServerArn",
        "jobSubnetIds",
        "jobSecurityGroupId",
        "studioDomainId",
        "sparkApplicationId",
        "sparkRoleArn",
    },
}
"""Outputs that are empty because what they name is switched off in the local stack."""

TOKEN = "a-token-of-nobody"


def configuration(project: str, stack: str) -> dict[str, str]:
    """A stack's settings as Pulumi hands them to the program."""
    content = yaml.safe_load((PROJECTS / project / f"Pulumi.{stack}.yaml").read_text())["config"]
    return {key: value if isinstance(value, str) else json.dumps(value) for key, value in content.items()}


type Runs = dict[str, Any]
type Platform = Callable[..., Runs]


@pytest.fixture(scope="module")
def platform(run_program: Any) -> Platform:
    """Runs the programs in order, each seeing the outputs of those before it; equal questions run once.

    `settings` change the stack file of every project; their keys are written without the project's name.
    """

    @functools.cache
    def bring_up(stack: str, settings: frozenset[tuple[str, str]] = frozenset(), upto: str = "operations") -> Runs:
        stacks: dict[str, dict[str, Any]] = {}
        runs: Runs = {}
        for project in ORDER[: ORDER.index(upto) + 1]:
            own = {f"penstock-{project}:{key}": value for key, value in settings}
            run = run_program(
                functools.partial(runpy.run_path, str(PROJECTS / project), run_name="__main__"),
                project=f"penstock-{project}",
                stack=stack,
                config=configuration(project, stack) | own,
                secrets=tuple(key for key in own if key.endswith("Token")),
                stacks=stacks,
                environment={"GITHUB_TOKEN": TOKEN},
            )
            stacks[f"organization/penstock-{project}/{stack}"] = run.exports
            runs[project] = run
        return runs

    return bring_up


@pytest.mark.parametrize("project", ORDER)
def test_exports_what_others_rely_on(platform: Platform, project: str) -> None:
    run = platform("local")[project]
    assert set(run.exports) == EXPORTS[project]
    empty = {name for name, value in run.exports.items() if value in ("", [], {})}
    assert empty == OFF.get(project, set())


@pytest.mark.parametrize("project", ORDER)
def test_graph(platform: Platform, snapshot: SnapshotAssertion, project: str) -> None:
    run = platform("dev")[project]
    graph = sorted(
        (
            {
                "urn": resource.urn,
                "protect": resource.protect,
                "dependencies": list(resource.dependencies),
                "inputs": _documents(resource.inputs),
            }
            for resource in run.resources
        ),
        key=lambda resource: str(resource["urn"]),
    )
    assert graph == snapshot(extension_class=JSONSnapshotExtension)


def _documents(value: Any) -> Any:
    """JSON texts as what they say, so that a difference can be read."""
    if isinstance(value, dict):
        return {key: _documents(item) for key, item in sorted(value.items())}
    if isinstance(value, list):
        return [_documents(item) for item in value]
    if isinstance(value, str) and value.startswith("{"):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


@pytest.mark.parametrize("stack", ["local", "dev", "staging", "prod"])
@pytest.mark.parametrize("project", ORDER)
def test_settings_fit_the_declared_schema(project: str, stack: str) -> None:
    declared = yaml.safe_load((PROJECTS / project / "Pulumi.yaml").read_text())
    given = yaml.safe_load((PROJECTS / project / f"Pulumi.{stack}.yaml").read_text())["config"]
    types = {"string": str, "boolean": bool, "integer": int, "array": list}
    own = {
        key.removeprefix(f"{declared['name']}:"): value for key, value in given.items() if not key.startswith("aws:")
    }
    for key, value in own.items():
        assert isinstance(value, types[declared["config"][key]["type"]]), key
    required = {key for key, schema in declared["config"].items() if "default" not in schema}
    assert required <= set(own)


@pytest.mark.parametrize("project", ORDER)
def test_declared_settings_are_those_that_the_program_reads(project: str) -> None:
    """The same keys with the same defaults in Pulumi.yaml and in the typed settings."""
    declared = yaml.safe_load((PROJECTS / project / "Pulumi.yaml").read_text())["config"]
    kind = {
        "foundation": FoundationSettings,
        "datalake": DataLakeSettings,
        "featurestore": FeatureStoreSettings,
        "training": TrainingSettings,
        "operations": OperationsSettings,
    }.get(project, PlatformSettings)
    fields = {to_camel(name): field for name, field in kind.model_fields.items()}
    objects = {name for name, field in fields.items() if typing.get_origin(field.annotation) is dict}
    assert set(declared) == set(fields) - objects, "objects (tags, budgets) cannot be declared"
    for key, schema in declared.items():
        assert ("default" not in schema) is fields[key].is_required(), key
        if "default" in schema:
            assert json.loads(json.dumps(fields[key].default)) == schema["default"], key


def test_token_is_secret_and_never_in_clear(platform: Platform) -> None:
    run = platform("local")["training"]
    connection = run.one("aws:cloudwatch/eventConnection:EventConnection")
    assert connection.inputs["authParameters"]["apiKey"]["value"] == f"Bearer {TOKEN}"
    assert "authParameters" in connection.secret_inputs
    assert TOKEN not in json.dumps([r.inputs for r in run.resources if r is not connection])
    assert TOKEN not in json.dumps(run.exports)


def test_a_configured_token_comes_first(platform: Platform, run_program: Any) -> None:
    run = run_program(
        functools.partial(runpy.run_path, str(PROJECTS / "training"), run_name="__main__"),
        project="penstock-training",
        stack="dev",
        config=configuration("training", "dev") | {"penstock-training:githubToken": "configured"},
        secrets=("penstock-training:githubToken",),
        stacks={f"organization/penstock-{project}/dev": run.exports for project, run in platform("dev").items()},
        environment={"GITHUB_TOKEN": TOKEN},
    )
    connection = run.one("aws:cloudwatch/eventConnection:EventConnection")
    assert connection.inputs["authParameters"]["apiKey"]["value"] == "Bearer configured"
    assert "authParameters" in connection.secret_inputs


def test_wrong_settings_stop_the_program(platform: Platform) -> None:
    with pytest.raises(ConfigurationError, match="penstock-foundation:ownr: no such key; did you mean owner"):
        platform("dev", frozenset({("ownr", "me")}), "foundation")


def test_production_is_protected_and_kept(platform: Platform) -> None:
    """Without `protect: false` and `forceDestroy: true`, all that holds data stays; and only that is protected."""
    holds_data = {
        "aws:kms/key:Key",
        "aws:s3/bucket:Bucket",
        "aws:ecr/repository:Repository",
        "aws:sagemaker/mlflowApp:MlflowApp",
    }
    for run in platform("dev", frozenset({("protect", "true"), ("forceDestroy", "false")}), "training").values():
        assert {resource.type for resource in run.resources if resource.protect} <= holds_data
        assert all(resource.protect for resource in run.resources if resource.type in holds_data)
        assert not any(resource.inputs.get("forceDestroy") for resource in run.resources)
        assert not any(resource.inputs.get("forceDelete") for resource in run.resources)


@pytest.mark.parametrize("project", ORDER)
def test_local_can_be_destroyed_wholly(platform: Platform, project: str) -> None:
    run = platform("local")[project]
    assert not any(resource.protect for resource in run.resources)
    for resource in run.resources:
        if resource.type == "aws:s3/bucket:Bucket":
            assert resource.inputs["forceDestroy"] is True
        if resource.type == "aws:ecr/repository:Repository":
            assert resource.inputs["forceDelete"] is True


@pytest.mark.parametrize("project", ORDER)
def test_no_policy_is_broken(platform: Platform, project: str) -> None:
    run = platform("dev")[project]
    found = check([Resource(type=item.type, name=item.name, inputs=item.inputs) for item in run.resources])
    assert [str(finding) for finding in found] == []


@pytest.mark.parametrize("project", ORDER[:-1])
def test_no_policy_of_production_is_broken(platform: Platform, project: str) -> None:
    run = platform("dev", frozenset({("protect", "true"), ("forceDestroy", "false")}), "training")[project]
    judged = [
        Resource(type=item.type, name=item.name, inputs=item.inputs, protect=item.protect)
        for item in run.resources
        if item.custom
    ]
    assert [str(finding) for finding in check(judged, Settings(environment=Environment.PRODUCTION))] == []


def test_iam_within_its_quotas(platform: Platform) -> None:
    """Inline policies of a role take 10,240 characters, a managed policy 6,144, a trust policy 2,048."""
    for run in platform("dev").values():
        for resource in run.resources:
            if resource.type == "aws:iam/rolePolicy:RolePolicy":
                assert len(resource.inputs["policy"]) <= 10_240
            if resource.type == "aws:iam/policy:Policy":
                assert len(resource.inputs["policy"]) <= 6_144
            if resource.type == "aws:iam/role:Role":
                assert len(resource.inputs["assumeRolePolicy"]) <= 2_048
                assert resource.inputs["permissionsBoundary"]


def test_roles_stay_below_the_boundary(platform: Platform) -> None:
    runs = platform("dev")
    boundary = json.loads(runs["foundation"].one("aws:iam/policy:Policy").inputs["policy"])["Statement"]
    ceiling = {action for statement in boundary for action in statement["Action"]}
    judged = 0
    for run in runs.values():
        for resource in run.resources:
            if resource.type == "aws:iam/rolePolicy:RolePolicy":
                for statement in json.loads(resource.inputs["policy"])["Statement"]:
                    assert set(statement["Action"]) <= ceiling, resource.urn
                    judged += 1
    assert judged > 30


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"protect": "true"}, "nightlyOff and expiringStacks delete endpoints: for stacks with `protect: false` alone"),
        ({"nightlyOff": ""}, "morningOn brings back what nightlyOff took down"),
        ({"idleHours": "400"}, "idleHours: Input should be less than or equal to 336"),
    ],
)
def test_nothing_that_is_kept_is_ever_switched_off(
    platform: Platform, run_program: Any, settings: dict[str, str], message: str
) -> None:
    with pytest.raises(ConfigurationError, match=message):
        operations(platform, run_program, settings)


def operations(platform: Platform, run_program: Any, settings: dict[str, str]) -> Any:
    """The operations project alone, with some settings changed."""
    own = {f"penstock-operations:{key}": value for key, value in settings.items()}
    return run_program(
        functools.partial(runpy.run_path, str(PROJECTS / "operations"), run_name="__main__"),
        project="penstock-operations",
        stack="dev",
        config=configuration("operations", "dev") | own,
        stacks={f"organization/penstock-{project}/dev": run.exports for project, run in platform("dev").items()},
    )


def test_each_watch_is_there_when_it_is_asked_for(platform: Platform, run_program: Any) -> None:
    """And the local stack, where nobody waits for the night, has the dashboard alone."""

    def components(run: Any) -> set[str]:
        return {item.type.rpartition(":")[2] for item in run.resources if not item.custom} - {"ScheduledFunction"}

    assert components(platform("dev")["operations"]) == {
        "IdleEndpoints",
        "NightlyOff",
        "TtlCleaner",
        "DriftMonitor",
        "ModelDashboard",
        "OperationsDashboard",
    }
    quiet = {"idleHours": "0", "nightlyOff": "", "morningOn": "", "expiringStacks": "[]", "models": "[]"}
    assert components(operations(platform, run_program, quiet)) == {"OperationsDashboard"}
    assert components(platform("local")["operations"]) == {"OperationsDashboard"}
    by_hand = components(operations(platform, run_program, {**quiet, "models": '["toy"]', "driftCheck": ""}))
    assert by_hand == {"ModelDashboard", "OperationsDashboard"}


def test_production_is_told_of_idle_endpoints_and_nothing_is_switched_off(platform: Platform, run_program: Any) -> None:
    """With no more than who owns it: what a stack file need not say is safe."""
    run = run_program(
        functools.partial(runpy.run_path, str(PROJECTS / "operations"), run_name="__main__"),
        project="penstock-operations",
        stack="dev",
        config={"penstock-operations:owner": "ml", "penstock-operations:costCenter": "1"},
        stacks={f"organization/penstock-{project}/dev": run.exports for project, run in platform("dev").items()},
    )
    policies = json.dumps([item.inputs["policy"] for item in run.of("aws:iam/rolePolicy:RolePolicy")])
    assert "sagemaker:ListEndpoints" in policies
    assert "sagemaker:DeleteEndpoint" not in policies
