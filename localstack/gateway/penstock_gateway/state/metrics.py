"""LocalStack's file of CloudWatch metrics, among what is kept: LocalStack itself removes its folder at every start."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

from localstack.services.cloudwatch.cloudwatch_database_helper import CloudwatchDatabase

TABLES = {CloudwatchDatabase.TABLE_SINGLE_METRICS, CloudwatchDatabase.TABLE_AGGREGATED_METRICS}


def install(folder: Path) -> None:
    """Have the file below `folder`. Call it before a provider is made."""
    file = folder / CloudwatchDatabase.DB_NAME
    if not is_whole(file):
        file.unlink(missing_ok=True)
    CloudwatchDatabase.CLOUDWATCH_DATA_ROOT = str(folder)
    CloudwatchDatabase.METRICS_DB = str(file)
    CloudwatchDatabase.METRICS_DB_READ_ONLY = f"file:{file}?mode=ro"


def is_whole(file: Path) -> bool:
    """Whether the file has its tables: LocalStack takes one that it was killed over for ready."""
    if not file.exists():
        return False
    with contextlib.closing(sqlite3.connect(file)) as connection:
        try:
            rows = connection.execute("SELECT name FROM sqlite_master WHERE type='table'").fetchall()
        except sqlite3.DatabaseError:
            return False
    return {name for (name,) in rows} >= TABLES
