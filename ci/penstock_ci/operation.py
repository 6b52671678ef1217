"""The common body of `penstock preview`, `up`, `refresh` and `destroy`: one project, or the platform's in order."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from penstock_ci import changes, guard, policy, projects, stacks, teardown
from penstock_ci.errors import INTERRUPTED, Failure, UserError, leave
from penstock_ci.flags import Flags
from penstock_ci.output import Output, confirm, refuse_unanswered
from penstock_ci.plans import Plan
from penstock_ci.target import resolve

if TYPE_CHECKING:
    from penstock_ci.projects import Project
    from penstock_ci.stacks import Action, Engine, Stack
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
    yes_production: bool = False,
    skip_preview: bool = False,
    flags: Flags | None = None,
) -> None:
    """Do the action, show it, and print the document with `--json`.

    On AWS the account is looked at before anything else, and production must be meant (`yes_production`) or CI's doing.
    A preview is judged by the policies; an up begins with one, and without a mandatory finding goes on (on AWS, when a
    person has said yes to what it shows). `skip_preview` leaves that out, on the local cloud only.

    One project gives its own document; `--all` gives `{"ok", "counts", "duration_seconds", "projects": [...]}`.
    """
    output = Output(json=as_json)
    flags = replace(flags or Flags(), previewed=action == "up" and not skip_preview)
    chosen = chosen_projects(project, everything=everything, backwards=action == "destroy")
    settings = parse_configuration(configuration)
    if engine not in {None, "penstock", "pulumi"}:
        raise UserError(
            f"there is no engine '{engine}'", "engines: penstock (the local cloud's own), pulumi (Pulumi's CLI)"
        )
    chosen_engine: Engine | None = "pulumi" if engine == "pulumi" else "penstock" if engine == "penstock" else None
    target = resolve(stack)
    for each in chosen:
        guard.account(target, each, settings)
        if action != "preview":
            guard.production(target, each, settings, meant=yes_production, action=action)
    if not target.is_local and action == "up":
        if skip_preview:
            raise UserError(
                f"the stack '{target.stack}' is on AWS: its preview is not skipped", "leave out --skip-preview"
            )
        refuse_unanswered(_question(action, chosen, target), yes=yes)
    if not target.is_local and action in {"destroy", "refresh"}:
        confirm(_question(action, chosen, target), yes=yes)
    documents: list[dict[str, Any]] = []
    for position, current in enumerate(chosen):
        if action == "preview" and (needed := not_up(chosen[:position], target, chosen_engine)):
            output.marked("skipped", f"preview {current.name}: after {needed} is up, whose outputs it reads")
            documents.append({"project": current.name, "stack": target.stack, "needs": needed, **_NOTHING})
            continue
        opened = stacks.open_stack(current, target, chosen_engine, settings, flags)
        output.progress(f"{action} {current.name} on stack {target.stack}")
        if action == "preview":
            document = _preview(opened, current, target, settings, output, shown=True, diff=flags.diff)
        elif action == "destroy":
            document = _destroy(opened, current, target, output)
        elif action == "refresh":
            document = _refresh(opened, current, output, diff=flags.diff)
        else:
            document = _up(
                opened, current, target, settings, output, yes=yes, skip_preview=skip_preview, diff=flags.diff
            )
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
    judged = failed.get("policy")
    if judged is not None and not judged["ok"]:
        output.fail(
            Failure(
                f"{len(judged['mandatory'])} mandatory finding(s) of the policies in {failed['project']}: nothing was done",
                "follow the remedies above; or write an exception with its reason, policy:exceptions in "
                f"Pulumi.{target.stack}.yaml (see infra/policy/README.md)",
            )
        )
    problem = Failure(
        f"{action} of {failed['project']} failed",
        f"mend the cause, then run it again: what was done is kept (penstock {action} {failed['project']})",
        detail="\n".join(failed.get("errors") or failed.get("diagnostics") or []),
    )
    output.fail(problem)


def _destroy(opened: Stack, project: Project, target: Target, output: Output) -> dict[str, Any]:
    teardown.clear(target, teardown.check(target, project, opened.resources()), output.progress)
    document = opened.run("destroy", changes.Lines(output, "destroy"))
    changes.conclude(output, project.name, "destroy", document)
    return document


def _refresh(opened: Stack, project: Project, output: Output, *, diff: bool) -> dict[str, Any]:
    document = opened.run("refresh", changes.Lines(output, "refresh", diff=diff))
    changes.conclude(output, project.name, "refresh", document)
    return document


def _preview(
    opened: Stack,
    project: Project,
    target: Target,
    configuration: dict[str, str],
    output: Output,
    *,
    shown: bool,
    diff: bool = False,
) -> dict[str, Any]:
    """The preview with the policies' judgement; when `shown`, its changes, IAM difference and a month's cost are told."""
    chosen = policy.settings(project.folder, target.stack, configuration)
    plan = Plan(changes.Lines(output, "preview", diff=diff) if shown else None)
    document = opened.run("preview", plan)
    if document["ok"]:
        found = policy.judgement(plan.resources, chosen)
        policy.show(output, found)
        document = {**document, "policy": policy.document(found)}
        if not found.ok:
            document |= {"ok": False, "errors": policy.errors(found)}
        if shown:
            document["iam"] = _iam(opened, plan, output)
            document["cost"] = _cost(plan, target, output)
    if shown:
        changes.conclude(output, project.name, "preview", document)
    return document


def _iam(opened: Stack, plan: Plan, output: Output) -> dict[str, Any]:
    """Who may do what afterwards that they may not now, and the other way round."""
    from penstock_ci.access import difference, telling

    found = difference.difference(opened.resources(), plan.resources)
    telling.show(output, found)
    return found.document()


def _cost(plan: Plan, target: Target, output: Output) -> dict[str, Any]:
    """What the plan's resources cost on AWS in a month; said where they will."""
    from penstock_ci.cost import estimate, prices, telling

    known = prices.load()
    found = estimate.estimate(plan.resources, known)
    if not target.is_local:
        output.progress(telling.summary(found, known))
    return found.document(known)


def _up(
    opened: Stack,
    project: Project,
    target: Target,
    configuration: dict[str, str],
    output: Output,
    *,
    yes: bool,
    skip_preview: bool,
    diff: bool = False,
) -> dict[str, Any]:
    """An up after a preview that nothing stops: neither its own failure nor a policy nor, on AWS, a person."""
    planned: dict[str, Any] = {}
    if not skip_preview:
        planned = _preview(opened, project, target, configuration, output, shown=not target.is_local, diff=diff)
        if not planned["ok"]:
            return planned
    if not target.is_local:
        confirm(_question("up", [project], target), yes=yes)
    document = opened.run("up", changes.Lines(output, "up", diff=diff))
    changes.conclude(output, project.name, "up", document)
    return {**document, **{key: planned[key] for key in ("policy", "iam", "cost") if key in planned}}


def not_up(earlier: list[Project], target: Target, engine: Engine | None) -> str:
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


def _question(action: Action, chosen: list[Project], target: Target) -> str:
    names = ", ".join(project.name for project in chosen)
    return f"{action} {names} on the stack '{target.stack}' in AWS account {target.account()}?"
