"""Iceberg tables made through Glue: CreateTable with OpenTableFormatInput writes the table's first metadata file to S3.

moto keeps the catalogue's entry and forgets that it is Iceberg's. (Glue API reference: CreateTable, IcebergInput; Iceberg
table spec, table metadata, version 2.)
"""

from __future__ import annotations

import json
import re
import time
import uuid
from typing import Any

from localstack.aws.api import CommonServiceException

_TYPES = {
    "bigint": "long",
    "binary": "binary",
    "boolean": "boolean",
    "date": "date",
    "double": "double",
    "float": "float",
    "int": "int",
    "string": "string",
    "timestamp": "timestamp",
}
_DECIMAL = re.compile(r"decimal\((\d+),\s*(\d+)\)")
_LAST_PARTITION_ID = 999
"""Ids of partition fields begin at 1000."""


def create_table(context: Any, request: Any) -> dict[str, Any]:
    """moto's; for an Iceberg table also its first metadata file, which the catalogue's entry then names."""
    from localstack.services.moto import call_moto

    iceberg = (request.get("OpenTableFormatInput") or {}).get("IcebergInput")
    if iceberg is None:
        return dict(call_moto(context))
    if iceberg.get("MetadataOperation") != "CREATE":
        raise _invalid("IcebergInput.MetadataOperation must be CREATE")
    if iceberg.get("Version") not in (None, "2"):
        raise _refused(f"IcebergInput.Version {iceberg['Version']}: only 2")
    if iceberg.get("CreateIcebergTableInput"):
        raise _refused("IcebergInput.CreateIcebergTableInput: columns and location are taken from TableInput")
    given = request["TableInput"]
    if given.get("PartitionKeys"):
        raise _invalid("PartitionKeys are not those of an Iceberg table")
    storage = given.get("StorageDescriptor") or {}
    location = str(storage.get("Location") or "").rstrip("/")
    if not location.startswith("s3://"):
        raise _invalid("StorageDescriptor.Location must be an S3 location for an Iceberg table")
    metadata = table_metadata(location, storage.get("Columns") or [])
    call_moto(context)
    where = f"{location}/metadata/00000-{uuid.uuid4()}.metadata.json"
    try:
        _write(context, where, json.dumps(metadata))
    except Exception:
        _backend(context).delete_table(request["DatabaseName"], given["Name"])
        raise
    table = _backend(context).get_table(request["DatabaseName"], given["Name"])
    kept = dict(table.versions["1"])
    kept["Parameters"] = {**(kept.get("Parameters") or {}), "table_type": "ICEBERG", "metadata_location": where}
    table.versions["1"] = kept
    return {}


def table_metadata(location: str, columns: Any) -> dict[str, Any]:
    """The metadata of a new, empty, unpartitioned table with columns in Hive's types."""
    fields = [
        {"id": number, "name": column["Name"], "required": False, "type": _type(str(column.get("Type")))}
        | ({"doc": column["Comment"]} if column.get("Comment") else {})
        for number, column in enumerate(columns, 1)
    ]
    if not fields:
        raise _invalid("an Iceberg table needs columns")
    return {
        "format-version": 2,
        "table-uuid": str(uuid.uuid4()),
        "location": location,
        "last-sequence-number": 0,
        "last-updated-ms": int(time.time() * 1000),
        "last-column-id": len(fields),
        "current-schema-id": 0,
        "schemas": [{"type": "struct", "schema-id": 0, "fields": fields}],
        "default-spec-id": 0,
        "partition-specs": [{"spec-id": 0, "fields": []}],
        "last-partition-id": _LAST_PARTITION_ID,
        "default-sort-order-id": 0,
        "sort-orders": [{"order-id": 0, "fields": []}],
        "properties": {"write.parquet.compression-codec": "zstd"},
        "current-snapshot-id": -1,
        "refs": {},
        "snapshots": [],
        "statistics": [],
        "snapshot-log": [],
        "metadata-log": [],
    }


def _type(hive: str) -> str:
    if hive in _TYPES:
        return _TYPES[hive]
    if decimal := _DECIMAL.fullmatch(hive):
        return f"decimal({decimal[1]}, {decimal[2]})"
    raise _refused(f"an Iceberg column of type {hive}")


def _write(context: Any, where: str, text: str) -> None:
    from localstack.aws.connect import connect_to

    bucket, _, key = where.removeprefix("s3://").partition("/")
    s3 = connect_to(aws_access_key_id=context.account_id, region_name=context.region).s3
    s3.put_object(Bucket=bucket, Key=key, Body=text.encode(), ContentType="application/json")


def _backend(context: Any) -> Any:
    from moto.glue.models import glue_backends

    return glue_backends[context.account_id][context.region]


def _invalid(message: str) -> CommonServiceException:
    return CommonServiceException("InvalidInputException", message, status_code=400, sender_fault=True)


def _refused(what: str) -> CommonServiceException:
    message = f"CreateTable is not implemented by Penstock's local Glue for {what}"
    return CommonServiceException("NotImplementedException", message, status_code=501, sender_fault=True)


HANDLERS = {"CreateTable": create_table}
