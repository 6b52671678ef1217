"""One small world for all tests: a raw zone, its tables, its features, its rows."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import duckdb
import pandas as pd
import pytest

import synthetic
from @{{ cookiecutter.package }} import dataset, definitions, features, ingest

FIRST, SPLIT, UNTIL = date(2013, 1, 1), date(2013, 3, 1), date(2013, 4, 1)

Job = Callable[..., None]


@pytest.fixture(scope="session")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Raw zone of three short months."""
    return synthetic.raw_zone(tmp_path_factory.mktemp("raw"))


@pytest.fixture(scope="session")
def connection(raw: Path) -> duckdb.DuckDBPyConnection:
    """Curated tables and records of all feature groups."""
    connection = ingest.connect()
    ingest.ingest(connection, raw, FIRST, UNTIL)
    features.compute(connection, definitions.feature_groups())
    return connection


@pytest.fixture(scope="session")
def rows(connection: duckdb.DuckDBPyConnection) -> pd.DataFrame:
    """All flights with their features."""
    groups = definitions.feature_groups()
    return dataset.join(connection, "departures", {name: features.table(name) for name in groups}, groups)
