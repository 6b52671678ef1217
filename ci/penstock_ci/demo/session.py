"""What the stages share: the settings, the verbs of `penstock`, AWS clients, git, and what has been found out."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from penstock_ci.act.environment import tools
from penstock_ci.demo.settings import Settings
from penstock_ci.errors import Failure, UserError

Facts = dict[str, Any]
"""What a stage found out: label -> number or words, for run.json and the report."""

POLL_SECONDS = 0.5
DETAIL_LINES = 30


@dataclass
class Session:
    """One run's shared state.

    Attributes:
        say: Tells the person watching what is going on.
        findings: The sections of the report that stages fill in (versions, comparison, drift, ...).
        variables: The local cloud's variables, once it is up.
        outputs: The platform's outputs, once it is up.
        before_approval: The newest workflow run when version 1 was approved: the deployment's run is newer.
    """

    settings: Settings
    say: Callable[[str], None]
    findings: dict[str, Any] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)
    outputs: dict[str, Any] = field(default_factory=dict)
    before_approval: int = 0
    log: IO[str] | None = None
    _clients: dict[str, Any] = field(default_factory=dict)

    def environment(self) -> dict[str, str]:
        """The environment of everything a stage starts: this user's, pointed at the demo's local cloud and nothing else."""
        mine = ("AWS_", "PULUMI_", "SAGEMAKER_", "GITHUB_", "VIRTUAL_ENV", "PYTHONPATH", "MAKE", "MFLAGS", "CI")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(mine)}
        kept["PATH"] = os.pathsep.join([str(tools(self.settings.folder / "tools")), kept.get("PATH", os.defpath)])
        return (
            kept
            | {"PENSTOCK_STATE_DIR": str(self.settings.state), "PENSTOCK_STACK": "local"}
            | {name: value for name, value in self.variables.items() if not name.startswith("GITHUB_")}
        )

    def penstock(self, *arguments: str, expect_failure: bool = False) -> dict[str, Any]:
        """Run a verb of the kit's own `penstock` with --json; its progress is told and logged.

        Raises:
            Failure: it failed (with its own cause and fix); or it did not, where it should have.
        """
        return self._verb([sys.executable, "-m", "penstock_ci"], arguments, self.settings.folder, expect_failure)

    def in_repository(self, *arguments: str, expect_failure: bool = False) -> dict[str, Any]:
        """The same with the model repository's own `penstock`, which was installed from the wheel."""
        command = [str(self.settings.repository / ".venv" / "bin" / "penstock")]
        return self._verb(command, arguments, self.settings.repository, expect_failure)

    def _verb(
        self, command: list[str], arguments: tuple[str, ...], folder: Path, expect_failure: bool
    ) -> dict[str, Any]:
        shown = f"penstock {' '.join(arguments)}"
        done = self.command([*command, *arguments, "--json"], folder, check=False)
        try:
            document = json.loads(done.stdout)
        except ValueError:
            document = {"ok": False, "error": {"message": f"it gave no JSON: {done.stdout[-300:]!r}"}}
        failed = done.returncode != 0
        if failed and not expect_failure:
            error = document.get("error") or {}
            errors = document.get("errors") or [_last_error(done.stderr)]
            said = error.get("message") or document.get("problem") or str(errors[0])
            raise Failure(
                f"{shown}: {said}",
                error.get("fix") or "its log says more",
                detail=error.get("detail")
                or document.get("detail")
                or "\n".join(done.stderr.splitlines()[-DETAIL_LINES:]),
            )
        if expect_failure and not failed:
            raise Failure(f"{shown} succeeded, and it must not", "this is a defect of Penstock")
        return document if isinstance(document, dict) else {"items": document}

    def command(
        self,
        command: list[str],
        folder: Path,
        *,
        environment: Mapping[str, str] | None = None,
        check: bool = True,
    ) -> subprocess.CompletedProcess[str]:
        """Run a command; its stderr is told line by line, both streams go to the stage's log.

        Raises:
            Failure: it could not be started, or ended with another code than 0 (where `check`).
        """
        self._write(f"$ {' '.join(command)}\n")
        folder.mkdir(parents=True, exist_ok=True)
        try:
            process = subprocess.Popen(
                command,
                cwd=folder,
                env=dict(environment) if environment is not None else self.environment(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                errors="replace",
            )
        except FileNotFoundError as error:
            raise Failure(f"{command[0]} is not installed", f"install {command[0]}") from error
        try:
            stdout, stderr = self._follow(process)
        except BaseException:
            process.terminate()
            process.wait(30)
            raise
        self._write(stdout)
        if check and process.returncode != 0:
            raise Failure(
                f"{Path(command[0]).name} {' '.join(command[1:3])} ended with exit code {process.returncode}",
                "its output is below, and whole in the stage's log",
                detail="\n".join((stdout + stderr).splitlines()[-DETAIL_LINES:]),
            )
        return subprocess.CompletedProcess(command, process.returncode, stdout, stderr)

    def _follow(self, process: subprocess.Popen[str]) -> tuple[str, str]:
        import threading

        parts: list[str] = []
        assert process.stdout is not None
        assert process.stderr is not None
        stream = process.stdout
        reader = threading.Thread(target=lambda: parts.append(stream.read()), daemon=True)
        reader.start()
        errors = []
        for line in process.stderr:
            errors.append(line)
            self._write(line)
            if line.strip():
                self.say(line.strip())
        reader.join()
        process.wait()
        return "".join(parts), "".join(errors)

    def _write(self, text: str) -> None:
        if self.log is not None:
            self.log.write(text)
            self.log.flush()

    def client(self, service: str) -> Any:
        """A plain boto3 client at the local cloud."""
        import boto3

        if service not in self._clients:
            specific = "AWS_ENDPOINT_URL_" + service.upper().replace("-", "_")
            self._clients[service] = boto3.client(
                service,
                endpoint_url=self.variables.get(specific) or self.variables["AWS_ENDPOINT_URL"],
                aws_access_key_id=self.variables["AWS_ACCESS_KEY_ID"],
                aws_secret_access_key=self.variables["AWS_SECRET_ACCESS_KEY"],
                region_name=self.variables["AWS_REGION"],
            )
        return self._clients[service]

    def git(self, *arguments: str) -> str:
        """A git command in the model repository; its output, stripped."""
        identity = ["-c", "user.name=Penstock demo", "-c", "user.email=demo@localhost"]
        return self.command(["git", *identity, *arguments], self.settings.repository).stdout.strip()

    def module(self, name: str, *arguments: str) -> Any:
        """A module of the model repository's package, with --json, in the repository's own environment."""
        python = str(self.settings.repository / ".venv" / "bin" / "python")
        done = self.command([python, "-m", name, *arguments, "--json"], self.settings.repository)
        return json.loads(done.stdout)

    def runs(self, workflow: str = "") -> list[dict[str, Any]]:
        """The receiver's workflow runs, newest first."""
        from penstock_ci.github.state import GitHubState

        found = GitHubState(self.settings.state).runs()
        return [run for run in found if not workflow or Path(str(run["path"])).name == workflow]

    def wait_for_run(
        self, workflow: str, after: int, *, start_within: float = 90.0, within: float = 600.0
    ) -> dict[str, Any]:
        """Wait for a run of a workflow that the receiver started, newer than the run `after`, to end well.

        Raises:
            Failure: none started, or it failed.
        """
        deadline = time.monotonic() + start_within
        told = ""
        while True:
            newer = [run for run in self.runs(workflow) if run["id"] > after]
            if newer:
                run = newer[-1]
                if run["status"] != told:
                    told = run["status"]
                    self.say(f"{workflow} (run {run['id']}): {told}")
                    deadline = time.monotonic() + within
                if run["status"] == "completed":
                    return self._ended(run)
            if time.monotonic() > deadline:
                what = f"{workflow} did not end within {within:.0f} s" if newer else f"nothing started {workflow}"
                raise Failure(what, f"see {self.settings.state}/logs/receiver.log and gateway.log")
            time.sleep(POLL_SECONDS)

    def _ended(self, run: dict[str, Any]) -> dict[str, Any]:
        if run["conclusion"] == "success":
            return run
        log = self.settings.state / "github" / "runs" / str(run["id"]) / "log.txt"
        detail = "\n".join(log.read_text(errors="replace").splitlines()[-DETAIL_LINES:]) if log.exists() else ""
        raise Failure(
            f"{run['path']} (run {run['id']}): {run['conclusion']}: {run['problem']}", f"its log: {log}", detail=detail
        )

    def newest_run(self) -> int:
        """Id of the newest run; 0 when there is none."""
        return max((int(run["id"]) for run in self.runs()), default=0)

    def until(self, what: str, predicate: Callable[[], bool], within: float = 60.0) -> None:
        """Wait for something to become true.

        Raises:
            Failure: it did not.
        """
        deadline = time.monotonic() + within
        while not predicate():
            if time.monotonic() > deadline:
                raise Failure(f"{what}: not within {within:.0f} s", f"the logs are in {self.settings.state}/logs")
            time.sleep(POLL_SECONDS)


def check(holds: bool, message: str, fix: str = "this is a defect of Penstock: see the stage's log") -> None:
    """A statement the demo makes about what it did.

    Raises:
        Failure: it does not hold.
    """
    if not holds:
        raise Failure(message, fix)


def _last_error(stderr: str) -> str:
    lines = [line for line in stderr.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("error:")]
    return (errors or lines or ["it gave no reason"])[-1]


__all__ = ["Facts", "Session", "UserError", "check"]
