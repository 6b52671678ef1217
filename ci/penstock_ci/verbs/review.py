"""`penstock review`."""

from __future__ import annotations

from typing import Annotated

import typer

from penstock_ci.output import JsonOption, Output
from penstock_ci.repository import ModelArgument
from penstock_ci.target import StackOption

app = typer.Typer()

VersionOption = Annotated[
    int | None, typer.Option("--version", "-v", min=1, help="The version's number.", show_default="the newest")
]

_PROVENANCE = (
    "git_commit",
    "data_version",
    "image_uri",
    "model_digest",
    "train_from",
    "train_to",
    "evaluate_from",
    "evaluate_to",
    "seed",
    "mlflow_run",
)


@app.command()
def review(
    model: ModelArgument = None,
    version: VersionOption = None,
    stack: StackOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show a version's numbers against the champion's (the live version, or the newest approved one).

    \b
    Examples:
      penstock review
      penstock review flight-delays --version 2 --json
    """
    from penstock_ci import registry, training
    from penstock_ci.repository import model_name
    from penstock_ci.target import resolve

    output = Output(json=as_json)
    name = model_name(model)
    target = resolve(stack)
    candidate = registry.pick(target, name, version)
    rival = training.champion(target, name, but=candidate.arn)
    evaluation = registry.evaluation(target, candidate)
    numbers = registry.numbers(evaluation)
    rival_numbers = training.champion_numbers(target, evaluation, rival)
    output.line(f"{name} version {candidate.number}: {candidate.approval}")
    if candidate.description.get("ApprovalDescription"):
        output.line(f"  {candidate.description['ApprovalDescription']}")
    rows = []
    for metric in sorted(numbers):
        mine, theirs = numbers[metric], rival_numbers.get(metric)
        rows.append(
            [
                metric,
                f"{mine:.4f}",
                f"{theirs:.4f}" if theirs is not None else "",
                f"{mine - theirs:+.4f}" if theirs is not None else "",
            ]
        )
    output.table(
        [
            "metric",
            f"version {candidate.number}",
            f"champion (version {rival.number})" if rival else "no champion yet",
            "difference",
        ],
        rows,
    )
    for key in _PROVENANCE:
        if candidate.properties.get(key):
            output.line(f"  {key.ljust(13)} {candidate.properties[key]}")
    if candidate.approval == "PendingManualApproval":
        output.line(f"next: penstock approve {name} --version {candidate.number}   (or reject)")
    output.result(
        candidate.summary()
        | {
            "metrics": numbers,
            "champion": rival.summary() | {"metrics": rival_numbers} if rival else None,
            "difference": {
                metric: numbers[metric] - rival_numbers[metric] for metric in numbers if metric in rival_numbers
            },
        }
    )
