"""Why a model cannot be compiled."""

from __future__ import annotations


class CompilationError(Exception):
    """The text becomes the job's FailureReason."""
