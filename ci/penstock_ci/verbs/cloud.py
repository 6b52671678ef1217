"""`penstock cloud`: the local cloud."""

from __future__ import annotations

import json
import shlex
import sys
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from penstock_ci.errors import Failure, UserError, did_you_mean
from penstock_ci.output import JsonOption, Output, confirm

app = typer.Typer(
    no_args_is_help=True, help="The local cloud: LocalStack, our own AWS services, the GitHub receiver; one supervisor."
)

StateOption = Annotated[
    Path | None,
    typer.Option(
        "--state-dir",
        metavar="FOLDER",
        envvar="PENSTOCK_STATE_DIR",
        show_default="~/.local/state/penstock",
        help="State folder: one local cloud each.",
    ),
]
PROCESSES = ("supervisor", "gateway", "services", "receiver")
RECEIVER = [sys.executable, "-m", "penstock_ci", "ci", "listen", "--port", "{port}", "--state-dir", "{state_dir}"]


@app.command()
def up(
    port: Annotated[
        int,
        typer.Option(
            "--port", "-p", min=0, max=65535, envvar="PENSTOCK_PORT", help="Gateway port on 127.0.0.1; 0: a free one."
        ),
    ] = 4566,
    state_dir: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Start it and wait until everything answers. Started already: say where it is.

    \b
    Examples:
      penstock cloud up
      penstock cloud up --port 4600 --state-dir /tmp/another --json
    """
    from penstock_cloud import cloud

    output = Output(json=as_json)
    began = time.monotonic()
    info = cloud.up(_state(state_dir), port=port, receiver=RECEIVER, on_progress=output.progress)
    output.marked("ok", f"the local cloud answers at {info.endpoint} ({time.monotonic() - began:.1f} s)")
    output.line(f"  state and logs in {info.state_dir}")
    output.line('  other clients: eval "$(penstock cloud env)"')
    output.result(_document(info))


@app.command()
def down(state_dir: StateOption = None, as_json: JsonOption = False) -> None:
    """Stop it. Everything that it holds stays for the next `penstock cloud up`; jobs that run are Failed.

    \b
    Example:
      penstock cloud down
    """
    from penstock_cloud import cloud

    output = Output(json=as_json)
    folder = _state(state_dir)
    was_up = cloud.info(folder) is not None
    cloud.down(folder)
    output.marked(
        "ok", f"stopped; its files stay in {folder} until `penstock cloud reset`" if was_up else "it was not running"
    )
    output.result({"ok": True, "was_running": was_up, "state_dir": str(folder)})


@app.command()
def status(state_dir: StateOption = None, as_json: JsonOption = False) -> None:
    """Say what runs and where. Exit code 1 when the cloud is not up.

    \b
    Example:
      penstock cloud status --json
    """
    from penstock_ci.errors import leave
    from penstock_cloud import cloud

    output = Output(json=as_json)
    folder = _state(state_dir)
    info = cloud.info(folder)
    found: Any = cloud.status(folder)
    detail: dict[str, Any] = found if isinstance(found, dict) else found.model_dump(mode="json")
    if info is None:
        output.marked("skipped", f"no local cloud is running (state folder {folder})")
        output.result({"running": False, "state_dir": str(folder), **detail})
        raise leave(1)
    output.marked("ok", f"the local cloud answers at {info.endpoint} (process {info.pid})")
    for name, value in detail.items():
        if name not in {"endpoint", "pid", "running"}:
            output.line(f"  {name}: {value if isinstance(value, str | int | float) else json.dumps(value)}")
    output.result({"running": True, **_document(info), **detail})


@app.command()
def logs(
    process: Annotated[
        str | None,
        typer.Argument(metavar="[PROCESS]", help=f"{', '.join(PROCESSES)}; default: all.", show_default=False),
    ] = None,
    lines: Annotated[int, typer.Option("--lines", "-n", min=1, help="How many of the last lines.")] = 40,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until Ctrl-C.")] = False,
    state_dir: StateOption = None,
) -> None:
    """Show the logs of the local cloud's own processes (jobs and endpoints: `penstock logs NAME`).

    \b
    Examples:
      penstock cloud logs services -n 100
      penstock cloud logs --follow
    """
    if process is not None and process not in PROCESSES:
        raise UserError(
            f"there is no process '{process}'{did_you_mean(process, PROCESSES)}", f"processes: {', '.join(PROCESSES)}"
        )
    folder = _state(state_dir) / "logs"
    files = [folder / f"{name}.log" for name in ([process] if process else PROCESSES)]
    present = [file for file in files if file.exists()]
    if not present:
        raise Failure(f"there are no logs in {folder}", "start it: penstock cloud up")
    for file in present:
        prefix = "" if process else f"{file.stem} | "
        for line in file.read_text(errors="replace").splitlines()[-lines:]:
            print(f"{prefix}{line}")
    if follow:
        _follow(present, named=process is None)


@app.command()
def env(state_dir: StateOption = None, as_json: JsonOption = False) -> None:
    """Print the variables that point any AWS client at the local cloud, as shell exports.

    \b
    Examples:
      eval "$(penstock cloud env)"
      aws s3 ls
    """
    from penstock_cloud import cloud

    output = Output(json=as_json)
    variables = cloud.environment(_running(_state(state_dir)))
    for name, value in variables.items():
        if not as_json:
            output.line(f"export {name}={shlex.quote(value)}")
    output.result(variables)


@app.command()
def reset(
    state_dir: StateOption = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Stop it and take its state away: buckets, stacks, models, logs.

    \b
    Example:
      penstock cloud reset --yes
    """
    from penstock_cloud import cloud

    output = Output(json=as_json)
    folder = _state(state_dir)
    if not folder.exists():
        output.marked("ok", f"there is nothing in {folder}")
        output.result({"ok": True, "state_dir": str(folder), "removed": False})
        return
    confirm(f"Remove everything in {folder}?", yes=yes)
    cloud.reset(folder)
    output.marked("ok", f"removed {folder}")
    output.result({"ok": True, "state_dir": str(folder), "removed": True})


@app.command()
def save(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="A name, or the path of a file.", show_default=False)
    ] = None,
    list_them: Annotated[bool, typer.Option("--list", "-l", help="Say which snapshots there are.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Replace a snapshot of that name.")] = False,
    state_dir: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write the whole local cloud, running or stopped, to a file; one that runs stands still for a moment.

    \b
    Examples:
      penstock cloud save before-the-demo
      penstock cloud save /tmp/bug.tar.gz
      penstock cloud save --list
    """
    from penstock_cloud import snapshots

    output = Output(json=as_json)
    if list_them:
        found = snapshots.known()
        rows = [[item.name, f"{item.created:%Y-%m-%d %H:%M} UTC", _megabytes(item.size), item.file] for item in found]
        output.table(["snapshot", "made", "size", "file"], rows)
        output.result([item.model_dump(mode="json") for item in found])
        return
    if name is None:
        raise UserError("a snapshot needs a name", "penstock cloud save NAME, or --list to see which there are")
    saved = snapshots.save(_state(state_dir), name, replace=yes, tell=output.progress)
    output.marked("ok", f"saved '{saved.name}' ({_megabytes(saved.size)}) to {saved.file}")
    output.result({"ok": True, **saved.model_dump(mode="json")})


@app.command()
def load(
    name: Annotated[str, typer.Argument(help="A name that `penstock cloud save --list` shows, or the path of a file.")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Replace the state that is there.")] = False,
    state_dir: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a snapshot the state of the local cloud: all of it, or nothing is changed. Start it with `up` then.

    \b
    Examples:
      penstock cloud load before-the-demo --yes
      penstock cloud load /tmp/bug.tar.gz --state-dir /tmp/another
    """
    from penstock_cloud import snapshots

    output = Output(json=as_json)
    folder = _state(state_dir)
    loaded = snapshots.load(folder, name, replace=yes)
    output.marked("ok", f"loaded '{loaded.name}' of {loaded.created:%Y-%m-%d %H:%M} UTC into {folder}")
    output.line("  start it: penstock cloud up")
    output.result({"ok": True, **loaded.model_dump(mode="json"), "state_dir": str(folder)})


