"""Training data of the algorithm: CSV (label first, no header), LIBSVM, Parquet and RecordIO-protobuf.

SageMaker developer guide, "Input/Output Interface for the XGBoost Algorithm".
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from penstock_services.containers.framework.failure import UserError
from penstock_services.containers.framework.xgboost_algorithm import recordio

CSV, LIBSVM, PARQUET, RECORDIO = "csv", "libsvm", "parquet", "recordio-protobuf"
_TYPES = {
    "text/csv": CSV,
    "csv": CSV,
    "text/libsvm": LIBSVM,
    "text/x-libsvm": LIBSVM,
    "libsvm": LIBSVM,
    "application/x-parquet": PARQUET,
    "parquet": PARQUET,
    "application/x-recordio-protobuf": RECORDIO,
    "recordio-protobuf": RECORDIO,
}


def content_type(text: str | None) -> str:
    """The format that a channel's ContentType names; LIBSVM where it names none. Raises UserError."""
    if not text:
        return LIBSVM
    kind, *parameters = [part.strip() for part in text.lower().split(";")]
    if kind not in _TYPES:
        message = (
            f"{text} is not an accepted ContentType: csv, libsvm, parquet, recordio-protobuf, text/csv, text/libsvm, "
            "text/x-libsvm, application/x-parquet, application/x-recordio-protobuf."
        )
        raise UserError(message)
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name == "label_size" and value != "1":
            message = f"{text} is not an accepted csv ContentType. Optional parameter label_size must be equal to 1"
            raise UserError(message)
    return _TYPES[kind]


def files(folder: Path) -> list[Path]:
    """The data files below a channel's folder; those whose names begin with a dot or an underscore are none."""
    if not folder.is_dir():
        return []
    return [path for path in sorted(folder.rglob("*")) if path.is_file() and not path.name.startswith((".", "_"))]


def matrix(folder: Path, kind: str, *, weights: bool = False) -> Any:
    """The DMatrix of a channel; None where it is empty. ``weights``: the second CSV column has them."""
    import xgboost

    found = files(folder)
    if not found:
        return None
    try:
        match kind:
            case "csv":
                table = csv_table("".join(_ended(path.read_text()) for path in found))
                return _labelled(xgboost, table, weights=weights)
            case "parquet":
                return _labelled(xgboost, _parquet(found), weights=weights)
            case "recordio-protobuf":
                features, labels = recordio.read(b"".join(path.read_bytes() for path in found))
                return xgboost.DMatrix(features, label=labels)
            case _:
                text = "".join(_ended(path.read_text()) for path in found)
                features, labels = libsvm_table(text, labelled=True)
                return xgboost.DMatrix(features, label=labels)
    except UserError:
        raise
    except (ValueError, OSError, xgboost.core.XGBoostError) as error:
        message = f"Failed to load {kind} data with exception:\n{error}"
        raise UserError(message) from error


def _ended(text: str) -> str:
    return text if text.endswith("\n") or not text else f"{text}\n"


def _labelled(xgboost: Any, table: Any, *, weights: bool) -> Any:
    if table.shape[1] < (3 if weights else 2):
        message = "The data has no feature columns: the first column is the label"
        raise UserError(message)
    if weights:
        return xgboost.DMatrix(table[:, 2:], label=table[:, 0], weight=table[:, 1])
    return xgboost.DMatrix(table[:, 1:], label=table[:, 0])


def _parquet(found: list[Path]) -> Any:
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.concat_tables([pq.read_table(path) for path in found])
    return np.column_stack([column.to_numpy() for column in table.columns]).astype(np.float32)


def _delimiter(text: str) -> str:
    first = text.split("\n", 1)[0]
    return next((each for each in (",", ";", "\t", "|") if each in first), ",")


def csv_table(text: str) -> Any:
    """A table of numbers; an empty field is a missing value. Raises UserError."""
    import numpy as np
    import pandas as pd

    try:
        frame = pd.read_csv(io.StringIO(text), header=None, sep=_delimiter(text), dtype=np.float32)
    except (ValueError, pd.errors.ParserError) as error:
        message = f"Failed to load csv data with exception:\n{error}. CSV data must have no header and numbers only"
        raise UserError(message) from error
    return frame.to_numpy()


def libsvm_table(text: str, *, labelled: bool) -> tuple[Any, list[float]]:
    """A sparse table of LIBSVM lines, whose feature numbers begin with 0, and the labels; ValueError if it is none."""
    import numpy as np
    from scipy.sparse import csr_matrix

    labels: list[float] = []
    values: list[float] = []
    columns: list[int] = []
    ends = [0]
    for line in text.splitlines():
        words = line.partition("#")[0].split()
        if not words:
            continue
        if ":" not in words[0]:
            labels.append(float(words.pop(0)))
        elif labelled:
            message = f"the line {line[:60]!r} does not begin with a label"
            raise ValueError(message)
        for word in words:
            number, _, value = word.partition(":")
            if number == "qid":
                continue
            columns.append(int(number))
            values.append(float(value))
        ends.append(len(values))
    width = max(columns, default=-1) + 1
    table = csr_matrix((np.array(values, np.float32), np.array(columns, np.int32), ends), shape=(len(ends) - 1, width))
    return table, labels
