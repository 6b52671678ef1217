"""One asynchronous inference request, as it is kept until it is answered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class AsyncRequest:
    """``stated`` are the content types as the client gave them; ``output`` is the OutputConfig that was in force when
    it came; times are seconds, ``received`` since the epoch."""

    identity: str
    inference_id: str
    received: float
    content_type: str
    accept: str
    stated: dict[str, str]
    custom: str | None
    input_location: str | None
    output_location: str
    failure_location: str | None
    output: dict[str, Any]
    queue_seconds: int
    invocation_seconds: int
    concurrency: int | None


@dataclass(frozen=True)
class Answer:
    """What a container answered."""

    body: bytes
    content_type: str


class FailedError(Exception):
    """A request failed; the text is the notification's failureReason, ``answer`` what the container said."""

    def __init__(self, reason: str, answer: Answer | None = None) -> None:
        super().__init__(reason)
        self.answer = answer or Answer(reason.encode(), "text/plain")
