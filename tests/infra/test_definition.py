"""The network in a compiled pipeline definition: in every job, wherever its request has it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from penstock_infra import definition

NETWORK = {"SecurityGroupIds": ["sg-1"], "Subnets": ["subnet-1", "subnet-2"]}


def inside(*steps: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = definition.with_network({"Steps": list(steps)}, ["subnet-1", "subnet-2"], "sg-1")[
        "Steps"
    ]
    return found


def test_every_kind_of_job_gets_the_network_where_its_request_has_it() -> None:
    training, processing, tuning, model, check = inside(
        {"Name": "t", "Type": "Training", "Arguments": {"RoleArn": "r"}},
        {"Name": "p", "Type": "Processing", "Arguments": {"NetworkConfig": {"EnableNetworkIsolation": True}}},
        {"Name": "h", "Type": "Tuning", "Arguments": {"TrainingJobDefinition": {"RoleArn": "r"}}},
        {"Name": "m", "Type": "Model", "Arguments": {"ExecutionRoleArn": "r"}},
        {"Name": "q", "Type": "QualityCheck", "Arguments": {}},
    )
    assert training["Arguments"] == {"RoleArn": "r", "VpcConfig": NETWORK}
    assert processing["Arguments"]["NetworkConfig"] == {"EnableNetworkIsolation": True, "VpcConfig": NETWORK}
    assert tuning["Arguments"]["TrainingJobDefinition"] == {"RoleArn": "r", "VpcConfig": NETWORK}
    assert model["Arguments"] == {"ExecutionRoleArn": "r", "VpcConfig": NETWORK}
    assert check["Arguments"]["NetworkConfig"] == {"VpcConfig": NETWORK}


def test_steps_inside_a_condition_get_the_network_and_others_stay_as_they_are() -> None:
    register = {"Name": "r", "Type": "RegisterModel", "Arguments": {"ModelPackageGroupName": "g"}}
    (condition, same) = inside(
        {
            "Name": "c",
            "Type": "Condition",
            "Arguments": {
                "Conditions": [],
                "IfSteps": [{"Name": "t", "Type": "Training", "Arguments": {}}],
                "ElseSteps": [register],
            },
        },
        register,
    )
    assert condition["Arguments"]["IfSteps"][0]["Arguments"] == {"VpcConfig": NETWORK}
    assert condition["Arguments"]["ElseSteps"] == [register]
    assert same == register


def test_a_step_keeps_a_network_of_its_own_and_none_changes_nothing() -> None:
    own = {"Name": "t", "Type": "Training", "Arguments": {"VpcConfig": {"Subnets": ["mine"]}}}
    assert inside(own) == [own]
    compiled = {"Steps": [own]}
    assert definition.with_network(compiled, [], "") is compiled


def test_all_jobs_of_the_template_run_in_the_network() -> None:
    (file,) = Path(__file__).parents[2].glob("templates/model/*/pipeline.json")
    compiled = json.loads(re.sub(r"@\{\{.*?\}\}", "0", file.read_text()))
    whole = definition.with_network(compiled, ["subnet-1"], "sg-1")
    jobs = [step for step in whole["Steps"] if step["Type"] in ("Training", "Processing")]
    assert len(jobs) > 5
    assert all('"VpcConfig"' in json.dumps(step["Arguments"]) for step in jobs)
