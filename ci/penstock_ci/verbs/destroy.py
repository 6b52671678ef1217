"""`penstock destroy`."""

from __future__ import annotations

import typer

from penstock_ci.output import JsonOption
from penstock_ci.target import StackOption
from penstock_ci.verbs.preview import (
    AllOption,
    EngineOption,
    ProjectArgument,
    RefreshOption,
    TargetDependentsOption,
    TargetOption,
)
from penstock_ci.verbs.up import YesOption, YesProductionOption

app = typer.Typer()


@app.command()
def destroy(
    project: ProjectArgument = None,
    everything: AllOption = False,
    stack: StackOption = None,
    engine: EngineOption = None,
    target: TargetOption = None,
    target_dependents: TargetDependentsOption = False,
    refresh: RefreshOption = False,
    yes: YesOption = False,
    yes_production: YesProductionOption = False,
    as_json: JsonOption = False,
) -> None:
    """Delete everything that a project's stack has. `--all` goes backwards through the platform.

    \b
    Examples:
      penstock destroy infra
      penstock destroy --all

    What is protected (data, on stacks other than `local`) is refused.
    """
    from penstock_ci import operation
    from penstock_ci.flags import flags

    operation.run(
        "destroy",
        project,
        everything=everything,
        stack=stack,
        engine=engine,
        configuration=[],
        yes=yes,
        yes_production=yes_production,
        as_json=as_json,
        flags=flags(target, everything=everything, target_dependents=target_dependents, refresh=refresh),
    )
