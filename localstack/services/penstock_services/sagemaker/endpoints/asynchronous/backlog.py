"""The queue of an asynchronous endpoint: each request a file, so that none is lost when the process ends.

Workers take the oldest, fetch its input, ask the container, and write the answer; there are as many as the instances may
have requests at a time (``MaxConcurrentInvocationsPerInstance``). Without instances the requests wait.
Metrics: https://docs.aws.amazon.com/sagemaker/latest/dg/async-inference-monitor.html.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from dataclasses import asdict
from pathlib import Path

import httpx

from penstock_services.errors import ServiceError
from penstock_services.sagemaker.endpoints.asynchronous.notification import notify
from penstock_services.sagemaker.endpoints.asynchronous.request import Answer, AsyncRequest, FailedError
from penstock_services.sagemaker.endpoints.asynchronous.storage import read, write
from penstock_services.sagemaker.endpoints.counting import count_model
from penstock_services.sagemaker.endpoints.live import STOPPED, Live
from penstock_services.sagemaker.endpoints.metrics import METRICS, Source
from penstock_services.sagemaker.endpoints.routing import Route, choose

_LOG = logging.getLogger(__name__)
_PER_INSTANCE = 4
_WORKERS = 32
_PAUSE = 0.05
_ATTEMPTS = 3


class Backlog:
    """The requests of one endpoint that wait or are being answered."""

    def __init__(self, endpoint: Live) -> None:
        self._endpoint = endpoint
        self._folder = endpoint.folder / "requests"
        self._folder.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._waiting = sorted(self._folder.glob("*.json"), key=lambda path: path.stat().st_mtime_ns)
        self._busy = 0
        self._workers = 0
        self._client = httpx.Client(trust_env=False, limits=httpx.Limits(keepalive_expiry=4.0))

    def put(self, request: AsyncRequest, body: bytes) -> None:
        """Take a request; it is on disk before this returns."""
        path = self._folder / f"{request.identity}.json"
        path.with_suffix(".body").write_bytes(body)
        draft = path.with_suffix(".draft")
        draft.write_text(json.dumps(asdict(request)))
        draft.replace(path)
        with self._lock:
            self._waiting.append(path)
        self.work()

    def work(self) -> None:
        """Have enough workers for what waits."""
        with self._lock:
            wanted = min(_WORKERS, len(self._waiting) + self._busy)
            fresh, self._workers = max(0, wanted - self._workers), max(wanted, self._workers)
        for _ in range(fresh):
            threading.Thread(target=self._run, name=f"async-{self._endpoint.name}", daemon=True).start()
        self._measure()

    def _measure(self) -> None:
        context, source = self._endpoint.context, Source(self._endpoint.name)
        size, instances = len(self._waiting) + self._busy, self._instances()
        METRICS.add(context, source, "ApproximateBacklogSize", size, "Count")
        METRICS.add(context, source, "HasBacklogWithoutCapacity", 1 if size and not instances else 0, "Count")
        if instances:
            METRICS.add(context, source, "ApproximateBacklogSizePerInstance", size / instances, "Count")

    def _instances(self) -> int:
        return sum(side.fleet.running for side in self._endpoint.sides)

    def _run(self) -> None:
        """A worker: goes when nothing waits, or the endpoint or the process ends."""
        while not self._endpoint.over:
            with self._lock:
                if not self._waiting:
                    self._workers -= 1
                    return
                taken = self._take(self._waiting[0])
            if taken is None:
                STOPPED.wait(_PAUSE)
                continue
            path, request, route = taken
            try:
                done = self._answer(path, request, route)
            except Exception:  # noqa: BLE001 (the worker goes on)
                _LOG.exception("asynchronous request %s of %s", request.inference_id, self._endpoint.name)
                done = True
            with self._lock:
                self._busy -= 1
            if done:
                path.unlink(missing_ok=True)
                path.with_suffix(".body").unlink(missing_ok=True)
            self._measure()

    def _take(self, path: Path) -> tuple[Path, AsyncRequest, Route | None] | None:
        """The oldest request, when it can be answered now or has expired."""
        request = AsyncRequest(**json.loads(path.read_text()))
        most = max(1, self._instances()) * (request.concurrency or _PER_INSTANCE)
        route = self._route(request) if self._busy < most else None
        if route is None and not _expired(request):
            return None
        self._waiting.remove(path)
        self._busy += 1
        return path, request, route

    def _route(self, request: AsyncRequest) -> Route | None:
        try:
            return choose(self._endpoint)
        except ServiceError as error:
            _LOG.warning("asynchronous request %s of %s: %s", request.inference_id, self._endpoint.name, error.message)
            return None

    def _answer(self, path: Path, request: AsyncRequest, route: Route | None) -> bool:
        """Answer a request and tell; False where the process ended over it, so that it is taken up again."""
        context, source = self._endpoint.context, self._source(route)
        METRICS.add(context, source, "TimeInBacklog", (time.time() - request.received) * 1e6, "Microseconds")
        answer: Answer | FailedError
        try:
            if route is None or _expired(request):
                METRICS.add(context, source, "ExpiredRequests", 1, "Count")
                message = f"The request waited {request.queue_seconds} seconds (RequestTTLSeconds) and has expired."
                raise FailedError(message)
            body = path.with_suffix(".body").read_bytes()
            answer = self._ask(request, route, source, read(context, source, request) or body)
            write(context, source, request, request.output_location, answer)
        except FailedError as failure:
            if self._endpoint.over:
                return False
            answer = failure
            METRICS.add(context, source, "InvocationFailures", 1, "Count")
            self._write_failure(source, request, failure)
        METRICS.add(context, source, "InvocationsProcessed", 1, "Count")
        if not notify(context, self._endpoint.name, request, answer):
            METRICS.add(context, source, "NotificationFailures", 1, "Count")
        METRICS.add(context, source, "TotalProcessingTime", (time.time() - request.received) * 1e3, "Milliseconds")
        return True

    def _source(self, route: Route | None) -> Source:
        if route is not None:
            return Source(self._endpoint.name, route.variant.plan.name, route.config)
        main = self._endpoint.main
        return Source(self._endpoint.name, next(iter(main.fleet.variants)) if main else "")

    def _ask(self, request: AsyncRequest, route: Route, source: Source, body: bytes) -> Answer:
        """The container's answer; a server that could not be reached is asked again. Raises FailedError."""
        taken: Route | None = route
        for attempt in range(_ATTEMPTS):
            if attempt:
                STOPPED.wait(1)
                taken = self._route(request)
            answer = self._post(request, taken, source, body) if taken is not None else None
            if answer is None or taken is None:
                continue
            if taken.side.capture is not None:
                sent, name = request.content_type, taken.variant.plan.name
                taken.side.capture.add(name, body, sent, answer.body, answer.content_type, request.inference_id)
            return answer
        message = "ClientError: the container closed the connection. See the SageMaker Endpoint logs in your account."
        raise FailedError(message)

    def _post(self, request: AsyncRequest, route: Route, source: Source, body: bytes) -> Answer | None:
        """The container's answer; None where it gave none. Raises FailedError."""
        headers = {"Content-Type": request.content_type, "Accept": request.accept}
        headers["X-Amzn-SageMaker-Inference-Id"] = request.inference_id
        if request.custom is not None:
            headers["X-Amzn-SageMaker-Custom-Attributes"] = request.custom
        url = f"{route.instance.url}/invocations"
        began, status = time.perf_counter(), 0
        with route.instance.serving():
            try:
                found = self._client.post(url, content=body, headers=headers, timeout=request.invocation_seconds)
                status = found.status_code
            except httpx.TimeoutException:
                message = (
                    f"ModelError: no answer within {request.invocation_seconds} seconds (InvocationTimeoutSeconds)."
                )
                raise FailedError(message) from None
            except httpx.HTTPError as error:
                _LOG.info("asynchronous request %s: %s", request.inference_id, error)
                route.instance.suspect()
                return None
            finally:
                count_model(self._endpoint.context, source, status, time.perf_counter() - began)
        answer = Answer(found.content, found.headers.get("content-type", "application/octet-stream"))
        if 200 <= status < 300:
            return answer
        side = "server" if status >= 500 else "client"
        reason = (
            f"ClientError: Received {side} error ({status}) from model. "
            "See the SageMaker Endpoint logs in your account for more information."
        )
        raise FailedError(reason, answer)

    def _write_failure(self, source: Source, request: AsyncRequest, failure: FailedError) -> None:
        if request.failure_location is None:
            return
        try:
            write(self._endpoint.context, source, request, request.failure_location, failure.answer)
        except FailedError as error:
            _LOG.warning("the failure of %s was not written: %s", request.inference_id, error)


def _expired(request: AsyncRequest) -> bool:
    return time.time() - request.received >= request.queue_seconds


_BACKLOGS: dict[Live, Backlog] = {}
_lock = threading.Lock()


def enqueue(endpoint: Live, request: AsyncRequest, body: bytes) -> None:
    """Have an endpoint answer a request when it comes to it."""
    _of(endpoint).put(request, body)


def resume(endpoint: Live) -> None:
    """Go on with what waited when the last process ended."""
    if (endpoint.folder / "requests").is_dir():
        _of(endpoint).work()


def forget(endpoint: Live) -> None:
    """The endpoint is gone, and its queue with it."""
    with _lock:
        _BACKLOGS.pop(endpoint, None)


def _of(endpoint: Live) -> Backlog:
    with _lock:
        if endpoint not in _BACKLOGS:
            _BACKLOGS[endpoint] = Backlog(endpoint)
        return _BACKLOGS[endpoint]
