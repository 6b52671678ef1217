"""Pulumi's flags of `penstock preview`, `up`, `refresh` and `destroy`: which resources, and what to look at first."""

from __future__ import annotations

from dataclasses import dataclass

from penstock_ci.errors import UserError


@dataclass(frozen=True, kw_only=True)
class Flags:
    """What an operation is asked beyond its project and stack.

    Attributes:
        target: URNs of the resources that alone get a step; `*` and `**` stand for parts of them. All when empty.
        target_dependents: What depends on a target is one too.
        refresh: Read the cloud before planning, so that what has drifted is told and mended.
        expect_no_changes: Any change is a failure. An `up` fails at its preview, before anything is done.
        diff: Show the old and the new value of every property that changes.
        previewed: The operation has just been previewed.
    """

    target: tuple[str, ...] = ()
    target_dependents: bool = False
    refresh: bool = False
    expect_no_changes: bool = False
    diff: bool = False
    previewed: bool = False


NO_FLAGS = Flags()


def flags(
    target: list[str] | None,
    *,
    everything: bool,
    target_dependents: bool = False,
    refresh: bool = False,
    expect_no_changes: bool = False,
    diff: bool = False,
) -> Flags:
    """The flags of a command line.

    Raises:
        UserError: they contradict each other, or a target is no URN.
    """
    if target and everything:
        raise UserError("--target and --all contradict each other", "a URN belongs to one project: name it")
    if target_dependents and not target:
        raise UserError("--target-dependents needs a --target", "name a resource by its URN: --target URN")
    for text in target or []:
        if not text.startswith("urn:") and "*" not in text:
            raise UserError(f"--target {text}: not a URN", "write a resource's URN, or a pattern such as '**::NAME'")
    return Flags(
        target=tuple(target or ()),
        target_dependents=target_dependents,
        refresh=refresh,
        expect_no_changes=expect_no_changes,
        diff=diff,
    )
