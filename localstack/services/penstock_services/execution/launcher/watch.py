"""Waiting for a child, for SIGTERM, for the lifeline and for the watchdog at once."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
from collections.abc import Callable
from types import FrameType

_PAUSE = 0.1


def tell(report: int | None, **facts: object) -> None:
    """One JSON line for whoever started us."""
    if report is not None:
        with contextlib.suppress(OSError):
            os.write(report, (json.dumps(facts) + "\n").encode())


def tell_end(report: int, status: int) -> None:
    """How the command ended, from its wait status."""
    if os.WIFSIGNALED(status):
        tell(report, signal=os.WTERMSIG(status))
    else:
        tell(report, exit=os.WEXITSTATUS(status))


class Watch:
    """Waits for one child. A SIGTERM that comes is passed on to it, and told on ``report`` if that is given."""

    def __init__(self, report: int | None) -> None:
        self._read, write = os.pipe()
        os.set_blocking(self._read, False)
        os.set_blocking(write, False)
        self.report = report
        self.child = 0
        self._terminated = False
        self._passed_on = False
        signal.set_wakeup_fd(write, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, self._nothing)
        signal.signal(signal.SIGTERM, self._terminate)
        signal.signal(signal.SIGINT, signal.SIG_IGN)

    def _nothing(self, _number: int, _frame: FrameType | None) -> None:
        """SIGCHLD only wakes the loop."""

    def _terminate(self, _number: int, _frame: FrameType | None) -> None:
        self._terminated = True
        tell(self.report, terminated=True)
        self._pass_on()

    def _pass_on(self) -> None:
        if self.child and self._terminated and not self._passed_on:
            # The signal may come while `wait` is passing on an earlier one: the command gets one all the same.
            self._passed_on = True
            with contextlib.suppress(OSError):
                os.kill(self.child, signal.SIGTERM)

    def wait(self, child: int, lifeline: int | None, look: Callable[[], bool] | None = None) -> int | None:
        """The child's wait status; None when the lifeline closed first, or ``look`` (asked ten times a second) says
        that it is enough. Reaps orphans on the way."""
        self.child = child
        self._pass_on()
        watched = [self._read] if lifeline is None else [self._read, lifeline]
        while True:
            with contextlib.suppress(ChildProcessError):
                while True:
                    process, status = os.waitpid(-1, os.WNOHANG)
                    if process == child:
                        return status
                    if process == 0:
                        break
            ready, _, _ = select.select(watched, [], [], _PAUSE if look else None)
            if self._read in ready:
                with contextlib.suppress(BlockingIOError):
                    os.read(self._read, 4096)
            if lifeline is not None and lifeline in ready and not os.read(lifeline, 1):
                return None
            if look is not None and look():
                return None
