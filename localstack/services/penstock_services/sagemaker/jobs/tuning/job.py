"""Tuning jobs: training jobs started, watched, stopped early and compared until there are enough of them."""

from __future__ import annotations

import logging
import threading
import time
import uuid
from dataclasses import dataclass, field

from penstock_services.errors import ServiceError
from penstock_services.operations import Context
from penstock_services.sagemaker import tags
from penstock_services.sagemaker.engine import now
from penstock_services.sagemaker.hooks import hook
from penstock_services.sagemaker.jobs.runner import QUEUE, RUNNING, BaseJob, JobFailedError, Record, job_kind
from penstock_services.sagemaker.jobs.stopping import stop_child
from penstock_services.sagemaker.jobs.training import TrainingJob
from penstock_services.sagemaker.jobs.tuning import early_stopping, trials, warm_start
from penstock_services.sagemaker.jobs.tuning.definition import Definition, Limits, definitions, limits
from penstock_services.sagemaker.jobs.tuning.strategy import Candidate, Search
from penstock_services.store import Scope

_LOG = logging.getLogger(__name__)
_POLL_SECONDS = 0.1
_ATTEMPTS = 5
_LAUNCHING: dict[tuple[Scope, str], Record] = {}


@hook("TrainingJob", "prepare")
def _belongs(context: Context, record: Record) -> None:
    """A training job that a tuning job is just creating says so from its first moment."""
    record.update(_LAUNCHING.get((context.scope, record["TrainingJobName"]), {}))


@dataclass
class _Trial:
    """One training job of the tuning job."""

    definition: Definition
    search: Search
    candidate: Candidate
    name: str
    arn: str
    job: TrainingJob | None
    record: Record
    seen: int = 0
    stopping: bool = False
    ended: bool = False
    series: list[float] = field(default_factory=list)


