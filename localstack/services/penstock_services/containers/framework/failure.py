"""How a training command ends: an exit code, and the reason in /opt/ml/output/failure, which becomes FailureReason."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable

from penstock_services.containers.framework import paths

_LENGTH = 1024


class ContainerError(Exception):
    """The job fails; ``kind`` is the class of error that AWS's toolkits name in the failure file."""

    kind = "AlgorithmError"


class UserError(ContainerError):
    """The job fails by its input: hyperparameters, data, script."""

    kind = "Customer Error"


class ExecuteUserScriptError(ContainerError):
    """The user's script ended with an exit code other than 0."""

    kind = "ExecuteUserScriptError"

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


def write(text: str, *, processing: bool = False) -> None:
    """Leave the reason of a failure where SageMaker takes it from (of processing jobs: the exit message)."""
    path = paths.MESSAGE if processing else paths.FAILURE
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text[:_LENGTH])
    except OSError as error:
        sys.stderr.write(f"cannot write {path}: {error}\n")


def told(command: Callable[[], None], *, processing: bool = False) -> int:
    """Run a command; 0, or the exit code of a failure whose reason is in the failure file and on standard error."""
    try:
        command()
    except ContainerError as error:
        # The form of the toolkits: a script's failure begins on a line of its own.
        separator = ":\n" if isinstance(error, ExecuteUserScriptError) else ": "
        text = f"{error.kind}{separator}{error}"
        sys.stderr.write(text + "\n")
        write(text, processing=processing)
        return getattr(error, "code", 1) or 1
    except Exception as error:  # noqa: BLE001 (becomes the failure's reason)
        traceback.print_exc()
        write(f"{type(error).__name__}: {error}", processing=processing)
        return 1
    return 0
