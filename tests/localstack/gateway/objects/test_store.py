"""Bodies of S3 objects on disk, through boto3."""

from __future__ import annotations

import hashlib
import io
import os
import threading
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from botocore.config import Config

pytestmark = [pytest.mark.cloud]


def files(state_dir: Path, bucket: str) -> list[Path]:
    return [path for path in (state_dir / "s3" / bucket).rglob("*") if path.is_file()]


def read(s3: Any, bucket: str, key: str, **arguments: Any) -> bytes:
    content: bytes = s3.get_object(Bucket=bucket, Key=key, **arguments)["Body"].read()
    return content


def test_versions_ranges_and_copies(client: Any, state_dir: Path) -> None:
    s3 = client("s3")
    s3.create_bucket(Bucket="versions")
    s3.put_bucket_versioning(Bucket="versions", VersioningConfiguration={"Status": "Enabled"})
    first = s3.put_object(Bucket="versions", Key="k", Body=b"one")["VersionId"]
    second = s3.put_object(Bucket="versions", Key="k", Body=b"two!")["VersionId"]
    assert read(s3, "versions", "k") == b"two!"
    assert read(s3, "versions", "k", VersionId=first) == b"one"
    assert read(s3, "versions", "k", Range="bytes=1-2") == b"wo"
    assert read(s3, "versions", "k", Range="bytes=-2") == b"o!"
    copied = s3.copy_object(Bucket="versions", Key="copy", CopySource={"Bucket": "versions", "Key": "k"})
    assert copied["CopyObjectResult"]["ETag"] == s3.head_object(Bucket="versions", Key="k")["ETag"]
    assert read(s3, "versions", "copy") == b"two!"
    s3.delete_object(Bucket="versions", Key="k")
    with pytest.raises(s3.exceptions.NoSuchKey):
        read(s3, "versions", "k")
    assert read(s3, "versions", "k", VersionId=first) == b"one"
    assert len(files(state_dir, "versions")) == 3
    s3.delete_object(Bucket="versions", Key="k", VersionId=second)
    assert read(s3, "versions", "copy") == b"two!"
    assert len(files(state_dir, "versions")) == 2


def test_an_overwritten_body_is_removed_and_metadata_can_be_replaced_in_place(client: Any, state_dir: Path) -> None:
    s3 = client("s3")
    s3.create_bucket(Bucket="overwritten")
    for number in range(5):
        s3.put_object(Bucket="overwritten", Key="k", Body=str(number).encode() * 100)
    assert read(s3, "overwritten", "k") == b"4" * 100
    s3.copy_object(
        Bucket="overwritten", Key="k", CopySource="overwritten/k", Metadata={"a": "b"}, MetadataDirective="REPLACE"
    )
    assert s3.head_object(Bucket="overwritten", Key="k")["Metadata"] == {"a": "b"}
    assert read(s3, "overwritten", "k") == b"4" * 100
    assert len(files(state_dir, "overwritten")) == 1
    s3.put_object(Bucket="overwritten", Key="empty", Body=b"")
    assert read(s3, "overwritten", "empty") == b""
    s3.delete_objects(Bucket="overwritten", Delete={"Objects": [{"Key": "k"}, {"Key": "empty"}]})
    assert files(state_dir, "overwritten") == []
    s3.delete_bucket(Bucket="overwritten")
    assert not (state_dir / "s3/overwritten").exists()


def test_a_refused_body_leaves_the_old_one(client: Any, state_dir: Path) -> None:
    s3 = client("s3", config=Config(retries={"total_max_attempts": 1}, request_checksum_calculation="when_required"))
    s3.create_bucket(Bucket="refused")
    s3.put_object(Bucket="refused", Key="k", Body=b"good")
    with pytest.raises(s3.exceptions.ClientError, match="BadDigest"):
        s3.put_object(Bucket="refused", Key="k", Body=b"bad", ContentMD5="1B2M2Y8AsgTpgAmY7PhCfg==")
    with pytest.raises(s3.exceptions.ClientError, match="PreconditionFailed"):
        s3.put_object(Bucket="refused", Key="k", Body=b"bad", IfNoneMatch="*")
    assert read(s3, "refused", "k") == b"good"
    assert len(files(state_dir, "refused")) == 1


