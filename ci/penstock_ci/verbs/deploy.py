"""`penstock deploy`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from penstock_ci.output import JsonOption, Output
from penstock_ci.repository import RepositoryOption
from penstock_ci.target import StackOption
from penstock_ci.verbs.review import VersionOption

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
    repository: RepositoryOption = None,
    stack: StackOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put an approved version on the endpoint: check approval and digest, bring it up, ask it something.

    \b
    Examples:
      penstock deploy
      penstock deploy --version 2
      penstock deploy --model-package-arn arn:aws:sagemaker:...:model-package/flight-delays/2

    A version that is not Approved, or whose artifact is not the registered one, is refused; approval is the only yes that
    is needed. When the endpoint does not come up or fails its smoke test, the version before is put back (exit code 1).
    """
    from penstock_ci import registry
    from penstock_ci.errors import UserError
    from penstock_ci.repository import find
    from penstock_ci.target import resolve

    if model_package_arn and version:
        raise UserError("--model-package-arn and --version contradict each other", "give one of them")
    found = find(repository)
    target = resolve(stack)
    chosen = (
        registry.by_arn(target, model_package_arn)
        if model_package_arn
        else registry.pick(target, found.name, version, approval=None if version else "Approved")
    )
    release(target, found, chosen, "deploy", Output(json=as_json))


def release(
    target: Target,
    repository: Repository,
    version: Version,
    action: Literal["deploy", "rollback"],
    output: Output,
) -> None:
    """Deploy or roll back, with what is said about it."""
    from penstock_ci import changes, releases

    done = releases.deploy(target, repository, version, changes.Lines(output, "up"), output.progress, action)
    output.marked("ok", f"version {version.number} of {version.model} is live on the endpoint {done.endpoint}")
    output.line(f"smoke test: {done.smoke['rows']} rows answered, first {done.smoke['predictions'][0]:.4f}")
    output.result(done.summary())
