"""Endpoints whose container is a text of the test: their requests, and their states."""

from __future__ import annotations

import io
import tarfile
import threading
import uuid
from collections import Counter
from typing import Any

from botocore.exceptions import ClientError
from tests.localstack.services.waiting import until

ROLE = "arn:aws:iam::000000000000:role/serving"
IMAGE = "000000000000.dkr.ecr.us-east-1.amazonaws.com/models:v1"
BUCKET = "served-data"

SERVE = """
import os, sys, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
tag = os.environ.get("TAG", "")
port = int(os.environ["SAGEMAKER_BIND_TO_PORT"])
if tag == "broken":
    print("cannot load the model", flush=True)
    sys.exit(3)
if tag == "hungry":
    eaten = b"x" * (400 << 20)
    time.sleep(3)  # what may have less is ended before it answers
open("/tmp/left-behind", "w").write("x")
class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    def log_message(self, *_):
        pass
    def answer(self, status, body):
        self.send_response(status)
        for name, value in {"Content-Type": "text/csv", "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
    def do_GET(self):
        self.answer(200, b"")
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        print("invoked with", body, flush=True)
        if tag == "failing" or body == b"bad":
            return self.answer(500, b"no such column")
        if body == b"slow":
            time.sleep(2)
        self.answer(200, f"{tag}:{port}".encode() + b":" + body)
ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()
"""


def prepare(serving: Any) -> Any:
    """A client of SageMaker, after the image, the bucket and the models ``a``, ``b``, ``failing`` and ``broken``."""
    serving.image(serve=SERVE)
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz"):
        pass
    s3 = serving.aws("s3")
    s3.create_bucket(Bucket=BUCKET)
    s3.put_object(Bucket=BUCKET, Key="model.tar.gz", Body=content.getvalue())
    sagemaker = serving.client()
    for tag in ("a", "b", "failing", "broken"):
        container = {"Image": IMAGE, "ModelDataUrl": f"s3://{BUCKET}/model.tar.gz", "Environment": {"TAG": tag}}
        sagemaker.create_model(ModelName=tag, ExecutionRoleArn=ROLE, PrimaryContainer=container)
    return sagemaker


def variant(model: str, name: str = "one", count: int = 1, weight: float = 1.0, **more: Any) -> dict[str, Any]:
    size = {} if "ServerlessConfig" in more else {"InitialInstanceCount": count, "InstanceType": "ml.m5.large"}
    return {"VariantName": name, "ModelName": model, "InitialVariantWeight": weight, **size, **more}


def configure(sagemaker: Any, *variants: dict[str, Any], **more: Any) -> str:
    name = f"config-{uuid.uuid4().hex[:8]}"
    sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=list(variants), **more)
    return name


def settled(sagemaker: Any, name: str) -> Any:
    """The endpoint's description, when nothing is under way any more."""
    busy = ("Creating", "Updating", "RollingBack")
    return until(
        lambda: sagemaker.describe_endpoint(EndpointName=name), lambda found: found["EndpointStatus"] not in busy
    )


def deploy(sagemaker: Any, config: str, **more: Any) -> str:
    name = f"endpoint-{uuid.uuid4().hex[:8]}"
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=config, **more)
    assert sagemaker.describe_endpoint(EndpointName=name)["EndpointStatus"] == "Creating"
    found = settled(sagemaker, name)
    assert found["EndpointStatus"] == "InService", found.get("FailureReason")
    return name


def delete(sagemaker: Any, name: str) -> None:
    sagemaker.delete_endpoint(EndpointName=name)

    def gone() -> bool:
        try:
            sagemaker.describe_endpoint(EndpointName=name)
        except ClientError as error:
            return "Could not find endpoint" in str(error)
        return False

    until(gone)


class Load:
    """Requests all the time, as a context: ``answers`` counts the tags that answered, ``errors`` what did not."""

    def __init__(self, runtime: Any, endpoint: str, pause: float = 0.01, **more: str) -> None:
        self.answers: Counter[str] = Counter()
        self.errors: list[str] = []
        self._runtime, self._pause = runtime, pause
        self._request = {"EndpointName": endpoint, "Body": b"x", **more}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        while not self._over.wait(self._pause):
            try:
                body = self._runtime.invoke_endpoint(**self._request)["Body"].read()
                self.answers[body.decode().split(":")[0]] += 1
            except ClientError as error:
                self.errors.append(str(error))

    def __enter__(self) -> Load:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
