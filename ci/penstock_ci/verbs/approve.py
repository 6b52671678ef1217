"""`penstock approve`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from penstock_ci.output import JsonOption, Output
from penstock_ci.repository import ModelArgument
from penstock_ci.target import StackOption
from penstock_ci.verbs.review import VersionOption

if TYPE_CHECKING:
    from penstock_ci.registry import Approval

app = typer.Typer()

CommentOption = Annotated[str, typer.Option("--comment", "-m", help="Why; kept with the version.")]


@app.command()
def approve(
    model: ModelArgument = None,
    version: VersionOption = None,
    comment: CommentOption = "",
    stack: StackOption = None,
    as_json: JsonOption = False,
) -> None:
    """Approve a version in the registry. The registry's event then starts deploy.yml, locally as on AWS.

    \b
    Examples:
      penstock approve
      penstock approve flight-delays --version 2 --comment "better on every month"
    """
    decide("Approved", model, version, comment, stack, as_json=as_json)


def decide(
    approval: Approval, model: str | None, number: int | None, comment: str, stack: str | None, *, as_json: bool
) -> None:
    """Set a version's approval and say so; nothing happens when it has it already."""
    from penstock_ci import registry
    from penstock_ci.repository import model_name
    from penstock_ci.target import resolve

    output = Output(json=as_json)
    name = model_name(model)
    target = resolve(stack)
    version = registry.pick(target, name, number)
    before = version.approval
    if before == approval:
        output.marked("skipped", f"{name} version {version.number} is {approval} already")
    else:
        registry.decide(target, version, approval, comment)
        output.marked("ok", f"{name} version {version.number}: {before} -> {approval}")
        if approval == "Approved":
            output.line("the event starts deploy.yml; see: penstock status, penstock ci runs (local)")
    output.result(
        {
            "ok": True,
            "model": name,
            "version": version.number,
            "arn": version.arn,
            "approval": approval,
            "before": before,
            "changed": before != approval,
        }
    )
