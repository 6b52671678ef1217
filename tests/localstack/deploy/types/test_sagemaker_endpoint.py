"""Endpoints under every strategy on a local cloud: updated in place, answering all the time, undone by an alarm."""

from __future__ import annotations

import json
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.localstack.deploy.round_trip import changed, client

from penstock_deploy import Deployment, Result

pytestmark = [pytest.mark.cloud, pytest.mark.slow]

BUCKET = "types-serving"
REPOSITORY = "000000000000.dkr.ecr.us-east-1.amazonaws.com/types-serving"
SERVE = """
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
model = open(os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml") + "/model/model.txt").read()
class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def log_message(self, *_): pass
    def answer(self, body):
        self.send_response(200)
        self.send_header("Content-Type", "text/csv")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def do_GET(self):
        self.answer(b"")
    def do_POST(self):
        rows = self.rfile.read(int(self.headers["Content-Length"])).decode().splitlines()
        self.answer("\\n".join(model for _ in rows).encode())
ThreadingHTTPServer(("127.0.0.1", int(os.environ["SAGEMAKER_BIND_TO_PORT"])), Handler).serve_forever()
"""
PROGRAM = """
import json
import pulumi
from penstock_infra.components.endpoint import Endpoint, EndpointArguments
from penstock_infra.placement import Placement
from penstock_infra.serving import EndpointSettings
from penstock_infra.tags import Tags
config = pulumi.Config()
placement = Placement(account="000000000000", region="us-east-1", stack="local", protect=False,
    tags=Tags(project="types", environment="local", owner="tests", cost_center="1"))
key = "arn:aws:kms:us-east-1:000000000000:key/11111111-1111-1111-1111-111111111111"
endpoint = Endpoint("types", EndpointArguments(placement=placement, model="types-serving",
    model_package_arn=config.require("live"), challenger_package_arn=config.get("challenger"),
    settings=EndpointSettings.model_validate(json.loads(config.require("endpoint"))),
    capture_bucket="BUCKET", role_arn="arn:aws:iam::000000000000:role/serving", data_key_arn=key, artifact_key_arn=key,
    schedule_role_arn="arn:aws:iam::000000000000:role/schedules",
    alarm_topic_arn="arn:aws:sns:us-east-1:000000000000:alarms"))
pulumi.export("endpointName", endpoint.endpoint_name)
pulumi.export("modelName", endpoint.model_name)
"""
QUICK = {"step_percent": 50, "wait_seconds": 25, "timeout_seconds": 14400}


class Serving:
    """The model's stack, and the endpoint as its clients see it."""

    def __init__(self, folder: Path, environment: dict[str, str], packages: dict[int, str]) -> None:
        self.environment, self.packages, self._folder = environment, packages, folder
        folder.mkdir()
        (folder / "Pulumi.yaml").write_text("name: types-serving\nruntime: python\n")
        (folder / "__main__.py").write_text(textwrap.dedent(PROGRAM.replace("BUCKET", BUCKET)))
        self.sagemaker = client(environment, "sagemaker")
        self._runtime = client(
            {**environment, "AWS_ENDPOINT_URL": environment["AWS_ENDPOINT_URL"]}, "sagemaker-runtime"
        )

    def stack(self, strategy: str, live: int, challenger: int | None = None, **settings: Any) -> Deployment:
        values = {"live": self.packages[live], "endpoint": json.dumps({"strategy": strategy, **settings})}
        if challenger is not None:
            values["challenger"] = self.packages[challenger]
        return Deployment(self._folder, "local", environment=self.environment, configuration=values)

    def up(self, strategy: str, live: int, challenger: int | None = None, **settings: Any) -> Result:
        result = self.stack(strategy, live, challenger, **settings).up()
        assert result.ok, result.errors
        return result

    def ask(self, endpoint: str = "types-serving", **options: Any) -> str:
        answer = self._runtime.invoke_endpoint(EndpointName=endpoint, ContentType="text/csv", Body=b"1\n", **options)
        return answer["Body"].read().decode()  # type: ignore[no-any-return]

    @contextmanager
    def traffic(self, endpoint: str = "types-serving") -> Iterator[list[str]]:
        """Clients that never stop asking; one that gets no answer fails the test."""
        answers: list[str] = []
        problems: list[BaseException] = []
        over = threading.Event()

        def ask() -> None:
            while not over.wait(0.1):
                try:
                    answers.append(self.ask(endpoint))
                except Exception as problem:  # noqa: BLE001 - whatever it is, the client was not answered
                    problems.append(problem)

        thread = threading.Thread(target=ask, daemon=True)
        thread.start()
        try:
            yield answers
        finally:
            over.set()
            thread.join(60)
        assert problems == []
        assert answers


