"""How `pulumilocal` ends: Pulumi's exit codes, and the errors that carry them."""

from __future__ import annotations

from penstock_deploy.errors import DeploymentError

SUCCESS = 0
FAILED = 1
WRONG_USE = 2
STACK_NOT_FOUND = 6
CHANGES_NOT_EXPECTED = 7
CANCELLED = 8


class CommandError(DeploymentError):
    """A command that cannot be carried out; `code` is the exit code that Pulumi gives it."""

    def __init__(self, message: str, fix: str = "", *, code: int = FAILED) -> None:
        super().__init__(message, fix)
        self.code = code


class DeclinedError(CommandError):
    """The user was asked and said no. Nothing more is printed than that."""


def no_stack(name: str) -> CommandError:
    """The stack that was named does not exist."""
    return CommandError(
        f"no stack named '{name}' found", f"make it: pulumilocal stack init {name}", code=STACK_NOT_FOUND
    )


def code_of(error: DeploymentError) -> int:
    """The exit code of an error: 2 for what should have been written differently, 1 for the rest."""
    return error.code if isinstance(error, CommandError) else FAILED
