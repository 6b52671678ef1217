"""Checkpoints of the algorithm: ``xgboost-checkpoint.<round>`` in the folder of CheckpointConfig, the newest few kept."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

_NAME = re.compile(r"xgboost-checkpoint\.(\d+)$")
_KEPT = 5


def newest(folder: Path) -> tuple[Path | None, int]:
    """The newest checkpoint and the number of rounds that are in it."""
    found = [(int(match[1]), path) for path in folder.glob("*") if (match := _NAME.match(path.name))]
    if not found:
        return None, 0
    number, path = max(found)
    return path, number + 1


def write(booster: Any, path: Path) -> None:
    """Write a model in the library's own format of its version: binary until 1.7, UBJSON since."""
    import xgboost

    if int(xgboost.__version__.partition(".")[0]) < 2:
        booster.save_model(path)
    else:
        path.write_bytes(booster.save_raw(raw_format="ubj"))


def save(booster: Any, folder: Path, number: int) -> None:
    """Write the checkpoint of a round, as a whole, and remove old ones."""
    folder.mkdir(parents=True, exist_ok=True)
    draft = folder / ".draft"
    write(booster, draft)
    draft.replace(folder / f"xgboost-checkpoint.{number}")
    (folder / f"xgboost-checkpoint.{number - _KEPT}").unlink(missing_ok=True)