def test_parts(client: Any, state_dir: Path) -> None:
    s3 = client("s3")
    s3.create_bucket(Bucket="parts")
    big = os.urandom(20_000_000)
    s3.upload_fileobj(io.BytesIO(big), "parts", "big")
    assert read(s3, "parts", "big") == big
    upload = s3.create_multipart_upload(Bucket="parts", Key="joined")["UploadId"]
    place = {"Bucket": "parts", "Key": "joined", "UploadId": upload}
    source = {"Bucket": "parts", "Key": "big"}
    s3.upload_part(**place, PartNumber=1, Body=b"wrong")
    one = s3.upload_part_copy(**place, PartNumber=1, CopySource=source, CopySourceRange="bytes=0-5999999")
    two = s3.upload_part(**place, PartNumber=2, Body=b"the end")
    assert [part["Size"] for part in s3.list_parts(**place)["Parts"]] == [6_000_000, 7]
    etags = [one["CopyPartResult"]["ETag"], two["ETag"]]
    s3.complete_multipart_upload(
        **place, MultipartUpload={"Parts": [{"PartNumber": n, "ETag": e} for n, e in enumerate(etags, 1)]}
    )
    assert read(s3, "parts", "joined") == big[:6_000_000] + b"the end"
    given_up = s3.create_multipart_upload(Bucket="parts", Key="never")["UploadId"]
    s3.upload_part(Bucket="parts", Key="never", UploadId=given_up, PartNumber=1, Body=b"x")
    s3.abort_multipart_upload(Bucket="parts", Key="never", UploadId=given_up)
    assert len(files(state_dir, "parts")) == 2


def test_keys_are_names_not_paths(client: Any, state_dir: Path) -> None:
    s3 = client("s3")
    s3.create_bucket(Bucket="names")
    keys = ["../../escape", "a/b/../c", "ü/ 漢字?&=+%41", "/leading", "dir/", "." * 20, "x" * 1000]
    for key in keys:
        s3.put_object(Bucket="names", Key=key, Body=key.encode())
    assert sorted(item["Key"] for item in s3.list_objects_v2(Bucket="names")["Contents"]) == sorted(keys)
    for key in keys:
        assert read(s3, "names", key) == key.encode()
    assert len(files(state_dir, "names")) == len(keys)


def test_presigned_addresses(client: Any) -> None:
    s3 = client("s3")
    s3.create_bucket(Bucket="presigned")
    url = s3.generate_presigned_url("put_object", Params={"Bucket": "presigned", "Key": "k"})
    urllib.request.urlopen(urllib.request.Request(url, data=b"body", method="PUT"))
    url = s3.generate_presigned_url("get_object", Params={"Bucket": "presigned", "Key": "k"})
    assert urllib.request.urlopen(url).read() == b"body"


def test_readers_never_see_a_mixture(client: Any, state_dir: Path) -> None:
    """Writers replace one object while readers read it: what is read has the ETag that came with it."""
    s3 = client("s3", config=Config(max_pool_connections=20, retries={"total_max_attempts": 1}))
    s3.create_bucket(Bucket="busy")
    s3.put_object(Bucket="busy", Key="k", Body=b"start")
    stop, problems = threading.Event(), []

    def write(number: int) -> None:
        for turn in range(40):
            try:
                s3.put_object(Bucket="busy", Key="k", Body=f"{number}-{turn}-".encode() * (200 * number + turn))
            except Exception as error:  # noqa: BLE001 - shown by the assertion below
                problems.append(error)

    def check() -> None:
        while not stop.is_set():
            try:
                answer = s3.get_object(Bucket="busy", Key="k")
                body = answer["Body"].read()
                if hashlib.md5(body).hexdigest() != answer["ETag"].strip('"'):
                    problems.append(f"{len(body)} bytes do not match {answer['ETag']}")
            except Exception as error:  # noqa: BLE001 - shown by the assertion below
                problems.append(error)

    readers = [threading.Thread(target=check) for _ in range(2)]
    writers = [threading.Thread(target=write, args=[number]) for number in range(1, 4)]
    for thread in readers + writers:
        thread.start()
    for thread in writers:
        thread.join(120)
    stop.set()
    for thread in readers:
        thread.join(30)
    assert problems == []
    assert len(files(state_dir, "busy")) == 1
