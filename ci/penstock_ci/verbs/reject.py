"""`penstock reject`."""

from __future__ import annotations

import typer

from penstock_ci.output import JsonOption
from penstock_ci.repository import ModelArgument
from penstock_ci.target import StackOption
from penstock_ci.verbs.approve import CommentOption, decide
from penstock_ci.verbs.review import VersionOption

app = typer.Typer()


@app.command()
def reject(
    model: ModelArgument = None,
    version: VersionOption = None,
    comment: CommentOption = "",
    stack: StackOption = None,
    as_json: JsonOption = False,
) -> None:
    """Reject a version in the registry: `deploy` and `rollback` refuse it from then on.

    \b
    Examples:
      penstock reject
      penstock reject flight-delays --version 2 --comment "worse in winter"
    """
    decide("Rejected", model, version, comment, stack, as_json=as_json)
