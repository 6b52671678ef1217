"""`penstock logs`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from penstock_ci.output import JsonOption, Output
from penstock_ci.repository import RepositoryOption
from penstock_ci.target import StackOption

if TYPE_CHECKING:
    from penstock_ci.cloudlogs import Line

app = typer.Typer()


@app.command()
def logs(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="[JOB|EXECUTION|ENDPOINT]",
            help="A job's, execution's or endpoint's name or ARN; `latest` is the model's newest execution.",
            show_default="latest",
        ),
    ] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until Ctrl-C (a job or an endpoint).")] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", min=1, help="How many of the last lines (of each job).")] = 200,
    repository: RepositoryOption = None,
    stack: StackOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show logs from CloudWatch Logs: of a job, of every step of a pipeline execution, or of an endpoint.

    \b
    Examples:
      penstock logs
      penstock logs pipelines-abc123-Train-xyz --follow
      penstock logs flight-delays
    """
    from penstock_ci import cloudlogs, logsources
    from penstock_ci.errors import UserError
    from penstock_ci.repository import find_if_any
    from penstock_ci.target import resolve

    output = Output(json=as_json)
    target = resolve(stack)
    found = find_if_any(repository)
    sources = logsources.find(target, name or "latest", found.name if found else None)
    if follow:
        if as_json or len(sources) != 1:
            raise UserError(
                "--follow needs one job or endpoint, and no --json", f"jobs: {', '.join(label for label, _ in sources)}"
            )
        for line in cloudlogs.follow(target, sources[0][1], last=lines):
            print(_form(line), flush=True)
        return
    document = []
    for label, source in sources:
        events = cloudlogs.lines(target, source, last=lines)
        document.append(
            {
                "name": label,
                "group": source.group,
                "lines": [{"time": e.time, "stream": e.stream, "message": e.message} for e in events],
            }
        )
        if len(sources) > 1:
            output.line(f"== {label}", style="bold")
        for event in events:
            output.line(_form(event))
        if not events:
            output.progress(f"{label} has no log lines yet")
    output.result(document)


def _form(line: Line) -> str:
    return f"{datetime.fromtimestamp(line.time, UTC):%H:%M:%S} {line.message}"
