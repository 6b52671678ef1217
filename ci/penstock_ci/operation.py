"""The common body of `penstock preview`, `up` and `destroy`: one project, or the platform's four in order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from penstock_ci import changes, projects, stacks, teardown
from penstock_ci.errors import INTERRUPTED, Failure, UserError, leave
from penstock_ci.output import Output, confirm
from penstock_ci.target import resolve

if TYPE_CHECKING:
    from penstock_ci.projects import Project
    from penstock_ci.stacks import Action, Engine
    from penstock_ci.target import Target


_NOTHING: dict[str, Any] = {
    "ok": True, "counts": {}, "changes": [], "outputs": {}, "duration_seconds": 0.0, "diagnostics": []
}  # fmt: skip


def parse_configuration(pairs: list[str]) -> dict[str, str]:
    """Settings given as KEY=VALUE.

    Raises:
        UserError: a pair without `=`.
    """
    found: dict[str, str] = {}
    for pair in pairs:
        key, sign, value = pair.partition("=")
        if not sign or not key:
            raise UserError(f"--config {pair}: it must be KEY=VALUE", "for example --config owner=ml-platform")
        found[key] = value
    return found


def chosen_projects(project: str | None, *, everything: bool, backwards: bool = False) -> list[Project]:
    """The projects that a command is about, in the order in which to take them."""
    if not everything:
        return [projects.resolve(project)]
    if project is not None:
        raise UserError(f"'{project}' and --all contradict each other", "name a project, or say --all")
    return projects.platform()[::-1] if backwards else projects.platform()


def run(
    action: Action,
    project: str | None,
    *,
    everything: bool,
    stack: str | None,
    engine: str | None,
    configuration: list[str],
    yes: bool,
    as_json: bool,
) -> None:
    """Do the action, show it, and print the document with `--json`.

    One project gives its own document; `--all` gives `{"ok", "counts", "duration_seconds", "projects": [...]}`.
    """
    output = Output(json=as_json)
    chosen = chosen_projects(project, everything=everything, backwards=action == "destroy")
    settings = parse_configuration(configuration)
    if engine not in {None, "penstock", "pulumi"}:
        raise UserError(
            f"there is no engine '{engine}'", "engines: penstock (the local cloud's own), pulumi (Pulumi's CLI)"
        )
    chosen_engine: Engine | None = "pulumi" if engine == "pulumi" else "penstock" if engine == "penstock" else None
    target = resolve(stack)
    if not target.is_local and action != "preview":
        _confirm(action, chosen, target, yes=yes)
    documents: list[dict[str, Any]] = []
    for position, current in enumerate(chosen):
        if action == "preview" and (needed := _not_up(chosen[:position], target, chosen_engine)):
            output.marked("skipped", f"preview {current.name}: after {needed} is up, whose outputs it reads")
            documents.append({"project": current.name, "stack": target.stack, "needs": needed, **_NOTHING})
            continue
        document = _one(action, current, target, chosen_engine, settings, output)
        documents.append({"project": current.name, "stack": target.stack, **document})
        if not document["ok"]:
            break
    whole = documents[0] if not everything else _together(documents)
    output.result(whole)
    if whole["ok"]:
        return
    failed = documents[-1]
    if failed.get("cancelled"):
        output.progress(
            f"{action} was interrupted; what had begun was finished and is in the state. Run it again to go on."
        )
        raise leave(INTERRUPTED)
    problem = Failure(
        f"{action} of {failed['project']} failed",
        f"mend the cause, then run it again: what was done is kept (penstock {action} {failed['project']})",
        detail="\n".join(failed.get("errors") or failed.get("diagnostics") or []),
    )
    output.fail(problem)


def _one(
    action: Action,
    project: Project,
    target: Target,
    engine: Engine | None,
    configuration: dict[str, str],
    output: Output,
) -> dict[str, Any]:
    opened = stacks.open_stack(project, target, engine, configuration)
    output.progress(f"{action} {project.name} on stack {target.stack}")
    if action == "destroy":
        teardown.clear(target, teardown.check(target, project, opened.resources()), output.progress)
    document = opened.run(action, changes.Lines(output, action))
    changes.conclude(output, project.name, action, document)
    return document


def _not_up(earlier: list[Project], target: Target, engine: Engine | None) -> str:
    """The first of the projects that has never been up; empty when all have."""
    return next((project.name for project in earlier if not stacks.open_stack(project, target, engine).outputs()), "")


def _together(documents: list[dict[str, Any]]) -> dict[str, Any]:
    counts: dict[str, int] = {}
    for document in documents:
        for name, count in document["counts"].items():
            counts[name] = counts.get(name, 0) + count
    return {
        "ok": all(document["ok"] for document in documents),
        "counts": counts,
        "duration_seconds": round(sum(document["duration_seconds"] for document in documents), 3),
        "projects": documents,
    }


def _confirm(action: Action, chosen: list[Project], target: Target, *, yes: bool) -> None:
    names = ", ".join(project.name for project in chosen)
    confirm(f"{action} {names} on the stack '{target.stack}' in AWS account {target.account()}?", yes=yes)
