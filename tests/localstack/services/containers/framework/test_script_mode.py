"""Script mode: variables, arguments, code folders and failures as the training toolkit has them."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import tarfile
import time
from pathlib import Path
from typing import Any

import pytest

SERVICES = Path(__file__).parents[5] / "localstack/services"


class Container:
    """/opt/ml of a training job, elsewhere, and the entry point over it."""

    def __init__(self, base: Path) -> None:
        self.base = base
        (base / "input/config").mkdir(parents=True)
        self.configure("inputdataconfig", {"train": {}, "my-data": {}})
        self.configure("resourceconfig", {"current_host": "algo-2", "hosts": ["algo-2", "algo-1"]})

    def configure(self, name: str, content: Any) -> None:
        (self.base / f"input/config/{name}.json").write_text(json.dumps(content))

    def start(self, hyperparameters: dict[str, str], **variables: str) -> subprocess.Popen[str]:
        self.configure("hyperparameters", hyperparameters)
        environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(SERVICES), "SAGEMAKER_BASE_DIR": str(self.base)}
        command = [sys.executable, "-m", "penstock_services.containers.framework", "train"]
        return subprocess.Popen(
            command, env={**environment, **variables}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def train(self, hyperparameters: dict[str, str], **variables: str) -> tuple[int, str, str]:
        process = self.start(hyperparameters, **variables)
        output, errors = process.communicate(timeout=120)
        return process.returncode, output, errors

    @property
    def failure(self) -> str:
        return (self.base / "output/failure").read_text()


@pytest.fixture
def container(tmp_path: Path) -> Container:
    return Container(tmp_path / "ml")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """An archive with a script that tells what it was given."""
    text = (
        "import json, os, sys\n"
        "import beside\n"
        "found = {name: value for name, value in os.environ.items() if name.startswith('SM_')}\n"
        "json.dump({'arguments': sys.argv[1:], 'variables': found, 'folder': os.getcwd()},\n"
        "          open(os.environ['SM_MODEL_DIR'] + '/told.json', 'w'))\n"
    )
    archive = tmp_path / "sourcedir.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        for name, content in {"train.py": text, "beside.py": ""}.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content.encode()))
    return archive


def test_a_script_finds_what_the_toolkit_promises(container: Container, source: Path) -> None:
    given = {
        "sagemaker_program": '"train.py"',
        "sagemaker_submit_directory": json.dumps(str(source)),
        "sagemaker_container_log_level": "20",
        "epochs": "10",
        "learning-rate": '"0.1"',
        "name": "plain",
        "layers": "[1, 2]",
        "flag": "true",
        "z": "1",
    }
    code, _, errors = container.train(given, TRAINING_JOB_NAME="job-1")
    assert code == 0, errors
    told = json.loads((container.base / "model/told.json").read_text())
    assert told["arguments"] == [
        "--epochs", "10", "--flag", "True", "--layers", "[1,2]", "--learning-rate", "0.1", "--name", "plain", "-z", "1",
    ]  # fmt: skip
    assert told["folder"] == str(container.base / "code")
    variables = told["variables"]
    expected = {
        "SM_MODEL_DIR": str(container.base / "model"),
        "SM_CHANNEL_TRAIN": str(container.base / "input/data/train"),
        "SM_CHANNEL_MY-DATA": str(container.base / "input/data/my-data"),
        "SM_CHANNELS": '["my-data","train"]',
        "SM_HP_LEARNING_RATE": "0.1",
        "SM_HP_EPOCHS": "10",
        "SM_HOSTS": '["algo-1","algo-2"]',
        "SM_CURRENT_HOST": "algo-2",
        "SM_MODULE_NAME": "train",
        "SM_MODULE_DIR": str(source),
        "SM_USER_ENTRY_POINT": "train.py",
        "SM_NUM_GPUS": "0",
        "SM_OUTPUT_DATA_DIR": str(container.base / "output/data"),
    }
    assert {name: variables.get(name) for name in expected} == expected
    hyperparameters = {"epochs": 10, "learning-rate": "0.1", "name": "plain", "layers": [1, 2], "flag": True, "z": 1}
    assert json.loads(variables["SM_HPS"]) == hyperparameters
    environment = json.loads(variables["SM_TRAINING_ENV"])
    assert environment["hyperparameters"] == hyperparameters
    assert environment["job_name"] == "job-1"
    assert environment["is_master"] is False


def test_the_code_channel_and_variables_name_a_script_too(container: Container) -> None:
    container.configure("inputdataconfig", {"code": {}})
    code = container.base / "input/data/code"
    code.mkdir(parents=True)
    (code / "go.sh").write_text('#!/bin/bash\necho "$1 $2" > "$SM_MODEL_DIR/said"\n')
    assert container.train({"size": "1"}, SAGEMAKER_PROGRAM="go.sh")[0] == 0
    assert (container.base / "model/said").read_text() == "--size 1\n"


@pytest.mark.parametrize(
    ("script", "code", "reason"),
    [
        ("raise ValueError('no luck')", 1, 'ErrorMessage "ValueError: no luck"'),
        ("import sys; sys.stderr.write('bye'); sys.exit(3)", 3, 'ErrorMessage "bye"'),
        ("import os; os.abort()", 134, "ExitCode -6"),
    ],
)
def test_a_failing_script_leaves_its_error(container: Container, script: str, code: int, reason: str) -> None:
    (container.base / "code").mkdir()
    (container.base / "code/train.py").write_text(script)
    assert container.train({"sagemaker_program": "train.py"})[0] == code
    assert container.failure.startswith("ExecuteUserScriptError:\nExitCode ")
    assert reason in container.failure


@pytest.mark.parametrize(
    ("hyperparameters", "reason"),
    [
        ({}, "Customer Error: the job names no script"),
        ({"sagemaker_program": "nothing.py"}, "the script nothing.py is not in"),
        ({"sagemaker_program": "a.py", "sagemaker_submit_directory": "/no/where"}, "/no/where is not there"),
        ({"sagemaker_program": "train.py", "sagemaker_mpi_enabled": "true"}, "does not run training with MPI"),
    ],
)
def test_what_cannot_run_is_said(container: Container, hyperparameters: dict[str, str], reason: str) -> None:
    (container.base / "code").mkdir()
    (container.base / "code/train.py").write_text("")
    assert container.train(hyperparameters)[0] == 1
    assert reason in container.failure


def test_an_archive_that_leads_out_of_the_folder_is_refused(container: Container, tmp_path: Path) -> None:
    archive = tmp_path / "bad.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        member = tarfile.TarInfo("../../outside.py")
        tar.addfile(member, io.BytesIO(b""))
    code, _, _ = container.train({"sagemaker_program": "train.py", "sagemaker_submit_directory": str(archive)})
    assert code == 1
    assert "cannot be extracted" in container.failure
    assert not (tmp_path / "outside.py").exists()


def test_sigterm_reaches_the_script(container: Container) -> None:
    (container.base / "code").mkdir()
    (container.base / "code/train.py").write_text(
        "import os, signal, sys, time\n"
        "def end(*_):\n    open(os.environ['SM_MODEL_DIR'] + '/saved', 'w').close(); sys.exit(0)\n"
        "signal.signal(signal.SIGTERM, end)\n"
        "print('ready', flush=True)\n"
        "time.sleep(60)\n"
    )
    process = container.start({"sagemaker_program": "train.py"})
    assert process.stdout is not None
    while "ready" not in process.stdout.readline():
        assert process.poll() is None
    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode == 0
    assert time.monotonic() - began < 10
    assert (container.base / "model/saved").exists()
