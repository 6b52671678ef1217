"""`penstock up`."""

from __future__ import annotations

from typing import Annotated

import typer

from penstock_ci.output import JsonOption
from penstock_ci.target import StackOption
from penstock_ci.verbs.preview import AllOption, ConfigurationOption, EngineOption, ProjectArgument

app = typer.Typer()

YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask (on AWS; the local cloud never asks).")]

SkipPreviewOption = Annotated[
    bool,
    typer.Option("--skip-preview", "-f", help="Local cloud only: neither preview nor policies.", show_default=False),
]


@app.command()
def up(
    project: ProjectArgument = None,
    everything: AllOption = False,
    stack: StackOption = None,
    engine: EngineOption = None,
    configuration: ConfigurationOption = None,
    yes: YesOption = False,
    skip_preview: SkipPreviewOption = False,
    as_json: JsonOption = False,
) -> None:
    """Bring a project's resources to what its program says.

    \b
    Examples:
      penstock up --all
      penstock up infra
      penstock up datalake --stack dev

    It begins with a preview that the policies judge: a mandatory finding stops it before any step. On AWS it shows the
    preview and a month's cost, and asks.

    Ctrl-C lets the steps that have begun finish; what was done is kept and the next `up` goes on from there.
    """
    from penstock_ci import operation

    operation.run(
        "up",
        project,
        everything=everything,
        stack=stack,
        engine=engine,
        configuration=configuration or [],
        yes=yes,
        as_json=as_json,
        skip_preview=skip_preview,
    )
