"""What goes wrong in a deployment, worded for the person who runs it."""

from __future__ import annotations


class DeploymentError(Exception):
    """A failure that the user can act on.

    `message` says what failed and where; `fix`, when known, says what to do about it.
    """

    def __init__(self, message: str, fix: str = "") -> None:
        super().__init__(message if not fix else f"{message}\n{fix}")
        self.message = message
        self.fix = fix


class StepError(DeploymentError):
    """One resource's step failed; `urn` names the resource."""

    def __init__(self, urn: str, message: str, fix: str = "") -> None:
        super().__init__(f"{urn}: {message}" if urn else message, fix)
        self.urn = urn


class UnsupportedError(DeploymentError):
    """A feature of Pulumi that this engine does not have; refused by name, before anything is done with it."""

    def __init__(self, what: str, fix: str = "") -> None:
        super().__init__(f"{what} is not supported by Penstock's local engine", fix)


class CancelledError(DeploymentError):
    """The deployment was asked to stop; what had been done is in the state."""

    def __init__(self) -> None:
        super().__init__("the deployment was cancelled; steps that had begun were finished and are in the state")
