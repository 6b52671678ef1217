"""`penstock ci`: run workflows on this machine, receive what GitHub would, write the pull request's comment."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from penstock_ci.errors import FAILED, Failure, UserError, leave
from penstock_ci.output import JsonOption, Output

if TYPE_CHECKING:
    from collections.abc import Mapping

app = typer.Typer(no_args_is_help=True, help="Run workflows on this machine; receive what GitHub would.")

StateOption = Annotated[Path | None, typer.Option(help="The local cloud's state folder.", show_default="the usual one")]
RepositoryOption = Annotated[Path, typer.Option("--repository", help="The checkout.", show_default="this folder")]


@app.command()
def run(
    event: Annotated[str, typer.Argument(help="pull_request, push, repository_dispatch, workflow_dispatch, ...")],
    payload: Annotated[
        Path | None, typer.Option(help="JSON file with the event; default: made from the checkout.")
    ] = None,
    type: Annotated[str, typer.Option("--type", help="The event's type: opened, or a dispatch's event_type.")] = "",
    repository: RepositoryOption = Path(),
    workflow: Annotated[str, typer.Option(help="Only this file of .github/workflows.")] = "",
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Show every line of every step.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Run the workflows that an event starts, unmodified, under act: no Docker, no network.

    \b
    Examples:
      penstock ci run pull_request
      penstock ci run repository_dispatch --type model-drift
      penstock ci run workflow_dispatch --workflow deploy.yml

    The steps see the local cloud and nothing of your AWS profile or shell. Exit code 1 when a workflow fails.
    """
    from penstock_ci.act import payload as payloads
    from penstock_ci.act import runner
    from penstock_ci.act.progress import Lines

    output = Output(json=as_json)
    checkout = repository.resolve()
    if not (checkout / ".git").exists():
        raise UserError(
            f"{checkout} is not a git checkout", "git init there, and commit; or name one with --repository"
        )
    event_payload = payloads.read(payload) if payload else payloads.default(event, checkout, type)
    folder = _run_folder(checkout)
    result = runner.run(
        event,
        checkout,
        folder,
        cloud=_cloud_environment(),
        payload=event_payload,
        workflow=workflow,
        listener=Lines(output, verbose),
    )
    detail = runner.problem_detail(result)
    output.result(result.to_json() | ({} if result.ok else {"detail": detail}))
    if not result.ok:
        if as_json:
            raise leave(FAILED)
        raise Failure(result.problem, f"the whole log: {result.log}", detail=detail)
    output.marked("ok", f"{', '.join(result.workflows)}: {result.seconds:.1f} s; log and artifacts in {folder}")


def _cloud_environment() -> Mapping[str, str]:
    """The local cloud's variables; those already set when a workflow or the supervisor calls us.

    Raises:
        UserError: no local cloud is up.
    """
    from penstock_ci.target import resolve
    from penstock_cloud import cloud

    info = resolve("local").cloud
    assert info is not None
    return cloud.environment(info)


def _run_folder(checkout: Path) -> Path:
    """A new folder below build/ci-runs, which git ignores."""
    base = checkout / "build" / "ci-runs"
    base.mkdir(parents=True, exist_ok=True)
    for number in range(1, 1_000_000):
        folder = base / str(number)
        try:
            folder.mkdir()
        except FileExistsError:
            continue
        return folder
    raise UserError(f"{base} is full", "delete old runs there")


@app.command()
def listen(
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1.")],
    state_dir: Annotated[Path, typer.Option(help="The local cloud's state folder.")],
) -> None:
    """Answer, on loopback, the endpoints of GitHub that approval rules and workflows use. The local cloud starts this.

    \b
    Example:
      penstock ci listen --port 4570 --state-dir ~/.local/state/penstock

    A repository_dispatch runs the workflows that listen to it, in a clean clone of the registered checkout's main
    branch. Runs are kept in STATE_DIR/github/runs.
    """
    import logging

    from penstock_ci.github.dispatcher import Dispatcher, cloud_variables
    from penstock_ci.github.receiver import serve
    from penstock_ci.github.state import GitHubState

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    state = GitHubState(state_dir.resolve())
    variables = cloud_variables() | {
        "GITHUB_API_URL": f"http://127.0.0.1:{port}",
        "GITHUB_TOKEN": state.token,
        "PENSTOCK_STATE_DIR": str(state.state_dir),
    }
    serve(state, Dispatcher(state, variables), port)


