"""`penstock new`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from penstock_ci.output import JsonOption, Output

app = typer.Typer()


@app.command()
def new(
    answers: Annotated[
        list[str] | None,
        typer.Argument(metavar="[KEY=VALUE]...", help="Answers to the template's questions.", show_default=False),
    ] = None,
    folder: Annotated[Path, typer.Option("--folder", "-o", help="Where the repository's folder is made.")] = Path(),
    penstock_source: Annotated[
        str | None,
        typer.Option(
            "--penstock-source",
            metavar="SOURCE",
            help="What the repository installs Penstock from: a version, a git address, a folder of wheels.",
            show_default="this version",
        ),
    ] = None,
    no_input: Annotated[
        bool, typer.Option("--no-input", help="Ask nothing; defaults for what was not answered.")
    ] = False,
    git: Annotated[bool, typer.Option("--git/--no-git", help="git init and the first commit.")] = True,
    as_json: JsonOption = False,
) -> None:
    """Scaffold a model repository: features, training, pipeline, infrastructure, workflows, tests.

    \b
    Examples:
      penstock new
      penstock new --no-input project_name="Flight delays" github_repository=acme/flight-delays
      penstock new --no-input --penstock-source dist project_name=Churn

    Plain `cookiecutter` on the same template works too; this checks the answers first.
    """
    from penstock_ci import scaffold
    from penstock_ci.target import running_cloud

    output = Output(json=as_json)
    given = scaffold.parse_answers(answers or [])
    given["penstock_source"] = scaffold.checked_source(
        penstock_source or given.get("penstock_source") or scaffold.installed_source()
    )
    asking = sys.stdin.isatty() and not no_input and not as_json
    complete = _ask(given) if asking else scaffold.defaults(given)
    scaffold.check(complete)
    made = scaffold.generate(complete, folder)
    output.marked("create", str(made))
    commit = scaffold.first_commit(made) if git else ""
    if commit:
        output.marked("ok", f"first commit {commit[:10]}")
    cloud = running_cloud()
    if cloud is not None:
        scaffold.register_checkout(Path(cloud.state_dir), complete["github_repository"], made)
        output.marked("ok", f"the local receiver knows {complete['github_repository']}")
    output.line("next:")
    for command in (f"cd {made}", "make setup", "make test", "penstock up infra", "penstock train"):
        output.line(f"  {command}")
    output.result(
        {"ok": True, "folder": str(made), "commit": commit, "answers": complete, "registered": cloud is not None}
    )


def _ask(given: dict[str, str]) -> dict[str, str]:
    """Ask what was not given, each answer checked when it comes."""
    from penstock_ci import scaffold
    from penstock_ci.errors import UserError

    answers = dict(given)
    for name in scaffold.questions():
        if name in answers:
            continue
        default = scaffold.defaults(answers)[name]
        while True:
            answer = str(typer.prompt(name.replace("_", " "), default=default, err=True))
            try:
                scaffold.check({name: answer})
            except UserError as error:
                typer.echo(f"  {error.message}", err=True)
                continue
            answers[name] = answer
            break
    return answers