@job_kind
class TuningJob(BaseJob):
    """One tuning job. It waits for training jobs, so it holds no place of the queue."""

    kind = "HyperParameterTuningJob"
    title = "HyperParameter Tuning Job"
    end_member = "HyperParameterTuningEndTime"
    waits_for_place = False

    def __init__(self, context: Context, record: Record) -> None:
        super().__init__(context, record)
        self._config: Record = record["HyperParameterTuningJobConfig"]
        self._definitions = definitions(record)
        self._limits: Limits = limits(self._config, self._definitions)
        self._trials: list[_Trial] = []
        self._searches: list[Search] = []
        self._exhausted: set[int] = set()
        self._changed = threading.Event()
        self._details: Record = {}
        self._began = time.monotonic()

    @classmethod
    def mark_failed(cls, record: Record, reason: str, moment: float) -> None:
        """Failed; the training jobs that were under way have failed with it."""
        super().mark_failed(record, reason, moment)
        jobs, objectives = record["TrainingJobStatusCounters"], record["ObjectiveStatusCounters"]
        jobs["RetryableError"] += jobs["InProgress"]
        objectives["Failed"] += objectives["Pending"]
        jobs["InProgress"] = objectives["Pending"] = 0

    def run(self) -> None:
        """The whole life of the job; never raises."""
        try:
            reason = self._run()
            self._stop_trials()
            self.end("Stopped" if reason == "Stopped" else "Completed")
        except JobFailedError as error:
            self._stop_trials()
            self.end("Failed", str(error))
        except Exception as error:  # noqa: BLE001 (becomes the FailureReason)
            _LOG.exception("tuning job %s", self.name)
            self._stop_trials()
            self.end("Failed", f"InternalServerError: {type(error).__name__}: {error}")

    def _run(self) -> str:
        """Until the job has to end; why."""
        self._searches = [self._search(index, each) for index, each in enumerate(self._definitions)]
        for definition, search in zip(self._definitions, self._searches, strict=True):
            for hyperparameters, value in warm_start.found(self.context, self.record, definition):
                search.remember(hyperparameters, value)
        while True:
            if self.asked_to_stop.is_set():
                return "Stopped"
            self._observe()
            reason = self._enough()
            if reason is not None:
                return reason
            self._launch()
            if not self._running():
                return "MaxNumberOfTrainingJobs"
            self.asked_to_stop.wait(_POLL_SECONDS)

    def _search(self, index: int, definition: Definition) -> Search:
        seed = self._config.get("RandomSeed")
        budget = max(1, self._limits.jobs // len(self._definitions))
        return Search(
            self._config["Strategy"],
            definition.space,
            maximize=definition.maximize,
            seed=None if seed is None else seed + index,
            resources=definition.resources,
            budget=budget,
        )

    def _running(self) -> list[_Trial]:
        return [trial for trial in self._trials if not trial.ended]

    def _launch(self) -> None:
        """Start training jobs while there may be more; definitions take turns."""
        parallel = min(self._limits.parallel, QUEUE.places)
        while len(self._trials) < self._limits.jobs and len(self._running()) < parallel:
            open_definitions = [index for index in range(len(self._definitions)) if index not in self._exhausted]
            if not open_definitions:
                return
            index = open_definitions[len(self._trials) % len(open_definitions)]
            candidate = self._searches[index].ask()
            if candidate is None:
                self._exhausted.add(index)
                continue
            self._start(self._definitions[index], self._searches[index], candidate)

    def _start(self, definition: Definition, search: Search, candidate: Candidate) -> None:
        name = f"{self.name}-{len(self._trials) + 1:03d}-{uuid.uuid4().hex[:8]}"
        key = (self.context.scope, name)
        arn: str = self.record["HyperParameterTuningJobArn"]
        own = [{"Key": key, "Value": value} for key, value in tags.of(self.context, arn).items()]
        _LAUNCHING[key] = {
            "TuningJobArn": arn,
            trials.TUNED: candidate.hyperparameters,
            trials.DEFINITION: definition.name,
            trials.OBJECTIVE: {
                "Type": "Maximize" if definition.maximize else "Minimize",
                "MetricName": definition.metric,
            },
        }
        try:
            answer = self.context.call("CreateTrainingJob", definition.request(name, candidate.hyperparameters, own))
        except ServiceError as error:
            message = f"ClientError: the training job could not be created: {error.message}"
            raise JobFailedError(message) from None
        finally:
            del _LAUNCHING[key]
        job = QUEUE.find(answer["TrainingJobArn"])
        record = self.context.store.get(self.context.scope, "TrainingJob", name) or {}
        found = job if isinstance(job, TrainingJob) else None
        self._trials.append(_Trial(definition, search, candidate, name, answer["TrainingJobArn"], found, record))
        self._count()

    def _observe(self) -> None:
        """Look at the training jobs under way: new values of their objective, and whether they have ended."""
        ended = False
        for trial in self._running():
            record = self.context.store.get(self.context.scope, "TrainingJob", trial.name)
            if record is None:
                message = f"ClientError: the training job {trial.name} was deleted"
                raise JobFailedError(message)
            trial.record = record
            if trial.job is not None:
                trial.series = trial.job.series(trial.definition.metric)
            over = record["TrainingJobStatus"] not in RUNNING
            self._judge(trial, over=over)
            if over:
                trial.ended = ended = True
                succeeded = trials.objective_status(record) == "Succeeded"
                trial.search.tell(trial.candidate, trials.objective(record) if succeeded else None)
        if ended:
            self._count()
            self._fail_if_hopeless()

    def _judge(self, trial: _Trial, *, over: bool) -> None:
        """Early stopping: the strategy's own, and the median rule."""
        auto = self._config.get("TrainingJobEarlyStoppingType") == "Auto"
        while trial.seen < len(trial.series):
            trial.seen += 1
            epochs = trial.series[: trial.seen]
            hopeless = False
            if trial.definition.resources is not None:
                hopeless = trial.search.hopeless(trial.candidate, trial.seen, epochs[-1])
                hopeless = (hopeless and trial.seen >= trial.definition.resources[0]) or (
                    trial.seen >= trial.definition.resources[1]
                )
            elif auto:
                previous = [each.series for each in self._trials if each.ended and each.definition is trial.definition]
                hopeless = early_stopping.worse_than_median(epochs, previous, maximize=trial.definition.maximize)
            if hopeless and not over and not trial.stopping:
                self._stop(trial)

    def _stop(self, trial: _Trial) -> None:
        trial.stopping = True
        stop_child(self.context, "TrainingJob", trial.name)

    def _objectives(self) -> list[float]:
        done = [trial.record for trial in self._trials if trial.ended]
        values = [trials.objective(record) for record in done if trials.objective_status(record) == "Succeeded"]
        return [value for value in values if value is not None]

    def _enough(self) -> str | None:
        """Why no more training jobs are needed, if so (ResourceLimits, TuningJobCompletionCriteria)."""
        if self._limits.seconds is not None and time.monotonic() - self._began >= self._limits.seconds:
            return "MaxRuntimeInSeconds"
        objectives = self._objectives()
        if not objectives:
            return None
        maximize = self._definitions[0].maximize
        best = max(objectives) if maximize else min(objectives)
        target = self._limits.target
        if target is not None and (best >= target if maximize else best <= target):
            return "TargetObjectiveMetricValue"
        idle = early_stopping.not_improving(objectives, maximize=maximize)
        if self._limits.not_improving is not None:
            self._details["NumberOfTrainingJobsObjectiveNotImproving"] = idle
            if idle >= self._limits.not_improving:
                return "BestObjectiveNotImproving"
        if self._limits.converged and early_stopping.converged(objectives, maximize=maximize):
            self._details.setdefault("ConvergenceDetectedTime", now())
            return "ConvergenceDetected"
        return None

    def _fail_if_hopeless(self) -> None:
        """Fail as AWS does when the first training jobs fail, or say nothing of the objective."""
        done = [trial.record for trial in self._trials if trial.ended]
        if any(trials.objective_status(record) == "Succeeded" for record in done):
            return
        total = min(self._limits.jobs, _ATTEMPTS)
        if len(done) < total and len(self._exhausted) < len(self._definitions):
            return
        if all(record["TrainingJobStatus"] == "Failed" for record in done):
            message = (
                f"ClientError: No training job succeeded after {len(done)} attempts. Please take a look at the training job "
                "failures to get more details."
            )
        else:
            message = (
                f"ClientError: No objective metrics found after running {len(done)} training jobs. Please ensure that the "
                "custom algorithm is emitting the objective metric as defined by the regular expression provided."
            )
        raise JobFailedError(message)

    def _stop_trials(self) -> None:
        """Stop what is under way, and wait for it."""
        for trial in self._running():
            if not trial.stopping:
                self._stop(trial)
        while self._running() and not self.abandoned:
            for trial in self._running():
                record = self.context.store.get(self.context.scope, "TrainingJob", trial.name)
                if record is None or record["TrainingJobStatus"] not in RUNNING:
                    trial.record, trial.ended = record or trial.record, True
            time.sleep(_POLL_SECONDS)
        self._count()

    def _count(self) -> None:
        """Write counters and the best training jobs."""
        members = self._members()

        def apply(record: Record) -> None:
            record.update(members)
            record["LastModifiedTime"] = now()

        self.record = self.context.store.update(self.context.scope, self.kind, self.name, apply) or self.record

    def _members(self) -> Record:
        found = []
        for trial in self._trials:
            record = self.context.store.get(self.context.scope, "TrainingJob", trial.name)
            found.append(record or trial.record)
        jobs, objectives = trials.counters(found)
        members: Record = {"TrainingJobStatusCounters": jobs, "ObjectiveStatusCounters": objectives}
        best = trials.best(found)
        if best is not None:
            members["BestTrainingJob"] = trials.summary(best, self.name)
        overall = warm_start.overall_best(self.context, self.record, best)
        if overall is not None:
            members["OverallBestTrainingJob"] = overall
        if self._details:
            members["TuningJobCompletionDetails"] = dict(self._details)
        return members

    def end(self, status: str, reason: str | None = None) -> None:
        """Final status, time, and what was consumed."""
        if self.abandoned:
            # Its training jobs are being killed as well, and may not have ended yet.
            said = "InternalServerError: the local cloud was stopped while this job was running"
            self.context.store.update(
                self.context.scope, self.kind, self.name, lambda record: self.mark_failed(record, said, now())
            )
            self.change()
            return
        members: Record = {self.status_member(): status, "HyperParameterTuningEndTime": now()}
        members["ConsumedResources"] = {"RuntimeInSeconds": max(1, round(time.monotonic() - self._began))}
        if reason:
            members["FailureReason"] = reason[:1024]
        self.change(**members)
