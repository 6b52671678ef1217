"""`penstock predict`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from penstock_ci.output import JsonOption, Output
from penstock_ci.repository import RepositoryOption
from penstock_ci.target import StackOption

app = typer.Typer()


@app.command()
def predict(
    input: Annotated[
        str,
        typer.Option(
            "--input", "-i", metavar="FILE|-", help="Rows to predict (JSON lines or CSV); - reads them from stdin."
        ),
    ],
    endpoint: Annotated[
        str | None, typer.Option("--endpoint", help="The endpoint.", show_default="the model's name")
    ] = None,
    repository: RepositoryOption = None,
    stack: StackOption = None,
    as_json: JsonOption = False,
) -> None:
    """Ask the endpoint about rows, with online features read from the feature store by key.

    \b
    Examples:
      penstock predict --input examples/flights.json
      head -5 flights.csv | penstock predict --input - --json
    """
    import json

    from penstock_ci.errors import Failure, UserError
    from penstock_ci.repository import find
    from penstock_ci.target import resolve

    output = Output(json=as_json)
    if input != "-" and not Path(input).is_file():
        raise UserError(f"{input} is not a file", "give a file of rows, or - for stdin")
    found = find(repository)
    target = resolve(stack)
    source = input if input == "-" else str(Path(input).resolve())
    command = [
        str(found.python),
        "-m",
        f"{found.configuration.package}.predict",
        "--input",
        source,
        "--endpoint",
        endpoint or found.name,
    ]
    done = subprocess.run(
        [*command, *(["--json"] if as_json else [])],
        cwd=found.root,
        env=target.environment,
        stdin=sys.stdin if input == "-" else subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines() or ["it gave no reason"]
        raise Failure(
            f"the prediction failed: {lines[-1].removeprefix('error: ')}",
            f"is a version deployed? penstock status; the endpoint's log: penstock logs {endpoint or found.name}",
            detail="\n".join(lines[-12:-1]),
        )
    if as_json:
        output.result(json.loads(done.stdout))
    else:
        print(done.stdout, end="")
    if done.stderr:
        print(done.stderr, end="", file=sys.stderr)
