"""Pipelines against Metaflow: a step's overhead, and six in a chain, ten wide and one join."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from tests.benchmarks.jobs import ROLE, processing_request, processing_seconds
from tests.benchmarks.measuring import Result, client, peers, result, run, seconds

from penstock_cloud import cloud

SHORT, LONG = 2, 8
WIDE = 10


def _step(name: str, after: list[str]) -> dict[str, Any]:
    arguments = {key: value for key, value in processing_request(name).items() if key != "ProcessingJobName"}
    return {"Name": name, "Type": "Processing", "Arguments": arguments, **({"DependsOn": after} if after else {})}


def chain(length: int) -> list[dict[str, Any]]:
    """So many steps, each after the one before."""
    return [_step(f"s{number}", [f"s{number - 1}"] if number else []) for number in range(length)]


def wide() -> list[dict[str, Any]]:
    """17 steps: six in a chain, ten beside one another, one join."""
    before = chain(6)
    beside = [_step(f"w{number}", ["s5"]) for number in range(WIDE)]
    return [*before, *beside, _step("join", [step["Name"] for step in beside])]


def _execute(sagemaker: Any, name: str) -> None:
    arn = sagemaker.start_pipeline_execution(PipelineName=name)["PipelineExecutionArn"]
    while (
        status := sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn)["PipelineExecutionStatus"]
    ) == "Executing":
        time.sleep(0.02)
    assert status == "Succeeded", sagemaker.list_pipeline_execution_steps(PipelineExecutionArn=arn)


def pipelines(info: cloud.CloudInfo, folder: Path) -> list[Result]:
    sagemaker = client("sagemaker", info.runtime_endpoint)
    for name, steps in {"short": chain(SHORT), "long": chain(LONG), "wide": wide()}.items():
        definition = json.dumps({"Version": "2020-12-01", "Parameters": [], "Steps": steps})
        sagemaker.create_pipeline(
            PipelineName=name,
            RoleArn=ROLE,
            PipelineDefinition=definition,
            ClientRequestToken=f"bench-{name}" + "0" * 32,
        )
    flow = Path(__file__).with_name("flow.py")

    def metaflow(name: str) -> None:
        environment = {
            "BENCH_FLOW": name, "METAFLOW_USER": "bench", "METAFLOW_DATASTORE_SYSROOT_LOCAL": str(folder / "metaflow"),
            "METAFLOW_HOME": str(folder / "metaflow"),
        }  # fmt: skip
        run(peers(), flow, "--quiet", "run", environment=environment)

    def per_step(short: float, long: float) -> float:
        return (long - short) / (LONG - SHORT)

    alone = processing_seconds(info)
    ours = per_step(seconds(lambda: _execute(sagemaker, "short"), 3), seconds(lambda: _execute(sagemaker, "long"), 3))
    theirs = per_step(seconds(lambda: metaflow("chain2"), 3), seconds(lambda: metaflow("chain8"), 3))
    wide_ours = seconds(lambda: _execute(sagemaker, "wide"), 3)
    wide_theirs = seconds(lambda: metaflow("wide"), 3)
    return [
        result("overhead of a pipeline step over its job", ours - alone, "s", "Metaflow's step, process and all", theirs,
         "value", 0.2),
        result("a pipeline step, job and all", ours, "s", "Metaflow's step", theirs, "value/peer_value", 1.5),
        result("pipeline of 17 steps", wide_ours, "s", "Metaflow (18 steps)", wide_theirs, "value/peer_value", 1.5),
    ]  # fmt: skip
