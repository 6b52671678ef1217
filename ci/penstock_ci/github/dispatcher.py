"""Runs the workflows that an event starts, each in a clean clone, one at a time for each concurrency group.

As on GitHub: of one group one run is in progress and at most one waits (a newer one takes the waiting one's place). An
event that equals one still waiting or running starts nothing: EventBridge delivers at least once.
"""

from __future__ import annotations

import logging
import os
import shutil
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from penstock_ci.act import payload as payloads
from penstock_ci.act import runner, workflows
from penstock_ci.errors import UserError
from penstock_ci.github.state import GitHubState, now

LOGGER = logging.getLogger("penstock.github")
CLOUD_PREFIXES = ("AWS_", "PULUMI_", "SAGEMAKER_")
CLOUD_NAMES = ("GITHUB_API_URL", "GITHUB_TOKEN", "PENSTOCK_STATE_DIR", "PENSTOCK_STACK")


def cloud_variables(environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """The local cloud's variables in this process's environment."""
    environment = os.environ if environment is None else environment
    return {
        name: value for name, value in environment.items() if name.startswith(CLOUD_PREFIXES) or name in CLOUD_NAMES
    }


class Runner(Protocol):
    """`act.runner.run`, or a stand-in of a test."""

    def __call__(
        self,
        event: str,
        repository: Path,
        folder: Path,
        *,
        cloud: Mapping[str, str],
        payload: dict[str, Any] | None,
        workflow: str,
        run_id: str,
        stop: threading.Event | None,
    ) -> runner.RunResult: ...


@dataclass
class _Waiting:
    record: dict[str, Any]
    key: tuple[str, ...]
    stop: threading.Event = field(default_factory=threading.Event)


class Dispatcher:
    """Queues of runs. `close` interrupts what runs."""

    def __init__(self, state: GitHubState, cloud: Mapping[str, str], run: Runner = runner.run) -> None:
        self._state = state
        self._cloud = dict(cloud)
        self._run = run
        self._lock = threading.Condition()
        self._running: dict[str, _Waiting] = {}
        self._waiting: dict[str, _Waiting] = {}
        self._threads: list[threading.Thread] = []
        self._closed = False
        for record in state.runs():
            if record["status"] != "completed":
                self._finish(record, "cancelled", "the receiver ended while this run was under way")

    def dispatch(
        self, name: str, event: str, payload: dict[str, Any], *, workflow: str = "", branch: str = "main"
    ) -> list[int]:
        """Start every workflow of a repository that answers an event.

        Args:
            name: `owner/name` of a registered repository.
            workflow: Only this workflow file.

        Returns:
            Ids of the runs; empty where no workflow answers, as on GitHub. An event that is under way already returns
            the id of its run.

        Raises:
            UserError: the repository is not registered, or its workflows cannot be read.
        """
        checkout = self._state.checkout(name)
        if checkout is None:
            raise UserError(f"the repository {name} is not registered", "run in its checkout: penstock ci register")
        try:
            chosen = workflows.select(checkout, event, action=payloads.action_of(event, payload), file=workflow)
        except UserError as error:
            if "no workflow answers" not in error.message:
                raise
            LOGGER.info("%s: %s", name, error.message)
            return []
        return [self._queue(name, checkout, event, payload, candidate, branch) for candidate in chosen]

    def _queue(
        self, name: str, checkout: Path, event: str, payload: dict[str, Any], chosen: workflows.Workflow, branch: str
    ) -> int:
        key = (name.lower(), event, chosen.path.name, branch, repr(sorted(payload.items())))
        group = f"{name.lower()}:{chosen.group or f'{chosen.path.name}:{id(payload)}'}"
        with self._lock:
            for other in [*self._running.values(), *self._waiting.values()]:
                if other.key == key:
                    LOGGER.info("%s: run %s has this event already", name, other.record["id"])
                    return int(other.record["id"])
            record = self._state.new_run(
                {
                    "repository": name,
                    "checkout": str(checkout),
                    "event": event,
                    "action": payloads.action_of(event, payload),
                    "name": chosen.name,
                    "path": str(chosen.path),
                    "group": group,
                    "head_branch": branch,
                    "payload": payload,
                }
            )
            entry = _Waiting(record, key)
            LOGGER.info("%s: run %s of %s for %s", name, record["id"], chosen.path.name, record["action"] or event)
            if group in self._running:
                replaced = self._waiting.pop(group, None)
                if replaced is not None:
                    self._finish(replaced.record, "cancelled", "a newer run of its concurrency group took its place")
                self._waiting[group] = entry
                if chosen.cancels:
                    self._running[group].stop.set()
            else:
                self._begin(group, entry)
            return int(record["id"])

    def _begin(self, group: str, entry: _Waiting) -> None:
        self._running[group] = entry
        thread = threading.Thread(target=self._work, args=(group, entry), name=f"run-{entry.record['id']}", daemon=True)
        self._threads = [other for other in self._threads if other.is_alive()]
        self._threads.append(thread)
        thread.start()

    def _work(self, group: str, entry: _Waiting) -> None:
        try:
            self._execute(entry)
        finally:
            with self._lock:
                del self._running[group]
                following = self._waiting.pop(group, None)
                if following is not None:
                    if self._closed:
                        self._finish(following.record, "cancelled", "the receiver ended")
                    else:
                        self._begin(group, following)
                self._lock.notify_all()

    def _execute(self, entry: _Waiting) -> None:
        record = entry.record
        folder = self._state.runs_folder / str(record["id"])
        clone = folder / "checkout"
        try:
            record |= {"status": "in_progress", "run_started_at": now()}
            self._state.write_run(record)
            record["head_sha"] = self._state.clone(
                Path(record["checkout"]), record["repository"], clone, record["head_branch"]
            )
            self._state.write_run(record)
            result = self._run(
                record["event"],
                clone,
                folder,
                cloud=self._cloud,
                payload=record["payload"],
                workflow=Path(record["path"]).name,
                run_id=str(record["id"]),
                stop=entry.stop,
            )
        except UserError as error:
            self._finish(record, "failure", f"{error.message}; {error.fix}" if error.fix else error.message)
        except Exception as error:  # a run's record must not stay open, whatever happened
            LOGGER.exception("run %s", record["id"])
            self._finish(record, "failure", f"{type(error).__name__}: {error}")
        else:
            record |= {"result": result.to_json(), "seconds": round(result.seconds, 2)}
            if result.ok:
                self._finish(record, "success", "")
            else:
                self._finish(record, "cancelled" if entry.stop.is_set() else "failure", result.problem)
        finally:
            shutil.rmtree(clone, ignore_errors=True)

    def _finish(self, record: dict[str, Any], conclusion: str, problem: str) -> None:
        record |= {"status": "completed", "conclusion": conclusion, "problem": problem, "updated_at": now()}
        self._state.write_run(record)
        LOGGER.info("run %s: %s %s", record["id"], conclusion, problem)

    def wait(self, predicate: Callable[[], bool] | None = None, timeout: float = 600.0) -> bool:
        """Wait until nothing runs (or the predicate holds); False when time is up."""
        with self._lock:
            return self._lock.wait_for(predicate or (lambda: not self._running), timeout)

    def close(self) -> None:
        """Interrupt what runs, and wait for it to end."""
        with self._lock:
            self._closed = True
            for entry in self._running.values():
                entry.stop.set()
            threads = list(self._threads)
        for thread in threads:
            thread.join(runner.GRACE_SECONDS + 5.0)
