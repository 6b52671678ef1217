"""``DataProcessing`` and inference ids: what is sent of a record, and what is kept of it beside the model's answer.

Developer guide, "Associate Prediction Results with Input Records": input and output are CSV or JSON (a document, or lines);
the joined CSV row is the input's columns followed by the answer's; a joined JSON object has the answer in
``SageMakerOutput``, and its input in ``SageMakerInput`` where that is not an object. "Capture data from batch transform
job": with GenerateInferenceId each output record ends with a random id and the job's start time.
"""

from __future__ import annotations

import csv
import io
import json
import uuid
from typing import Any, Literal

from penstock_services.sagemaker.jobs.transform.jsonpath import FilterError, Path, parse

Format = Literal["csv", "json", "jsonlines"]
_FORMATS: dict[str, Format] = {
    "text/csv": "csv",
    "application/json": "json",
    "application/jsonlines": "jsonlines",
    "application/x-jsonlines": "jsonlines",
    "application/jsonl": "jsonlines",
}
OUTPUT, INPUT = "SageMakerOutput", "SageMakerInput"
_ID, _TIME = "SageMakerInferenceId", "SageMakerInferenceTime"


def format_of(content_type: str | None) -> Format | None:
    """CSV, JSON or JSON lines, by content type; None for anything else."""
    return _FORMATS.get((content_type or "").split(";")[0].strip().lower())


class Association:
    """The data processing of one job. ``inference_time`` (ISO 8601) has every output record carry an inference id."""

    def __init__(
        self, processing: dict[str, Any], sent: Format, received: Format, inference_time: str | None, *, lines: bool
    ) -> None:
        self._filter = _filter(processing.get("InputFilter"))
        self._output_filter = _filter(processing.get("OutputFilter"))
        self._join = processing.get("JoinSource", "None") == "Input"
        self._sent, self._received = sent, received
        self._inference_time = inference_time
        self._lines = lines

    def outgoing(self, payload: bytes) -> bytes:
        """What of a payload is sent to the model."""
        if self._filter is None:
            return payload
        if self._sent == "csv":
            return b"".join(_line(self._filter.row(row)) + b"\n" for row in _rows(payload))
        return b"\n".join(_dump(self._filter.value(value)) for value in self._values(payload, self._sent))

    def incoming(self, payload: bytes, answer: bytes) -> list[bytes]:
        """The output records for a payload, given the model's answer: without line ends."""
        if self._received == "csv":
            return self._rows(payload, answer)
        answers = self._values(answer, self._received)
        if self._join:
            inputs = self._values(payload, self._sent)
            _same(len(inputs), len(answers))
            answers = [_joined(given, got) for given, got in zip(inputs, answers, strict=True)]
        if self._output_filter is not None:
            answers = [self._output_filter.value(each) for each in answers]
        if self._inference_time is not None:
            answers = [
                {
                    **(each if isinstance(each, dict) else {OUTPUT: each}),
                    _ID: str(uuid.uuid4()),
                    _TIME: self._inference_time,
                }
                for each in answers
            ]
        return [_dump(each) for each in answers]

    def _rows(self, payload: bytes, answer: bytes) -> list[bytes]:
        rows = _rows(answer)
        if self._join:
            given = _rows(payload)
            _same(len(given), len(rows))
            rows = [[*row, *got] for row, got in zip(given, rows, strict=True)]
        if self._output_filter is not None:
            rows = [self._output_filter.row(row) for row in rows]
        if self._inference_time is not None:
            rows = [[*row, str(uuid.uuid4()), self._inference_time] for row in rows]
        return [_line(row) for row in rows]

    def _values(self, content: bytes, form: Format) -> list[Any]:
        """JSON values: one for a document, one a line for lines (or documents that were split by line)."""
        text = content.decode("utf-8", errors="replace")
        parts = [text] if form == "json" and not self._lines else [line for line in text.splitlines() if line.strip()]
        try:
            return [json.loads(part) for part in parts]
        except ValueError as error:
            message = f"the data is not {form}: {error}"
            raise FilterError(message) from None


def _filter(text: str | None) -> Path | None:
    return None if text in (None, "", "$") else parse(str(text))


def _rows(content: bytes) -> list[list[str]]:
    return [row for row in csv.reader(io.StringIO(content.decode("utf-8", errors="replace"), newline="")) if row]


def _line(row: list[str]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="").writerow(row)
    return text.getvalue().encode()


def _joined(given: Any, got: Any) -> dict[str, Any]:
    return {**given, OUTPUT: got} if isinstance(given, dict) else {INPUT: given, OUTPUT: got}


def _dump(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def _same(inputs: int, outputs: int) -> None:
    if inputs != outputs:
        message = f"cannot join: the model answered {outputs} records to {inputs} input records"
        raise FilterError(message)
