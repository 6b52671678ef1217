"""The user's functions, as the framework images call them: model_fn, then transform_fn, or input_fn, predict_fn, output_fn.

SageMaker Python SDK documentation, "Deploy a Scikit-learn Model", "Deploy an XGBoost Model", "Deploy PyTorch Models".
"""

from __future__ import annotations

import importlib
import inspect
import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from penstock_services.containers.framework import paths, source
from penstock_services.containers.framework.failure import UserError
from penstock_services.containers.framework.serving import encoding
from penstock_services.containers.framework.serving.errors import BadBodyError

_KNOWN = (encoding.JSON, encoding.CSV, encoding.NPY)
Answer = tuple[bytes, str]


def user_module() -> ModuleType | None:
    """The module that the model's variables name, or None where they name none. Raises UserError."""
    program = os.environ.get("SAGEMAKER_PROGRAM")
    location = os.environ.get("SAGEMAKER_SUBMIT_DIRECTORY")
    packed = paths.MODEL / "code"
    if not program:
        if not (packed / "inference.py").is_file():
            return None
        program = "inference.py"
    folder = source.bring(location, paths.CODE) if location else packed if packed.is_dir() else paths.CODE
    name = program.removesuffix(".py")
    if not (folder / f"{name}.py").is_file() and (packed / f"{name}.py").is_file():
        # The SDK names an archive on S3 even where it has repacked the code into the model.
        folder = packed
    if not (folder / f"{name}.py").is_file():
        message = f"the script {program} is not in {folder}"
        raise UserError(message)
    source.install_requirements(folder)
    sys.path.insert(0, str(folder))
    importlib.invalidate_caches()
    return importlib.import_module(name.replace("/", "."))


class Handlers:
    """Predictions by the user's functions, and the framework's where there are none."""

    def __init__(self, module: ModuleType, framework: str) -> None:
        self.framework = framework
        self.default_accept = os.environ.get("SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT") or encoding.JSON
        self._functions = {
            name: getattr(module, name)
            for name in ("model_fn", "input_fn", "predict_fn", "output_fn", "transform_fn", "execution_parameters_fn")
            if hasattr(module, name)
        }
        own = {"input_fn", "predict_fn", "output_fn"} & set(self._functions)
        if "transform_fn" in self._functions and own:
            message = f"Cannot use transform_fn implementation in conjunction with {', '.join(sorted(own))}"
            raise UserError(message)
        self._model: Any = None

    def load(self) -> None:
        """Load the model."""
        load = self._functions.get("model_fn") or self._default_model
        self._model = _call(load, str(paths.MODEL))

    def execution_parameters(self) -> Any:
        """What the user's execution_parameters_fn says, or None."""
        function = self._functions.get("execution_parameters_fn")
        return function() if function else None

    def invoke(self, body: bytes, content_type: str, accept: str | None) -> Answer:
        """Answer a request: the body and its type. RequestError, or whatever the user's functions raise."""
        wanted = encoding.chosen(accept, _KNOWN, self.default_accept)
        given: Any = body.decode() if _is_text(content_type) else body
        transform = self._functions.get("transform_fn")
        if transform:
            return _answer(_call(transform, self._model, given, content_type, wanted), wanted)
        if "input_fn" in self._functions:
            data = _call(self._functions["input_fn"], given, content_type)
        else:
            data = self._default_input(body, content_type)
        if "predict_fn" in self._functions:
            prediction = _call(self._functions["predict_fn"], data, self._model)
        else:
            prediction = self._default_predict(data)
        if "output_fn" in self._functions:
            return _answer(_call(self._functions["output_fn"], prediction, wanted), wanted)
        return encoding.encode(prediction, wanted), wanted

    def _default_model(self, folder: str) -> Any:
        if self.framework == "xgboost":
            from penstock_services.containers.framework.xgboost_algorithm.serving import load_booster

            return load_booster(Path(folder))
        if self.framework == "pytorch":
            path = Path(folder) / "model.pt"
            if path.is_file():
                torch = importlib.import_module("torch")
                return torch.jit.load(str(path), map_location="cpu")
        message = "Please provide a model_fn implementation."
        raise NotImplementedError(message)

    def _default_input(self, body: bytes, content_type: str) -> Any:
        if self.framework == "xgboost":
            from penstock_services.containers.framework.xgboost_algorithm.serving import request_matrix

            return request_matrix(body, content_type)
        data = encoding.decode(body, content_type)
        if self.framework == "pytorch":
            torch = importlib.import_module("torch")
            return torch.from_numpy(data).float() if data.dtype.kind in "fiu" else data
        return data.astype("float32") if encoding.media_type(content_type) != encoding.NPY else data

    def _default_predict(self, data: Any) -> Any:
        try:
            if self.framework == "pytorch":
                torch = importlib.import_module("torch")
                with torch.no_grad():
                    return self._model.eval()(data)
            return self._model.predict(data)
        except ValueError as error:
            raise BadBodyError(str(error)) from error


def _is_text(content_type: str) -> bool:
    kind = encoding.media_type(content_type)
    return kind.startswith("text/") or kind in (encoding.JSON, "application/jsonlines", "application/xml")


def _call(function: Callable[..., Any], *arguments: Any) -> Any:
    """Call a user's function; with a context (None) too, where it takes one argument more without a default."""
    try:
        needed = [
            each
            for each in inspect.signature(function).parameters.values()
            if each.default is each.empty and each.kind in (each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD)
        ]
    except (TypeError, ValueError):
        needed = []
    if len(needed) == len(arguments) + 1:
        return function(*arguments, None)
    return function(*arguments)


def _answer(result: Any, wanted: str) -> Answer:
    """What output_fn or transform_fn returned: a body, a pair of body and type, or a response object."""
    kind = wanted
    if isinstance(result, tuple) and len(result) == 2 and isinstance(result[1], str):
        result, kind = result
    elif hasattr(result, "get_data") and hasattr(result, "mimetype"):
        result, kind = result.get_data(), result.mimetype
    if isinstance(result, str):
        return result.encode(), kind
    if isinstance(result, (bytes, bytearray)):
        return bytes(result), kind
    return encoding.encode(result, kind), kind
