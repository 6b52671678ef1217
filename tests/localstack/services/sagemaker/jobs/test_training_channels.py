"""Channels of training jobs, as files and as pipes."""

from __future__ import annotations

import gzip
import json
import struct
from typing import Any

import pytest
from tests.localstack.services.sagemaker.jobs.training_jobs import IMAGE, channel, completed, model, prepare, request

pytestmark = pytest.mark.cloud


@pytest.fixture(scope="module", params=["own", "no-namespaces"])
def flavour(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def sagemaker(jobs: Any) -> Any:
    return prepare(jobs)


def test_channels_as_files(jobs: Any, sagemaker: Any) -> None:
    manifest = [{"prefix": "s3://job-data/channels/"}, "train/1.csv", "train/3.csv"]
    jobs.aws("s3").put_object(Bucket="job-data", Key="channels/some.manifest", Body=json.dumps(manifest).encode())
    asked = request(
        "write('model/seen.json', json.dumps([files('fast'), files('listed'), read('inputdataconfig')]))",
        InputDataConfig=[
            channel("fast", InputMode="FastFile", ContentType="text/csv", ShuffleConfig={"Seed": 3}),
            channel("listed", "channels/some.manifest", source={"S3DataType": "ManifestFile"}),
        ],
    )
    fast, listed, configuration = json.loads(model(jobs, completed(sagemaker, asked))["seen.json"])
    assert fast == {f"{number}.csv": f"row {number}\n" for number in range(4)}
    assert listed == {"train/1.csv": "row 1\n", "train/3.csv": "row 3\n"}
    assert configuration["fast"] == {
        "TrainingInputMode": "FastFile",
        "S3DistributionType": "FullyReplicated",
        "RecordWrapperType": "None",
        "ContentType": "text/csv",
    }


def test_channels_as_pipes(jobs: Any, sagemaker: Any) -> None:
    s3 = jobs.aws("s3")
    s3.put_object(
        Bucket="job-data", Key="channels/packed/a.gz", Body=gzip.compress(b"packed ") + gzip.compress(b"twice")
    )
    s3.put_object(Bucket="job-data", Key="channels/big/a", Body=b"0123456789" * 300_000)
    lines = [{"source-ref": f"s3://job-data/channels/train/{number}.csv", "label": number} for number in range(2)]
    body = "\n".join(json.dumps(line) for line in lines).encode()
    s3.put_object(Bucket="job-data", Key="channels/augmented.jsonl", Body=body)
    code = """
def pipe(name, epoch, most=-1):
    with open(f"{base}/input/data/{name}_{epoch}", "rb") as file:
        return file.read(most).decode("latin-1")
found = {"plain": [pipe("plain", epoch) for epoch in range(3)], "packed": pipe("packed", 0),
         "wrapped": pipe("wrapped", 0), "augmented": pipe("augmented", 0),
         "shuffled": [pipe("shuffled", epoch) for epoch in range(4)],
         "big": [len(pipe("big", 0, 10)), len(pipe("big", 1))]}
write("model/seen.json", json.dumps(found))
"""
    wanted = {"S3DataType": "AugmentedManifestFile", "AttributeNames": ["source-ref", "label"]}
    asked = request(
        code,
        AlgorithmSpecification={"TrainingImage": IMAGE, "TrainingInputMode": "Pipe"},
        InputDataConfig=[
            channel("plain"),
            channel("packed", "channels/packed/", CompressionType="Gzip"),
            channel("wrapped", RecordWrapperType="RecordIO"),
            channel("augmented", "channels/augmented.jsonl", source=wanted, RecordWrapperType="RecordIO"),
            channel("shuffled", ShuffleConfig={"Seed": 7}),
            channel("big", "channels/big/"),
            channel("nobody-reads-this"),
        ],
    )
    seen = json.loads(model(jobs, completed(sagemaker, asked))["seen.json"])
    rows = [f"row {number}\n" for number in range(4)]
    assert seen["plain"] == ["".join(rows)] * 3
    assert seen["packed"] == "packed twice"
    assert records(seen["wrapped"]) == rows
    assert records(seen["augmented"]) == [rows[0], "0", rows[1], "1"]
    assert all(sorted(each.splitlines(keepends=True)) == rows for each in seen["shuffled"])
    assert len(set(seen["shuffled"])) > 1, "each epoch has an order of its own"
    assert seen["big"] == [10, 3_000_000], "a reader may have enough of an epoch"


def records(text: str) -> list[str]:
    content, found = text.encode("latin-1"), []
    while content:
        magic, length = struct.unpack("<II", content[:8])
        assert magic == 0xCED7230A
        found.append(content[8 : 8 + length].decode())
        content = content[8 + length + (-length % 4) :]
    return found
