"""Features: computes the records of all feature groups, and publishes them to the feature store."""

from penstock_pipelines.container import processing
from penstock_pipelines.features.store import FeatureStore

from @{{ cookiecutter.package }} import definitions, features, ingest


class Arguments(processing.Arguments):
    """`publish` is false for a run that must leave no trace, such as a pull request's."""

    model: str
    publish: bool


def main(arguments: Arguments) -> None:
    """Reads the input `curated`, writes the output `features`, one folder per group."""
    connection = ingest.connect()
    ingest.read(connection, processing.input_folder("curated"))
    groups = definitions.feature_groups()
    folder = processing.output_folder("features")
    for name, count in features.write(connection, folder, groups).items():
        processing.log(f"{name}: {count} records")
    if not arguments.publish:
        processing.log("not published: this run leaves the feature store as it is")
        return
    store = FeatureStore(arguments.model, groups)
    for name, group in groups.items():
        records = connection.table(features.table(name)).df()
        if group.offline:
            processing.log(f"{name}: {store.write_offline(name, records)} files written to the offline store")
        if group.online:
            processing.log(f"{name}: {store.write_online(name, records)} records sent to the online store")


if __name__ == "__main__":
    processing.run(main, Arguments)
