"""The server of the framework images: the user's functions, the defaults, the algorithm's model."""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest
import xgboost

from penstock_services.ports import free_port

SERVICES = Path(__file__).parents[5] / "localstack/services"
SCRIPT = """
import os, json
def model_fn(folder):
    return float(open(os.path.join(folder, "factor")).read())
def predict_fn(data, model):
    if data.sum() < 0:
        raise RuntimeError("negative")
    return data * model
"""
TRANSFORM = """
def model_fn(folder, context):
    return "model"
def transform_fn(model, body, content_type, accept):
    return f"{model}|{type(body).__name__}|{content_type}|{accept}", "text/plain"
def execution_parameters_fn():
    return {"MaxConcurrentTransforms": 3}
"""
Start = Callable[..., httpx.Client]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts a server over tmp_path as /opt/ml, and says so when it ends instead."""
    running: list[subprocess.Popen[bytes]] = []

    def begin(framework: str, **variables: str) -> httpx.Client:
        port = str(free_port())
        environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(SERVICES),
            "SAGEMAKER_BASE_DIR": str(tmp_path),
            "SAGEMAKER_BIND_TO_PORT": port,
            "PENSTOCK_BIND_TO_HOST": "127.0.0.1",
            "PENSTOCK_FRAMEWORK": framework,
            **variables,
        }
        command = [sys.executable, "-m", "penstock_services.containers.framework", "serve"]
        process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        running.append(process)
        client = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=20, trust_env=False)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and process.poll() is None:
            with contextlib.suppress(httpx.HTTPError):
                if client.get("/ping").status_code == 200:
                    return client
            time.sleep(0.05)
        process.kill()
        output = process.stdout.read().decode() if process.stdout else ""
        raise RuntimeError(output)

    yield begin
    for process in running:
        process.send_signal(signal.SIGTERM)
    for process in running:
        assert process.wait(60) in (0, 1, -9)


@pytest.fixture
def code(tmp_path: Path) -> Path:
    folder = tmp_path / "model/code"
    folder.mkdir(parents=True)
    (tmp_path / "model/factor").write_text("2")
    return folder


def post(client: httpx.Client, body: str | bytes, content_type: str, accept: str = "*/*") -> httpx.Response:
    return client.post("/invocations", content=body, headers={"Content-Type": content_type, "Accept": accept})


def test_default_decoders_and_encoders_around_the_users_functions(start: Start, code: Path) -> None:
    (code / "inference.py").write_text(SCRIPT)
    client = start("sklearn")
    assert post(client, "[[1, 2]]", "application/json").json() == [[2, 4]]
    answer = post(client, "1,2\n3,4", "text/csv; charset=utf-8", "text/csv")
    assert (answer.headers["content-type"], answer.text) == ("text/csv", "2.0,4.0\n6.0,8.0\n")
    content = io.BytesIO()
    np.save(content, np.array([1.5]))
    answer = post(client, content.getvalue(), "application/x-npy", "application/x-npy")
    assert np.load(io.BytesIO(answer.content)).tolist() == [3.0]
    assert post(client, "x", "image/png").status_code == 415
    assert post(client, "1", "text/csv", "image/png").status_code == 406
    assert post(client, "{", "application/json").status_code == 400
    assert post(client, "", "text/csv").status_code == 204
    failed = post(client, "-1", "text/csv")
    assert (failed.status_code, failed.text) == (500, "RuntimeError: negative")
    assert client.get("/nothing").status_code == 404
    assert client.get("/execution-parameters").json()["BatchStrategy"] == "MULTI_RECORD"


def test_transform_fn_and_several_workers(start: Start, code: Path) -> None:
    (code / "serve.py").write_text(TRANSFORM)
    client = start("sklearn", SAGEMAKER_PROGRAM="serve.py", SAGEMAKER_MODEL_SERVER_WORKERS="2")
    answer = post(client, "a", "text/csv", "text/plain,application/json")
    assert answer.text == "model|str|text/csv|application/json"
    assert answer.headers["content-type"] == "text/plain"
    assert post(client, b"a", "application/octet-stream").text.startswith("model|bytes|")
    assert client.get("/execution-parameters").json() == {"MaxConcurrentTransforms": 3}


def test_chunked_bodies_are_read(start: Start, code: Path) -> None:
    (code / "inference.py").write_text(SCRIPT)
    client = start("sklearn")
    answer = client.post("/invocations", content=iter([b"[1,", b"2]"]), headers={"Content-Type": "application/json"})
    assert answer.json() == [2, 4]
    assert client.get("/ping").status_code == 200


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("def model_fn(folder): raise OSError('no file')", "no file"),
        ("import nothing_of_that_name", "nothing_of_that_name"),
        ("def transform_fn(*a): pass\ndef input_fn(*a): pass", "Cannot use transform_fn"),
        ("", "Please provide a model_fn implementation."),
    ],
)
def test_a_server_that_cannot_start_says_why(start: Start, code: Path, script: str, reason: str) -> None:
    (code / "inference.py").write_text(script)
    with pytest.raises(RuntimeError, match=reason):
        start("sklearn")


def test_without_a_script_scikit_learn_has_nothing_to_serve(start: Start, tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    with pytest.raises(RuntimeError, match="names no script"):
        start("sklearn")


@pytest.fixture
def booster(tmp_path: Path) -> xgboost.Booster:
    table = np.random.default_rng(3).random((100, 3))
    matrix = xgboost.DMatrix(table, label=(table[:, 0] > 0.5).astype(int))
    trained = xgboost.train({"objective": "binary:logistic"}, matrix, 5)
    (tmp_path / "model").mkdir()
    (tmp_path / "model/xgboost-model").write_bytes(trained.save_raw())
    return trained


def test_the_algorithms_model(start: Start, booster: xgboost.Booster) -> None:
    client = start("xgboost")
    expected = booster.predict(xgboost.DMatrix(np.array([[0.9, 0.1, 0.2], [0.1, 0.0, 0.3]]))).tolist()
    answer = post(client, "0.9,0.1,0.2\n0.1,0,0.3\n", "text/csv")
    assert [float(line) for line in answer.text.splitlines()] == expected
    assert answer.headers["content-type"] == "text/csv"
    assert post(client, "1 0:0.9 1:0.1 2:0.2", "text/libsvm").text == f"{expected[0]}\n"
    assert post(client, "0.9,0.1,0.2", "text/csv", "application/json").json() == {
        "predictions": [{"score": expected[0]}]
    }
    lines = post(client, "0.9,0.1,0.2", "text/csv", "application/jsonlines").text
    assert json.loads(lines) == {"score": expected[0]}
    assert post(client, "", "text/csv").status_code == 204
    assert post(client, "[1]", "application/json").status_code == 415
    assert post(client, "a,b,c", "text/csv").status_code == 415
    assert post(client, "1,2", "text/csv").status_code == 400
    assert post(client, "1,2,3", "text/csv", "image/png").status_code == 406


def test_a_model_of_the_algorithm_that_is_not_there(start: Start, tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    with pytest.raises(RuntimeError, match="there is no model"):
        start("xgboost")
    (tmp_path / "model/xgboost-model").write_text("nonsense")
    with pytest.raises(RuntimeError, match="cannot read xgboost-model"):
        start("xgboost")
