"""Tables from their definitions: Parquet with Hive partitions, or Iceberg, which keeps its own columns."""

from __future__ import annotations

from typing import Any

from penstock_infra.components.lake_table import LakeTable, LakeTableArguments
from penstock_infra.lake_tables import TableDefinition, TableFormat
from penstock_infra.placement import Placement

FLIGHTS = TableDefinition.model_validate(
    {
        "name": "flights",
        "columns": [{"name": "id", "type": "bigint", "description": "Number of the flight"}],
        "partitions": [{"name": "day", "type": "date"}],
    }
)
EXAMPLES = {"LakeTable": {"definition": FLIGHTS, "database": "lake", "bucket": "curated"}}
TABLE = "aws:glue/catalogTable:CatalogTable"


def make(placement: Placement, **changes: Any) -> LakeTable:
    return LakeTable("example", LakeTableArguments(placement=placement, **{**EXAMPLES["LakeTable"], **changes}))


def test_parquet(run_program: Any, placement: Placement) -> None:
    table = run_program(lambda: make(placement)).one(TABLE)
    assert table.inputs["partitionKeys"] == [{"name": "day", "type": "date"}]
    storage = table.inputs["storageDescriptor"]
    assert storage["location"] == "s3://curated/tables/flights"
    assert storage["columns"] == [{"name": "id", "type": "bigint", "comment": "Number of the flight"}]
    assert storage["serDeInfo"]["serializationLibrary"].endswith("ParquetHiveSerDe")
    assert table.inputs["parameters"] == {"EXTERNAL": "TRUE", "classification": "parquet"}
    assert not table.protect, "its rows lie in the bucket, whatever the catalogue says"


def test_iceberg(run_program: Any, placement: Placement) -> None:
    definition = FLIGHTS.model_copy(update={"format": TableFormat.ICEBERG, "partitions": ()})
    definition = TableDefinition.model_validate(definition.model_dump())
    table = run_program(lambda: make(placement, definition=definition)).one(TABLE)
    assert table.inputs["openTableFormatInput"] == {"icebergInput": {"metadataOperation": "CREATE", "version": "2"}}
    assert "parameters" not in table.inputs
    assert "partitionKeys" not in table.inputs
    assert table.protect, "without its catalogue entry, an Iceberg table's current state is not known"
