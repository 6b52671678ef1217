"""`penstock drift`."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from penstock_ci.output import JsonOption, Output
from penstock_ci.repository import RepositoryOption
from penstock_ci.target import StackOption

app = typer.Typer()


@app.command()
def drift(
    since: Annotated[
        datetime | None,
        typer.Option("--from", help="Start of the window of captured requests (UTC).", show_default="a day ago"),
    ] = None,
    until: Annotated[
        datetime | None, typer.Option("--to", help="Its end (UTC), exclusive.", show_default="now")
    ] = None,
    exit_code: Annotated[bool, typer.Option("--exit-code", help="Exit with 3 when features have drifted.")] = False,
    repository: RepositoryOption = None,
    stack: StackOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compare what the endpoint saw with the live version's registered baseline, in a processing job.

    \b
    Examples:
      penstock drift
      penstock drift --from 2026-11-20T08:00:00 --to 2026-11-20T12:00:00 --json

    Violations become the metric Penstock/Drift and raise the model's alarm, which starts train.yml.
    """
    from penstock_ci import drifting
    from penstock_ci.errors import FOUND, leave
    from penstock_ci.repository import find
    from penstock_ci.target import resolve

    output = Output(json=as_json)
    found = find(repository)
    target = resolve(stack)
    judged = drifting.run(target, found, since, until, output.progress)
    window = f"{judged.since:%Y-%m-%d %H:%M} to {judged.until:%Y-%m-%d %H:%M} UTC"
    output.line(f"{judged.rows} captured rows from {window} against version {judged.version}")
    for violation in judged.violations:
        output.marked("failed", f"{violation.get('feature_name')}: {violation.get('description')}")
    if not judged.violations:
        output.marked("ok", judged.message or "no drift")
    output.result(judged.summary())
    if exit_code and judged.violations:
        raise leave(FOUND)
