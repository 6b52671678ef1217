"""Ingest: raw to clean to curated, for the flights of [first, until)."""

from datetime import date

from penstock_pipelines import data_version
from penstock_pipelines.container import processing
from penstock_pipelines.errors import DataError
from penstock_pipelines.evaluation import write_json

from @{{ cookiecutter.package }} import ingest


class Arguments(processing.Arguments):
    """Window of local flight dates."""

    first: date
    until: date


def main(arguments: Arguments) -> None:
    """Reads the inputs `flights`, `weather` and `planes`, writes the outputs `clean`, `curated` and `summary`."""
    raw = processing.inputs()
    files = {table: ingest.raw_files(raw, table) for table in ingest.COLUMNS}
    if missing := [table for table, found in files.items() if not found]:
        raise DataError(f"The raw zone holds no Parquet files of {', '.join(missing)}.", "Land the data first.")
    connection = ingest.connect()
    ingest.ingest(connection, raw, arguments.first, arguments.until)
    clean, curated = processing.output_folder("clean"), processing.output_folder("curated")
    for table in ingest.COLUMNS:
        (clean / table).mkdir(exist_ok=True)
        ingest.write(connection, table, clean / table / "part-0.parquet")
    for table in ("departures", "weather", "planes"):
        (curated / table).mkdir(exist_ok=True)
        ingest.write(connection, table, curated / table / "part-0.parquet")
    counts = {table: connection.table(table).shape[0] for table in (*ingest.COLUMNS, "departures")}
    used = [f for table in ingest.COLUMNS for f in ingest.files_of_window(raw, table, arguments.first, arguments.until)]
    version = data_version.of_files({file.relative_to(raw).as_posix(): file for file in used})
    write_json(processing.output_folder("summary") / "summary.json", {"data_version": version, "rows": counts})
    processing.log(f"data version {version}, rows {counts}")
    if not counts["departures"]:
        raise DataError(f"No flight from {arguments.first} until {arguments.until} could be read from the raw zone.")


if __name__ == "__main__":
    processing.run(main, Arguments)
