"""Messages of SQS, a row each: sent, received, deleted and moved ones are on disk before the answer.

Which of them are in flight or delayed follows from their own times when they are put back into their queues. The
asynchronous invocations of Lambda lie in queues of the same kind, which LocalStack makes when a function starts.
"""

from __future__ import annotations

import functools
import threading
import time
from collections.abc import Callable
from typing import Any

from localstack.config import INTERNAL_RESOURCE_ACCOUNT
from localstack.services.lambda_.invocation.internal_sqs_queue import QueueManager
from localstack.services.sqs import constants
from localstack.services.sqs.models import FifoQueue, SqsMessage, SqsQueue, StandardQueue, sqs_stores

from penstock_gateway.state import pickling
from penstock_gateway.state.database import Database

_SCHEMA = """
CREATE TABLE IF NOT EXISTS messages (
    queue TEXT NOT NULL, id TEXT NOT NULL, message BLOB NOT NULL, PRIMARY KEY (queue, id)
);
"""
CONTENTS = (
    "delayed", "inflight", "receipts", "mutex", "visible",
    "deduplication", "message_groups", "inflight_groups", "message_group_queue",
)  # fmt: skip
"""What of a queue follows from its messages."""


class Messages:
    """The table of messages, fed by LocalStack's queues once it is installed."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._moved = threading.local()
        with database.transaction() as connection:
            connection.execute(_SCHEMA)

    def write(self, queue: SqsQueue, messages: list[SqsMessage]) -> None:
        """Write the messages as they are now; those that were deleted meanwhile stay away."""
        if messages:
            with self._database.transaction() as connection:
                rows = [
                    (queue.arn, message.message_id, pickling.plain_dumps(message))
                    for message in messages
                    if not message.deleted
                ]
                connection.executemany("INSERT OR REPLACE INTO messages VALUES (?, ?, ?)", rows)

    def remove(self, queue: SqsQueue, messages: list[SqsMessage]) -> None:
        """Forget messages."""
        if messages:
            with self._database.transaction() as connection:
                rows = [(queue.arn, message.message_id) for message in messages]
                connection.executemany("DELETE FROM messages WHERE queue=? AND id=?", rows)

    def moving(self, queue: SqsQueue, messages: list[SqsMessage]) -> None:
        """These leave for the dead-letter queue: they are forgotten here once this request has put them there."""
        for message in messages:
            message.deleted = True
        self._moved.__dict__.setdefault("messages", []).append((queue, messages))

    def settle(self) -> None:
        """The request of this thread is done."""
        for queue, messages in self._moved.__dict__.pop("messages", []):
            self.remove(queue, messages)

    def forget_gone(self) -> None:
        """Forget the messages of queues that were deleted."""
        living = {queue.arn for _, _, store in sqs_stores.iter_stores() for queue in list(store.queues.values())}
        with self._database.transaction() as connection:
            known = [arn for (arn,) in connection.execute("SELECT DISTINCT queue FROM messages")]
            gone = [(arn,) for arn in known if arn not in living and not _is_internal(arn)]
            connection.executemany("DELETE FROM messages WHERE queue=?", gone)

    def clear(self, queue: SqsQueue) -> None:
        """Forget a queue's messages."""
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM messages WHERE queue=?", (queue.arn,))

    def fill(self) -> None:
        """Put every message back into its queue; forget those of queues that are gone, and expired ones."""
        with self._database.transaction() as connection:
            rows = connection.execute("SELECT queue, id, message FROM messages").fetchall()
        queues = {queue.arn: queue for _, _, store in sqs_stores.iter_stores() for queue in store.queues.values()}
        held: dict[str, list[SqsMessage]] = {}
        lost = []
        now = time.time()
        for arn, identifier, data in rows:
            queue = queues.get(arn)
            if _is_internal(arn):
                continue
            message = pickling.loads(data)
            if queue is None or message.created + queue.message_retention_period < now:
                lost.append((arn, identifier))
            else:
                held.setdefault(arn, []).append(message)
        with self._database.transaction() as connection:
            connection.executemany("DELETE FROM messages WHERE queue=? AND id=?", lost)
        for arn, messages in held.items():
            # Messages in flight first: they hold back the others of their group.
            messages.sort(key=lambda message: (message.is_visible, message.priority))
            _fill(queues[arn], messages)

    def fill_internal(self, queue: SqsQueue) -> None:
        """Put back what one of Lambda's queues held; what was under way when the gateway ended is begun again."""
        with self._database.transaction() as connection:
            rows = connection.execute("SELECT message FROM messages WHERE queue=?", (queue.arn,)).fetchall()
        for (data,) in rows:
            message = pickling.loads(data)
            message.visibility_deadline = None
            if message.is_delayed:
                queue.delayed.add(message)
            else:
                queue._put_message(message)


