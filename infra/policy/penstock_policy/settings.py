"""What a stack says about its policies: its kind of environment, its limits, its exceptions. Types only."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import fnmatchcase

from penstock_policy.resource import Finding


class Environment(StrEnum):
    """How much depends on a stack. Stricter towards the end."""

    LOCAL = "local"
    DEVELOPMENT = "development"
    STAGING = "staging"
    PRODUCTION = "production"


class Level(StrEnum):
    """What a finding does: stop an `up` before its first step, be shown, or nothing."""

    MANDATORY = "mandatory"
    ADVISORY = "advisory"
    DISABLED = "disabled"


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What machines a stack may ask for.

    Attributes:
        families: Allowed instance families (`m5`, `g5`); None for any.
        largest: The largest size of an instance: `xlarge`, `4xlarge`.
        instances: How many instances one endpoint variant or job may have, auto scaling included.
    """

    families: frozenset[str] | None
    largest: str
    instances: int


SMALL = frozenset({"c5", "c6g", "c6i", "c7g", "c7i", "m5", "m6g", "m6i", "m7g", "m7i", "r5", "r6i", "t2", "t3"})
DEFAULT_LIMITS = {
    Environment.DEVELOPMENT: Limits(families=SMALL, largest="2xlarge", instances=2),
    Environment.STAGING: Limits(families=SMALL | {"g4dn", "g5", "inf2"}, largest="4xlarge", instances=4),
    Environment.PRODUCTION: Limits(families=None, largest="12xlarge", instances=20),
}


@dataclass(frozen=True, kw_only=True)
class Exemption:
    """A finding that is borne, with the reason in writing.

    Attributes:
        policy: The policy's name.
        resource: A pattern (`*`, `?`) of the resource's URN or name.
        reason: Why, for whoever reads the stack file after you.
    """

    policy: str
    resource: str
    reason: str

    def covers(self, finding: Finding) -> bool:
        """Whether this is the exception for a finding."""
        names = (finding.name, finding.urn) if finding.urn else (finding.name,)
        return self.policy == finding.policy and any(fnmatchcase(name, self.resource) for name in names)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """A stack's settings; without any, only what holds in every environment is judged.

    Attributes:
        environment: The stack's kind; None when the caller does not know it.
        limits: The stack's own limits; None for the environment's.
        exceptions: What is borne.
        levels: Levels other than the policies' own, by policy name.
    """

    environment: Environment | None = None
    limits: Limits | None = None
    exceptions: tuple[Exemption, ...] = ()
    levels: dict[str, Level] = field(default_factory=dict)

    @property
    def effective_limits(self) -> Limits | None:
        """The limits that hold; None where there are none (the local cloud, an unknown environment)."""
        if self.limits is not None:
            return self.limits
        return DEFAULT_LIMITS.get(self.environment) if self.environment is not None else None


UNSPECIFIED = Settings()
"""No settings: what holds in every environment."""
