"""Tables of the lake: the files `tables/<name>.yaml` of the data lake's project, one table a file."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Self

import yaml
from pydantic import Field, StringConstraints, ValidationError, model_validator

from penstock_infra.errors import ConfigurationError, Settings, invalid

type LakeName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,126}$")]
"""A table's or column's name as Athena, Glue and Spark all take it."""
type ColumnType = Annotated[
    str,
    StringConstraints(
        pattern=r"^(boolean|tinyint|smallint|int|bigint|float|double|string|binary|date|timestamp"
        r"|decimal\([0-9]{1,2},[0-9]{1,2}\)|(array|map|struct)<[a-z0-9_:,<>() ]+>)$"
    ),
]
"""A type of Hive's, as the Glue catalogue holds it."""

ICEBERG_TYPES = frozenset({"boolean", "int", "bigint", "float", "double", "string", "binary", "date", "timestamp"})
"""Types that Iceberg has, besides decimals: it knows no tinyint and no smallint."""
RULES_TOGETHER = 65_536
"""Characters of a ruleset: Glue takes no more (CreateDataQualityRuleset, Ruleset)."""


class Zone(Enum):
    """How far data has come: as it arrived, checked and typed, ready for use."""

    RAW = "raw"
    CLEAN = "clean"
    CURATED = "curated"


class TableFormat(Enum):
    """How the table's files are kept: plain Parquet below Hive's partitions, or Iceberg with snapshots and row changes."""

    PARQUET = "parquet"
    ICEBERG = "iceberg"


class Column(Settings):
    """One column."""

    name: LakeName
    type: ColumnType
    description: str = Field(default="", max_length=255, description="what it means, with its unit")


class Quality(Settings):
    """What must hold for the table's rows, in the Data Quality Definition Language (DQDL), one rule a line.

    https://docs.aws.amazon.com/glue/latest/dg/dqdl.html
    """

    rules: tuple[Annotated[str, StringConstraints(strip_whitespace=True, min_length=3)], ...] = Field(min_length=1)
    schedule: str = Field(
        default="", pattern=r"^(|(cron|rate)\(.+\))$", description="when they are evaluated, in UTC; empty: on demand"
    )

    @model_validator(mode="after")
    def _rules(self) -> Self:
        for rule in self.rules:
            if not rule[0].isupper() or rule.endswith(","):
                raise ValueError(
                    f'{rule!r} is no rule: a rule type first, such as IsComplete "id", and no comma after it'
                )
            if rule.count('"') % 2 or rule.count("[") != rule.count("]") or rule.count("(") != rule.count(")"):
                raise ValueError(f"{rule!r}: a quote or a bracket is not closed")
        if len(self.document) > RULES_TOGETHER:
            raise ValueError(f"the rules are {len(self.document)} characters together; Glue takes {RULES_TOGETHER}")
        return self

    @property
    def document(self) -> str:
        """The ruleset as Glue takes it."""
        return "Rules = [\n" + ",\n".join(f"    {rule}" for rule in self.rules) + "\n]"


class TableDefinition(Settings):
    """A table: where it lies, how it is kept, its columns, and what must hold for them."""

    name: LakeName
    description: str = Field(default="", max_length=2048)
    zone: Zone = Zone.CURATED
    format: TableFormat = TableFormat.PARQUET
    columns: tuple[Column, ...] = Field(min_length=1)
    partitions: tuple[Column, ...] = Field(default=(), description="Hive partition keys, outermost first")
    quality: Quality | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        names = [column.name for column in (*self.columns, *self.partitions)]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"columns given twice: {', '.join(twice)}")
        if self.format is TableFormat.ICEBERG:
            if self.partitions:
                raise ValueError(
                    "partitions are Hive's, and this table is Iceberg's: leave them out here "
                    "(Glue makes an Iceberg table unpartitioned; Athena's CREATE TABLE makes one with a partition spec)"
                )
            foreign = [f"{item.name} {item.type}" for item in self.columns if not _iceberg_has(item.type)]
            if foreign:
                raise ValueError(f"Iceberg has no such type: {', '.join(foreign)}")
        return self


def _iceberg_has(column_type: str) -> bool:
    return column_type in ICEBERG_TYPES or column_type.startswith(("decimal(", "array<", "map<", "struct<"))


def read(path: Path) -> TableDefinition:
    """The definition in one file, which is named like its table. Raises ConfigurationError that names the file."""
    try:
        content: Any = yaml.safe_load(path.read_text())
    except (OSError, yaml.YAMLError) as error:
        raise ConfigurationError(f"{path}: cannot be read as YAML: {error}") from None
    if not isinstance(content, dict):
        raise ConfigurationError(f"{path}: a table is a mapping (name, zone, format, columns...)")
    try:
        table = TableDefinition(**content)
    except ValidationError as error:
        raise invalid(path, error) from None
    if table.name != path.stem:
        raise ConfigurationError(f"{path} defines the table {table.name!r}: name the file {table.name}.yaml")
    return table


def read_all(directory: Path) -> tuple[TableDefinition, ...]:
    """The definitions of all `*.yaml` in a folder, by file name; none where there is no such folder."""
    return tuple(read(path) for path in sorted(directory.glob("*.yaml")))
