"""The queue of jobs: as many at once as the machine has cores and one more, in the order in which they came.

Jobs that only start other jobs (``waits_for_place`` False) get a thread at once and hold no place, so that they can
never keep out what they wait for. A job of several hosts holds one place for all of them: they start together or not
at all, so two such jobs cannot each wait for the other's hosts. Jobs that must be alone wait for one another before they
take a place.
"""

from __future__ import annotations

import os
import threading
from concurrent.futures import Future, ThreadPoolExecutor

from penstock_services.sagemaker.jobs.base import BaseJob

_ORCHESTRATORS = 1000


class Queue:
    """Runs jobs, ``places`` at a time."""

    def __init__(self, places: int) -> None:
        self.places = places
        self._pool = ThreadPoolExecutor(places, thread_name_prefix="job")
        self._free = ThreadPoolExecutor(_ORCHESTRATORS, thread_name_prefix="orchestration")
        self._jobs: dict[str, tuple[BaseJob, Future[None]]] = {}
        self._taken = 0
        self._single: list[str] = []
        self._lock = threading.RLock()

    def submit(self, arn: str, job: BaseJob) -> None:
        """Run the job when there is a place."""
        with self._lock:
            if job.alone:
                self._single.append(arn)
                if self._single[0] != arn:
                    self._jobs[arn] = (job, Future())
                    job.waits()
                    return
            self._begin(arn, job)

    def _begin(self, arn: str, job: BaseJob) -> None:
        if not job.waits_for_place:
            self._jobs[arn] = (job, self._free.submit(self._run, arn, job))
            return
        if self._taken >= self.places:
            job.waits()
        self._taken += 1
        self._jobs[arn] = (job, self._pool.submit(self._run, arn, job))

    def _run(self, arn: str, job: BaseJob) -> None:
        try:
            job.run()
        finally:
            self._forget(arn, job)

    def _forget(self, arn: str, job: BaseJob) -> None:
        with self._lock:
            if self._jobs.pop(arn, None) is None:
                return
            first = self._single[:1] == [arn]
            if arn in self._single:
                self._single.remove(arn)
            if job.waits_for_place and (first or not job.alone):
                self._taken -= 1
            if first and self._single:
                following = self._single[0]
                self._begin(following, self._jobs[following][0])

    def find(self, arn: str) -> BaseJob | None:
        """The job of an ARN, if it runs or waits here."""
        with self._lock:
            found = self._jobs.get(arn)
        return found[0] if found else None

    def stop(self, arn: str) -> bool:
        """Ask a job to stop; one that still waits for its place is Stopped at once. False if it is not there."""
        with self._lock:
            found = self._jobs.get(arn)
            if found is None:
                return False
            job, future = found
            waiting = future.cancel()
            if waiting:
                self._forget(arn, job)
        job.ask_to_stop()
        if waiting:
            job.end("Stopped")
        return True

    def close(self) -> None:
        """Kill everything; the jobs become Failed."""
        with self._lock:
            jobs = list(self._jobs.values())
            self._single.clear()
        for job, _ in jobs:
            job.abandoned = True
            job.ask_to_stop()
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._free.shutdown(wait=True, cancel_futures=True)


QUEUE = Queue((os.cpu_count() or 1) + 1)
