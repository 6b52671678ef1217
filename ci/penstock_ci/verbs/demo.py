"""`penstock demo`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()

NEXT = (
    ("penstock status", "versions, endpoint, stacks on one page"),
    ("penstock review --version 2", "version 2 against version 1"),
    ("penstock predict --input ../flights.json", "ask the endpoint again"),
    ("penstock pipeline graph", "the pipeline as a picture"),
    ("penstock ci run pull_request", "the pull request's workflow, here"),
)


@app.command()
def demo(
    folder: Annotated[
        Path, typer.Option("--folder", help="Where everything goes; emptied first.", show_default="build/demo")
    ] = Path("build/demo"),
    port: Annotated[
        int, typer.Option("--port", "-p", min=1, max=65535, envvar="PENSTOCK_PORT", help="Port of the local cloud.")
    ] = 4566,
    sample: Annotated[
        float,
        typer.Option(
            "--sample", min=0.05, max=1.0, envvar="DEMO_SAMPLE", help="Share of the aircraft whose flights are used."
        ),
    ] = 1.0,
    destroy: Annotated[
        bool, typer.Option("--destroy", envvar="DEMO_DESTROY", help="Take everything away at the end, and check it.")
    ] = False,
    seed: Annotated[int, typer.Option("--seed", help="Seed of every random choice.")] = 7,
) -> None:
    """The whole loop on this machine: from nothing to a deployed, monitored, retrained model, on real flights.

    \b
    Examples:
      penstock demo
      DEMO_DESTROY=1 make demo

    Needs a checkout of Penstock. Leaves run.json and report.html, and the local cloud up (unless --destroy).
    """
    from penstock_ci.demo import running
    from penstock_ci.demo.settings import Settings
    from penstock_ci.demo.stages import STAGES, TEARDOWN
    from penstock_ci.report import write

    settings = Settings(
        checkout=_checkout(), folder=folder.resolve(), port=port, sample=sample, destroy=destroy, seed=seed
    )
    stages = (*STAGES, TEARDOWN) if destroy else STAGES
    ok = running.run(settings, stages, finish=lambda session: write(session.settings.run_file, session.settings.report))
    if not ok:
        raise typer.Exit(1)
    _say_next(settings.folder, settings.report, destroy=destroy)


def _checkout() -> Path:
    """Penstock's source tree.

    Raises:
        UserError: this is an installed Penstock.
    """
    from penstock_ci.errors import UserError

    folder = Path(__file__).resolve().parents[3]
    if not (folder / "pyproject.toml").is_file():
        raise UserError(
            "the demo builds Penstock's wheel from its source, and this is an installed Penstock",
            "clone the repository and run: make demo",
        )
    return folder


def _say_next(folder: Path, report: Path, *, destroy: bool) -> None:
    print(f"\nreport: {_short(report)}")
    if destroy:
        return
    binary = _short(Path(__file__).resolve().parents[3] / ".venv" / "bin")
    print("\nThe local cloud is up. Try next:\n")
    print(f"  export PENSTOCK_STATE_DIR={folder / 'state'}")
    print(f"  cd {_short(folder / 'flight-delays')} && source .venv/bin/activate")
    for command, what in NEXT:
        print(f"  {command:<42} # {what}")
    print(f"\nStop it: {binary}/penstock cloud down --state-dir {_short(folder / 'state')}; take all away: make clean")


def _short(path: Path) -> str:
    """Relative to here where it is below."""
    return os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path)
