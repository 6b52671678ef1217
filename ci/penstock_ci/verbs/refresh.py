"""`penstock refresh`."""

from __future__ import annotations

import typer

from penstock_ci.output import JsonOption
from penstock_ci.target import StackOption
from penstock_ci.verbs.preview import (
    AllOption,
    DiffOption,
    EngineOption,
    ExpectNoChangesOption,
    ProjectArgument,
    TargetOption,
)
from penstock_ci.verbs.up import YesOption, YesProductionOption

app = typer.Typer()


@app.command()
def refresh(
    project: ProjectArgument = None,
    everything: AllOption = False,
    stack: StackOption = None,
    engine: EngineOption = None,
    target: TargetOption = None,
    diff: DiffOption = False,
    expect_no_changes: ExpectNoChangesOption = False,
    yes: YesOption = False,
    yes_production: YesProductionOption = False,
    as_json: JsonOption = False,
) -> None:
    """Bring a stack's state to what the cloud has. Changes the state only, never a resource.

    \b
    Examples:
      penstock refresh datalake
      penstock refresh infra --diff
      penstock refresh --all --expect-no-changes

    What has drifted is listed; the next `up` puts it back. With --expect-no-changes any drift is a failure (the state has
    it all the same).
    """
    from penstock_ci import operation
    from penstock_ci.flags import flags

    operation.run(
        "refresh",
        project,
        everything=everything,
        stack=stack,
        engine=engine,
        configuration=[],
        yes=yes,
        yes_production=yes_production,
        as_json=as_json,
        flags=flags(target, everything=everything, diff=diff, expect_no_changes=expect_no_changes),
    )
