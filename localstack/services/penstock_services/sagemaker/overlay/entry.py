"""What one kind's entry says beside the model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Answers = Literal["real", "record"]
Record = dict[str, Any]


@dataclass(frozen=True)
class Problem:
    """An error's code and text; ``{arn}``, ``{name}`` and ``{kind}`` in the text are filled in."""

    code: str
    text: str


@dataclass(frozen=True)
class Children:
    """Records of another kind that keep one from being deleted: those whose ``member`` is this one's key."""

    kind: str
    member: str
    problem: Problem


@dataclass(frozen=True)
class Overlay:
    """One kind.

    ``answers``: "record" where the resource is only metadata on AWS too, "real" where something runs. A real kind's
    Create is refused by name as long as no module has registered a ``created`` hook that does it; ``why`` says what
    would run.
    ``missing`` and ``exists``: the errors for a name that is not there or taken (None: by what the model lists).
    ``initial`` and ``settled``: the status at Create and after the next step (None: no status, or set by what runs);
    ``updating`` and ``updated``: during and after an Update; ``deleting``: while a Delete takes a step (None: at once).
    ``stated``: members that AWS sets at Create and the request does not carry.
    ``identity``: a member that AWS invents, and how: "d-************" (each * is a random letter or digit, each # in upper case).
    ``keys``: the members of a request that identify a resource (empty: those that Describe requires).
    ``tail``: what follows the ARN type, from a record or a request (None: the keys, joined by "/").
    ``parents``: member and kind of what must be there at Create; the first is indexed for List.
    ``children``: what must be gone before Delete. ``cascades``: kinds whose records go with it (by their first parent).
    ``summary``: members of List's rows that are elsewhere in Describe's answer, by path.
    ``renamed``: members of a request that Describe shows under another name.
    ``nested``: the member in which Describe and Update answer the whole ("Workteam").
    ``merged``: members of which an Update replaces only what it gives.
    ``any_case``: names that differ only in case are the same, as AWS documents for endpoints.
    """

    arn_type: str
    missing: Problem | None = None
    exists: Problem | None = None
    initial: str | None = None
    settled: str | None = None
    deleting: str | None = None
    answers: Answers = "record"
    stated: Mapping[str, Any] = field(default_factory=dict)
    why: str = ""
    updating: str | None = None
    updated: str | None = None
    identity: tuple[str, str] | None = None
    keys: tuple[str, ...] = ()
    tail: Callable[[Record], str] | None = None
    parents: tuple[tuple[str, str], ...] = ()
    children: tuple[Children, ...] = ()
    cascades: tuple[str, ...] = ()
    summary: Mapping[str, str] = field(default_factory=dict)
    renamed: Mapping[str, str] = field(default_factory=dict)
    nested: str | None = None
    merged: tuple[str, ...] = ()
    any_case: bool = False


def not_found(text: str) -> Problem:
    """A ``ResourceNotFound``."""
    return Problem("ResourceNotFound", text)


def invalid(text: str) -> Problem:
    """A ``ValidationException``."""
    return Problem("ValidationException", text)


def in_use(text: str) -> Problem:
    """A ``ResourceInUse``."""
    return Problem("ResourceInUse", text)


def conflict(text: str) -> Problem:
    """A ``ConflictException``."""
    return Problem("ConflictException", text)
