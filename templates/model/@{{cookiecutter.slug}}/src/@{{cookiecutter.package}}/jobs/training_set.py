"""TrainingSet: joins flights with what was known at their departure, and splits them by time."""

from datetime import date, datetime, time, timedelta

import duckdb
from penstock_pipelines.container import processing
from penstock_pipelines.evaluation import write_json
from penstock_pipelines.features.store import FeatureStore

from @{{ cookiecutter.package }} import dataset, definitions, features, ingest


class Arguments(processing.Arguments):
    """Windows of local flight dates; `published` says whether the records are in the offline store."""

    train_from: date
    train_to: date
    evaluate_from: date
    evaluate_to: date
    sample_fraction: float
    seed: int
    model: str
    published: bool


def main(arguments: Arguments) -> None:
    """Reads the inputs `curated` and `features`, writes the outputs `training` and `evaluation`."""
    connection = ingest.connect()
    ingest.read(connection, processing.input_folder("curated"))
    groups = definitions.feature_groups()
    if arguments.published:
        read_offline_store(connection, arguments)
    else:
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


def read_offline_store(connection: duckdb.DuckDBPyConnection, arguments: Arguments) -> None:
    """Makes the tables of the feature groups from the offline store's records of the windows."""
    groups = definitions.feature_groups()
    store = FeatureStore(arguments.model, groups)
    first = datetime.combine(arguments.train_from, time()) - timedelta(days=features.LOOK_BACK_DAYS)
    last = datetime.combine(arguments.evaluate_to, time()) + timedelta(days=1)
    for name, group in groups.items():
        records = store.read_offline(name, first, last)
        features.make_table(connection, name, group, records)
        processing.log(f"{name}: {len(records)} records of the offline store")


if __name__ == "__main__":
    processing.run(main, Arguments)
