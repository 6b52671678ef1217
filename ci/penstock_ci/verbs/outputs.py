"""`penstock outputs`."""

from __future__ import annotations

from typing import Annotated

import typer

from penstock_ci.output import JsonOption, Output
from penstock_ci.target import StackOption
from penstock_ci.verbs.preview import AllOption, EngineOption, ProjectArgument

app = typer.Typer()


@app.command()
def outputs(
    project: ProjectArgument = None,
    everything: AllOption = False,
    stack: StackOption = None,
    engine: EngineOption = None,
    show_secrets: Annotated[bool, typer.Option("--show-secrets", help="Show secret values too.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Print what a stack exports: bucket names, role ARNs, the endpoint's name.

    \b
    Examples:
      penstock outputs foundation
      penstock outputs --all --json
    """
    import json

    from penstock_ci import operation, stacks
    from penstock_ci.errors import Failure
    from penstock_ci.target import resolve

    output = Output(json=as_json)
    target = resolve(stack)
    merged: dict[str, object] = {}
    chosen = operation.chosen_projects(project, everything=everything)
    chosen_engine: stacks.Engine | None = "pulumi" if engine == "pulumi" else None
    for current in chosen:
        merged |= stacks.open_stack(current, target, chosen_engine).outputs(show_secrets=show_secrets)
    if not merged:
        names = " ".join(current.name for current in chosen)
        raise Failure(f"{names} has no outputs on the stack '{target.stack}'", f"bring it up: penstock up {names}")
    width = max(len(name) for name in merged)
    for name, value in sorted(merged.items()):
        shown = value if isinstance(value, str) else json.dumps(value)
        output.line(f"{name.ljust(width)}  {shown}")
    output.result(merged)
