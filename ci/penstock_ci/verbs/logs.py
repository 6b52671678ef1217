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
            help="A job's (also a tuning job's), execution's or endpoint's name or ARN; `latest` is the model's newest "
            "execution.",
            show_default="latest",
        ),
    ] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until it has ended, or Ctrl-C.")] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", min=1, help="How many of the last lines (of each job).")] = 200,
    repository: RepositoryOption = None,
    stack: StackOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show logs from CloudWatch Logs: of a job on all of its hosts, of every step of a pipeline execution, or of an
    endpoint.

    \b
    Examples:
      penstock logs
      penstock logs pipelines-abc123-Train-xyz --follow
      penstock logs flight-delays-local
    """
    from penstock_ci import cloudlogs, logsources
    from penstock_ci.errors import FAILED, UserError
    from penstock_ci.repository import find_if_any
    from penstock_ci.target import resolve

    output = Output(json=as_json)
    target = resolve(stack)
    found = find_if_any(repository)
    meant = logsources.find(target, name or "latest", target.model_name(found.name) if found else None)
    if follow:
        if as_json:
            raise UserError("--follow and --json exclude one another", "leave one of them out")
        several: set[tuple[str, str]] = set()
        for label, line in cloudlogs.follow_all(target, meant.sources, meant.running, last=lines):
            several.add((label, line.stream))
            print(_form(line, label if len(several) > 1 else None), flush=True)
        return
    sources = meant.sources()
    if not sources:
        raise UserError(f"'{name or 'latest'}' has not run a job yet", "try again in a moment", exit_code=FAILED)
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
        hosts = len({event.stream for event in events}) > 1
        for event in events:
            output.line(_form(event, label if hosts else None))
        if not events:
            output.progress(f"{label} has no log lines yet")
    output.result(document)


def _form(line: Line, label: str | None) -> str:
    """A line; with where it comes from (the label, and the host of a job), where there are several such places."""
    when = f"{datetime.fromtimestamp(line.time, UTC):%H:%M:%S}"
    if label is None:
        return f"{when} {line.message}"
    host = line.stream.rpartition("/")[2]
    host = host.rpartition("-")[0] if host.startswith("algo-") else host
    return f"{when} [{label} {host}] {line.message}"
