"""The files `tables/<name>.yaml`: what they may say, and how a wrong one is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from penstock_infra import lake_tables
from penstock_infra.errors import ConfigurationError

GOOD = """
name: flights
zone: clean
columns:
  - {name: id, type: bigint}
  - {name: price, type: "decimal(10,2)"}
partitions:
  - {name: day, type: date}
quality:
  rules:
    - IsComplete "id"
    - ColumnValues "price" >= 0
"""


def test_a_good_file(tmp_path: Path) -> None:
    (tmp_path / "flights.yaml").write_text(GOOD)
    (table,) = lake_tables.read_all(tmp_path)
    assert (table.name, table.zone, table.format) == (
        "flights",
        lake_tables.Zone.CLEAN,
        lake_tables.TableFormat.PARQUET,
    )
    assert table.quality is not None
    assert table.quality.document == 'Rules = [\n    IsComplete "id",\n    ColumnValues "price" >= 0\n]'


def test_no_folder_is_no_table(tmp_path: Path) -> None:
    assert lake_tables.read_all(tmp_path / "none") == ()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("name: flights", "name: Flights", "name: String should match pattern"),
        ("name: flights", "name: trips", r"defines the table 'trips': name the file trips\.yaml"),
        ("type: bigint", "type: long", r"columns\.0\.type: String should match"),
        ("name: day", "name: id", "columns given twice: id"),
        ("zone: clean", "zone: clean\nformat: iceberg", "partitions are Hive's"),
        ("zone: clean", "zone: silver", "zone: Input should be 'raw', 'clean' or 'curated'"),
        ('IsComplete "id"', 'IsComplete "id', "a quote or a bracket is not closed"),
        ('IsComplete "id"', "isComplete", "is no rule: a rule type first"),
        ("rules:", "schedule: daily\n  rules:", "schedule: String should match"),
        ("zone: clean", "zones: clean", "zones: Extra inputs are not permitted"),
    ],
)
def test_a_wrong_file_names_itself_and_the_fault(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in GOOD
    (tmp_path / "flights.yaml").write_text(GOOD.replace(old, new))
    with pytest.raises(ConfigurationError, match=message) as caught:
        lake_tables.read_all(tmp_path)
    assert str(tmp_path / "flights.yaml") in str(caught.value)


def test_iceberg_has_its_own_types(tmp_path: Path) -> None:
    text = GOOD.split("partitions:")[0].replace("zone: clean", "format: iceberg").replace("bigint", "smallint")
    (tmp_path / "flights.yaml").write_text(text)
    with pytest.raises(ConfigurationError, match="Iceberg has no such type: id smallint"):
        lake_tables.read_all(tmp_path)
