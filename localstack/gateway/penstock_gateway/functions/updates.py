"""Updates and restarts in which no invocation is lost.

A function that is updated can be invoked all the while (API reference, UpdateFunctionConfiguration), and what runs is
left to end. LocalStack by itself kills what the old version runs; and what the old version's poller of asynchronous
invocations receives last stays invisible to the new one for the function's time-out and a minute. Invocations that
wait, or are under way, when the gateway ends are begun again by the next one (`state.messages` keeps them), if the
function's queue has the same name then.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Iterable, Iterator
from typing import Any

from localstack.services.lambda_ import provider
from localstack.services.lambda_.invocation import event_manager, lambda_service
from localstack.services.lambda_.invocation.event_manager import LambdaEventManager, Poller
from localstack.services.lambda_.invocation.lambda_models import (
    Function,
    FunctionVersion,
    Invocation,
    InvocationResult,
    VersionState,
)
from localstack.services.lambda_.invocation.lambda_service import LambdaService
from localstack.services.lambda_.invocation.version_manager import LambdaVersionManager

from penstock_gateway.functions import unpacked

LOG = logging.getLogger(__name__)

WAIT_SECONDS = 2
BATCH = 10
GRACE_SECONDS = 60
"""What a message may take beside the function's time-out before it is given to somebody else."""


_gateway_ends = threading.Event()


class GatewayEndsError(Exception):
    """The processes of functions are ended, and the answers of those say nothing."""


class FinishingVersion(LambdaVersionManager):
    """A version that, when another one takes its place, ends after its last invocation."""

    replaced = False

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._running = 0
        self._changed = threading.Condition()

    def invoke(self, *, invocation: Invocation) -> InvocationResult:
        """Run the function once; it counts as running meanwhile."""
        with self._changed:
            self._running += 1
        try:
            return super().invoke(invocation=invocation)
        finally:
            with self._changed:
                self._running -= 1
                self._changed.notify_all()

    def stop(self) -> None:
        """End the version's processes: at once where its function goes, or the gateway; otherwise when they are idle."""
        if self.replaced:
            threading.Thread(target=self._finish, name=f"finishing-{self.function_arn}", daemon=True).start()
        else:
            super().stop()

    def _finish(self) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._running == 0)
        super().stop()


class FinishingService(LambdaService):
    """Tells a version that it was replaced, and leaves the functions' queues as they are when the gateway ends."""

    event_managers: dict[str, LambdaEventManager]

    def stop(self) -> None:
        """Stop taking invocations from the queues, then end all that runs."""
        _gateway_ends.set()
        for manager in self.event_managers.values():
            self.task_executor.submit(manager.stop_for_update)
        self.event_managers = {}
        super().stop()

    def update_version_state(self, function_version: FunctionVersion, new_state: VersionState) -> None:
        """Put the new version in the old one's place, if it can be invoked."""
        old = self.lambda_running_versions.get(function_version.qualified_arn)
        if isinstance(old, FinishingVersion):
            old.replaced = True
        super().update_version_state(function_version=function_version, new_state=new_state)


class FinishingPoller(Poller):
    """Takes asynchronous invocations from the function's queue, and runs all that it took."""

    @property
    def event_queue_url(self) -> str:
        """The queue. Raises GatewayEndsError when an invocation that was ended with the gateway would be taken out of it."""
        if _gateway_ends.is_set():
            raise GatewayEndsError("the gateway ends: what did not end before stays in the queue")
        return self._url

    @event_queue_url.setter
    def event_queue_url(self, url: str) -> None:
        self._url = url

    def run(self, *_arguments: Any, **_options: Any) -> None:
        """Poll until it is stopped; what arrives with the last call is run as well."""
        version, url = self.version_manager.function_version, self._url
        queue = event_manager.get_sqs_client(version)
        while not self._shutdown_event.is_set():
            try:
                answer = queue.receive_message(
                    QueueUrl=url,
                    WaitTimeSeconds=WAIT_SECONDS,
                    MaxNumberOfMessages=BATCH,
                    VisibilityTimeout=version.config.timeout + GRACE_SECONDS,
                )
                for message in answer["Messages"] or []:
                    self.invoker_pool.submit(self.handle_message, message)
            except Exception:
                if not self._shutdown_event.is_set():
                    LOG.exception("the asynchronous invocations of %s cannot be received", version.qualified_arn)
                    self._shutdown_event.wait(1)
        self.invoker_pool.shutdown(wait=False)

    def stop(self) -> None:
        """Take nothing more."""
        self._shutdown_event.set()


class KeptEvents(LambdaEventManager):
    """The asynchronous invocations of a function, in the queue that it had before the gateway was started again."""

    def start(self) -> None:
        """Open the queue and take from it."""
        function = self.version_manager.function
        arn = self.version_manager.function_version.id.unqualified_arn()
        function.instance_id = _instances.get(arn, function.instance_id)
        super().start()


_instances: dict[str, str] = {}


@contextlib.contextmanager
def same_queues(functions: Iterable[Function]) -> Iterator[None]:
    """The functions that start in here keep the identity that their queues are named after; LocalStack gives a new one."""
    _instances.update({function.latest().id.unqualified_arn(): function.instance_id for function in functions})
    try:
        yield
    finally:
        _instances.clear()


def install() -> None:
    """Let LocalStack's Lambda work with these; before its provider is made."""
    unpacked.install()
    event_manager.Poller = FinishingPoller
    lambda_service.LambdaEventManager = KeptEvents
    lambda_service.LambdaVersionManager = FinishingVersion
    provider.LambdaService = FinishingService
