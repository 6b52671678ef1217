"""`penstock deploy`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from penstock_ci.output import JsonOption, Output
from penstock_ci.repository import RepositoryOption
from penstock_ci.target import StackOption
from penstock_ci.verbs.review import VersionOption
from penstock_ci.verbs.up import YesProductionOption

if TYPE_CHECKING:
    from typing import Literal

    from penstock_ci.registry import Version
    from penstock_ci.repository import Repository
    from penstock_ci.target import Target

app = typer.Typer()


@app.command()
def deploy(
    model_package_arn: Annotated[
        str | None,
        typer.Option(
            "--model-package-arn", metavar="ARN", help="The version's ARN.", show_default="the newest approved version"
        ),
    ] = None,
    version: VersionOption = None,
    promote: Annotated[
        bool, typer.Option("--promote", help="Make the challenger (strategies shadow and ab) the live version.")
    ] = False,
    repository: RepositoryOption = None,
    stack: StackOption = None,
    yes_production: YesProductionOption = False,
    as_json: JsonOption = False,
) -> None:
    """Put an approved version on the endpoint: check approval and digest, bring it up, ask it something.

    \b
    Examples:
      penstock deploy
      penstock deploy --version 2
      penstock deploy --promote
      penstock deploy --model-package-arn arn:aws:sagemaker:...:model-package/flight-delays/2

    A version that is not Approved, or whose artifact is not the registered one, is refused; approval is the only yes that
    is needed. When the endpoint does not come up or fails its smoke test, the version before is put back (exit code 1).
    Under the strategies shadow and ab a version first runs beside the live one; --promote makes it live, and
    `penstock rollback` takes it away. A step of a GitHub workflow gets the output model-package-arn.
    """
    from penstock_ci import registry, releases
    from penstock_ci.errors import UserError
    from penstock_ci.repository import find
    from penstock_ci.target import resolve

    if model_package_arn and version:
        raise UserError("--model-package-arn and --version contradict each other", "give one of them")
    if promote and (model_package_arn or version):
        raise UserError(
            "--promote takes the challenger, no other version", "leave out --version and --model-package-arn"
        )
    found = find(repository)
    target = resolve(stack)
    if promote:
        chosen = releases.promoted(target, found.name)
    elif model_package_arn:
        chosen = registry.by_arn(target, model_package_arn)
    else:
        chosen = registry.pick(target, found.name, version, approval=None if version else "Approved")
    release(target, found, chosen, "deploy", Output(json=as_json), yes_production=yes_production, promote=promote)


def release(
    target: Target,
    repository: Repository,
    version: Version,
    action: Literal["deploy", "rollback"],
    output: Output,
    *,
    yes_production: bool = False,
    promote: bool = False,
) -> None:
    """Deploy or roll back, with what is said about it."""
    from penstock_ci import changes, releases

    done = releases.deploy(
        target,
        repository,
        version,
        changes.Lines(output, "up"),
        output.progress,
        action,
        yes_production=yes_production,
        promote=promote,
    )
    strategy = repository.configuration.endpoint.strategy
    if done.challenger:
        output.marked("ok", f"version {version.number} of {version.model} is compared with the live one ({strategy})")
    elif not done.smoke:
        output.marked(
            "ok", f"version {version.number} of {version.model} is the live one; its endpoint is switched off"
        )
    elif strategy == "batch":
        output.marked("ok", f"version {version.number} of {version.model} is what transform jobs run ({done.endpoint})")
    else:
        output.marked("ok", f"version {version.number} of {version.model} is live on the endpoint {done.endpoint}")
    if done.smoke:
        output.line(f"smoke test: {done.smoke['rows']} rows answered, first {done.smoke['predictions'][0]:.4f}")
    output.result(done.summary())
    if file := os.environ.get("GITHUB_OUTPUT"):
        with Path(file).open("a", encoding="utf-8") as outputs:
            outputs.write(f"model-package-arn={version.arn}\n")
