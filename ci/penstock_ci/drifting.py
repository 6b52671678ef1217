"""A drift job: what the endpoint captured in a window of wall-clock time against the live version's baseline."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from penstock_ci import cloudlogs, platform, registry, releases
from penstock_ci.errors import Failure, UserError

if TYPE_CHECKING:
    from penstock_ci.repository import Repository
    from penstock_ci.target import Target

WINDOW = timedelta(days=1)
LONGEST_JOB_NAME = 63
_LOG_LINES = 20


@dataclass(frozen=True)
class Judgement:
    """What a drift job found. `report` is `penstock_pipelines.drift.report` of its files."""

    job: str
    version: int
    since: datetime
    until: datetime
    message: str
    report_uri: str
    report: dict[str, Any]

    @property
    def rows(self) -> int:
        """Captured rows in the window."""
        return int(self.report.get("rows", 0))

    @property
    def violations(self) -> list[dict[str, Any]]:
        """Violations in Model Monitor's form."""
        return list(self.report.get("violations", []))

    def summary(self) -> dict[str, Any]:
        """What `--json` shows."""
        return {
            "ok": True,
            "job": self.job,
            "version": self.version,
            "from": self.since.isoformat(),
            "to": self.until.isoformat(),
            "rows": self.rows,
            "violations": self.violations,
            "features": self.report.get("features", []),
            "distances": self.report.get("distances", {}),
            "thresholds": self.report.get("thresholds", {}),
            "message": self.message,
            "report": self.report_uri,
        }


def run(
    target: Target,
    repository: Repository,
    since: datetime | None,
    until: datetime | None,
    on_progress: Callable[[str], None],
) -> Judgement:
    """Run the job to its end and read its report.

    Args:
        target: Where.
        repository: The model repository.
        since: Start of the window (UTC when it has no offset); None is a day before the end.
        until: End of the window, exclusive; None is now.
        on_progress: Hears what is being done.

    Raises:
        UserError: nothing is live, or the window is empty.
        Failure: the job failed.
    """
    from penstock_pipelines import drift

    end = _utc(until) if until else datetime.now(UTC)
    start = _utc(since) if since else end - WINDOW
    if start >= end:
        raise UserError(f"the window is empty: it starts at {start.isoformat()} and ends at {end.isoformat()}")
    live = releases.live(target, repository.name)
    if not live:
        raise UserError(
            f"nothing of {repository.name} is deployed on the stack '{target.stack}', so there is nothing to compare",
            "penstock deploy",
            exit_code=1,
        )
    version = registry.by_arn(target, live)
    ending = f"-drift-{datetime.now(UTC):%Y%m%d-%H%M%S-%f}"
    job = f"{target.model_name(repository.name)[: LONGEST_JOB_NAME - len(ending)].rstrip('-')}{ending}"
    request = drift.processing_job_request(
        repository.configuration,
        platform.outputs(target),
        version.description,
        stack=target.stack,
        job_name=job,
        start=start,
        end=end,
    )
    client = target.client("sagemaker")
    client.create_processing_job(**request)
    on_progress(f"drift job {job}")
    message = _wait(target, job)
    report_uri = str(request["ProcessingOutputConfig"]["Outputs"][0]["S3Output"]["S3Uri"]).rstrip("/")
    report = drift.report(lambda name: registry.read_json(target, f"{report_uri}/{name}"))
    return Judgement(job, version.number, start, end, message, report_uri, report)


def _wait(target: Target, job: str) -> str:
    """The job's exit message, when it has completed."""
    while True:
        found = target.client("sagemaker").describe_processing_job(ProcessingJobName=job)
        status = found["ProcessingJobStatus"]
        if status == "Completed":
            return str(found.get("ExitMessage", ""))
        if status in {"Failed", "Stopped"}:
            lines = cloudlogs.lines(target, cloudlogs.of_job("ProcessingJob", job), last=_LOG_LINES)
            raise Failure(
                f"the drift job {job} ended as {status}: {found.get('FailureReason') or 'no reason was given'}",
                f"the whole log: penstock logs {job}",
                detail="\n".join(line.message for line in lines),
            )
        time.sleep(target.poll_seconds)


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
