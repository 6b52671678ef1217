"""SageMaker's Python SDK v3, unmodified, against our SageMaker: what it starts runs to its end."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).with_name("sdk_conformance.py")
TRAIN = """
import os, sys
assert os.path.exists(os.environ["SM_CHANNEL_TRAIN"] + "/a.csv")
rate = float(os.environ["SM_HP_RATE"])
print(f"score={rate}", sys.argv[1:])
open(os.environ["SM_MODEL_DIR"] + "/model.txt", "w").write(os.environ["SM_HP_NAME"])
"""
PROCESS = """
import sys
text = open("/opt/ml/processing/input/data/a.csv").read()
open("/opt/ml/processing/output/a.csv", "w").write(text.upper() if "--shout" in sys.argv else text)
"""


def wait(describe: Callable[..., Any], status: str, **name: str) -> Any:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        found = describe(**name)
        if found[status] not in ("InProgress", "Stopping"):
            return found
        time.sleep(0.3)
    raise AssertionError(found)


@pytest.fixture(scope="module")
def started(serving: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The names of the jobs that the SDK started."""
    from penstock_cloud import environments

    source = tmp_path_factory.mktemp("source")
    (source / "train.py").write_text(TRAIN)
    (source / "process.py").write_text(PROCESS)
    serving.aws("s3").put_object(Bucket="job-data", Key="sdk-data/a.csv", Body="words")
    # Nothing of the machine's own AWS set-up, and what docs of the SDK name: endpoints, no look-up of roles.
    variables = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    variables |= {
        "AWS_ENDPOINT_URL": serving.gateway_url,
        "AWS_ENDPOINT_URL_SAGEMAKER": serving.url,
        "AWS_ACCESS_KEY_ID": "000000000000",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "SAGEMAKER_VALIDATE_ROLE": "false",
        "HOME": str(tmp_path_factory.mktemp("home")),
    }
    settings = tmp_path_factory.mktemp("settings") / "config.yaml"
    settings.write_text("SchemaVersion: '1.0'\nSageMaker:\n  PythonSDK:\n    Modules:\n      TelemetryOptOut: true\n")
    variables["SAGEMAKER_USER_CONFIG_OVERRIDE"] = str(settings)
    command = [str(environments.ensure("compile")), str(SCRIPT), str(source)]
    done = subprocess.run(command, env=variables, capture_output=True, text=True, check=False, timeout=200)
    assert done.returncode == 0, done.stderr[-3000:]
    names: dict[str, str] = json.loads(done.stdout.splitlines()[-1])
    return names


@pytest.mark.slow
def test_model_trainer_runs_a_script_through_the_sdks_drivers(serving: Any, started: dict[str, str]) -> None:
    name = started["training"]
    job = wait(serving.client().describe_training_job, "TrainingJobStatus", TrainingJobName=name)
    assert job["TrainingJobStatus"] == "Completed", job
    assert job["AlgorithmSpecification"]["ContainerEntrypoint"] == ["/bin/bash"]
    log = (serving.state_dir / "jobs" / name / "log.txt").read_text()
    assert "score=0.5 ['--rate', '0.5', '--name', 'abc']" in log
    bucket, _, key = job["ModelArtifacts"]["S3ModelArtifacts"].removeprefix("s3://").partition("/")
    assert serving.aws("s3").head_object(Bucket=bucket, Key=key)["ContentLength"] > 0


@pytest.mark.slow
def test_tuning_runs_the_same_script_by_its_submit_directory(serving: Any, started: dict[str, str]) -> None:
    name = started["tuning"]
    describe = serving.client().describe_hyper_parameter_tuning_job
    job = wait(describe, "HyperParameterTuningJobStatus", HyperParameterTuningJobName=name)
    assert job["HyperParameterTuningJobStatus"] == "Completed", job
    assert "sagemaker_submit_directory" in job["TrainingJobDefinition"]["StaticHyperParameters"]
    best = job["BestTrainingJob"]
    objective = best["FinalHyperParameterTuningJobObjectiveMetric"]["Value"]
    assert objective == pytest.approx(float(best["TunedHyperParameters"]["rate"]), abs=1e-6)


@pytest.mark.slow
def test_framework_processor_runs_its_source_folder(serving: Any, started: dict[str, str]) -> None:
    name = started["processing"]
    job = wait(serving.client().describe_processing_job, "ProcessingJobStatus", ProcessingJobName=name)
    assert job["ProcessingJobStatus"] == "Completed", job
    written = serving.aws("s3").get_object(Bucket="job-data", Key="sdk-processed/a.csv")["Body"].read()
    assert written == b"WORDS"
