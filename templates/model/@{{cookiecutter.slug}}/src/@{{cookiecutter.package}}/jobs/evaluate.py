"""Evaluate: the candidate on the evaluation window, beside the champion, and the baseline for the drift monitor."""

import json
import tempfile
from datetime import date
from pathlib import Path

import pandas as pd
from penstock_pipelines import champion, data_version, evaluation, tracking
from penstock_pipelines.container import processing
from penstock_pipelines.container.model import find

from @{{ cookiecutter.package }} import dataset, definitions


class Arguments(processing.Arguments):
    """What the registered version will say about itself; `group` is the model package group of the champion."""

    group: str
    image_uri: str
    git_commit: str
    train_from: date
    train_to: date
    evaluate_from: date
    evaluate_to: date
    seed: int
    sample_fraction: float


def main(arguments: Arguments) -> None:
    """Reads the inputs `model`, `evaluation` and `ingest`, writes the outputs `evaluation` and `baseline`."""
    with tracking.open_run(processing.log) as tracker:
        evaluate(arguments, tracker)


def evaluate(arguments: Arguments, tracker: tracking.Tracker) -> None:
    """The same, told to the run in MLflow."""
    module = find()
    archive = processing.input_folder("model") / "model.tar.gz"
    rows = pd.read_parquet(processing.input_folder("evaluation"))
    ingested = json.loads((processing.input_folder("ingest") / "summary.json").read_text())
    with tempfile.TemporaryDirectory() as folder:
        champion.unpack(archive.read_bytes(), Path(folder))
        fitted = module.load(Path(folder))
    document, scores = evaluation.report(
        module,
        fitted,
        rows,
        label=dataset.LABEL,
        slices=["origin", "carrier"],
        model_package_group=arguments.group or None,
        metadata={
            "git_commit": arguments.git_commit,
            "data_version": ingested["data_version"],
            "image_uri": arguments.image_uri,
            "model_digest": data_version.digest_of(archive),
            "train_from": arguments.train_from.isoformat(),
            "train_to": arguments.train_to.isoformat(),
            "evaluate_from": arguments.evaluate_from.isoformat(),
            "evaluate_to": arguments.evaluate_to.isoformat(),
            "seed": str(arguments.seed),
            "sample_fraction": str(arguments.sample_fraction),
            "mlflow_run": tracker.run_id,
        },
    )
    inputs = module.inputs(fitted)
    monitor = definitions.settings().monitor
    report = processing.output_folder("evaluation")
    evaluation.write_json(report / "evaluation.json", document)
    evaluation.write_smoke(report, rows, scores, inputs)
    evaluation.write_baseline(
        processing.output_folder("baseline"), rows, scores, inputs, monitor.features, monitor.threshold
    )
    evaluation.track(tracker, document)
    processing.log(f"metrics {json.dumps(document['metrics'])}")
    processing.log(f"champion {json.dumps(document['champion'])}")


if __name__ == "__main__":
    processing.run(main, Arguments)
