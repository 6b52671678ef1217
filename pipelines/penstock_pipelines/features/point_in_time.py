"""Point-in-time joins: each row gets the latest record of each entity whose event time is not after the row's moment.

DuckDB's ASOF join does it in one pass per group. What makes it right is that a record's event time says when its content
was *known*, not when it happened; computing that is the feature code's duty (a delay is known when the flight has left).
"""

# ruff: noqa: S608 - names of tables and columns cannot be parameters of SQL; all are quoted by `_q`

from __future__ import annotations

from collections.abc import Mapping, Sequence

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
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE joined_0 AS SELECT *, row_number() OVER () AS row_order FROM {_q(rows)}"
    )
    current = "joined_0"
    for number, (name, table) in enumerate(tables.items(), 1):
        group = groups[name]
        key, event = _q(group.record_identifier), _q(group.event_time)
        values = [feature.name for feature in group.values]
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE records_of_group AS SELECT {key}, "
            f"CAST({event} AS TIMESTAMP) AS {event}{_list(values)} FROM {_q(table)}"
        )
        _refuse_ambiguous(connection, name, group)
        columns = "".join(f", r.{_q(value)} AS {_q(f'{name}_{value}')}" for value in values)
        following = f"joined_{number}"
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE {following} AS "
            f"SELECT l.*, r.{event} AS {_q(f'{name}_event_time')}{columns} "
            f"FROM {current} l ASOF LEFT JOIN records_of_group r ON l.{key} = r.{key} AND l.{_q(moment)} >= r.{event}"
        )
        connection.execute(f"DROP TABLE {current}")
        current = following
    return connection.sql(f"SELECT * EXCLUDE (row_order) FROM {current} ORDER BY row_order")


def _refuse_ambiguous(connection: duckdb.DuckDBPyConnection, name: str, group: FeatureGroup) -> None:
    key, event = _q(group.record_identifier), _q(group.event_time)
    double = connection.execute(
        f"SELECT {key}, {event}, count(*) FROM records_of_group GROUP BY ALL HAVING count(*) > 1 LIMIT 1"
    ).fetchone()
    if double:
        raise DataError(
            f"Feature group {name!r} has {double[2]} records of {double[0]!r} at {double[1]}.",
            "Keep one record per entity and moment: the one written last.",
        )


def _q(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _list(names: Sequence[str]) -> str:
    return "".join(f", {_q(name)}" for name in names)
