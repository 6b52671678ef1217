"""The model in an archive: which file it is, and how it is loaded.

XGBoost: what ``Booster.save_model`` writes, in any of its formats, the file ``xgboost-model`` of the built-in algorithm, or
a pickled Booster or scikit-learn wrapper. scikit-learn: a pickle, or what joblib writes.
"""

from __future__ import annotations

import importlib
import pickle
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from penstock_services.containers.compilation.failure import CompilationError

_PICKLES = (".pkl", ".pickle", ".joblib")
_BOOSTERS = (".ubj", ".json", ".bin", ".model", ".deprecated", *_PICKLES)
Loader = Callable[[Path], Any]


def _files(folder: Path) -> Iterator[Path]:
    """The files of an archive that may be a model, best known names first; code and hidden files are none."""
    found = [path for path in sorted(folder.rglob("*")) if path.is_file() and not path.name.startswith(".")]
    found = [path for path in found if "code" not in path.relative_to(folder).parts[:-1]]
    return iter(sorted(found, key=lambda path: not path.name.startswith(("xgboost-model", "model"))))


def _only(folder: Path, wanted: Callable[[Path], bool], load: Loader, what: str) -> tuple[Path, Any]:
    """The one file that can be loaded."""
    problems: list[str] = []
    loaded: list[tuple[Path, Any]] = []
    for path in _files(folder):
        if not wanted(path):
            continue
        try:
            loaded.append((path, load(path)))
        except CompilationError as error:
            problems.append(f"{path.name}: {error}")
        except Exception as error:  # noqa: BLE001 (whatever a library says of a file that is no model of its)
            problems.append(f"{path.name}: {str(error).strip().splitlines()[0] if str(error).strip() else error!r}")
    if len(loaded) == 1:
        return loaded[0]
    if loaded:
        names = ", ".join(path.name for path, _ in loaded)
        message = f"the archive has more than one {what}: {names}"
        raise CompilationError(message)
    details = f" ({'; '.join(problems)[:600]})" if problems else ""
    message = f"the archive has no {what}{details}"
    raise CompilationError(message)


def booster(folder: Path) -> tuple[str, Any]:
    """File name and xgboost.Booster of the archive's model."""
    xgboost = importlib.import_module("xgboost")

    def load(path: Path) -> Any:
        try:
            found = xgboost.Booster({"nthread": 1})
            found.load_model(path)
        except (xgboost.core.XGBoostError, UnicodeDecodeError):
            if path.suffix in (".json", ".ubj"):
                raise
            found = _unpickled(path)
        if isinstance(found, xgboost.XGBModel):
            found = found.get_booster()
        if not isinstance(found, xgboost.Booster):
            message = f"it holds a {type(found).__name__}, not a model of XGBoost"
            raise CompilationError(message)
        return found

    path, found = _only(folder, lambda path: path.suffix in ("", *_BOOSTERS), load, "model of XGBoost that can be read")
    return path.name, found


def estimator(folder: Path) -> tuple[str, Any]:
    """File name and estimator of the archive's scikit-learn model."""
    base = importlib.import_module("sklearn.base")

    def load(path: Path) -> Any:
        found = importlib.import_module("joblib").load(path)
        if not isinstance(found, base.BaseEstimator) or not hasattr(found, "predict"):
            message = f"it holds a {type(found).__name__}, not an estimator of scikit-learn"
            raise CompilationError(message)
        return found

    path, found = _only(
        folder, lambda path: path.suffix in _PICKLES, load, "estimator of scikit-learn that can be read"
    )
    return path.name, found


def _unpickled(path: Path) -> Any:
    with path.open("rb") as file:
        return pickle.load(file)  # noqa: S301 (in the job's own sandbox, as on AWS)
