"""The pipeline as SageMaker gets it: the compiled definition with what only the platform knows."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Any

import pulumi

from penstock_infra.components.pipeline import Pipeline, PipelineArguments, platform_defaults
from penstock_infra.placement import Placement
from penstock_infra.platform import DataLake, Foundation, Training

DEFINITION = {
    "Parameters": [{"Name": "TrackingServer", "Type": "String"}],
    "Steps": [{"Name": "Train", "Type": "Training", "Arguments": {"RoleArn": "r"}}],
}
SERVER = "arn:aws:sagemaker:eu-central-1:123456789012:mlflow-tracking-server/experiments"


def pipeline(run_program: Any, placement: Placement, **changes: Any) -> dict[str, Any]:
    def program() -> None:
        given = {key: change() if callable(change) else change for key, change in changes.items()}
        Pipeline(
            "example",
            PipelineArguments(
                placement=placement, model="flight-delays", definition=DEFINITION, role_arn="arn:role", **given
            ),
        )

    made = run_program(program).one("aws:sagemaker/pipeline:Pipeline").inputs
    assert made["tags"] == placement.tags.as_dict()
    definition: dict[str, Any] = json.loads(made["pipelineDefinition"])
    return definition


def defaults(tracking: str) -> Any:
    """Those of a platform with this MLflow server; made inside the program, whose outputs they are."""

    def made() -> dict[str, Any]:
        def some(project: Any, **known: str) -> Any:
            names = [field.name for field in fields(project)]
            return project(**{name: pulumi.Output.from_input(known.get(name, name)) for name in names})

        return platform_defaults(
            "flight-delays", some(Foundation), some(DataLake), some(Training, tracking_server_arn=tracking)
        )

    return made


def test_runs_are_logged_to_the_platforms_server(run_program: Any, placement: Placement) -> None:
    (parameter,) = pipeline(run_program, placement, defaults=defaults(SERVER))["Parameters"]
    assert parameter["DefaultValue"] == SERVER


def test_without_a_server_runs_are_logged_nowhere(run_program: Any, placement: Placement) -> None:
    """The word is the one that the pipeline's jobs understand."""
    (parameter,) = pipeline(run_program, placement, defaults=defaults(""))["Parameters"]
    assert parameter["DefaultValue"] == "none"


def test_jobs_run_in_the_platforms_network(run_program: Any, placement: Placement) -> None:
    def subnets() -> pulumi.Output[list[str]]:
        return pulumi.Output.from_input(["subnet-1", "subnet-2"])

    (step,) = pipeline(run_program, placement, subnet_ids=subnets, security_group_id="sg-1")["Steps"]
    assert step["Arguments"]["VpcConfig"] == {"SecurityGroupIds": ["sg-1"], "Subnets": ["subnet-1", "subnet-2"]}


def test_without_a_network_jobs_are_as_they_were_compiled(run_program: Any, placement: Placement) -> None:
    assert pipeline(run_program, placement)["Steps"] == DEFINITION["Steps"]
