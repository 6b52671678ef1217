"""Errors that a user can act on: what is wrong, and what to do about it."""

from __future__ import annotations

import sys


class PipelinesError(Exception):
    """A failure with a cause and, where one is known, a fix.

    `str()` gives both on separate lines, so that a job's FailureReason and a command's message read alike.
    """

    def __init__(self, message: str, fix: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.fix = fix

    def __str__(self) -> str:
        return f"{self.message}\n{self.fix}" if self.fix else self.message


class ConfigurationError(PipelinesError):
    """A configuration file (penstock.yaml, features/*.yaml) that cannot be used."""


class DataError(PipelinesError):
    """Data that break their schema or are not there."""


def show(error: Exception) -> None:
    """Print an error for the user of a command: cause and fix, on lines of their own on stderr."""
    message, fix = (error.message, error.fix) if isinstance(error, PipelinesError) else (str(error), "")
    print(f"error: {message}", file=sys.stderr)
    if fix:
        print(f"  fix: {fix}", file=sys.stderr)
