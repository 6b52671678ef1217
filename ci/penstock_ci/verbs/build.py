"""`penstock build`."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from penstock_ci.output import JsonOption, Output
from penstock_ci.repository import RepositoryOption
from penstock_ci.target import StackOption

app = typer.Typer()


@app.command()
def build(
    repository: RepositoryOption = None,
    stack: StackOption = None,
    force: Annotated[bool, typer.Option("--force", help="Build even when nothing changed.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Build the image that jobs and endpoints run, from the repository's Dockerfile and lock, and push it by digest.

    \b
    Examples:
      penstock build
      penstock build --stack dev --json

    On AWS docker builds and pushes it. On the local cloud the lock becomes an environment under the same image address.
    """
    from penstock_ci import images, platform
    from penstock_ci.errors import UserError
    from penstock_ci.repository import find
    from penstock_ci.target import resolve

    output = Output(json=as_json)
    found = find(repository)
    target = resolve(stack)
    url = platform.outputs(target).get("imageRepositoryUrl")
    if not url:
        raise UserError("the platform has no output imageRepositoryUrl", "penstock up training")
    image = images.build(found, target, str(url), output.progress, force=force)
    output.marked("ok", image.image_uri)
    output.result({"ok": True, **asdict(image)})
