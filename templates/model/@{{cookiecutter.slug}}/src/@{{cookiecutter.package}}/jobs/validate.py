"""Validate: the raw data of the window against their schema, and that ingesting lost no row."""

from datetime import date

from penstock_pipelines import validation
from penstock_pipelines.container import processing
from penstock_pipelines.errors import DataError
from penstock_pipelines.evaluation import write_json

from @{{ cookiecutter.package }} import ingest, schema


class Arguments(processing.Arguments):
    """Window of local flight dates."""

    first: date
    until: date


def main(arguments: Arguments) -> None:
    """Reads the raw tables and the input `curated`, writes the output `report`; fails with every broken rule."""
    raw = processing.inputs()
    connection = ingest.connect()
    rows, found = {}, []
    for table, rules in schema.TABLES.items():
        files = ingest.files_of_window(raw, table, arguments.first, arguments.until)
        ingest.raw(connection, table, [str(file) for file in files])
        frame = connection.table(f"raw_{table}").df()
        rows[table] = len(frame)
        found += validation.violations(table, frame, rules)
    report = processing.output_folder("report")
    write_json(report / "validation.json", {"rows": rows, "violations": [str(violation) for violation in found]})
    validation.require(found)
    departures = connection.read_parquet(
        [str(file) for file in (processing.input_folder("curated") / "departures").glob("*.parquet")]
    ).shape[0]
    expected = ingest.flights_of_window(connection, arguments.first, arguments.until)
    if departures != expected:
        raise DataError(f"The raw zone has {expected} flights of the window, the curated table {departures}.")
    processing.log(f"{rows} raw rows keep to their schema; {departures} flights")


if __name__ == "__main__":
    processing.run(main, Arguments)
