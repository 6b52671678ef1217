"""What goes wrong in a program for a reason that its user can mend."""

from __future__ import annotations

import pulumi
from pydantic import BaseModel, ConfigDict, ValidationError


class ConfigurationError(pulumi.RunError):
    """A setting is missing, unknown or wrong. Pulumi prints the message alone, without a traceback."""


class Settings(BaseModel):
    """Base of every typed configuration here: keyword-only, frozen, no unknown fields, Pulumi outputs allowed.

    Raises pydantic's ValidationError, naming the field and the fault; what reads files turns it into ConfigurationError.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)


def invalid(subject: object, error: ValidationError) -> ConfigurationError:
    """The error for people, one line a fault: what (`subject`), where (the field), and what is wrong with it."""
    lines = [f"{subject} is not valid:"]
    for fault in error.errors(include_url=False, include_input=False):
        field = ".".join(str(part) for part in fault["loc"]) or "as a whole"
        lines.append(f"  {field}: {fault['msg'].removeprefix('Value error, ')}")
    return ConfigurationError("\n".join(lines))
