"""`penstock cost`."""

from __future__ import annotations

import typer

from penstock_ci.output import JsonOption, Output
from penstock_ci.target import StackOption
from penstock_ci.verbs.preview import AllOption, ConfigurationOption, ProjectArgument

app = typer.Typer()


@app.command()
def cost(
    project: ProjectArgument = None,
    everything: AllOption = False,
    stack: StackOption = None,
    configuration: ConfigurationOption = None,
    as_json: JsonOption = False,
) -> None:
    """Estimate a month's cost of a stack on AWS, from what a preview says that it will have. Changes nothing.

    \b
    Examples:
      penstock cost infra
      penstock cost --all --stack dev
      penstock cost datalake --json

    List prices of one region from a dated file: no bill. What costs by use alone (storage, requests) is listed with its
    unit prices and is not in the sum; so is what has no known price.
    """
    from penstock_ci import operation, stacks
    from penstock_ci.cost import estimate, prices, telling
    from penstock_ci.errors import Failure
    from penstock_ci.plans import Plan
    from penstock_ci.target import resolve

    output = Output(json=as_json)
    chosen = operation.chosen_projects(project, everything=everything)
    settings = operation.parse_configuration(configuration or [])
    target = resolve(stack)
    known = prices.load()
    estimates: list[estimate.Estimate] = []
    documents: list[dict[str, object]] = []
    for position, current in enumerate(chosen):
        if needed := operation.not_up(chosen[:position], target, None):
            output.marked("skipped", f"cost of {current.name}: after {needed} is up, whose outputs it reads")
            documents.append({"project": current.name, "stack": target.stack, "needs": needed})
            continue
        output.progress(f"preview {current.name} on stack {target.stack}")
        plan = Plan()
        document = stacks.open_stack(current, target, None, settings).run("preview", plan)
        if not document["ok"]:
            raise Failure(
                f"preview of {current.name} failed: there is nothing to estimate",
                f"mend the cause; see it with: penstock preview {current.name}",
                detail="\n".join(document.get("errors") or document.get("diagnostics") or []),
            )
        found = estimate.estimate(plan.resources, known)
        estimates.append(found)
        documents.append({"project": current.name, "stack": target.stack, **found.document(known)})
        if everything:
            output.line(f"{current.name}: {found.monthly:,.2f} USD a month")
    whole = estimate.together(estimates)
    telling.show(output, whole, known)
    if everything:
        output.result({"stack": target.stack, **whole.document(known), "projects": documents})
    else:
        output.result(documents[0])
