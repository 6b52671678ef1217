"""Point-in-time joins: each row gets the latest record of each entity whose event time is not after the row's moment.

DuckDB's ASOF join does it in one pass per group. What makes it right is that a record's event time says when its content
was *known*, not when it happened; computing that is the feature code's duty (a delay is known when the flight has left).
"""

# ruff: noqa: S608 - names of tables and columns cannot be parameters of SQL; all are quoted by `_q`

from __future__ import annotations

from collections.abc import Mapping

import duckdb

from penstock_pipelines.errors import DataError
from penstock_pipelines.features.definition import FeatureGroup


def join(
    connection: duckdb.DuckDBPyConnection,
    rows: str,
    moment: str,
    tables: Mapping[str, str],
    groups: Mapping[str, FeatureGroup],
) -> duckdb.DuckDBPyRelation:
    """Rows with the columns `<group>_<feature>` and `<group>_event_time` of each group.

    `rows` names a table that has the column `moment` (TIMESTAMP, UTC) and each group's record identifier; `tables` maps
    group names to tables whose event time is a TIMESTAMP or its text. A row without a record keeps nulls; the number and
    the order of the rows do not change. DataError when a group has two records of one entity at one moment, because then
    there is no telling which one held.
    """
    columns = ["l.* EXCLUDE (row_order)"]
    source = f"(SELECT *, row_number() OVER () AS row_order FROM {_q(rows)}) l"
    for name, table in tables.items():
        group = groups[name]
        _refuse_ambiguous(connection, table, group)
        alias, key, event = _q(f"records of {name}"), _q(group.record_identifier), _q(group.event_time)
        values = [feature.name for feature in group.values]
        columns.append(f"{alias}.{event} AS {_q(f'{name}_event_time')}")
        columns += [f"{alias}.{_q(value)} AS {_q(f'{name}_{value}')}" for value in values]
        records = f"SELECT * REPLACE (CAST({event} AS TIMESTAMP) AS {event}) FROM {_q(table)}"
        source += (
            f" ASOF LEFT JOIN ({records}) {alias} ON l.{key} = {alias}.{key} AND l.{_q(moment)} >= {alias}.{event}"
        )
    return connection.sql(f"SELECT {', '.join(columns)} FROM {source} ORDER BY l.row_order")


def _refuse_ambiguous(connection: duckdb.DuckDBPyConnection, table: str, group: FeatureGroup) -> None:
    key, event = _q(group.record_identifier), _q(group.event_time)
    double = connection.execute(
        f"SELECT {key}, {event}, count(*) FROM {_q(table)} GROUP BY ALL HAVING count(*) > 1 LIMIT 1"
    ).fetchone()
    if double:
        raise DataError(
            f"Feature group {group.name!r} has {double[2]} records of {double[0]!r} at {double[1]}.",
            "Keep one record per entity and moment: the one written last.",
        )


def _q(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
