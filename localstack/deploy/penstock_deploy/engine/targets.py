"""`--target`: which resources an operation is about, with Pulumi's rules."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Sequence

from penstock_deploy.errors import DeploymentError, StepError
from penstock_deploy.state.resource import ResourceState

_WILD = re.compile(r"\*\*|\*")


def _pattern(text: str) -> re.Pattern[str]:
    """`**` stands for anything, `*` for anything without a colon."""
    literal = _WILD.split(text)
    wild = [".*" if mark == "**" else "[^:]*" for mark in _WILD.findall(text)] + [""]
    return re.compile("".join(re.escape(part) + mark for part, mark in zip(literal, wild, strict=True)), re.DOTALL)


class Targets:
    """URNs, with wildcards, that an operation is restricted to; no restriction when there are none.

    With `dependents`, what depends on a target is a target too. Without it, a step that would take a dependent along
    is refused.
    """

    def __init__(self, urns: Sequence[str] = (), *, dependents: bool = False) -> None:
        if dependents and not urns:
            raise DeploymentError("--target-dependents needs a --target", "Name a resource by its URN: --target URN.")
        for text in urns:
            if not text.startswith("urn:") and "*" not in text:
                raise DeploymentError(
                    f"--target {text}: not a URN", "Write a resource's URN, or a pattern such as '**::NAME'."
                )
        self._patterns = {text: _pattern(text) for text in urns}
        self._dependents = dependents
        self._lock = threading.Lock()
        self._hit: set[str] = set()
        self._chosen: set[str] = set()

    @property
    def constrained(self) -> bool:
        return bool(self._patterns)

    def named(self, urn: str) -> bool:
        """Whether a pattern names the URN."""
        hits = [text for text, pattern in self._patterns.items() if pattern.fullmatch(urn)]
        with self._lock:
            self._hit.update(hits)
        return bool(hits)

    def takes(self, urn: str, needs: Iterable[str]) -> bool:
        """Whether a resource that the program registers, and that needs these URNs, gets a step."""
        if not self.constrained:
            return True
        taken = self.named(urn)
        with self._lock:
            taken = taken or (self._dependents and not self._chosen.isdisjoint(needs))
            if taken:
                self._chosen.add(urn)
        return taken

    def refuse_unmatched(self) -> None:
        """Refuse targets that have named nothing so far."""
        missing = sorted(set(self._patterns) - self._hit)
        if missing:
            raise DeploymentError(
                f"no resource named {', '.join(missing)} found",
                "See the stack's URNs: python -m penstock_deploy export.",
            )

    def among(self, states: list[ResourceState]) -> list[ResourceState]:
        """Of the states of the stack, those that are targets by name."""
        return [state for state in states if self.named(state.urn)] if self.constrained else states

    def to_delete(self, candidates: list[ResourceState], everything: list[ResourceState]) -> list[ResourceState]:
        """Of the candidates for deletion, those that go: the targets and, if so asked, what depends on them.

        Refused, before any step, when something else in the stack (`everything`) depends on one of them.
        """
        if not self.constrained:
            return candidates
        with self._lock:
            chosen = set(self._chosen) if self._dependents else set()
        named = {id(state) for state in candidates if self.named(state.urn)}
        going = {state.urn for state in candidates if id(state) in named}
        mine = {id(state) for state in candidates}
        grown = True
        while grown:
            grown = False
            for state in everything:
                if id(state) in named or state.urn in going or going.isdisjoint(state.needs()):
                    continue
                if not self._dependents or id(state) not in mine:
                    if state.urn not in chosen:
                        self._refuse(state, going)
                    continue
                named.add(id(state))
                going.add(state.urn)
                grown = True
        return [state for state in candidates if id(state) in named]

    def refuse_beyond(self, states: list[ResourceState]) -> None:
        """Refuse when a replacement takes along what is not a target."""
        if not self.constrained or self._dependents:
            return
        for state in states:
            if not self.named(state.urn):
                self._refuse(state, set())

    @staticmethod
    def _refuse(state: ResourceState, going: set[str]) -> None:
        because = f" with {sorted(going & state.needs())[0]}" if going & state.needs() else ""
        raise StepError(
            state.urn,
            f"would have to be deleted{because}, but is not among the targets",
            "Add it with --target, or add all dependents with --target-dependents.",
        )