@app.command()
def register(
    directory: Annotated[Path, typer.Argument(help="A checkout of a model repository.")] = Path(),
    state_dir: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let the local receiver answer for a repository with this checkout.

    \b
    Example:
      penstock ci register .

    The name is `repository` in penstock.yaml. Runs use the commits of its main branch, not uncommitted files.
    """
    from penstock_ci.act import payload as payloads
    from penstock_ci.github.state import GitHubState
    from penstock_ci.target import state_directory

    output = Output(json=as_json)
    checkout = directory.resolve()
    if not checkout.is_dir():
        raise UserError(f"{checkout} is not a folder", "name a checkout of a model repository")
    name = payloads.full_name(checkout)
    folder = state_dir or state_directory()
    GitHubState(folder).register(name, checkout)
    output.marked("ok", f"{name} is {checkout}")
    output.result({"ok": True, "repository": name, "checkout": str(checkout)})


@app.command()
def runs(
    state_dir: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the workflow runs that the receiver started, newest first.

    \b
    Example:
      penstock ci runs
    """
    from penstock_ci.github.state import GitHubState
    from penstock_ci.target import state_directory

    output = Output(json=as_json)
    folder = state_dir or state_directory()
    found = GitHubState(folder).runs()
    output.table(
        ["run", "repository", "workflow", "event", "status", "seconds"],
        [
            [
                record["id"],
                record["repository"],
                Path(record["path"]).name,
                record.get("action") or record["event"],
                record.get("conclusion") or record["status"],
                record.get("seconds", ""),
            ]
            for record in found
        ],
    )
    output.result({"runs": found})


@app.command()
def comment(
    number: Annotated[int | None, typer.Option(help="The pull request; default: the event's.")] = None,
    reports: Annotated[Path, typer.Option(help="Folder with the steps' reports.")] = Path("build/ci"),
    post: Annotated[bool, typer.Option("--post/--no-post", help="Post it, or write the file only.")] = True,
    as_json: JsonOption = False,
) -> None:
    """Write the pull request's one comment from what the steps before left, and post it or change the one that is there.

    \b
    Example:
      penstock ci comment --no-post && cat build/ci/comment.md

    In a workflow it needs GITHUB_TOKEN in its environment. The text is also the file comment.md and the step's summary.
    """
    from penstock_ci.act import payload as payloads
    from penstock_ci.comment import markdown
    from penstock_ci.comment import reports as written
    from penstock_ci.github.client import GitHub

    output = Output(json=as_json)
    event = _event()
    checkout = Path.cwd()
    commit = str(
        ((event.get("pull_request") or {}).get("head") or {}).get("sha") or payloads.git(checkout, "rev-parse", "HEAD")
    )
    model = payloads.full_name(checkout).split("/")[-1]
    text = markdown.render(model, written.read(reports), commit=commit)
    file = reports / "comment.md"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    summary = os.environ.get("GITHUB_STEP_SUMMARY")
    if summary:
        with Path(summary).open("a", encoding="utf-8") as step_summary:
            step_summary.write(text)
    document = {"ok": True, "file": str(file), "posted": False, "url": ""}
    number = number or event.get("number") or (event.get("pull_request") or {}).get("number")
    github = GitHub.from_environment() if post else None
    if github is not None and number:
        with github:
            posted, new = github.put_comment(int(number), markdown.MARKER, text)
        output.marked(
            "ok", f"{'added' if new else 'changed'} the comment of pull request {number}: {posted.get('url', '')}"
        )
        document |= {
            "posted": True,
            "new": new,
            "id": posted["id"],
            "url": posted.get("html_url") or posted.get("url", ""),
        }
    else:
        missing = "there is no GITHUB_TOKEN or GITHUB_REPOSITORY" if number else "there is no pull request"
        why = missing if post else "as asked"
        output.line(f"not posted ({why}); the text is in {file}")
    output.result(document)


def _event() -> dict[str, Any]:
    path = os.environ.get("GITHUB_EVENT_PATH")
    if not path or not Path(path).is_file():
        return {}
    event = json.loads(Path(path).read_text(encoding="utf-8"))
    return event if isinstance(event, dict) else {}
