"""S3 after `kill -9`: versions, markers, tags, settings, uploads; and bodies that no record knows."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from kept_gateway import OTHER, Gateway

pytestmark = [pytest.mark.cloud]


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    made = Gateway(tmp_path_factory.mktemp("kept-s3") / "state")
    made.start()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def filled(cloud: Gateway) -> dict[str, Any]:
    s3 = cloud.client("s3")
    known: dict[str, Any] = {"versions": []}
    s3.create_bucket(Bucket="versioned")
    s3.put_object(Bucket="versioned", Key="k", Body=b"v0")  # before there are versions
    s3.put_bucket_versioning(Bucket="versioned", VersioningConfiguration={"Status": "Enabled"})
    for number in (1, 2):
        answer = s3.put_object(Bucket="versioned", Key="k", Body=f"v{number}".encode(), Tagging=f"n={number}")
        known["versions"].append(answer["VersionId"])
    known["marker"] = s3.delete_object(Bucket="versioned", Key="k")["VersionId"]
    gone = s3.put_object(Bucket="versioned", Key="one-is-gone", Body=b"x")["VersionId"]
    s3.put_object(Bucket="versioned", Key="one-is-gone", Body=b"y")
    s3.delete_object(Bucket="versioned", Key="one-is-gone", VersionId=gone)

    s3.create_bucket(Bucket="settings")
    s3.put_bucket_tagging(Bucket="settings", Tagging={"TagSet": [{"Key": "a", "Value": "b"}]})
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}, "BucketKeyEnabled": True}
    s3.put_bucket_encryption(Bucket="settings", ServerSideEncryptionConfiguration={"Rules": [rule]})
    rules = [{"ID": "l", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 3}}]
    s3.put_bucket_lifecycle_configuration(Bucket="settings", LifecycleConfiguration={"Rules": rules})
    queue = cloud.client("sqs").create_queue(QueueName="notified")["QueueUrl"]
    configuration = {
        "QueueConfigurations": [
            {"QueueArn": "arn:aws:sqs:us-east-1:000000000000:notified", "Events": ["s3:ObjectCreated:*"]}
        ]
    }
    s3.put_bucket_notification_configuration(Bucket="settings", NotificationConfiguration=configuration)
    while message := cloud.client("sqs").receive_message(QueueUrl=queue).get("Messages"):
        cloud.client("sqs").delete_message(QueueUrl=queue, ReceiptHandle=message[0]["ReceiptHandle"])
    known["queue"] = queue
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Principal": "*", "Action": "s3:PutObjectAcl", "Resource": "arn:aws:s3:::settings/*"}]}  # fmt: skip # noqa: E501
    s3.put_bucket_policy(Bucket="settings", Policy=json.dumps(policy))
    s3.delete_public_access_block(Bucket="settings")

    s3.create_bucket(Bucket="plain")
    s3.put_object(Bucket="plain", Key="a/b c+ü", Body=b"first")
    s3.put_object(Bucket="plain", Key="a/b c+ü", Body=b"body", Metadata={"m": "1"}, ContentType="text/x")
    s3.put_object_tagging(Bucket="plain", Key="a/b c+ü", Tagging={"TagSet": [{"Key": "a", "Value": "b"}]})
    s3.copy_object(Bucket="plain", Key="copy", CopySource={"Bucket": "plain", "Key": "a/b c+ü"})
    for key in ("gone1", "gone2", "gone3"):
        s3.put_object(Bucket="plain", Key=key, Body=b"x")
    s3.delete_object(Bucket="plain", Key="gone1")
    s3.delete_objects(Bucket="plain", Delete={"Objects": [{"Key": "gone2"}, {"Key": "gone3"}]})
    s3.upload_fileobj(io.BytesIO(b"z" * 9_000_000), "plain", "large")
    known["upload"] = s3.create_multipart_upload(Bucket="plain", Key="pending")["UploadId"]
    known["part"] = s3.upload_part(
        Bucket="plain", Key="pending", UploadId=known["upload"], PartNumber=1, Body=b"p" * 10
    )["ETag"]
    aborted = s3.create_multipart_upload(Bucket="plain", Key="aborted")["UploadId"]
    s3.abort_multipart_upload(Bucket="plain", Key="aborted", UploadId=aborted)
    s3.create_bucket(Bucket="removed")
    s3.delete_bucket(Bucket="removed")
    cloud.client("s3", OTHER).create_bucket(Bucket="of-another")
    frankfurt = cloud.client("s3", region="eu-central-1")
    frankfurt.create_bucket(Bucket="elsewhere", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    frankfurt.put_object(Bucket="elsewhere", Key="k", Body=b"k", Tagging="x=y")

    cloud.kill()
    orphan = cloud.folder / "s3/plain/objects/00/0000.1"
    orphan.parent.mkdir(parents=True, exist_ok=True)
    orphan.write_bytes(b"a body whose record was never written")
    (cloud.folder / "s3/nobodys/objects/00").mkdir(parents=True)
    known["orphans"] = [orphan, cloud.folder / "s3/nobodys"]
    cloud.start()
    return known


def test_versions_and_markers(cloud: Gateway, filled: dict[str, Any]) -> None:
    s3 = cloud.client("s3")
    listed = s3.list_object_versions(Bucket="versioned", Prefix="k")
    assert [version["VersionId"] for version in listed["Versions"]] == [*reversed(filled["versions"]), "null"]
    assert [(marker["VersionId"], marker["IsLatest"]) for marker in listed["DeleteMarkers"]] == [
        (filled["marker"], True)
    ]
    for number, version in enumerate(["null", *filled["versions"]]):
        body = s3.get_object(Bucket="versioned", Key="k", VersionId=version)["Body"].read()
        assert body == f"v{number}".encode()
    tags = s3.get_object_tagging(Bucket="versioned", Key="k", VersionId=filled["versions"][1])["TagSet"]
    assert tags == [{"Key": "n", "Value": "2"}]
    assert [each["Key"] for each in s3.list_objects_v2(Bucket="versioned")["Contents"]] == ["one-is-gone"]
    assert len(s3.list_object_versions(Bucket="versioned", Prefix="one-is-gone")["Versions"]) == 1
    s3.delete_object(Bucket="versioned", Key="k", VersionId=filled["marker"])
    assert s3.get_object(Bucket="versioned", Key="k")["Body"].read() == b"v2"


def test_settings_of_buckets(cloud: Gateway, filled: dict[str, Any]) -> None:
    s3 = cloud.client("s3")
    assert s3.get_bucket_tagging(Bucket="settings")["TagSet"] == [{"Key": "a", "Value": "b"}]
    (rule,) = s3.get_bucket_encryption(Bucket="settings")["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "aws:kms"
    assert s3.get_bucket_lifecycle_configuration(Bucket="settings")["Rules"][0]["Expiration"] == {"Days": 3}
    assert json.loads(s3.get_bucket_policy(Bucket="settings")["Policy"])["Statement"][0]["Action"] == "s3:PutObjectAcl"
    with pytest.raises(s3.exceptions.ClientError, match="NoSuchPublicAccessBlockConfiguration"):
        s3.get_public_access_block(Bucket="settings")
    s3.put_object(Bucket="settings", Key="told", Body=b"x")
    (message,) = cloud.client("sqs").receive_message(QueueUrl=filled["queue"], WaitTimeSeconds=5)["Messages"]
    assert json.loads(message["Body"])["Records"][0]["s3"]["object"]["key"] == "told"


def test_objects_their_attributes_and_removed_ones(cloud: Gateway, filled: dict[str, Any]) -> None:
    s3 = cloud.client("s3")
    found = s3.get_object(Bucket="plain", Key="a/b c+ü")
    assert (found["Body"].read(), found["Metadata"], found["ContentType"]) == (b"body", {"m": "1"}, "text/x")
    assert s3.get_object_tagging(Bucket="plain", Key="copy")["TagSet"] == [{"Key": "a", "Value": "b"}]
    assert s3.get_object(Bucket="plain", Key="copy")["Body"].read() == b"body"
    assert s3.get_object(Bucket="plain", Key="large", Range="bytes=8999990-")["Body"].read() == b"z" * 10
    assert [each["Key"] for each in s3.list_objects_v2(Bucket="plain")["Contents"]] == ["a/b c+ü", "copy", "large"]


def test_uploads_go_on(cloud: Gateway, filled: dict[str, Any]) -> None:
    s3 = cloud.client("s3")
    assert [each["Key"] for each in s3.list_multipart_uploads(Bucket="plain")["Uploads"]] == ["pending"]
    parts = {"Parts": [{"ETag": filled["part"], "PartNumber": 1}]}
    s3.complete_multipart_upload(Bucket="plain", Key="pending", UploadId=filled["upload"], MultipartUpload=parts)
    assert s3.get_object(Bucket="plain", Key="pending")["Body"].read() == b"p" * 10
    assert not s3.list_multipart_uploads(Bucket="plain").get("Uploads")
    assert not list((cloud.folder / "s3/plain/uploads").iterdir())
    s3.delete_object(Bucket="plain", Key="pending")


def test_buckets_of_other_accounts_and_regions(cloud: Gateway, filled: dict[str, Any]) -> None:
    del filled
    buckets = [bucket["Name"] for bucket in cloud.client("s3").list_buckets()["Buckets"]]
    assert buckets == ["elsewhere", "plain", "settings", "versioned"]
    assert [each["Name"] for each in cloud.client("s3", OTHER).list_buckets()["Buckets"]] == ["of-another"]
    frankfurt = cloud.client("s3", region="eu-central-1")
    assert frankfurt.get_bucket_location(Bucket="elsewhere")["LocationConstraint"] == "eu-central-1"
    assert frankfurt.get_object_tagging(Bucket="elsewhere", Key="k")["TagSet"] == [{"Key": "x", "Value": "y"}]
    with pytest.raises(frankfurt.exceptions.ClientError, match="BucketAlreadyExists"):
        cloud.client("s3", OTHER).create_bucket(Bucket="plain")


def test_bodies_without_a_record_are_swept_away(filled: dict[str, Any]) -> None:
    limit = time.monotonic() + 60
    while any(path.exists() for path in filled["orphans"]):
        assert time.monotonic() < limit
        time.sleep(0.05)
