"""`penstock predict`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from penstock_ci.errors import Failure
from penstock_ci.output import JsonOption, Output
from penstock_ci.repository import RepositoryOption
from penstock_ci.target import StackOption

app = typer.Typer()

_FEW_LINES = 3


@app.command()
def predict(
    input: Annotated[
        str,
        typer.Option(
            "--input", "-i", metavar="FILE|-", help="Rows to predict (JSON lines or CSV); - reads them from stdin."
        ),
    ],
    endpoint: Annotated[
        str | None, typer.Option("--endpoint", help="The endpoint.", show_default="the model's")
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

    from penstock_ci.errors import UserError
    from penstock_ci.repository import find
    from penstock_ci.target import resolve

    output = Output(json=as_json)
    if input != "-" and not Path(input).is_file():
        raise UserError(f"{input} is not a file", "give a file of rows, or - for stdin")
    found = find(repository)
    target = resolve(stack)
    name = endpoint or found.configuration.endpoint_in(target.stack)
    source = input if input == "-" else str(Path(input).resolve())
    command = [
        str(found.python),
        "-m",
        f"{found.configuration.package}.predict",
        "--input",
        source,
        "--endpoint",
        name,
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
        raise _failure(done.stderr, name)
    if as_json:
        output.result(json.loads(done.stdout))
    else:
        print(done.stdout, end="")
    if done.stderr:
        print(done.stderr, end="", file=sys.stderr)


def _failure(said: str, endpoint: str) -> Failure:
    """What the repository's program said: its `error:` and `fix:` lines, else its whole few lines, else a traceback's end."""
    lines = [line.strip() for line in said.strip().splitlines()] or ["it gave no reason"]
    fallback = f"is a version deployed? penstock status; the endpoint's log: penstock logs {endpoint}"
    causes = [line.removeprefix("error: ") for line in lines if line.startswith("error: ")]
    if causes:
        fixes = [line.removeprefix("fix: ") for line in lines if line.startswith("fix: ")]
        return Failure(causes[0], fixes[0] if fixes else fallback)
    if len(lines) <= _FEW_LINES:
        return Failure(f"the prediction failed: {' '.join(lines)}", fallback)
    return Failure(f"the prediction failed: {lines[-1]}", fallback, detail="\n".join(lines[-12:-1]))
