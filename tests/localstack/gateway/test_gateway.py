"""The gateway through boto3: LocalStack's services, APIs by moto, and forwarding to our services."""

from __future__ import annotations

import socket
import threading
import urllib.parse
from pathlib import Path
from typing import Any

import pytest

from penstock_cloud import cloud

pytestmark = [pytest.mark.cloud]


def test_keys_topics_and_moto_services(client: Any) -> None:
    key = client("kms").create_key()["KeyMetadata"]
    assert key["AWSAccountId"] == "000000000000"
    assert client("sns").create_topic(Name="alarms")["TopicArn"].endswith(":000000000000:alarms")
    uri = client("ecr").create_repository(repositoryName="penstock/models")["repository"]["repositoryUri"]
    assert uri == "000000000000.dkr.ecr.us-east-1.amazonaws.com/penstock/models"
    client("glue").create_database(DatabaseInput={"Name": "lake"})
    assert [item["Name"] for item in client("glue").get_databases()["DatabaseList"]] == ["lake"]


def test_addresses_in_answers_work_without_a_name_server(client: Any) -> None:
    sqs = client("sqs")
    url = sqs.create_queue(QueueName="dead-letters")["QueueUrl"]
    assert urllib.parse.urlsplit(url).hostname == "127.0.0.1"
    sqs.send_message(QueueUrl=url, MessageBody="hello")
    assert sqs.receive_message(QueueUrl=url)["Messages"][0]["Body"] == "hello"


def test_sagemaker_is_answered_by_our_services(client: Any) -> None:
    sagemaker = client("sagemaker")
    sagemaker.create_model_package_group(ModelPackageGroupName="flights")
    names = [
        item["ModelPackageGroupName"] for item in sagemaker.list_model_package_groups()["ModelPackageGroupSummaryList"]
    ]
    assert "flights" in names
    with pytest.raises(client("sagemaker-featurestore-runtime").exceptions.ClientError) as error:
        client("sagemaker-featurestore-runtime").get_record(FeatureGroupName="none", RecordIdentifierValueAsString="1")
    assert error.value.response["Error"]["Code"] == "ResourceNotFound"


def test_only_the_loopback_answers(state_dir: Path, client: Any) -> None:
    info = cloud.info(state_dir)
    assert info
    port = int(info.endpoint.rpartition(":")[2])
    other = [item[4][0] for item in socket.getaddrinfo(socket.gethostname(), port, socket.AF_INET)]
    for address in {str(a) for a in other if not str(a).startswith("127.")}:
        with pytest.raises(OSError), socket.create_connection((address, port), timeout=2):
            pass


def test_many_clients_at_once(client: Any) -> None:
    sagemaker, failures = client("sagemaker"), []

    def work(number: int) -> None:
        try:
            for turn in range(5):
                sagemaker.create_model_package_group(ModelPackageGroupName=f"many-{number}-{turn}")
        except Exception as error:  # noqa: BLE001 - shown by the assertion below
            failures.append(error)

    threads = [threading.Thread(target=work, args=[number]) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []
    found = [
        item["ModelPackageGroupName"]
        for page in sagemaker.get_paginator("list_model_package_groups").paginate(NameContains="many-")
        for item in page["ModelPackageGroupSummaryList"]
    ]
    assert len(found) == 40
