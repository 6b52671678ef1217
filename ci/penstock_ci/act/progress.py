"""A run's progress for people: a line for each step, and a failing step's output."""

from __future__ import annotations

import re

from penstock_ci.act.events import Progress
from penstock_ci.output import Output

PIN = re.compile(r"@[0-9a-f]{40}$")
"""The commit id behind an action's name: right in the workflow, noise here."""

KINDS = {"success": "ok", "failure": "failed", "skipped": "skipped", "unsupported": "warning"}


class Lines:
    """Prints what a run's log tells. With `verbose`, every line of every step as well."""

    def __init__(self, output: Output, verbose: bool = False) -> None:
        self._output = output
        self._verbose = verbose

    def __call__(self, progress: Progress) -> None:
        step = PIN.sub("", progress.step)
        where = f"{progress.job}: {step}" if step else progress.job
        if progress.kind == "step" and progress.status != "running":
            self._output.progress(f"{where} ({progress.seconds:.1f} s)", kind=KINDS.get(progress.status, "skipped"))
        elif progress.kind == "job" and progress.status not in {"running", "success"}:
            self._output.progress(f"{where}: {progress.status}", kind=KINDS.get(progress.status, "warning"))
        elif progress.kind == "annotation":
            self._output.progress(f"{where}: {progress.status}: {progress.text}", kind="warning")
        elif progress.kind == "output" and self._verbose:
            self._output.progress(f"  | {progress.text}")
