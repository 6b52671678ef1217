"""What the jobs tell MLflow: the requests against a stand-in for its REST API, and that no failure reaches a job."""

from __future__ import annotations

import http.server
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock_pipelines import evaluation, tracking
from penstock_pipelines.tracking import client, run

SERVER_ARN = "arn:aws:sagemaker:eu-west-1:123456789012:mlflow-tracking-server/runs"
APP_ARN = "arn:aws:sagemaker:eu-west-1:123456789012:mlflow-app/app-ABC"


@dataclass
class Stand:
    """A stand-in: what it was sent, and its runs."""

    url: str
    requests: list[tuple[str, str, dict[str, Any], dict[str, str]]] = field(default_factory=list)
    experiments: dict[str, str] = field(default_factory=dict)
    runs: list[dict[str, Any]] = field(default_factory=list)
    broken: bool = False

    def answer(self, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        if self.broken:
            return 503, {"error_code": "TEMPORARILY_UNAVAILABLE", "message": "not now"}
        match path:
            case "experiments/get-by-name":
                if body["experiment_name"] not in self.experiments:
                    return 404, {"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "no such experiment"}
                return 200, {"experiment": {"experiment_id": self.experiments[body["experiment_name"]]}}
            case "experiments/create":
                self.experiments[body["name"]] = str(len(self.experiments) + 1)
                return 200, {"experiment_id": self.experiments[body["name"]]}
            case "runs/search":
                wanted = body["filter"].split("'")[1]
                assert body["filter"].endswith("attributes.status = 'RUNNING'")
                found = [one for one in self.runs if one["tags"][0]["value"] == wanted and not one.get("ended")]
                return 200, {"runs": [{"info": one} for one in found]}
            case "runs/create":
                self.runs.append({"run_id": f"run{len(self.runs)}", "tags": body["tags"]})
                return 200, {"run": {"info": self.runs[-1]}}
            case "runs/update":
                next(one for one in self.runs if one["run_id"] == body["run_id"])["ended"] = body["status"]
        return 200, {}

    def bodies(self, path: str) -> list[dict[str, Any]]:
        return [body for _, asked, body, _ in self.requests if asked == path]


@pytest.fixture
def stand(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stand]:
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_NAME", "MLFLOW_RUN_ID"):
        monkeypatch.setenv(name, "")

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._serve({key: values[0] for key, values in parse_qs(urlsplit(self.path).query).items()})

        def do_POST(self) -> None:
            self._serve(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

        def _serve(self, body: dict[str, Any]) -> None:
            path = urlsplit(self.path).path.removeprefix("/api/2.0/mlflow/")
            made.requests.append((self.command, path, body, dict(self.headers)))
            status, answer = made.answer(path, body)
            content = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *arguments: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made = Stand(f"http://127.0.0.1:{server.server_port}")
    threading.Thread(target=server.serve_forever, args=[0.01], daemon=True).start()
    yield made
    server.shutdown()
    server.server_close()


def environment(server: str, execution: str = "e1") -> dict[str, str]:
    return {
        run.SERVER_VARIABLE: server,
        run.EXPERIMENT_VARIABLE: "flight delays",
        run.EXECUTION_VARIABLE: execution,
    }


def test_the_jobs_of_an_execution_share_a_run(stand: Stand) -> None:
    said: list[str] = []
    first = tracking.open_run(said.append, environment(stand.url))
    second = tracking.open_run(said.append, environment(stand.url))
    other = tracking.open_run(said.append, environment(stand.url, "e2"))
    assert (first.run_id, second.run_id, other.run_id) == ("run0", "run0", "run1")
    assert stand.experiments == {"flight delays": "1"}
    assert said[0] == "MLflow: run run0 of experiment flight delays"
    created = stand.bodies("runs/create")[0]
    assert created["tags"] == [{"key": "penstock.execution", "value": "e1"}]
    assert abs(created["start_time"] / 1000 - time.time()) < 60


def test_a_retry_gets_a_run_of_its_own(stand: Stand) -> None:
    with pytest.raises(ZeroDivisionError), tracking.open_run(print, environment(stand.url)):
        raise ZeroDivisionError
    assert stand.runs[0]["ended"] == "FAILED"
    assert tracking.open_run(print, environment(stand.url)).run_id == "run1"


def test_the_models_own_mlflow_writes_to_the_same_run(stand: Stand) -> None:
    import os

    tracking.open_run(print, environment(stand.url))
    found = [os.environ[name] for name in ("MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_NAME", "MLFLOW_RUN_ID")]
    assert found == [stand.url, "flight delays", "run0"]


def test_everything_goes_in_one_request(stand: Stand) -> None:
    tracker = tracking.open_run(print, environment(stand.url))
    tracker.log({"depth": 6, "long": "x" * 7000}, {"auc": 0.7}, {"commit": "abc"})
    (body,) = stand.bodies("runs/log-batch")
    assert body["run_id"] == "run0"
    assert body["params"][0] == {"key": "depth", "value": "6"}
    assert len(body["params"][1]["value"]) == 6000
    assert body["metrics"][0]["value"] == 0.7
    assert body["tags"] == [{"key": "commit", "value": "abc"}]
    tracker.log()
    assert len(stand.bodies("runs/log-batch")) == 1, "nothing to say, nothing sent"


@given(st.integers(0, 250), st.integers(0, 2500), st.integers(0, 120))
def test_batches_keep_mlflows_limits_and_lose_nothing(params: int, metrics: int, tags: int) -> None:
    made = {"params": list(range(params)), "metrics": list(range(metrics)), "tags": list(range(tags))}
    bodies = list(run.batches(made))
    for key, limit in (("params", 100), ("metrics", 1000), ("tags", 100)):
        assert all(len(body.get(key, [])) <= limit for body in bodies)
        assert [item for body in bodies for item in body.get(key, [])] == made[key]
    assert all(body for body in bodies)


def test_an_evaluation_is_told_whole(stand: Stand) -> None:
    document = {
        "metrics": {"auc": 0.7, "rows": 10},
        "champion": {"version": 3, "difference": {"auc": 0.01}},
        "slices": {"origin": {"JFK": {"auc": 0.6}, "EWR": {"auc": 0.8}}},
        "metadata": {"auc": "0.7", "data_version": "d1", "train_from": "2013-01-01", "git_commit": "abc"},
    }
    evaluation.track(tracking.open_run(print, environment(stand.url)), document)
    (body,) = stand.bodies("runs/log-batch")
    metrics = {item["key"]: item["value"] for item in body["metrics"]}
    assert metrics == {
        "auc": 0.7, "rows": 10, "auc_origin/JFK": 0.6, "auc_origin/EWR": 0.8, "difference_auc": 0.01,
    }  # fmt: skip
    assert {item["key"]: item["value"] for item in body["params"]} == {"train_from": "2013-01-01"}
    tags = {item["key"]: item["value"] for item in body["tags"]}
    assert tags == {"penstock.data_version": "d1", "penstock.git_commit": "abc"}
    (inputs,) = stand.bodies("runs/log-inputs")
    assert inputs["datasets"][0]["dataset"]["digest"] == "d1"
    assert stand.bodies("runs/update")[0]["status"] == "FINISHED"


def test_without_a_server_nothing_is_sent_and_nothing_said() -> None:
    said: list[str] = []
    for server in ("none", ""):
        tracker = tracking.open_run(said.append, environment(server))
        tracker.log({"a": 1}, {"b": 2})
        tracker.finish("FINISHED")
        assert tracker.run_id == "none"
    assert said == []


@pytest.mark.parametrize("server", ["http://127.0.0.1:9", "ftp://x", SERVER_ARN])
def test_a_server_that_cannot_be_reached_is_told_and_fails_nothing(
    server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    said: list[str] = []
    given = environment(server) | {client.ENDPOINT_VARIABLE: "http://127.0.0.1:9"}
    tracker = tracking.open_run(said.append, given)
    tracker.log({"a": 1})
    assert tracker.run_id == "none"
    assert len(said) == 1
    assert said[0].startswith("MLflow: ")
    assert said[0].endswith("the job goes on")


def test_a_server_that_breaks_later_is_told_once(stand: Stand) -> None:
    said: list[str] = []
    tracker = tracking.open_run(said.append, environment(stand.url))
    stand.broken = True
    tracker.log({"a": 1})
    tracker.log({"b": 1})
    tracker.finish("FINISHED")
    assert said[1:] == ["MLflow: runs/log-batch: not now; nothing more is logged there, the job goes on"]
    assert tracker.run_id == "run0", "the run is there, so the version links it"


def test_managed_servers_are_reached_as_awss_own_plugin_does() -> None:
    found = client.server(SERVER_ARN, {})
    assert found.url == "https://eu-west-1.experiments.sagemaker.aws"
    assert found.headers == {"x-mlflow-sm-tracking-server-arn": SERVER_ARN}
    assert (found.service, found.region) == ("sagemaker-mlflow", "eu-west-1")
    found = client.server(APP_ARN, {})
    assert found.url == "https://mlflow.sagemaker.eu-west-1.app.aws"
    assert found.headers == {"x-sm-mlflow-app-arn": APP_ARN}
    assert found.service == "sagemaker"


def test_requests_to_managed_servers_are_signed(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    tracking.open_run(print, environment(SERVER_ARN) | {client.ENDPOINT_VARIABLE: stand.url})
    for _, _, _, headers in stand.requests:
        assert "/eu-west-1/sagemaker-mlflow/aws4_request" in headers["Authorization"]
        assert headers["x-mlflow-sm-tracking-server-arn"] == SERVER_ARN
    assert stand.runs
