"""Stage 10: predictions for real flights, equal to those of the registered artifact, and captured as AWS does."""

from __future__ import annotations

import json
from typing import Any

from penstock_ci.demo import source
from penstock_ci.demo.session import Facts, Session, check
from penstock_ci.demo.settings import DEPLOYED
from penstock_ci.demo.stages.merge import registered

CAPTURE_WITHIN_SECONDS = 60.0


def run(session: Session) -> Facts:
    """Ask the endpoint, ask the artifact, compare; find the requests in the capture."""
    settings = session.settings
    day = settings.calendar.serve[1]
    flights = source.asked_flights(day.month, day.day, settings.predicted_rows, settings.sample)
    check(len(flights) > 0, f"there are no flights on {day}")
    file = settings.folder / "flights.json"
    file.write_text(json.dumps(flights, indent=2), encoding="utf-8")
    answered = session.in_repository("predict", "--input", str(file))["items"]
    artifact = registered(session, 1)["InferenceSpecification"]["Containers"][0]["ModelDataUrl"]
    by_hand = session.module("flight_delays.predict", "--input", str(file), "--artifact", artifact)
    worst = max(abs(one["score"] - other["score"]) for one, other in zip(answered, by_hand, strict=True))
    check(worst < 1e-6, f"the endpoint and the artifact differ by up to {worst}")
    with_features = sum(1 for row in answered if row["inputs"].get("origin_late_share_3h") is not None)
    check(with_features > 0, "no prediction had online features")
    session.until("data capture", lambda: len(captured(session)) > 0, CAPTURE_WITHIN_SECONDS)
    lines = captured(session)
    line = lines[-1]
    check(
        {"captureData", "eventMetadata", "eventVersion"} <= set(line), f"a captured line has the members {sorted(line)}"
    )
    check(
        {"endpointInput", "endpointOutput"} <= set(line["captureData"]),
        f"captureData has {sorted(line['captureData'])}",
    )
    return {
        "predictions": f"{len(answered)} flights of {day}",
        "with online features": with_features,
        "largest difference to the artifact loaded by hand": f"{worst:.1g}",
        "scores": f"{min(row['score'] for row in answered):.3f} to {max(row['score'] for row in answered):.3f}",
        "captured requests": len(lines),
    }


def captured(session: Session) -> list[dict[str, Any]]:
    """Every captured line of the endpoint."""
    client = session.client("s3")
    bucket = session.outputs["artifactBucket"]
    lines: list[dict[str, Any]] = []
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"capture/{DEPLOYED}/"):
        for item in page.get("Contents", []):
            body = client.get_object(Bucket=bucket, Key=item["Key"])["Body"].read().decode()
            lines += [json.loads(line) for line in body.splitlines() if line.strip()]
    return lines
