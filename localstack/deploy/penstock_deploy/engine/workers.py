"""Threads for steps and calls that never keep the process alive."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent import futures
from typing import Any

from penstock_deploy.engine.stopping import POLL_SECONDS

_Task = tuple[futures.Future[Any], Callable[[], Any]]


class Workers(futures.Executor):
    """An executor of daemon threads: a step that hangs does not hold up a process that was told twice to end.

    The standard library's executor joins its threads when the interpreter ends, whatever they are waiting for.
    """

    def __init__(self, most: int, name: str) -> None:
        self._most = max(most, 1)
        self._name = name
        self._tasks: queue.SimpleQueue[_Task | None] = queue.SimpleQueue()
        self._free = threading.Semaphore(0)
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._closed = False

    def submit[T](self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> futures.Future[T]:
        """See concurrent.futures.Executor."""
        future: futures.Future[T] = futures.Future()
        with self._lock:
            if self._closed:
                raise RuntimeError("cannot schedule new futures after shutdown")
            self._tasks.put((future, lambda: fn(*args, **kwargs)))
            if not self._free.acquire(blocking=False) and len(self._threads) < self._most:
                thread = threading.Thread(target=self._work, name=f"{self._name}-{len(self._threads)}", daemon=True)
                self._threads.append(thread)
                thread.start()
        return future

    def _work(self) -> None:
        while (task := self._tasks.get()) is not None:
            future, call = task
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(call())
                except BaseException as error:  # noqa: BLE001 - handed on by the future
                    future.set_exception(error)
            del task, future, call
            self._free.release()

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """See concurrent.futures.Executor."""
        with self._lock:
            self._closed = True
            threads = list(self._threads)
            while cancel_futures:
                try:
                    task = self._tasks.get_nowait()
                except queue.Empty:
                    break
                if task is not None:
                    task[0].cancel()
            for _ in threads:
                self._tasks.put(None)
        if wait:
            for thread in threads:
                thread.join()


def ended[T](running: Iterable[futures.Future[T]], abandoned: threading.Event) -> Iterator[futures.Future[T]]:
    """The futures as they end; no more of them once the deployment is abandoned."""
    left = set(running)
    while left and not abandoned.is_set():
        done, left = futures.wait(left, POLL_SECONDS, futures.FIRST_COMPLETED)
        yield from done