@app.command()
def coverage(
    service: Annotated[
        str | None,
        typer.Argument(metavar="[SERVICE]", help="Only this service, with its operations.", show_default=False),
    ] = None,
    state_dir: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say of each API operation whether it is real, a record (as on AWS), or refused.

    \b
    Examples:
      penstock cloud coverage
      penstock cloud coverage sagemaker --json
    """
    from urllib.request import urlopen

    output = Output(json=as_json)
    info = _running(_state(state_dir))
    with urlopen(f"{info.runtime_endpoint}/_penstock/coverage", timeout=30) as answer:  # noqa: S310 - on loopback
        found: dict[str, dict[str, Any]] = json.load(answer)
    if service is not None:
        if service not in found:
            raise UserError(
                f"there is no service '{service}'{did_you_mean(service, found)}",
                f"services: {', '.join(sorted(found))}",
            )
        found = {service: found[service]}
    columns = ["service", "operations", "real", "record", "refused"]
    output.table(columns, [[name, *(entry[column] for column in columns[1:])] for name, entry in sorted(found.items())])
    if service is not None:
        for name, kind in sorted(found[service]["names"].items()):
            output.line(f"  {kind.ljust(7)}  {name}")
    output.result(found)


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB"


def _state(state_dir: Path | None) -> Path:
    from penstock_ci.target import state_directory

    return state_dir.resolve() if state_dir else state_directory()


def _running(folder: Path) -> Any:
    from penstock_cloud import cloud

    info = cloud.info(folder)
    if info is None:
        raise UserError(
            f"no local cloud is running (state folder {folder})", "start it: penstock cloud up", exit_code=1
        )
    return info


def _document(info: Any) -> dict[str, Any]:
    document: dict[str, Any] = info.model_dump(mode="json")
    return document


def _follow(files: list[Path], *, named: bool) -> None:
    opened = []
    for file in files:
        stream = file.open(errors="replace")
        stream.seek(0, 2)
        opened.append((file, stream))
    while True:
        for file, stream in opened:
            for line in stream:
                print(f"{file.stem} | {line}" if named else line, end="", flush=True)
        time.sleep(0.3)