def _is_internal(arn: str) -> bool:
    account: str = arn.split(":")[4]
    return account == str(INTERNAL_RESOURCE_ACCOUNT)


def _fill(queue: SqsQueue, messages: list[SqsMessage]) -> None:
    for message in messages:
        queue.receipts.update(dict.fromkeys(message.receipt_handles, message))
        if isinstance(queue, FifoQueue):
            recent = message.priority + constants.DEDUPLICATION_INTERVAL_IN_SEC > time.time()
            if recent and message.message_deduplication_id:
                queue.deduplication[message.message_deduplication_id] = message
        if message.receive_count and not message.is_visible:
            queue.add_inflight_message(message)
            if isinstance(queue, FifoQueue):
                queue.inflight_groups.add(queue.get_message_group(message.message_group_id))
        elif message.is_delayed:
            queue.delayed.add(message)
        elif isinstance(queue, FifoQueue):
            group = queue.get_message_group(message.message_group_id)
            if group.empty() and group not in queue.inflight_groups:
                queue.message_group_queue.put_nowait(group)
            group.push(message)
        else:
            queue._put_message(message)


def _queue(kind: type[SqsQueue], state: dict[str, Any]) -> SqsQueue:
    queue: SqsQueue = kind(state["name"], state["region"], state["account_id"])
    queue.__dict__.update(state)
    return queue


def _reduce_queue(queue: SqsQueue) -> tuple[Any, ...]:
    state = {name: value for name, value in queue.__dict__.items() if name not in CONTENTS}
    return _queue, (type(queue), state)


def install(messages: Messages) -> None:
    """Have every change to a queue's messages written."""
    pickling.reduce_with(StandardQueue, _reduce_queue)
    pickling.reduce_with(FifoQueue, _reduce_queue)
    for kind in (StandardQueue, FifoQueue):
        kind.put = _putting(kind.put, messages)
        kind.receive = _receiving(kind.receive, messages)
    QueueManager.create_queue = _creating(QueueManager.create_queue, messages)
    QueueManager.delete_queue = _deleting(QueueManager.delete_queue, messages)
    SqsQueue.remove = _removing(SqsQueue.remove, messages)
    SqsQueue.update_visibility_timeout = _showing(SqsQueue.update_visibility_timeout, messages)
    for kind in (StandardQueue, FifoQueue):
        kind.clear = _clearing(kind.clear, messages)


Method = Callable[..., Any]


def _creating(original: Method, messages: Messages) -> Method:
    @functools.wraps(original)
    def create_queue(self: QueueManager, queue_name: str) -> SqsQueue:
        with self.queue_lock:
            is_new = queue_name not in self.queues
            queue: SqsQueue = original(self, queue_name)
            if is_new:
                messages.fill_internal(queue)
        return queue

    return create_queue


def _deleting(original: Method, messages: Messages) -> Method:
    @functools.wraps(original)
    def delete_queue(self: QueueManager, queue_name: str) -> None:
        queue = self.queues.get(queue_name)
        original(self, queue_name)
        messages.clear(queue)

    return delete_queue


def _putting(original: Method, messages: Messages) -> Method:
    @functools.wraps(original)
    def put(self: SqsQueue, message: Any, *arguments: Any, **named: Any) -> SqsMessage:
        made: SqsMessage = original(self, message, *arguments, **named)
        known = getattr(self, "deduplication", {}).get(made.message_deduplication_id)
        if known is None or known is made:
            messages.write(self, [made])
        return made

    return put


def _receiving(original: Method, messages: Messages) -> Method:
    @functools.wraps(original)
    def receive(self: SqsQueue, *arguments: Any, **named: Any) -> Any:
        result = original(self, *arguments, **named)
        messages.moving(self, result.dead_letter_messages)
        messages.write(self, result.successful)
        return result

    return receive


def _removing(original: Method, messages: Messages) -> Method:
    @functools.wraps(original)
    def remove(self: SqsQueue, receipt_handle: str) -> None:
        message = self.receipts.get(receipt_handle)
        original(self, receipt_handle)
        if message is not None and message.deleted:
            messages.remove(self, [message])

    return remove


def _showing(original: Method, messages: Messages) -> Method:
    @functools.wraps(original)
    def update_visibility_timeout(self: SqsQueue, receipt_handle: str, visibility_timeout: int) -> None:
        original(self, receipt_handle, visibility_timeout)
        if message := self.receipts.get(receipt_handle):
            messages.write(self, [message])

    return update_visibility_timeout


def _clearing(original: Method, messages: Messages) -> Method:
    @functools.wraps(original)
    def clear(self: SqsQueue) -> None:
        original(self)
        messages.clear(self)

    return clear
