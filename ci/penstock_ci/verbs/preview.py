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
        help="foundation, datalake, featurestore, training, operations, or a folder with a Pulumi.yaml; default: infra.",
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
TargetOption = Annotated[
    list[str] | None,
    typer.Option("--target", "-t", metavar="URN", help="Only this resource; '**::NAME' names it too. May be repeated."),
]
TargetDependentsOption = Annotated[
    bool, typer.Option("--target-dependents", help="With --target: also what depends on it.", show_default=False)
]
RefreshOption = Annotated[
    bool, typer.Option("--refresh", "-r", help="Read the cloud first: what has drifted is told.", show_default=False)
]
DiffOption = Annotated[
    bool, typer.Option("--diff", help="Show old and new values of what changes.", show_default=False)
]
ExpectNoChangesOption = Annotated[
    bool, typer.Option("--expect-no-changes", help="Fail if there is any change.", show_default=False)
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
    target: TargetOption = None,
    target_dependents: TargetDependentsOption = False,
    refresh: RefreshOption = False,
    diff: DiffOption = False,
    expect_no_changes: ExpectNoChangesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Show what `up` would create, update, replace and delete. Changes nothing.

    \b
    Examples:
      penstock preview datalake
      penstock preview infra --json
      penstock preview --all --stack dev
      penstock preview infra --diff --target '**::lake-raw'
      penstock preview --all --refresh --expect-no-changes
    """
    from penstock_ci import operation
    from penstock_ci.flags import flags

    operation.run(
        "preview",
        project,
        everything=everything,
        stack=stack,
        engine=engine,
        configuration=configuration or [],
        yes=True,
        as_json=as_json,
        flags=flags(
            target,
            everything=everything,
            target_dependents=target_dependents,
            refresh=refresh,
            expect_no_changes=expect_no_changes,
            diff=diff,
        ),
    )
