"""The drift job: compares what an endpoint captured with the baseline that was registered with its model.

    python -m penstock_pipelines.monitor --capture-uri s3://bucket/capture/flight-delays --start 2026-11-21T00:00:00Z
        --end 2026-11-21T01:00:00Z --model flight-delays --minimum-rows 200

Runs as a processing job in the model's image: input `baseline` (statistics.json and constraints.json), output `report`
(statistics.json, constraint_violations.json, drift.json). It puts the CloudWatch metric Penstock/Drift Violations of the
model, on which the drift alarm stands, and the distance of every compared feature.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import boto3

from penstock_pipelines import lake
from penstock_pipelines.container import failure, processing
from penstock_pipelines.errors import DataError
from penstock_pipelines.evaluation import write_json
from penstock_pipelines.monitoring import capture, constraints, statistics, violations

NAMESPACE = "Penstock/Drift"
VIOLATIONS = "Violations"
DISTANCE = "Distance"


class Arguments(processing.Arguments):
    """Command line. Times are wall-clock times of the requests, with an offset; `end` is exclusive."""

    capture_uri: str
    start: datetime
    end: datetime
    model: str
    minimum_rows: int = 200
    publish: bool = True


def main(arguments: Arguments) -> None:
    """Read the capture, compare, write the report, publish the metrics."""
    baseline = {
        name: json.loads((processing.input_folder("baseline") / f"{name}.json").read_text())
        for name in ("statistics", "constraints")
    }
    kinds = {
        feature["name"]: "text" if feature["inferred_type"] == "String" else "number"
        for feature in baseline["constraints"]["features"]
    }
    inputs = {name: kind for name, kind in kinds.items() if name != capture.PREDICTION}
    rows = capture.read(_captured_lines(arguments), inputs, arguments.start, arguments.end)
    processing.log(f"{len(rows)} captured rows from {arguments.start} to {arguments.end}")
    report = processing.output_folder("report")
    current = statistics.of_rows(rows, kinds)
    judged = len(rows) >= arguments.minimum_rows
    found = violations.of(current, baseline["statistics"], baseline["constraints"]) if judged else {"violations": []}
    distances = violations.distances(current, baseline["statistics"], baseline["constraints"]) if len(rows) else {}
    write_json(report / "statistics.json", current)
    write_json(report / "constraint_violations.json", found)
    write_json(
        report / "drift.json",
        {
            "model": arguments.model,
            "start": arguments.start.isoformat(),
            "end": arguments.end.isoformat(),
            "rows": len(rows),
            "judged": judged,
            "distances": distances,
            "thresholds": constraints.compared_features(baseline["constraints"]),
            "violations": found["violations"],
        },
    )
    text = _message(len(rows), judged, arguments.minimum_rows, found["violations"])
    if judged and arguments.publish:
        publish(arguments.model, len(found["violations"]), distances)
    failure.message(text)
    processing.log(text)


def publish(model: str, count: int, distances: dict[str, float]) -> None:
    """Put the metrics: how many violations, and how far each compared feature is from the baseline."""
    dimensions = [{"Name": "Model", "Value": model}]
    data: list[dict[str, Any]] = [
        {"MetricName": VIOLATIONS, "Dimensions": dimensions, "Value": float(count), "Unit": "Count"}
    ]
    for feature, value in distances.items():
        own = [*dimensions, {"Name": "Feature", "Value": feature}]
        data.append({"MetricName": DISTANCE, "Dimensions": own, "Value": value, "Unit": "None"})
    boto3.client("cloudwatch").put_metric_data(Namespace=NAMESPACE, MetricData=data)


def _captured_lines(arguments: Arguments) -> list[str]:
    if arguments.start.tzinfo is None or arguments.end.tzinfo is None:
        raise DataError("--start and --end need an offset, e.g. 2026-11-21T00:00:00Z.")
    client = boto3.client("s3")
    bucket, prefix = lake.split_uri(arguments.capture_uri)
    keys = capture.keys_of_window(lake.list_keys(bucket, f"{prefix}/", client), arguments.start, arguments.end)
    lines: list[str] = []
    for key in keys:
        lines += lake.read_object(f"s3://{bucket}/{key}", client).decode("utf-8").splitlines()
    return lines


def _message(count: int, judged: bool, minimum: int, found: list[dict[str, Any]]) -> str:
    if not judged:
        return f"Completed: {count} captured rows are fewer than {minimum}, nothing was judged."
    if not found:
        return f"Completed: {count} captured rows, no violations."
    return f"CompletedWithViolations: {count} captured rows, " + "; ".join(
        f"{violation['feature_name']}: {violation['description']}" for violation in found
    )


if __name__ == "__main__":
    processing.run(main, Arguments)
