"""``python -m penstock_services.containers.model_monitor``: the container's entry point.

Writes ``statistics.json`` and ``constraints.json`` to ``output_path``; with ``baseline_constraints`` in its
environment also ``constraint_violations.json``. The exit message says Completed or CompletedWithViolations, as AWS's
container does.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any

from penstock_pipelines.monitor import in_container
from penstock_services.containers.analysis import conclude, only_file
from penstock_services.containers.metric_file import Metric, Monitored
from penstock_services.containers.model_monitor import data_quality, metrics, model_quality, scripts
from penstock_services.containers.model_monitor.dataset import Window, read

_MODEL_QUALITY = "MODEL_QUALITY"


def run(environment: Mapping[str, str]) -> str:
    """Do the analysis that the environment describes; the exit message."""
    output = in_container(environment["output_path"], environment)
    output.mkdir(parents=True, exist_ok=True)
    script = environment.get("record_preprocessor_script")
    preprocess = scripts.preprocessor(in_container(script, environment)) if script else None
    source = in_container(environment["dataset_source"], environment)
    window = Window.of(environment.get("start_time"), environment.get("end_time"))
    frame = read(source, json.loads(environment["dataset_format"]), preprocess, window)
    old_statistics = _document(environment, "baseline_statistics")
    old_constraints = _document(environment, "baseline_constraints")
    found: list[dict[str, str]] = []
    emitted: list[Metric] = []
    if environment.get("analysis_type", "").upper() == _MODEL_QUALITY:
        columns = model_quality.Columns.of(environment)
        statistics, constraints = model_quality.evaluate(frame, environment.get("problem_type", ""), columns)
        if old_constraints is not None:
            found = model_quality.violations(statistics, old_constraints)
        emitted = metrics.of_model(statistics)
    else:
        if old_constraints is not None:
            frame = data_quality.named(frame, old_constraints)
        statistics, constraints = data_quality.suggested(frame)
        if old_constraints is not None:
            found, distances = data_quality.compared(frame, old_statistics, old_constraints)
            emitted = metrics.of_data(frame, distances, old_constraints)
    documents: dict[str, Any] = {"statistics.json": statistics, "constraints.json": constraints}
    if old_constraints is not None:
        documents["constraint_violations.json"] = {"violations": found}
    for name, document in documents.items():
        (output / name).write_text(json.dumps(document, indent=2) + "\n")
    Monitored.of(environment).publish(emitted)
    for each in found:
        print(f"violation: {each.get('feature_name') or each.get('metric_name')}: {each['description']}", flush=True)
    script = environment.get("post_analytics_processor_script")
    if script:
        scripts.run_postprocessor(in_container(script, environment))
    if found:
        return f"CompletedWithViolations: Job completed successfully with {len(found)} violations."
    return "Completed: Job completed successfully with no violations."


def _document(environment: Mapping[str, str], variable: str) -> Any:
    path = environment.get(variable)
    if not path:
        return None
    file = in_container(path, environment)
    return json.loads(only_file(file).read_text())


def main() -> int:
    """Run, and leave the exit message; 1 for data that cannot be judged."""
    return conclude(run)


if __name__ == "__main__":
    sys.exit(main())
