"""The user's own scripts in an analysis: the record preprocessor and the post-analytics processor.

Source: Amazon SageMaker developer guide, "Preprocessing and Postprocessing" of Model Monitor.
"""

from __future__ import annotations

import inspect
import runpy
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any


class ScriptError(ValueError):
    """A script that does not define what it must."""


def preprocessor(path: Path) -> Callable[[Any], Any]:
    """``preprocess_handler(inference_record[, logger])`` of a script, taking a captured event or a record."""
    function = _function(path, "preprocess_handler")
    takes_logger = len(inspect.signature(function).parameters) > 1

    def preprocess(record: Any) -> Any:
        seen = _Event(record) if isinstance(record, dict) and "captureData" in record else record
        return function(seen, print) if takes_logger else function(seen)

    return preprocess


def run_postprocessor(path: Path) -> None:
    """Call ``postprocess_handler()`` of a script, after the analysis."""
    _function(path, "postprocess_handler")()


def _function(path: Path, name: str) -> Callable[..., Any]:
    found = runpy.run_path(str(path)).get(name)
    if not callable(found):
        message = f"{path.name} does not define {name}"
        raise ScriptError(message)
    function: Callable[..., Any] = found
    return function


class _Event:
    """A captured event as AWS's container hands it to the preprocessor: attributes in snake case."""

    def __init__(self, event: dict[str, Any]) -> None:
        captured = event["captureData"]
        self.endpoint_input = _part(captured.get("endpointInput"))
        self.endpoint_output = _part(captured.get("endpointOutput"))
        metadata = event.get("eventMetadata", {})
        self.event_id = metadata.get("eventId")
        self.inference_id = metadata.get("inferenceId")
        self.event_version = event.get("eventVersion")
        self.event_metadata = SimpleNamespace(
            event_id=self.event_id, inference_id=self.inference_id, inference_time=metadata.get("inferenceTime")
        )


def _part(part: dict[str, Any] | None) -> SimpleNamespace | None:
    if part is None:
        return None
    return SimpleNamespace(
        data=part.get("data"),
        encoding=part.get("encoding"),
        mode=part.get("mode"),
        observed_content_type=part.get("observedContentType"),
    )
