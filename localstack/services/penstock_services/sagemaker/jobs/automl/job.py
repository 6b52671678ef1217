"""Autopilot jobs: their processing jobs one after the other, then training jobs of candidates until there are enough."""

from __future__ import annotations

import json
import logging
import time
import uuid
from collections.abc import Callable
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from penstock_services.execution import transfer
from penstock_services.operations import Context
from penstock_services.sagemaker.engine import now
from penstock_services.sagemaker.jobs.automl import candidates, children, steps
from penstock_services.sagemaker.jobs.automl.request import asked
from penstock_services.sagemaker.jobs.runner import (
    QUEUE,
    RUNNING,
    BaseJob,
    JobFailedError,
    JobStoppedError,
    Record,
    job_kind,
)
from penstock_services.sagemaker.jobs.stopping import stop_child

_LOG = logging.getLogger(__name__)
CANDIDATES = "_candidates"
"""The member of a record with its candidates, in the order in which they were started."""
_POLL_SECONDS = 0.1
_REASON_LENGTH = 1024
_MOST_REASONS = 5
_LOST = "InternalServerError: the local cloud was stopped while this job was running"


class _OutOfTimeError(Exception):
    """MaxAutoMLJobRuntimeInSeconds is over."""


@job_kind
class AutoMLJob(BaseJob):
    """One Autopilot job, of either version of the API. It waits for other jobs, so it holds no place of the queue."""

    kind = "AutoMLJob"
    end_member = "EndTime"
    waits_for_place = False

    def __init__(self, context: Context, record: Record) -> None:
        super().__init__(context, record)
        self._arn: str = record["AutoMLJobArn"]
        self._asked = asked(record)
        self._region = context.scope.region
        self._output = f"{self._asked.output['S3OutputPath'].rstrip('/')}/{self.name}"
        self._steps: list[Record] = []
        self._shown: dict[str, Record] = {}
        self._problem = ""
        self._objective = ""
        limit = self._asked.criteria.get("MaxAutoMLJobRuntimeInSeconds")
        self._deadline = float("inf") if limit is None else time.monotonic() + limit

    @classmethod
    def mark_failed(cls, record: Record, reason: str, moment: float) -> None:
        """Failed; the candidates that were under way have failed with it."""
        super().mark_failed(record, reason, moment)
        record["AutoMLJobSecondaryStatus"] = "Failed"
        for candidate in record[CANDIDATES]:
            if candidate["CandidateStatus"] in RUNNING:
                candidate.update(CandidateStatus="Failed", ObjectiveStatus="Failed", FailureReason=reason)
                candidate.update(EndTime=moment, LastModifiedTime=moment)

    @classmethod
    def mark_stopping(cls, record: Record) -> None:
        """Stopping, and so the secondary status."""
        super().mark_stopping(record)
        record["AutoMLJobSecondaryStatus"] = "Stopping"

    def run(self) -> None:
        """The whole life of the job; never raises."""
        try:
            self._prepare()
            secondary = self._tune()
            self._conclude(secondary)
        except _OutOfTimeError:
            self.end("Failed", "ClientError: MaxAutoMLJobRuntimeInSeconds was over before a candidate was trained")
        except JobStoppedError:
            self.end("Stopped")
        except JobFailedError as error:
            self._stop_candidates()
            self.end("Failed", str(error))
        except Exception as error:  # noqa: BLE001 (becomes the FailureReason)
            _LOG.exception("Autopilot job %s", self.name)
            self._stop_candidates()
            self.end("Failed", f"InternalServerError: {type(error).__name__}: {error}")

    def _prepare(self) -> None:
        """Both processing jobs, and what the first has found."""
        prepared, features = f"{self._output}/preprocessed-data", f"{self._output}/feature-engineering"
        self._enter("AnalyzingData")
        self._process(steps.analysis(self._asked, self._name("pr-1"), self._region, prepared))
        self._problem = self._found(f"{prepared}/analysis.json")["problem_type"]
        self._objective = self._asked.objective or candidates.METRICS[self._problem][0]
        resolved = {
            "AutoMLJobObjective": {"MetricName": self._objective},
            "ProblemType": self._problem,
            "CompletionCriteria": {"MaxCandidates": self._asked.most, **self._asked.criteria},
        }
        self._enter("FeatureEngineering", ResolvedAttributes=resolved)
        request = steps.feature_engineering(self._asked, self._name("fe-1"), self._region, prepared, features)
        self._process(request)
        self._enter("ModelTuning")

    def _name(self, what: str) -> str:
        return f"{self.name}-{what}-{uuid.uuid4().hex[:8]}"

    def _process(self, request: Record) -> None:
        """Run a processing job to its end. Raises JobFailedError, JobStoppedError or _OutOfTimeError."""
        self._go_on()
        name = request["ProcessingJobName"]
        children.create(self.context, self._arn, "ProcessingJob", request)
        stopping = False
        while (job := self._processing_job(name))["ProcessingJobStatus"] in RUNNING:
            if not stopping and (self.asked_to_stop.is_set() or time.monotonic() >= self._deadline):
                stopping = True
                stop_child(self.context, "ProcessingJob", name)
            self._pause()
        self._go_on()
        if job["ProcessingJobStatus"] != "Completed":
            reason = job.get("ExitMessage") or job.get("FailureReason") or "the processing job was stopped"
            message = reason if "Error: " in reason else f"ClientError: {reason}"
            raise JobFailedError(message)
        self._steps.append(candidates.processing_step(job))

    def _go_on(self) -> None:
        """Raise JobStoppedError or _OutOfTimeError where it is time for it."""
        self.continue_or_stop()
        if time.monotonic() >= self._deadline:
            raise _OutOfTimeError

    def _pause(self) -> None:
        if self.abandoned:
            raise JobStoppedError
        time.sleep(_POLL_SECONDS)

    def _processing_job(self, name: str) -> Record:
        found = self.context.store.get(self.context.scope, "ProcessingJob", name)
        if found is None:
            message = f"ClientError: the processing job {name} was deleted"
            raise JobFailedError(message)
        return found

    def _found(self, uri: str) -> Record:
        """What the analysis has left."""
        bucket, key = transfer.split(uri)
        try:
            body = self.context.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
        except (BotoCoreError, ClientError) as error:
            message = f"ClientError: cannot read {uri}: {error}"
            raise JobFailedError(message) from None
        found: Record = json.loads(body)
        return found

    def _tune(self) -> str:
        """Train the candidates; the secondary status that says why there are no more. Raises JobStoppedError."""
        waiting = candidates.settings(self._asked.algorithms, self._asked.most)
        enough = "MaxCandidatesReached" if len(waiting) == self._asked.criteria.get("MaxCandidates") else "Completed"
        while True:
            running = self._observe()
            try:
                self._go_on()
            except (JobStoppedError, _OutOfTimeError):
                self._stop_candidates()
                self.continue_or_stop()
                return "MaxAutoMLJobRuntimeReached"
            while waiting and len(running) < QUEUE.places:
                running.append(self._train(waiting.pop(0)))
            if not running:
                return enough
            self._pause()

    def _train(self, settings: dict[str, str]) -> str:
        """Start the training job of a candidate; its name."""
        name = self._name(f"t{len(self._shown) + 1}-1")
        features, output = f"{self._output}/feature-engineering", f"{self._output}/tuning"
        request = steps.training(self._asked, name, self._region, features, output, self._problem, settings)
        children.create(self.context, self._arn, "TrainingJob", request)
        self._shown[name] = {}
        self._observe()
        return name

    def _observe(self) -> list[str]:
        """Write down how the candidates are; the names of those under way. One whose training job has been deleted stays as
        it was."""
        for name in self._shown:
            job = self.context.store.get(self.context.scope, "TrainingJob", name)
            if job is not None:
                artifact = job["ModelArtifacts"]["S3ModelArtifacts"]
                serving = steps.containers(self._region, artifact, self._problem)
                self._shown[name] = candidates.shown(job, self._steps, self._objective, serving)
        shown = list(self._shown.values())
        if shown != self.record[CANDIDATES]:
            best = candidates.best(shown)
            self._write({CANDIDATES: shown, **({"BestCandidate": best} if best else {})})
        return [name for name, candidate in self._shown.items() if candidate["CandidateStatus"] in RUNNING]

    def _stop_candidates(self) -> None:
        """Stop the candidates under way, and wait for their end."""
        for name in self._observe():
            stop_child(self.context, "TrainingJob", name)
        while self._observe() and not self.abandoned:
            time.sleep(_POLL_SECONDS)

    def _conclude(self, secondary: str) -> None:
        """The end of a job that was not stopped: Completed where there is a best candidate."""
        reasons = [each["FailureReason"] for each in self.record[CANDIDATES] if "FailureReason" in each]
        if "BestCandidate" not in self.record:
            if secondary == "MaxAutoMLJobRuntimeReached":
                raise _OutOfTimeError
            detail = f": {reasons[0]}" if reasons else ""
            message = f"ClientError: none of the candidates could be trained and measured{detail}"
            raise JobFailedError(message)
        if reasons:
            self._write(
                {"PartialFailureReasons": [{"PartialFailureMessage": each} for each in reasons[:_MOST_REASONS]]}
            )
        self._finish("Completed", secondary)

    def _enter(self, secondary: str, **members: Any) -> None:
        """Enter a secondary status, unless the job is asked to stop."""

        def apply(record: Record) -> None:
            if record["AutoMLJobStatus"] == "InProgress":
                record["AutoMLJobSecondaryStatus"] = secondary

        self._write(members, apply)

    def _write(self, members: Record, apply: Callable[[Record], None] | None = None) -> None:
        """Write members, and change the record further by ``apply``."""

        def change(record: Record) -> None:
            record.update(members)
            record["LastModifiedTime"] = now()
            if apply is not None:
                apply(record)

        self.record = self.context.store.update(self.context.scope, self.kind, self.name, change) or self.record

    def end(self, status: str, reason: str | None = None) -> None:
        """Final status and time."""
        if self.abandoned:
            # Its jobs are being killed as well, and may not have ended yet.
            self._write({}, lambda record: self.mark_failed(record, _LOST, now()))
            return
        self._finish(status, status, reason)

    def _finish(self, status: str, secondary: str, reason: str | None = None) -> None:
        members = {"AutoMLJobStatus": status, "AutoMLJobSecondaryStatus": secondary, "EndTime": now()}
        self._write({**members, **({"FailureReason": reason[:_REASON_LENGTH]} if reason else {})})
