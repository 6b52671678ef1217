"""What a request of S3 does to files only after its records are written: removing bodies.

A thread serves one request at a time; outside of requests nothing is deferred.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class Deferred:
    """Acts to be done, in order, and the (bucket, key) whose bodies the request wrote or removed."""

    acts: list[Callable[[], object]] = field(default_factory=list)
    touched: set[tuple[str, str]] = field(default_factory=set)


_local = threading.local()


def begin() -> None:
    """A request begins in this thread."""
    _local.deferred = Deferred()


def finish() -> Deferred:
    """The request ends; what it deferred."""
    deferred: Deferred | None = getattr(_local, "deferred", None)
    _local.deferred = None
    return deferred or Deferred()


def act(what: Callable[[], object]) -> None:
    """Do something after the records are written; at once outside of a request."""
    deferred: Deferred | None = getattr(_local, "deferred", None)
    if deferred is None:
        what()
    else:
        deferred.acts.append(what)


def touch(bucket: str, key: str) -> None:
    """Say that the request changed the body of a key."""
    deferred: Deferred | None = getattr(_local, "deferred", None)
    if deferred is not None:
        deferred.touched.add((bucket, key))
