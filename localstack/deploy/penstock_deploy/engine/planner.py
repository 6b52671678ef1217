"""Which step a resource needs: pure decisions, from the old state, the goal and the provider's comparison."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from penstock_deploy import paths
from penstock_deploy.engine.goal import Goal
from penstock_deploy.errors import StepError
from penstock_deploy.plugins.interface import ADD_REPLACE, DELETE_REPLACE, UPDATE_REPLACE, Diff
from penstock_deploy.state.resource import ResourceState


class Op(StrEnum):
    """Operations as the result counts them."""

    SAME = "same"
    CREATE = "create"
    UPDATE = "update"
    REPLACE = "replace"
    DELETE = "delete"
    READ = "read"


@dataclass(frozen=True)
class Decision:
    """A step: what, in which order when it replaces, and which property paths are the reason."""

    op: Op
    delete_first: bool = False
    diff: list[str] = field(default_factory=list)
    replaces: list[str] = field(default_factory=list)


def decide(goal: Goal, old: ResourceState, diff: Diff, *, replaced_with: bool = False) -> Decision:
    """The step that takes `old` to `goal`.

    `replaced_with`: the resource named by `deleted_with` is being replaced, so this one goes with it.
    """
    changed = sorted(diff.detailed)
    replaces = set(diff.replaces)
    replaces.update(path for path in changed if diff.detailed[path] in (ADD_REPLACE, DELETE_REPLACE, UPDATE_REPLACE))
    for pattern in goal.replace_on_changes:
        replaces.update(path for path in changed if paths.covers(pattern, path))
    if replaced_with:
        replaces.add("deletedWith")
    if old.provider and goal.provider and _moved(old.provider, goal.provider):
        replaces.add("provider")
    if replaces:
        first = goal.delete_before_replace
        return Decision(
            Op.REPLACE,
            delete_first=diff.delete_before_replace if first is None else first,
            diff=changed or sorted(replaces),
            replaces=sorted(replaces),
        )
    if old.init_errors:
        return Decision(Op.UPDATE, diff=changed or ["initErrors"])
    if diff.changes:
        return Decision(Op.UPDATE, diff=changed)
    return Decision(Op.SAME)


def _moved(old: str, new: str) -> bool:
    """Whether a resource moved from one explicit provider to another; versions of the default one are the same.

    A provider that was renamed keeps its id.
    """
    if old.rpartition("::")[2] == new.rpartition("::")[2]:
        return False
    old_urn, new_urn = old.rsplit("::", 1)[0], new.rsplit("::", 1)[0]
    old_type, old_name = old_urn.split("::")[2], old_urn.split("::")[3]
    new_type, new_name = new_urn.split("::")[2], new_urn.split("::")[3]
    if old_type.split("$")[-1] != new_type.split("$")[-1]:
        return True
    defaults = old_name.startswith("default"), new_name.startswith("default")
    return old_name != new_name and not all(defaults)


def refuse_protected(states: list[ResourceState], what: str) -> None:
    """Refuse when any of the resources is protected: called before the first of them is touched."""
    protected = [state.urn for state in states if state.protect]
    if not protected:
        return
    listed = "\n".join(f"  {urn}" for urn in protected)
    raise StepError(
        "",
        f"{len(protected)} protected resource{'s' if len(protected) > 1 else ''} would be {what}; "
        f"nothing of that was done:\n{listed}",
        "Take `protect` off in the program and bring the stack up, then repeat.",
    )
