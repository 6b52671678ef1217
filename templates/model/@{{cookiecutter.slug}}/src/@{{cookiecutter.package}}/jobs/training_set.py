"""TrainingSet: joins flights with what was known at their departure, and splits them by time.

The records are those that Features computed and, in a run that registers, published: read from the step's own output,
so that the set does not change when later runs write to the offline store.
"""

from datetime import date

from penstock_pipelines.container import processing
from penstock_pipelines.evaluation import write_json

from @{{ cookiecutter.package }} import dataset, definitions, features, ingest


class Arguments(processing.Arguments):
    """Windows of local flight dates."""

    train_from: date
    train_to: date
    evaluate_from: date
    evaluate_to: date
    sample_fraction: float
    seed: int


def main(arguments: Arguments) -> None:
    """Reads the inputs `curated` and `features`, writes the outputs `training` and `evaluation`."""
    connection = ingest.connect()
    ingest.read(connection, processing.input_folder("curated"))
    groups = definitions.feature_groups()
    features.read(connection, processing.input_folder("features"), groups)
    rows = dataset.join(connection, "departures", {name: features.table(name) for name in groups}, groups)
    training = dataset.examples(rows, arguments.train_from, arguments.train_to)
    training = dataset.sample(training, arguments.sample_fraction, arguments.seed)
    evaluation = dataset.examples(rows, arguments.evaluate_from, arguments.evaluate_to)
    for name, part in (("training", training), ("evaluation", evaluation)):
        folder = processing.output_folder(name)
        part.to_parquet(folder / "part-0.parquet", index=False)
        processing.log(f"{name}: {len(part)} rows, {part[dataset.LABEL].mean():.1%} late")
    summary = {"training_rows": len(training), "evaluation_rows": len(evaluation), "inputs": len(dataset.INPUTS)}
    write_json(processing.output_folder("summary") / "summary.json", summary)


if __name__ == "__main__":
    processing.run(main, Arguments)