@pytest.fixture(scope="module")
def serving(
    cloud_environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory, package: Callable[[str], bytes]
) -> Iterator[Serving]:
    state = Path(cloud_environment["HOME"])
    folder = tmp_path_factory.mktemp("image")
    (folder / "serve").write_text(f"#!{sys.executable}\n{SERVE}")
    (folder / "serve").chmod(0o755)
    for parent in (folder, *folder.parents[:-2]):
        parent.chmod(0o755)
    record: dict[str, Any] = {
        "repository": REPOSITORY,
        "digest": "sha256:" + "e" * 64,
        "tags": ["v1"],
        "python": sys.executable,
        "path": [str(folder)],
        "environment": {},
        "entrypoint": None,
    }
    (state / "images").mkdir(exist_ok=True)
    (state / "images" / ("e" * 64 + ".json")).write_text(json.dumps(record))
    s3, sagemaker = client(cloud_environment, "s3"), client(cloud_environment, "sagemaker")
    s3.create_bucket(Bucket=BUCKET)
    sagemaker.create_model_package_group(ModelPackageGroupName="types-serving")
    packages = {}
    for number in (1, 2):
        s3.put_object(Bucket=BUCKET, Key=f"{number}/model.tar.gz", Body=package(str(number)))
        container = {"Image": f"{REPOSITORY}:v1", "ModelDataUrl": f"s3://{BUCKET}/{number}/model.tar.gz"}
        packages[number] = sagemaker.create_model_package(
            ModelPackageGroupName="types-serving",
            ModelApprovalStatus="Approved",
            InferenceSpecification={
                "Containers": [container],
                "SupportedContentTypes": ["text/csv"],
                "SupportedResponseMIMETypes": ["text/csv"],
            },
        )["ModelPackageArn"]
    found = Serving(tmp_path_factory.mktemp("serving") / "program", cloud_environment, packages)
    yield found
    gone = found.stack("all_at_once", 1).destroy()
    assert gone.ok, gone.errors
    assert found.sagemaker.list_endpoints()["Endpoints"] == []


@pytest.fixture(scope="module")
def package() -> Callable[[str], bytes]:
    """model.tar.gz of a model that answers this text."""
    import io
    import tarfile

    def make(text: str) -> bytes:
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w:gz") as archive:
            member = tarfile.TarInfo("model.txt")
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text.encode()))
        return packed.getvalue()

    return make


def endpoints(result: Result) -> list[tuple[str, str]]:
    """What was done to endpoints."""
    return sorted(
        (change["op"], change["name"])
        for change in result.to_json()["changes"]
        if change["type"] == "aws:sagemaker/endpoint:Endpoint"
    )


def test_traffic_moves_and_nobody_goes_unanswered(serving: Serving) -> None:
    """In one endpoint from strategy to strategy and back: every step an update, every request an answer."""
    first = serving.up("all_at_once", 1)
    assert endpoints(first) == [("create", "types")]
    assert serving.ask() == "1"
    unchanged = serving.stack("all_at_once", 1)
    assert unchanged.preview().changes == []
    assert changed(unchanged.refresh()) == []

    with serving.traffic() as answers:
        assert endpoints(serving.up("canary", 2, instance_count=2, traffic=QUICK)) == [("update", "types")]
    assert {"1", "2"} == set(answers)
    last = serving.sagemaker.describe_endpoint(EndpointName="types-serving")["LastDeploymentConfig"]
    assert last["BlueGreenUpdatePolicy"]["TrafficRoutingConfiguration"]["Type"] == "CANARY"
    assert changed(serving.stack("canary", 2, instance_count=2, traffic=QUICK).refresh()) == []

    with serving.traffic() as answers:
        assert endpoints(serving.up("rolling", 1, instance_count=2, traffic=QUICK)) == [("update", "types")]
    assert answers[-1] == "1"

    with serving.traffic() as answers:
        assert endpoints(serving.up("ab", 1, challenger=2, ab={"challenger_percent": 50})) == [("update", "types")]
        assert serving.ask(TargetVariant="Challenger") == "2"
        assert serving.ask(TargetVariant="AllTraffic") == "1"
        assert endpoints(serving.up("shadow", 1, challenger=2)) == [("update", "types")]
        assert {serving.ask() for _ in range(5)} == {"1"}
        assert endpoints(serving.up("all_at_once", 2)) == [("update", "types")]
    assert serving.ask() == "2"


