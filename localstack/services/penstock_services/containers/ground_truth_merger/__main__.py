"""``python -m penstock_services.containers.ground_truth_merger``: the container's entry point.

Each captured event of the window whose id (``inferenceId``, otherwise ``eventId``) has a label is written to
``output_path``, at its own place below, with the label as ``groundTruthData``; the others are left out.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from penstock_pipelines.monitor import in_container
from penstock_pipelines.monitoring import capture
from penstock_services.containers.analysis import conclude
from penstock_services.containers.model_monitor.captured import TRUTH, DatasetError, Window, nothing, within

Record = dict[str, Any]


def run(environment: Mapping[str, str]) -> str:
    """Join; the exit message. Raises DatasetError where nothing can be joined."""
    source = in_container(environment["dataset_source"], environment)
    output = in_container(environment["output_path"], environment)
    window = Window.of(environment.get("start_time"), environment.get("end_time"))
    known = dict(_labels(in_container(environment["ground_truth_source"], environment)))
    captured = merged = 0
    for file in _files(source):
        lines = []
        for event in within(capture.events([file]), window):
            captured += 1
            label = known.get(_identity(event))
            if label is not None:
                lines.append(json.dumps({**event, TRUTH: label}))
        if lines:
            merged += len(lines)
            place = output / file.relative_to(source)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text("\n".join(lines) + "\n")
    if not captured:
        raise nothing(window)
    if not merged:
        message = f"none of the {captured} captured events has one of the {len(known)} labels: their ids differ"
        raise DatasetError(message)
    return f"Completed: {merged} of {captured} captured events were merged with their labels."


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith((".", "_")))


def _labels(folder: Path) -> Iterator[tuple[str, Record]]:
    """Id and label of every line of the ground truth."""
    for line in capture.events(_files(folder)):
        try:
            yield _identity(line), line[TRUTH]
        except (KeyError, TypeError) as error:
            message = f"a line of the ground truth has no {error}"
            raise DatasetError(message) from error


def _identity(event: Record) -> str:
    metadata = event["eventMetadata"]
    return str(metadata.get("inferenceId") or metadata["eventId"])


def main() -> int:
    """Run, and leave the exit message; 1 where there is nothing to merge."""
    return conclude(run)


if __name__ == "__main__":
    sys.exit(main())
