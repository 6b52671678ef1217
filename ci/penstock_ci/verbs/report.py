"""`penstock report`: one HTML page of a run."""

from __future__ import annotations

import json
from pathlib import Path

import typer

app = typer.Typer(no_args_is_help=False)


@app.command()
def report(
    run: Path = typer.Option(Path("build/demo/run.json"), help="The run to report."),
    output: Path | None = typer.Option(
        None, "--output", "-o", help="The page to write (default: report.html beside it)."
    ),
    as_json: bool = typer.Option(False, "--json", help="Print the result as JSON."),
) -> None:
    """Write one self-contained HTML page of a run: stages, pipeline, metrics, drift, resources.

    \b
    Example:
      penstock report --run build/demo/run.json
    """
    from penstock_ci.report import write

    page = write(run, output or run.with_name("report.html")).absolute()
    print(json.dumps({"report": str(page)}) if as_json else page)