def test_an_alarm_takes_the_traffic_back(serving: Serving) -> None:
    slow = {**QUICK, "wait_seconds": 500}
    serving.up("all_at_once", 2)
    alarms = client(serving.environment, "cloudwatch")

    def tell(state: str) -> None:
        name = "penstock-endpoint-types-serving-errors"
        alarms.set_alarm_state(AlarmName=name, StateValue=state, StateReason="tested")

    done: list[Result] = []
    update = threading.Thread(
        target=lambda: done.append(serving.stack("canary", 1, instance_count=2, traffic=slow).up())
    )
    with serving.traffic():
        update.start()
        limit = time.monotonic() + 120
        while time.monotonic() < limit:
            found = serving.sagemaker.describe_endpoint(EndpointName="types-serving")
            pending = (found.get("PendingDeploymentSummary") or {}).get("ProductionVariants") or [{}]
            if "Baking" in json.dumps(pending, default=str):
                break
            time.sleep(0.2)
        while update.is_alive() and time.monotonic() < limit:  # the endpoint's own metrics say OK each time
            tell("ALARM")
            time.sleep(0.05)
        update.join(120)
    tell("OK")
    (failed,) = done
    assert not failed.ok
    assert "penstock-endpoint-types-serving-errors is in state ALARM" in failed.errors[0]
    assert serving.ask() == "2"
    assert endpoints(serving.up("all_at_once", 2)) in ([], [("update", "types")])
    assert serving.ask() == "2"


def test_an_endpoint_that_would_be_replaced_goes_on_serving(serving: Serving) -> None:
    """For the AWS provider rollback alarms that come or go make it another endpoint; then none is touched."""
    serving.up("all_at_once", 2)
    program = serving._folder / "__main__.py"
    text = program.read_text()
    without = "import penstock_infra.hosting as hosting\nhosting.deployment = lambda settings, alarms: None\n"
    program.write_text(without + text)
    try:
        stack = serving.stack("all_at_once", 2)
        with serving.traffic():
            failed = stack.up()
    finally:
        program.write_text(text)
    assert not failed.ok
    assert "already exist" in failed.errors[0]
    assert serving.up("all_at_once", 2).ok
    assert serving.ask() == "2"


def test_another_kind_of_endpoint_comes_before_the_old_one_goes(serving: Serving) -> None:
    serving.up("all_at_once", 2)
    result = serving.up("serverless", 1)
    assert endpoints(result) == [("create", "types-serving-serverless"), ("delete", "types")]
    operations = [(change["op"], change["type"]) for change in result.to_json()["changes"]]
    kind = "aws:sagemaker/endpoint:Endpoint"
    assert operations.index(("create", kind)) < operations.index(("delete", kind))
    assert serving.ask("types-serving-serverless") == "1"

    assert endpoints(serving.up("async", 2)) == [
        ("create", "types-serving-async"),
        ("delete", "types-serving-serverless"),
    ]
    config = serving.sagemaker.describe_endpoint(EndpointName="types-serving-async")["EndpointConfigName"]
    described = serving.sagemaker.describe_endpoint_config(EndpointConfigName=config)["AsyncInferenceConfig"]
    assert described["OutputConfig"]["NotificationConfig"]["ErrorTopic"].endswith(
        ":penstock-local-async-types-serving-error"
    )

    batch = serving.up("batch", 2, batch={"schedule": "rate(1 day)"})
    assert endpoints(batch) == [("delete", "types-serving-async")]
    schedule = client(serving.environment, "scheduler").get_schedule(Name="penstock-local-transform-types-serving")
    request = json.loads(schedule["Target"]["Input"])
    assert request["ModelName"] == batch.outputs["modelName"]
    assert endpoints(serving.up("all_at_once", 1)) == [("create", "types")]


def test_switched_off_and_on_again(serving: Serving) -> None:
    serving.up("all_at_once", 1)
    off = serving.up("all_at_once", 1, enabled=False)
    assert endpoints(off) == [("delete", "types")]
    assert off.outputs == {"endpointName": "", "modelName": ""}
    assert serving.sagemaker.list_endpoints()["Endpoints"] == []
