"""Serving of the algorithm's model: CSV, LIBSVM and RecordIO-protobuf in; CSV (a line a record), JSON and JSON lines out.

SageMaker developer guide, "Common Data Formats for Inference" (JSON is no input of this algorithm), and the answers of the
image: 204 to an empty body, 415 to what cannot be read, 406 to what cannot be given, 400 to what does not fit the model.
"""

from __future__ import annotations

import json
import os
import pickle
from pathlib import Path
from typing import Any

from penstock_services.containers.framework import paths
from penstock_services.containers.framework.failure import UserError
from penstock_services.containers.framework.serving import encoding
from penstock_services.containers.framework.serving.errors import (
    BadBodyError,
    UnsupportedAcceptError,
    UnsupportedContentTypeError,
)
from penstock_services.containers.framework.xgboost_algorithm import data, recordio

_JSON_LINES, _RECORDIO = "application/jsonlines", "application/x-recordio-protobuf"
_INPUTS = ("text/csv", "text/libsvm", "text/x-libsvm", _RECORDIO)
_OUTPUTS = (encoding.CSV, encoding.JSON, _JSON_LINES)


def load_booster(folder: Path) -> Any:
    """The model of a folder: written by the library or pickled. Raises UserError."""
    import xgboost

    found = data.files(folder)
    named = [path for path in found if path.name == "xgboost-model"] or [
        path for path in found if "code" not in path.relative_to(folder).parts[:-1]
    ]
    if not named:
        message = f"there is no model in {folder}"
        raise UserError(message)
    path = named[0]
    if path.read_bytes()[:1] == b"\x80":
        booster = pickle.loads(path.read_bytes())  # noqa: S301 (the user's own model, in its own sandbox)
        return booster.get_booster() if hasattr(booster, "get_booster") else booster
    try:
        if int(xgboost.__version__.partition(".")[0]) < 2:
            return xgboost.Booster(model_file=str(path))
        booster = xgboost.Booster()
        # From memory: of a file without an extension the library would guess the format, and say so.
        booster.load_model(bytearray(path.read_bytes()))
        return booster
    except xgboost.core.XGBoostError as error:
        message = f"Unable to load model: XGBoost {xgboost.__version__} cannot read {path.name}: {error}"
        raise UserError(message) from error


def request_matrix(body: bytes, content_type: str) -> Any:
    """The rows of a request. Raises UnsupportedContentTypeError, also for a body that is not of its type."""
    import xgboost

    kind = encoding.media_type(content_type) or "text/csv"
    if kind not in _INPUTS:
        message = f"Content-type {content_type} not supported. Supported content-type is {', '.join(_INPUTS)}"
        raise UnsupportedContentTypeError(message)
    try:
        if kind == "text/csv":
            return xgboost.DMatrix(data.csv_table(body.decode().strip()))
        if kind == _RECORDIO:
            return xgboost.DMatrix(recordio.read(body)[0])
        return xgboost.DMatrix(data.libsvm_table(body.decode(), labelled=False)[0])
    except (ValueError, UserError, xgboost.core.XGBoostError) as error:
        message = f"Loading {kind} data failed with Exception, please ensure data is in {kind} format:\n {error}"
        raise UnsupportedContentTypeError(message) from error


class Algorithm:
    """Predictions of the algorithm's model."""

    def __init__(self) -> None:
        if os.environ.get("SAGEMAKER_INFERENCE_OUTPUT"):
            message = "Penstock's local SageMaker does not run SAGEMAKER_INFERENCE_OUTPUT (selectable inference)"
            raise UserError(message)
        self.default_accept = os.environ.get("SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT") or encoding.CSV
        self._booster: Any = None

    def load(self) -> None:
        """Load the model."""
        self._booster = load_booster(paths.MODEL)
        self._booster.set_param({"nthread": 1})

    def execution_parameters(self) -> Any:
        """Nothing of its own."""
        return None

    def invoke(self, body: bytes, content_type: str, accept: str | None) -> tuple[bytes, str]:
        """Answer a request. Raises RequestError."""
        wanted = encoding.chosen(accept, _OUTPUTS, self.default_accept)
        if wanted not in _OUTPUTS:
            message = f"Accept type {accept} is not supported. Please use one of {', '.join(_OUTPUTS)}"
            raise UnsupportedAcceptError(message)
        matrix = request_matrix(body, content_type)
        scores = self._predict(matrix, encoding.media_type(content_type)).tolist()
        if wanted == encoding.JSON:
            return json.dumps({"predictions": [{"score": score} for score in scores]}).encode(), wanted
        if wanted == _JSON_LINES:
            return "".join(json.dumps({"score": score}) + "\n" for score in scores).encode(), wanted
        rows = [",".join(map(str, score)) if isinstance(score, list) else str(score) for score in scores]
        return "".join(f"{row}\n" for row in rows).encode(), wanted

    def _predict(self, matrix: Any, kind: str) -> Any:
        import xgboost

        known, given = self._booster.num_features(), matrix.num_col()
        if kind in ("text/libsvm", "text/x-libsvm"):
            if given > known:
                message = f"Feature size of libsvm inference data {given} is larger than feature size of trained model {known}."
                raise BadBodyError(message)
        elif given != known:
            message = (
                f"Feature size of {kind} inference data {given} is not consistent with feature size of trained model "
                f"{known}."
            )
            raise BadBodyError(message)
        best = self._booster.attr("best_iteration")
        options = {"iteration_range": (0, int(best) + 1)} if best else {}
        try:
            return self._booster.predict(matrix, validate_features=False, **options)
        except xgboost.core.XGBoostError as error:
            message = f"Unable to evaluate payload provided: {error}"
            raise BadBodyError(message) from error
