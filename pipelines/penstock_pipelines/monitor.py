"""`python -m penstock_pipelines.monitor`: the drift job, as a SageMaker processing container runs it.

Reads what the endpoint captured and the registered baseline, writes statistics.json, constraint_violations.json and
distances.json (what charts are drawn from), leaves the exit message that Model Monitor leaves, and puts the number of
violations to CloudWatch, where an alarm waits for it.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from penstock_pipelines.monitoring.capture import CaptureError, read
from penstock_pipelines.monitoring.job import METRIC, NAMESPACE
from penstock_pipelines.monitoring.statistics import describe
from penstock_pipelines.monitoring.violations import Distance, check


def in_container(path: str, environment: Mapping[str, str]) -> Path:
    """A path of the container; where there is no /opt/ml of its own, the same one under SAGEMAKER_BASE_DIR."""
    base = environment.get("SAGEMAKER_BASE_DIR")
    if base and path.startswith("/opt/ml/"):
        return Path(base) / path.removeprefix("/opt/ml/")
    return Path(path)


def moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text.replace("Z", "+00:00")) if text else None


def metric_data(model: str, violations: int, distances: list[Distance]) -> list[dict[str, Any]]:
    """What goes to CloudWatch: the number of violations, and each watched column's distance."""
    dimensions = [{"Name": "Model", "Value": model}]
    data = [{"MetricName": METRIC, "Dimensions": dimensions, "Value": float(violations), "Unit": "Count"}]
    return data + [
        {
            "MetricName": f"feature_baseline_drift_{distance.name}",
            "Dimensions": dimensions,
            "Value": distance.distance,
            "Unit": "None",
        }
        for distance in distances
    ]


def run(environment: Mapping[str, str]) -> str:
    """Do the analysis; returns the exit message. Raises CaptureError where the data cannot be read."""
    source = in_container(environment["dataset_source"], environment)
    output = in_container(environment["output_path"], environment)
    statistics = json.loads(in_container(environment["baseline_statistics"], environment).read_text())
    constraints = json.loads(in_container(environment["baseline_constraints"], environment).read_text())
    outputs = [name for name in environment.get("output_columns", "").split(",") if name]
    columns = [feature["name"] for feature in statistics["features"]]
    frame = read(
        sorted(source.rglob("*.jsonl")),
        inputs=[name for name in columns if name not in outputs],
        outputs=outputs,
        start=moment(environment.get("start_time")),
        end=moment(environment.get("end_time")),
    )
    if frame.empty:
        raise CaptureError(
            f"nothing was captured from {environment.get('start_time')} to {environment.get('end_time')}:"
            " send the endpoint some requests, or widen the window"
        )
    minimum = int(environment.get("minimum_rows", "1"))
    enough = len(frame) >= minimum
    violations, distances = check(frame, statistics, constraints) if enough else ([], [])
    output.mkdir(parents=True, exist_ok=True)
    for name, document in {
        "statistics.json": describe(frame),
        "constraint_violations.json": {"violations": violations},
        "distances.json": [distance.to_json() for distance in distances],
    }.items():
        (output / name).write_text(json.dumps(document, indent=2) + "\n")
    for distance in sorted(distances, key=lambda item: -item.distance):
        print(f"{distance.name}: distance {distance.distance:.4f}, threshold {distance.threshold:g}", flush=True)
    for violation in violations:
        print(f"violation: {violation['feature_name']}: {violation['description']}", flush=True)
    if not enough:
        return f"Completed: only {len(frame)} rows were captured, fewer than {minimum}: nothing was judged."
    if environment.get("publish_cloudwatch_metrics") == "Enabled":
        import boto3

        data = metric_data(environment["model_name"], len(violations), distances)
        boto3.client("cloudwatch").put_metric_data(Namespace=NAMESPACE, MetricData=data)
    if violations:
        return f"CompletedWithViolations: Job completed successfully with {len(violations)} violations."
    return "Completed: Job completed successfully with no violations."


def main() -> int:
    message = in_container("/opt/ml/output/message", os.environ)
    try:
        text, code = run(os.environ), 0
    except (CaptureError, OSError, KeyError, ValueError) as error:
        text, code = f"Error: {type(error).__name__}: {error}", 1
        print(text, file=sys.stderr)
    message.parent.mkdir(parents=True, exist_ok=True)
    message.write_text(text)
    return code


if __name__ == "__main__":
    sys.exit(main())
