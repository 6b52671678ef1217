"""`penstock rollback`."""

from __future__ import annotations

import typer

from penstock_ci.output import JsonOption, Output
from penstock_ci.repository import ModelArgument, RepositoryOption
from penstock_ci.target import StackOption
from penstock_ci.verbs.review import VersionOption
from penstock_ci.verbs.up import YesProductionOption

app = typer.Typer()


@app.command()
def rollback(
    model: ModelArgument = None,
    version: VersionOption = None,
    repository: RepositoryOption = None,
    stack: StackOption = None,
    yes_production: YesProductionOption = False,
    as_json: JsonOption = False,
) -> None:
    """Return the endpoint to the approved version that was deployed before the live one (or to --version).

    \b
    Examples:
      penstock rollback
      penstock rollback flight-delays --version 1

    A second rollback goes one further back; while a challenger runs beside the live version, the first one takes it away.
    Approval and digest are checked as in `deploy`.
    """
    from penstock_ci import releases
    from penstock_ci.errors import UserError
    from penstock_ci.repository import find
    from penstock_ci.target import resolve
    from penstock_ci.verbs.deploy import release

    found = find(repository)
    if model is not None and model != found.name:
        raise UserError(
            f"this repository is '{found.name}', not '{model}'", "go to its repository, or name it with --repository"
        )
    target = resolve(stack)
    chosen = releases.rollback_version(target, found.name, version)
    release(target, found, chosen, "rollback", Output(json=as_json), yes_production=yes_production)
