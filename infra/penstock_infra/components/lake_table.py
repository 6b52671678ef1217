"""A table of the lake from its definition."""

from __future__ import annotations

from typing import Any

import pulumi
from pulumi_aws import glue
from pydantic import Field

from penstock_infra.components.component import Arguments, Component
from penstock_infra.inputs import Text
from penstock_infra.lake_tables import Column, TableDefinition, TableFormat

PARQUET_INPUT = "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat"
PARQUET_OUTPUT = "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat"
PARQUET_ROWS = "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"
ICEBERG_VERSION = "2"
OWNED_BY_ICEBERG = ["parameters", "storageDescriptor"]
"""What Iceberg's writers change: the catalogue follows the table's own metadata, and so no program undoes it."""


class LakeTableArguments(Arguments):
    """The definition (a file of `tables/`), the database it belongs to and the bucket of its zone."""

    definition: TableDefinition
    database: Text = Field(description="the Glue database")
    bucket: Text = Field(description="the bucket of the table's zone")


class LakeTable(Component):
    """A table in the Glue catalogue: Parquet below Hive partitions, or Apache Iceberg.

    An Iceberg table is made empty, with its first metadata file; from then on its columns change by `ALTER TABLE` in Athena
    or Spark, as Iceberg keeps them itself. The catalogue costs nothing up to a million objects; storage is the zone's.
    https://docs.aws.amazon.com/glue/latest/webapi/API_OpenTableFormatInput.html
    """

    TYPE = "penstock:lake:LakeTable"

    table: pulumi.Output[str]
    arn: pulumi.Output[str]

    def __init__(self, name: str, args: LakeTableArguments, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, args, opts)
        definition = args.definition
        iceberg = definition.format is TableFormat.ICEBERG
        location = pulumi.Output.concat("s3://", args.bucket, f"/tables/{definition.name}")
        own = self.child(holds_data=iceberg)
        table = glue.CatalogTable(
            name,
            name=definition.name,
            database_name=args.database,
            description=definition.description or None,
            table_type="EXTERNAL_TABLE",
            parameters=None if iceberg else {"EXTERNAL": "TRUE", "classification": "parquet"},
            partition_keys=[_column(column) for column in definition.partitions] or None,
            open_table_format_input=(
                {"iceberg_input": {"metadata_operation": "CREATE", "version": ICEBERG_VERSION}} if iceberg else None
            ),
            storage_descriptor={
                "location": location,
                "columns": [_column(column) for column in definition.columns],
                **({} if iceberg else _parquet()),
            },
            opts=pulumi.ResourceOptions.merge(
                own, pulumi.ResourceOptions(ignore_changes=OWNED_BY_ICEBERG if iceberg else None)
            ),
        )
        self.table = table.name
        self.arn = table.arn
        self.finish({"table": self.table, "arn": self.arn})


def _column(column: Column) -> dict[str, str]:
    described = {"comment": column.description} if column.description else {}
    return {"name": column.name, "type": column.type, **described}


def _parquet() -> dict[str, Any]:
    return {
        "input_format": PARQUET_INPUT,
        "output_format": PARQUET_OUTPUT,
        "ser_de_info": {"serialization_library": PARQUET_ROWS, "parameters": {"serialization.format": "1"}},
    }
