"""The policies on what `deploy`, `rollback` and `train` bring up: a preview is judged before the first step."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from penstock_ci import policy
from penstock_ci.errors import Failure
from penstock_ci.plans import Plan

if TYPE_CHECKING:
    from penstock_ci.projects import Project
    from penstock_ci.stacks import Stack
    from penstock_ci.target import Target


class Refused(Failure):
    """A mandatory finding, or a preview that fails: nothing was done."""


def check(
    opened: Stack,
    project: Project,
    target: Target,
    on_progress: Callable[[str], None],
) -> None:
    """Refuse an up that the policies refuse.

    Raises:
        Refused: with every mandatory finding; nothing was done.
        UserError: the stack's policy settings are wrong.
    """
    chosen = policy.settings(project.folder, target.stack)
    plan = Plan()
    on_progress(f"preview {project.name}: policies")
    document = opened.run("preview", plan)
    if not document["ok"]:
        raise Refused(
            f"preview of {project.name} failed: nothing was done",
            f"mend the cause; see it with: penstock preview {project.name}",
            detail="\n".join(document.get("errors") or document.get("diagnostics") or []),
        )
    found = policy.judgement(plan.resources, chosen)
    if not found.ok:
        raise Refused(
            f"{len(found.mandatory)} mandatory finding(s) of the policies in {project.name}: nothing was done",
            f"follow the remedies; or write an exception with its reason, policy:exceptions in Pulumi.{target.stack}.yaml",
            detail="\n".join(policy.errors(found)),
        )
