"""How a job ends badly: a reason that people can read, in the places where SageMaker looks for it.

`/opt/ml/output/failure` becomes a training job's FailureReason, `/opt/ml/output/message` a processing job's
ExitMessage; both show the first 1024 characters. The traceback goes to the log, for mistakes in code only: a
PipelinesError already says what is wrong.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

from penstock_pipelines.container import paths
from penstock_pipelines.errors import PipelinesError

LONGEST_REASON = 1024


def reason(error: BaseException) -> str:
    """One text for the failure file: the message of a known error, else type, message and place."""
    if isinstance(error, PipelinesError):
        return str(error)[:LONGEST_REASON]
    text = f"{type(error).__name__}: {error}"
    frames = traceback.extract_tb(error.__traceback__)
    own = [
        frame
        for frame in frames
        if "site-packages" not in frame.filename and "penstock_pipelines" not in frame.filename
    ]
    if place := (own or frames)[-1:]:
        text += f" (in {place[0].name}, {place[0].filename.rsplit('/', 1)[-1]} line {place[0].lineno})"
    return text[:LONGEST_REASON]


def message(text: str) -> None:
    """Leave a message for whoever describes the job: ExitMessage of a processing job."""
    folder = paths.output()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "message").write_text(text[:LONGEST_REASON], encoding="utf-8")


@contextmanager
def reported() -> Iterator[None]:
    """Run a job's body; on an error write the reason and exit with status 1."""
    try:
        yield
    except Exception as error:  # noqa: BLE001 - the boundary of the job: every failure must reach the failure file
        text = reason(error)
        if not isinstance(error, PipelinesError):
            traceback.print_exc()
        folder = paths.output()
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "failure").write_text(text, encoding="utf-8")
        message(text)
        print(f"ERROR: {text}", file=sys.stderr, flush=True)
        sys.exit(1)
