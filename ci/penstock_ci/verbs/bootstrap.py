"""`penstock bootstrap`."""

from __future__ import annotations

from typing import Annotated

import typer

from penstock_ci.output import JsonOption, Output, confirm
from penstock_ci.target import StackOption
from penstock_ci.verbs.up import YesOption

app = typer.Typer()


@app.command()
def bootstrap(
    stack: StackOption = None,
    repository: Annotated[
        str | None,
        typer.Option(
            "--repository", metavar="OWNER/NAME", help="The platform's own GitHub repository: also make its CI roles."
        ),
    ] = None,
    owner_id: Annotated[int, typer.Option("--owner-id", help="GitHub's number of the owner.", show_default=False)] = 0,
    repository_id: Annotated[
        int, typer.Option("--repository-id", help="GitHub's number of the repository.", show_default=False)
    ] = 0,
    environment: Annotated[
        str, typer.Option("--environment", help="GitHub environment whose jobs may deploy.")
    ] = "platform",
    check: Annotated[
        bool, typer.Option("--check", help="Only look; exit code 1 when something is missing or differs.")
    ] = False,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Make what stacks need before their first `up`: a state backend, a key for secrets, CI's roles. Safe to repeat.

    \b
    Examples:
      penstock bootstrap
      penstock bootstrap --stack dev --check
      penstock bootstrap --stack dev --repository acme/platform --owner-id 1 --repository-id 2

    On AWS it also records that the stack belongs to this account: `up` refuses another one. Run twice, it changes nothing.
    With --check the exit code is 0 when all is there, 1 when something is missing or differs, 2 for a wrong command.
    """
    from penstock_ci import bootstrap as steps
    from penstock_ci.errors import leave
    from penstock_ci.target import resolve

    output = Output(json=as_json)
    own = steps.PlatformRepository(repository, owner_id, repository_id, environment) if repository else None
    target = resolve(stack)
    if not target.is_local and not check:
        confirm(f"Bootstrap AWS account {target.account()} in {target.region} for the stack '{target.stack}'?", yes=yes)
    kinds = {"there": "ok", "created": "create", "changed": "update", "missing": "failed", "differs": "failed"}

    def show(piece: steps.Piece) -> None:
        output.marked(
            kinds[piece.status], f"{piece.kind} {piece.name}: {piece.status}{f' ({piece.note})' if piece.note else ''}"
        )

    pieces = steps.run(target, own, check=check, on_piece=show)
    ok = not any(piece.status in {"missing", "differs"} for piece in pieces)
    notes = {piece.kind: piece.note for piece in pieces}
    settings = {} if target.is_local else {"stateBucket": steps.state_bucket(target.account(), target.region)}
    if notes.get("KMS key", "").startswith("arn:"):
        settings["stateKeyArn"] = notes["KMS key"]
    if notes.get("identity provider", "").startswith("arn:"):
        settings["githubOidcProviderArn"] = notes["identity provider"]
    backend = {} if target.is_local else steps.backend_environment(target)
    provider = steps.secrets_provider(target, target.environment | backend)
    if not target.is_local:
        output.line("for plain `pulumi` (penstock takes these by itself):")
        for name, value in backend.items():
            output.line(f"  export {name}='{value}'")
        output.line(f"  pulumi stack init {target.stack}" + (f" --secrets-provider '{provider}'" if provider else ""))
        output.line(
            f"the stack's account, in every project's Pulumi.{target.stack}.yaml (plain `pulumi up` heeds it, too):"
        )
        output.line(f'  aws:allowedAccountIds: ["{target.account()}"]')
    if ok and settings:
        output.line(f"next, in Pulumi.{target.stack}.yaml of the foundation project:")
        for name, value in settings.items():
            output.line(f"  penstock-foundation:{name}: {value}")
    elif ok:
        output.line("next: penstock up --all")
    output.result(
        {
            "ok": ok,
            "stack": target.stack,
            "pieces": [piece.summary() for piece in pieces],
            "foundation_settings": settings,
            "backend": backend,
            "secrets_provider": None if target.is_local else provider,
        }
    )
    if not ok:
        raise leave(1)
