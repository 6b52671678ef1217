"""`penstock destroy`."""

from __future__ import annotations

import typer

from penstock_ci.output import JsonOption
from penstock_ci.target import StackOption
from penstock_ci.verbs.preview import AllOption, EngineOption, ProjectArgument
from penstock_ci.verbs.up import YesOption

app = typer.Typer()


@app.command()
def destroy(
    project: ProjectArgument = None,
    everything: AllOption = False,
    stack: StackOption = None,
    engine: EngineOption = None,
    yes: YesOption = False,
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

    operation.run(
        "destroy",
        project,
        everything=everything,
        stack=stack,
        engine=engine,
        configuration=[],
        yes=yes,
        as_json=as_json,
    )
