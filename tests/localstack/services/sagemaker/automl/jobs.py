"""Data sets with a known rule in them, requests of Autopilot jobs, and what became of them."""

from __future__ import annotations

import random
import uuid
from typing import Any

from tests.localstack.services.waiting import until

ROLE = "arn:aws:iam::000000000000:role/automl"
OUTPUT = "s3://job-data/automl/out"
DONE = ("Completed", "Failed", "Stopped")
HEADER = "age,city,joined,income,note,id,bought"
Row = tuple[str, str]
"""The features of a row as CSV, and its label."""


def customers(count: int, seed: int) -> list[Row]:
    """Who is over forty or lives in Rome buys, one in thirty against the rule; some values are missing."""
    source = random.Random(seed)
    rows = []
    for number in range(count):
        age, city = source.randint(18, 70), source.choice(["Rome", "Oslo", "Lima"])
        buys = (age > 40 or city == "Rome") != (source.random() < 1 / 30)
        income = "" if source.random() < 0.1 else f"{source.gauss(40_000, 9_000):.2f}"
        joined = f"20{source.randint(10, 25)}-{source.randint(1, 12):02d}-{source.randint(1, 28):02d}"
        note = " ".join(source.choice(["early", "late", "red", "blue"]) for _ in range(6))
        rows.append((f"{age},{city},{joined},{income},{note},c{seed}x{number}", "yes" if buys else "no"))
    return rows


def put_csv(cloud: Any, key: str, rows: list[Row], header: str = HEADER) -> str:
    """An object with a header; its URI."""
    text = "".join(f"{line}\n" for line in [header, *(f"{features},{label}" for features, label in rows)])
    cloud.aws("s3").put_object(Bucket="job-data", Key=key, Body=text.encode())
    return f"s3://job-data/{key}"


def channel(uri: str, target: str = "bought", **more: Any) -> dict[str, Any]:
    source = {"S3DataType": more.pop("data_type", "S3Prefix"), "S3Uri": uri}
    return {"DataSource": {"S3DataSource": source}, "TargetAttributeName": target, **more}


def first(
    uri: str, *, algorithms: tuple[str, ...] = ("linear-learner",), criteria: Any = None, **more: Any
) -> dict[str, Any]:
    """CreateAutoMLJob's request with few candidates."""
    config = {
        "Mode": "ENSEMBLING",
        "CandidateGenerationConfig": {"AlgorithmsConfig": [{"AutoMLAlgorithms": list(algorithms)}]},
        "CompletionCriteria": {"MaxCandidates": 1, **(criteria or {})},
        **more.pop("config", {}),
    }
    return {
        "AutoMLJobName": f"auto-{uuid.uuid4().hex[:8]}",
        "InputDataConfig": [channel(uri)],
        "OutputDataConfig": {"S3OutputPath": OUTPUT},
        "AutoMLJobConfig": config,
        "RoleArn": ROLE,
        **more,
    }


def describe(sagemaker: Any, name: str) -> Any:
    return sagemaker.describe_auto_ml_job(AutoMLJobName=name)


def ended(sagemaker: Any, name: str, seen: list[tuple[str, str]] | None = None) -> Any:
    """The description at the end; the statuses on the way are added to ``seen``."""

    def look() -> Any:
        job = describe(sagemaker, name)
        status = (job["AutoMLJobStatus"], job["AutoMLJobSecondaryStatus"])
        if seen is not None and status not in seen[-1:]:
            seen.append(status)
        return job

    return until(look, lambda job: job["AutoMLJobStatus"] in DONE, 240)


def run(sagemaker: Any, asked: dict[str, Any], seen: list[tuple[str, str]] | None = None) -> Any:
    sagemaker.create_auto_ml_job(**asked)
    return ended(sagemaker, asked["AutoMLJobName"], seen)


def children(sagemaker: Any, arn: str) -> dict[str, str]:
    """The jobs that an Autopilot job started, and their statuses."""
    found = {}
    for kind, listed in (("processing", "ProcessingJob"), ("training", "TrainingJob")):
        pages = sagemaker.get_paginator(f"list_{kind}_jobs").paginate(NameContains=arn.rsplit("/", 1)[1])
        for summary in (each for page in pages for each in page[f"{listed}Summaries"]):
            name = summary[f"{listed}Name"]
            job = getattr(sagemaker, f"describe_{kind}_job")(**{f"{listed}Name": name})
            assert job["AutoMLJobArn"] == arn
            found[name] = job[f"{listed}Status"]
    return found
