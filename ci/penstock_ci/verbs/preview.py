"""`penstock preview`."""

from __future__ import annotations

from typing import Annotated

import typer

from penstock_ci.output import JsonOption
from penstock_ci.target import StackOption

app = typer.Typer()

ProjectArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="[PROJECT]",
        help="foundation, datalake, featurestore, training, or a folder with a Pulumi.yaml; default: infra.",
        show_default=False,
    ),
]
AllOption = Annotated[bool, typer.Option("--all", help="The platform's four projects, in their order.")]
EngineOption = Annotated[
    str | None,
    typer.Option(
        "--engine",
        metavar="ENGINE",
        help="penstock (the local cloud's own) or pulumi (Pulumi's CLI; on AWS always).",
        show_default=False,
    ),
]
ConfigurationOption = Annotated[
    list[str] | None, typer.Option("--config", "-c", metavar="KEY=VALUE", help="A setting on top of the stack's file.")
]


@app.command()
def preview(
    project: ProjectArgument = None,
    everything: AllOption = False,
    stack: StackOption = None,
    engine: EngineOption = None,
    configuration: ConfigurationOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what `up` would create, update, replace and delete. Changes nothing.

    \b
    Examples:
      penstock preview datalake
      penstock preview infra --json
      penstock preview --all --stack dev
    """
    from penstock_ci import operation

    operation.run(
        "preview",
        project,
        everything=everything,
        stack=stack,
        engine=engine,
        configuration=configuration or [],
        yes=True,
        as_json=as_json,
    )
