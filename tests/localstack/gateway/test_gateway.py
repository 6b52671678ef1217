"""The gateway through boto3: S3 on disk, APIs by moto, forwarding to our services, events that travel as on AWS."""

from __future__ import annotations

import http.server
import io
import json
import os
import queue
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from penstock_cloud import cloud

pytestmark = [pytest.mark.cloud, pytest.mark.xdist_group("gateway")]
Client = Callable[[str], Any]


@pytest.fixture(scope="module")
def state_dir(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("gateway") / "state"
    yield folder
    cloud.reset(folder)


@pytest.fixture(scope="module")
def client(state_dir: Path) -> Client:
    info = cloud.up(state_dir, 0)
    return lambda service: boto3.client(
        service, endpoint_url=info.endpoint, region_name=info.region,
        aws_access_key_id=info.account, aws_secret_access_key="test",
    )  # fmt: skip


@pytest.fixture
def receiver() -> Iterator[tuple[str, queue.Queue[tuple[str, dict[str, str], Any]]]]:
    """A stand-in for GitHub: its address, and what it was sent (path, headers, body)."""
    received: queue.Queue[tuple[str, dict[str, str], Any]] = queue.Queue()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received.put((self.path, dict(self.headers), json.loads(body)))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *arguments: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", received
    server.shutdown()
    server.server_close()


def test_objects_versions_ranges_copies_and_parts(client: Client, state_dir: Path) -> None:
    s3 = client("s3")
    s3.create_bucket(Bucket="objects")
    s3.put_bucket_versioning(Bucket="objects", VersioningConfiguration={"Status": "Enabled"})
    first = s3.put_object(Bucket="objects", Key="k", Body=b"one")["VersionId"]
    s3.put_object(Bucket="objects", Key="k", Body=b"two!")
    read = lambda **arguments: s3.get_object(Bucket="objects", **arguments)["Body"].read()  # noqa: E731
    assert read(Key="k") == b"two!"
    assert read(Key="k", VersionId=first) == b"one"
    assert read(Key="k", Range="bytes=1-2") == b"wo"
    s3.copy_object(Bucket="objects", Key="copy", CopySource={"Bucket": "objects", "Key": "k"})
    assert read(Key="copy") == b"two!"
    big = os.urandom(20_000_000)
    s3.upload_fileobj(io.BytesIO(big), "objects", "big")
    assert read(Key="big") == big
    assert sum(file.stat().st_size for file in (state_dir / "s3").rglob("*") if file.is_file()) >= len(big)
    s3.delete_object(Bucket="objects", Key="k")
    with pytest.raises(s3.exceptions.NoSuchKey):
        read(Key="k")
    assert read(Key="k", VersionId=first) == b"one"


def test_keys_topics_and_moto_services(client: Client) -> None:
    key = client("kms").create_key()["KeyMetadata"]
    assert key["AWSAccountId"] == "000000000000"
    assert client("sns").create_topic(Name="alarms")["TopicArn"].endswith(":000000000000:alarms")
    uri = client("ecr").create_repository(repositoryName="penstock/models")["repository"]["repositoryUri"]
    assert uri == "000000000000.dkr.ecr.us-east-1.amazonaws.com/penstock/models"
    client("glue").create_database(DatabaseInput={"Name": "lake"})
    assert [item["Name"] for item in client("glue").get_databases()["DatabaseList"]] == ["lake"]


def test_sagemaker_is_answered_by_our_services(client: Client) -> None:
    sagemaker = client("sagemaker")
    sagemaker.create_model_package_group(ModelPackageGroupName="flights")
    names = [
        item["ModelPackageGroupName"] for item in sagemaker.list_model_package_groups()["ModelPackageGroupSummaryList"]
    ]
    assert "flights" in names
    with pytest.raises(client("sagemaker-featurestore-runtime").exceptions.ClientError) as error:
        client("sagemaker-featurestore-runtime").get_record(FeatureGroupName="none", RecordIdentifierValueAsString="1")
    assert error.value.response["Error"]["Code"] == "ResourceNotFound"


def rule_to(client: Client, url: str, name: str, pattern: dict[str, Any], template: str, paths: dict[str, str]) -> None:
    """An EventBridge rule whose target is an API destination, as the training project makes them."""
    events = client("events")
    connection = events.create_connection(
        Name=name, AuthorizationType="API_KEY",
        AuthParameters={"ApiKeyAuthParameters": {"ApiKeyName": "Authorization", "ApiKeyValue": "Bearer secret"}},
    )["ConnectionArn"]  # fmt: skip
    destination = events.create_api_destination(
        Name=name,
        ConnectionArn=connection,
        HttpMethod="POST",
        InvocationEndpoint=f"{url}/repos/acme/flights/dispatches",
    )["ApiDestinationArn"]
    events.put_rule(Name=name, EventPattern=json.dumps(pattern))
    role = "arn:aws:iam::000000000000:role/dispatch"
    transformer = {"InputPathsMap": paths, "InputTemplate": template}
    events.put_targets(
        Rule=name, Targets=[{"Id": "1", "Arn": destination, "RoleArn": role, "InputTransformer": transformer}]
    )


def test_an_approval_reaches_the_receiver(client: Client, receiver: tuple[str, queue.Queue[Any]]) -> None:
    url, received = receiver
    rule_to(
        client, url, "approved",
        {"source": ["aws.sagemaker"], "detail-type": ["SageMaker Model Package State Change"],
         "detail": {"ModelApprovalStatus": ["Approved"]}},
        '{"event_type": "model-approved", "client_payload": {"model_package_arn": <arn>, "version": <version>}}',
        {"arn": "$.detail.ModelPackageArn", "version": "$.detail.ModelPackageVersion"},
    )  # fmt: skip
    for status, version in (("Rejected", 1), ("Approved", 2)):
        detail = {"ModelApprovalStatus": status, "ModelPackageArn": "arn:x", "ModelPackageVersion": version}
        entry = {
            "Source": "aws.sagemaker",
            "DetailType": "SageMaker Model Package State Change",
            "Detail": json.dumps(detail),
        }
        assert client("events").put_events(Entries=[entry])["FailedEntryCount"] == 0
    path, headers, body = received.get(timeout=15)
    assert path == "/repos/acme/flights/dispatches"
    assert headers["Authorization"] == "Bearer secret"
    assert body == {"event_type": "model-approved", "client_payload": {"model_package_arn": "arn:x", "version": 2}}
    time.sleep(0.5)
    assert received.empty()


def test_an_alarm_fires_at_once_and_its_event_reaches_the_receiver(
    client: Client, receiver: tuple[str, queue.Queue[Any]]
) -> None:
    url, received = receiver
    rule_to(
        client, url, "drifted",
        {"source": ["aws.cloudwatch"], "detail-type": ["CloudWatch Alarm State Change"],
         "detail": {"alarmName": [{"prefix": "penstock-drift-"}], "state": {"value": ["ALARM"]}}},
        '{"event_type": "model-drift", "client_payload": {"alarm": <alarm>}}',
        {"alarm": "$.detail.alarmName"},
    )  # fmt: skip
    cloudwatch = client("cloudwatch")
    dimensions = [{"Name": "Model", "Value": "flights"}]
    cloudwatch.put_metric_alarm(
        AlarmName="penstock-drift-flights", Namespace="Penstock/Drift", MetricName="Violations", Dimensions=dimensions,
        Statistic="Maximum", Period=60, EvaluationPeriods=1, Threshold=0, ComparisonOperator="GreaterThanThreshold",
        TreatMissingData="notBreaching",
    )  # fmt: skip

    def put(value: float) -> None:
        cloudwatch.put_metric_data(
            Namespace="Penstock/Drift",
            MetricData=[{"MetricName": "Violations", "Dimensions": dimensions, "Value": value}],
        )

    put(0.0)
    time.sleep(2.5)
    assert received.empty()
    put(3.0)
    _, _, body = received.get(timeout=15)
    assert body == {"event_type": "model-drift", "client_payload": {"alarm": "penstock-drift-flights"}}
    (alarm,) = cloudwatch.describe_alarms(AlarmNames=["penstock-drift-flights"])["MetricAlarms"]
    assert alarm["StateValue"] == "ALARM"
