"""The services process in a thread, with an S3 in memory in place of the gateway."""

from __future__ import annotations

import contextlib
import functools
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest
import uvicorn
from botocore.config import Config
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from penstock_services.app import make
from penstock_services.ports import free_port
from penstock_services.settings import Settings


@dataclass
class Gateway:
    """Takes PutObject into ``objects`` (by bucket/key) and everything else with an empty answer.

    A bucket in ``missing`` is none; ``fail_uploads`` makes S3 answer 500.
    """

    url: str = ""
    objects: dict[str, bytes] = field(default_factory=dict)
    headers: dict[str, dict[str, str]] = field(default_factory=dict)
    missing: set[str] = field(default_factory=set)
    uploads: int = 0
    fail_uploads: bool = False

    def application(self) -> Starlette:
        async def upload(request: Request) -> Response:
            path = request.path_params["path"]
            body = _decoded(request, await request.body())
            self.uploads += 1
            if path.split("/")[0] in self.missing:
                return Response("<Error><Code>NoSuchBucket</Code><Message>no bucket</Message></Error>", 404)
            if self.fail_uploads:
                return Response("<Error><Code>AccessDenied</Code><Message>no</Message></Error>", 403)
            self.objects[path] = body
            self.headers[path] = dict(request.headers)
            return Response(headers={"ETag": '"x"'})

        async def other(_request: Request) -> Response:
            return Response("{}", media_type="application/x-amz-json-1.1")

        routes = [Route("/{path:path}", upload, methods=["PUT"]), Route("/", other, methods=["POST"])]
        return Starlette(routes=routes)


def _decoded(request: Request, body: bytes) -> bytes:
    """The object of a request whose body may be in aws-chunked form."""
    if "aws-chunked" not in request.headers.get("content-encoding", ""):
        return body
    content = b""
    while body:
        size, _, body = body.partition(b"\r\n")
        length = int(size.split(b";")[0], 16)
        content += body[:length]
        body = body[length + 2 :] if length else b""
    return content


@contextlib.contextmanager
def serving(application: Any) -> Iterator[str]:
    """Serve an application on a free loopback port."""
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(application, port=port, log_level="warning", access_log=False))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join()


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    gateway = Gateway()
    with serving(gateway.application()) as url:
        gateway.url = url
        yield gateway


@dataclass
class Cloud:
    """The running services, and clients of them that act for ``account``."""

    url: str
    account: str = "000000000000"

    def client(self, service: str) -> Any:
        return _session().client(
            service,
            endpoint_url=self.url,
            aws_access_key_id=self.account,
            aws_secret_access_key="x",
            config=Config(retries={"max_attempts": 1}),
        )


@functools.cache
def _session() -> Any:
    return boto3.Session(region_name="us-east-1")


@contextlib.contextmanager
def services(state: Path, gateway: Gateway) -> Iterator[Cloud]:
    """The services over a state folder."""
    settings = Settings(state_dir=state, gateway_url=gateway.url, port=0, step_seconds=0.0)
    with serving(make(settings)) as url:
        yield Cloud(url)


@pytest.fixture
def cloud(tmp_path: Path, gateway: Gateway) -> Iterator[Cloud]:
    with services(tmp_path, gateway) as cloud:
        yield cloud


class Group:
    """A feature group under test."""

    def __init__(self, cloud: Cloud, name: str = "flights", **settings: Any) -> None:
        self.name = name
        self.control = cloud.client("sagemaker")
        self.runtime = cloud.client("sagemaker-featurestore-runtime")
        request: dict[str, Any] = {
            "FeatureGroupName": name,
            "RecordIdentifierFeatureName": "id",
            "EventTimeFeatureName": "at",
            "FeatureDefinitions": [
                {"FeatureName": "id", "FeatureType": "String"},
                {"FeatureName": "at", "FeatureType": "String"},
                {"FeatureName": "count", "FeatureType": "Integral"},
                {"FeatureName": "mean", "FeatureType": "Fractional"},
                {"FeatureName": "label", "FeatureType": "String"},
            ],
            "OnlineStoreConfig": {"EnableOnlineStore": True},
            "OfflineStoreConfig": {"S3StorageConfig": {"S3Uri": "s3://lake/features"}},
            "RoleArn": "arn:aws:iam::000000000000:role/features",
        }
        request = {key: value for key, value in {**request, **settings}.items() if value is not None}
        self.control.create_feature_group(**request)
        while self.describe()["FeatureGroupStatus"] != "Created":
            time.sleep(0.01)

    def describe(self) -> dict[str, Any]:
        described: dict[str, Any] = self.control.describe_feature_group(FeatureGroupName=self.name)
        return described

    @staticmethod
    def record(identifier: str, at: str, **values: Any) -> list[dict[str, Any]]:
        values = {"id": identifier, "at": at, **values}
        return [{"FeatureName": name, "ValueAsString": str(value)} for name, value in values.items()]

    def put(self, identifier: str, at: str, targets: list[str] | None = None, **values: Any) -> None:
        more = {"TargetStores": targets} if targets else {}
        self.runtime.put_record(FeatureGroupName=self.name, Record=self.record(identifier, at, **values), **more)

    def get(self, identifier: str) -> dict[str, Any] | None:
        answer = self.runtime.get_record(FeatureGroupName=self.name, RecordIdentifierValueAsString=identifier)
        if "Record" not in answer:
            return None
        return {each["FeatureName"]: each["ValueAsString"] for each in answer["Record"]}
