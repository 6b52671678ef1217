"""Logs in CloudWatch Logs: of a job, of a pipeline execution's steps, of an endpoint."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from penstock_ci.target import Target

JOB_GROUPS = {
    "TrainingJob": "/aws/sagemaker/TrainingJobs",
    "ProcessingJob": "/aws/sagemaker/ProcessingJobs",
    "TransformJob": "/aws/sagemaker/TransformJobs",
    "CompilationJob": "/aws/sagemaker/CompilationJobs",
}
ENDPOINT_GROUP = "/aws/sagemaker/Endpoints/"


@dataclass(frozen=True)
class Line:
    """One log event. `time` is seconds since 1970."""

    stream: str
    time: float
    message: str


@dataclass(frozen=True)
class Source:
    """A log group, and the streams in it whose names begin with `prefix`."""

    group: str
    prefix: str = ""


def of_job(kind: str, name: str) -> Source:
    """The source of a job's logs; `kind` is TrainingJob, ProcessingJob, TransformJob or CompilationJob."""
    return Source(JOB_GROUPS[kind], f"{name}/")


def of_endpoint(name: str) -> Source:
    """The source of an endpoint's logs."""
    return Source(f"{ENDPOINT_GROUP}{name}")


def exists(target: Target, source: Source) -> bool:
    """Whether the source has at least one stream."""
    return bool(_streams(target, source))


def lines(target: Target, source: Source, *, last: int | None = None) -> list[Line]:
    """The source's events in order of time; only the `last` so many when given. Empty when there are none (yet)."""
    found: list[Line] = []
    for stream in _streams(target, source):
        found += _events(target, source.group, stream, last)
    found.sort(key=lambda line: line.time)
    return found[-last:] if last else found


def follow(target: Target, source: Source, *, last: int) -> Iterator[Line]:
    """The source's last events, then new ones as they come, until interrupted."""
    for _, line in follow_all(target, lambda: [("", source)], lambda: True, last=last):
        yield line


def follow_all(
    target: Target, sources: Callable[[], list[tuple[str, Source]]], running: Callable[[], bool], *, last: int
) -> Iterator[tuple[str, Line]]:
    """The last events of several sources, then new ones as they come, each with its source's label.

    Args:
        target: Where to look.
        sources: Labels and sources; asked again each time, as a pipeline execution goes on to further jobs.
        running: Whether more may come; when it says no, what is left is given and that is the end.
        last: How many of the events there are at the beginning, of all sources together.
    """
    seen: dict[tuple[str, str], str] = {}
    started = False
    while True:
        more = running()
        fresh: list[tuple[str, Line]] = []
        for label, source in sources():
            for stream in _streams(target, source):
                tokens = {stream: seen[source.group, stream]} if (source.group, stream) in seen else {}
                fresh += [(label, line) for line in _events(target, source.group, stream, None, tokens)]
                if stream in tokens:
                    seen[source.group, stream] = tokens[stream]
        fresh.sort(key=lambda found: found[1].time)
        yield from fresh if started else fresh[-last:]
        if not more:
            return
        started = True
        time.sleep(target.poll_seconds)


def _streams(target: Target, source: Source) -> list[str]:
    client = target.client("logs")
    request: dict[str, Any] = {"logGroupName": source.group}
    if source.prefix:
        request["logStreamNamePrefix"] = source.prefix
    try:
        pages = client.get_paginator("describe_log_streams").paginate(**request)
        return [stream["logStreamName"] for page in pages for stream in page["logStreams"]]
    except client.exceptions.ResourceNotFoundException:
        return []


def _events(
    target: Target, group: str, stream: str, last: int | None, seen: dict[str, str] | None = None
) -> list[Line]:
    """Events of one stream; with `seen`, those after the token kept there (which is moved on)."""
    client = target.client("logs")
    request: dict[str, Any] = {"logGroupName": group, "logStreamName": stream, "startFromHead": last is None}
    if last is not None:
        request["limit"] = min(last, 10_000)
    if seen is not None and stream in seen:
        request["nextToken"] = seen[stream]
    found: list[Line] = []
    while True:
        try:
            page = client.get_log_events(**request)
        except client.exceptions.ResourceNotFoundException:
            return found
        found += [Line(stream, event["timestamp"] / 1000, event["message"].rstrip("\n")) for event in page["events"]]
        token = page.get("nextForwardToken")
        if seen is not None and token:
            seen[stream] = token
        if last is not None or not page["events"] or not token or token == request.get("nextToken"):
            return found
        request["nextToken"] = token
