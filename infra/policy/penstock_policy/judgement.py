"""Policies with their names and levels, and what comes of applying them to a stack."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from penstock_policy.resource import Finding, Resource
from penstock_policy.settings import Exemption, Level, Settings

type Judge = Callable[[Sequence[Resource], Settings], Iterator[Finding]]


@dataclass(frozen=True, kw_only=True)
class Policy:
    """One rule: the function that finds who breaks it, and whether that stops an `up`. Its findings bear its name."""

    judge: Judge
    level: Level = Level.MANDATORY
    needs_operation: bool = False
    """Whether it judges what is planned, which only a preview's steps say."""

    @property
    def name(self) -> str:
        """The function's name: the name in configuration, too."""
        return self.judge.__name__

    @property
    def description(self) -> str:
        """The first line of the function's docstring."""
        return (self.judge.__doc__ or "").strip().splitlines()[0]


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """What the policies found in a stack.

    Attributes:
        mandatory: Findings that stop an `up` before its first step.
        advisory: Findings that are only shown.
        excepted: Findings that are borne, each with the exception that says why.
        unused: Exceptions that excuse nothing (any more): they should be removed.
    """

    mandatory: tuple[Finding, ...] = ()
    advisory: tuple[Finding, ...] = ()
    excepted: tuple[tuple[Finding, Exemption], ...] = ()
    unused: tuple[Exemption, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether nothing stops an `up`."""
        return not self.mandatory


def judge(policies: Iterable[Policy], resources: Iterable[Resource], settings: Settings) -> Judgement:
    """Apply policies to a stack's resources."""
    judged = tuple(resources)
    found: dict[Level, list[Finding]] = {Level.MANDATORY: [], Level.ADVISORY: []}
    excepted: list[tuple[Finding, Exemption]] = []
    for policy in policies:
        level = settings.levels.get(policy.name, policy.level)
        if level is Level.DISABLED:
            continue
        for finding in policy.judge(judged, settings):
            exemption = next((entry for entry in settings.exceptions if entry.covers(finding)), None)
            if exemption is None:
                found[level].append(finding)
            else:
                excepted.append((finding, exemption))
    used = {exemption for _, exemption in excepted}
    return Judgement(
        mandatory=tuple(found[Level.MANDATORY]),
        advisory=tuple(found[Level.ADVISORY]),
        excepted=tuple(excepted),
        unused=tuple(exemption for exemption in settings.exceptions if exemption not in used),
    )
