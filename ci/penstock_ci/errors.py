"""What a user's mistake looks like: a cause, a remedy and an exit code; never a traceback.

Exit codes of `penstock`: 0 done; 1 what was asked for failed (a pipeline step, a deployment, a check); 2 the command or its
configuration is wrong; 3 the check ran and found something (`drift --exit-code`); 130 interrupted.
"""

from __future__ import annotations

import difflib
import sys
from collections.abc import Iterable

FAILED = 1
MISUSED = 2
FOUND = 3
INTERRUPTED = 130


class UserError(Exception):
    """Something the user can put right.

    Args:
        message: What is wrong and where, one sentence.
        fix: What to do about it; empty when there is nothing better to say.
        exit_code: 2 for wrong usage or configuration (default), 1 when what was asked for failed.
        detail: Further lines worth showing (a log's last lines), printed below the message.
    """

    def __init__(self, message: str, fix: str = "", *, exit_code: int = MISUSED, detail: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.fix = fix
        self.exit_code = exit_code
        self.detail = detail


class Failure(UserError):  # noqa: N818 - reads as what it is: raise Failure(cause, fix)
    """What was asked for was understood, tried, and did not succeed (exit code 1)."""

    def __init__(self, message: str, fix: str = "", *, detail: str = "") -> None:
        super().__init__(message, fix, exit_code=FAILED, detail=detail)


def leave(code: int) -> BaseException:
    """The exception that ends a verb with an exit code when everything has been said already."""
    import typer

    return typer.Exit(code)


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """ " (did you mean 'x'?)" for the nearest of the known names, else an empty string."""
    matches = difflib.get_close_matches(name, list(known), n=1)
    return f" (did you mean '{matches[0]}'?)" if matches else ""


def explain(error: BaseException) -> UserError | None:
    """The user-facing form of an exception, or None when it is a defect of ours (and deserves a traceback)."""
    if isinstance(error, UserError):
        return error
    for kind in type(error).__mro__:
        if kind.__module__.startswith("penstock_") and kind is not UserError:
            return _from_another_part(error)
    if "botocore.exceptions" in sys.modules:
        explained = _from_botocore(error)
        if explained is not None:
            return explained
    if isinstance(error, OSError) and error.filename is not None:
        return UserError(f"{error.filename}: {error.strerror or error}", "check the path and its permissions")
    return None


def _from_another_part(error: BaseException) -> UserError:
    """Errors of penstock_cloud, penstock_deploy and penstock_pipelines: their message, with `fix` where they carry one."""
    message = str(getattr(error, "message", "") or error)
    fix = str(getattr(error, "fix", "") or "")
    exit_code = MISUSED if "Configuration" in type(error).__name__ else FAILED
    if fix and message.endswith(fix):
        fix = ""
    return UserError(message, fix, exit_code=exit_code, detail=str(getattr(error, "detail", "") or ""))


def _from_botocore(error: BaseException) -> UserError | None:
    from botocore import exceptions

    if isinstance(error, exceptions.ClientError):
        problem = error.response.get("Error", {})
        code = str(problem.get("Code", "Unknown"))
        message = f"{error.operation_name}: {problem.get('Message') or code} ({code})"
        return UserError(message, _remedy(code), exit_code=FAILED)
    if isinstance(error, exceptions.NoCredentialsError | exceptions.PartialCredentialsError):
        return UserError(
            "there are no AWS credentials",
            "sign in (aws sso login, or AWS_PROFILE), or work on the local cloud with --stack local",
        )
    if isinstance(error, exceptions.NoRegionError):
        return UserError("there is no AWS region", "set AWS_REGION, or a region in your AWS profile")
    if isinstance(
        error, exceptions.ProfileNotFound | exceptions.UnauthorizedSSOTokenError | exceptions.TokenRetrievalError
    ):
        return UserError(str(error), "sign in again, or correct AWS_PROFILE")
    if isinstance(
        error, exceptions.EndpointConnectionError | exceptions.ConnectionClosedError | exceptions.HTTPClientError
    ):
        return UserError(
            str(error),
            "is the cloud there? penstock cloud status (local), or check the network (AWS)",
            exit_code=FAILED,
        )
    if isinstance(error, exceptions.BotoCoreError):
        return UserError(str(error), exit_code=FAILED)
    return None


def _remedy(code: str) -> str:
    if code.startswith(("AccessDenied", "UnauthorizedOperation")):
        return "the role or user lacks this permission: ask for it, or use another profile"
    if code in {
        "ExpiredToken",
        "ExpiredTokenException",
        "RequestExpired",
        "InvalidClientTokenId",
        "UnrecognizedClientException",
    }:
        return "the credentials are not valid (any more): sign in again"
    if "Throttl" in code or code == "TooManyRequestsException":
        return "AWS limits the rate of requests: try again in a minute"
    return ""
