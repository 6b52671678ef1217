"""`penstock up`."""

from __future__ import annotations

from typing import Annotated

import typer

from penstock_ci.output import JsonOption
from penstock_ci.target import StackOption
from penstock_ci.verbs.preview import (
    AllOption,
    ConfigurationOption,
    DiffOption,
    EngineOption,
    ExpectNoChangesOption,
    ProjectArgument,
    RefreshOption,
    TargetDependentsOption,
    TargetOption,
)

app = typer.Typer()

YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask (on AWS; the local cloud never asks).")]

YesProductionOption = Annotated[
    bool,
    typer.Option(
        "--yes-production", help="Production is meant (elsewhere than in CI's environment).", show_default=False
    ),
]

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
    target: TargetOption = None,
    target_dependents: TargetDependentsOption = False,
    refresh: RefreshOption = False,
    diff: DiffOption = False,
    expect_no_changes: ExpectNoChangesOption = False,
    yes: YesOption = False,
    yes_production: YesProductionOption = False,
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
    preview, a month's cost and who may do what afterwards, and asks; production needs --yes-production or CI's environment.

    Ctrl-C lets the steps that have begun finish; what was done is kept and the next `up` goes on from there.
    """
    from penstock_ci import operation
    from penstock_ci.flags import flags

    operation.run(
        "up",
        project,
        everything=everything,
        stack=stack,
        engine=engine,
        configuration=configuration or [],
        yes=yes,
        yes_production=yes_production,
        as_json=as_json,
        skip_preview=skip_preview,
        flags=flags(
            target,
            everything=everything,
            target_dependents=target_dependents,
            refresh=refresh,
            expect_no_changes=expect_no_changes,
            diff=diff,
        ),
    )
