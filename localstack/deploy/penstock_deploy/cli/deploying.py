"""`pulumilocal up`, `preview`, `refresh` and `destroy`."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from penstock_deploy import project as projects
from penstock_deploy import target as targets
from penstock_deploy.cli import configuring, stacks
from penstock_deploy.cli.failures import CANCELLED, CHANGES_NOT_EXPECTED, FAILED, SUCCESS, WRONG_USE, CommandError
from penstock_deploy.cli.terminal import Terminal, print_json
from penstock_deploy.cli.workspace import Workspace
from penstock_deploy.errors import DeploymentError

if TYPE_CHECKING:
    from penstock_deploy.deployment import Deployment
    from penstock_deploy.result import Result

_NAMES = {"up": "update", "preview": "update", "refresh": "refresh", "destroy": "destroy"}
_HEADS = {"up": "Updating", "preview": "Previewing update", "refresh": "Refreshing", "destroy": "Destroying"}
_NANOSECONDS = 1_000_000_000


@dataclass(frozen=True)
class _Operation:
    """One run of a verb: what was asked, and what it works on."""

    verb: str
    stack: str
    arguments: argparse.Namespace
    workspace: Workspace
    terminal: Terminal
    deployment: Deployment

    @property
    def quiet(self) -> bool:
        return bool(self.arguments.json)


def _open(verb: str, arguments: argparse.Namespace, workspace: Workspace, terminal: Terminal) -> _Operation:
    environment = dict(os.environ)
    if arguments.parallel < 1:
        raise CommandError(f"--parallel {arguments.parallel}: it must be 1 or more", code=WRONG_USE)
    try:
        targets.from_environment(environment)
    except DeploymentError as error:
        raise CommandError(error.message, error.fix, code=WRONG_USE) from error
    stack = _stack(arguments, workspace, terminal)
    configuring.save_all(workspace, stack, arguments.config, path=arguments.config_path)
    from penstock_deploy.deployment import Deployment

    deployment = Deployment(workspace.project.directory, stack, environment=environment, parallel=arguments.parallel)
    return _Operation(verb, stack, arguments, workspace, terminal, deployment)


def _stack(arguments: argparse.Namespace, workspace: Workspace, terminal: Terminal) -> str:
    """The stack to work on; offered to be made where there is somebody to ask."""
    named = getattr(arguments, "stack", None)
    name = workspace.chosen(named)
    if name is not None and (workspace.stack(name).exists() or not terminal.interactive):
        return workspace.existing(name)
    if not terminal.interactive:
        return workspace.require(named)
    if name is None:
        name = projects.check_stack_name(terminal.ask("Please enter your desired stack name (dev):") or "dev")
    else:
        print(f"The stack '{name}' does not exist.\n")
        terminal.ask("If you would like to create this stack now, please press <ENTER>, otherwise press ^C")
    if not workspace.stack(name).exists():
        stacks.create(workspace, name, select=True)
    workspace.select(name)
    return name


def _options(arguments: argparse.Namespace, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: getattr(arguments, name) for name in names}


_UP_OPTIONS = ("target", "target_dependents", "refresh")


def _carry_out(operation: _Operation, verb: str, options: Mapping[str, Any]) -> Result:
    """Run a verb of the deployment and show it."""
    listener = None
    if not operation.quiet:
        print(f"{_HEADS[verb]} ({operation.stack}):", flush=True)
        listener = _display(operation, verb)
    result: Result = getattr(operation.deployment, verb)(listener, **options)
    if operation.quiet:
        print_json(digest(result))
    return result


def _display(operation: _Operation, verb: str) -> Any:
    from penstock_deploy.display import Display

    arguments = operation.arguments
    display = Display(verb, colour=operation.terminal.colour, diff=arguments.diff)
    if not arguments.suppress_outputs:
        return display
    return lambda event: display({**event, "outputs": {}} if event["kind"] == "summary" else event)


def digest(result: Result) -> dict[str, Any]:
    """A result under the names of Pulumi's preview digest. Steps that change nothing are counted, not listed."""
    found: dict[str, Any] = {
        "changeSummary": {op: count for op, count in result.counts.items() if count},
        "duration": round(result.duration_seconds * _NANOSECONDS),
        "steps": [
            {
                "op": change["op"],
                "urn": change["urn"],
                "diffReasons": list(change.get("diff") or []),
                "detailedDiff": change.get("detailed_diff") or None,
            }
            for change in result.changes
        ],
        "diagnostics": [_diagnostic(message) for message in result.diagnostics],
        "outputs": result.outputs,
    }
    return found


def _diagnostic(message: str) -> dict[str, str]:
    severity, colon, text = message.partition(": ")
    if colon and severity in ("warning", "error"):
        return {"severity": severity, "message": text}
    return {"severity": "info", "message": message}


def _code(operation: _Operation, result: Result) -> int:
    """The exit code of a finished run; raises where Pulumi has a message for it."""
    name = _NAMES[operation.verb]
    if result.cancelled:
        raise CommandError(f"{name} cancelled", code=CANCELLED)
    if not result.ok:
        return FAILED
    if getattr(operation.arguments, "expect_no_changes", False) and result.has_changes:
        raise CommandError(f"no changes were expected for {name} but changes were proposed", code=CHANGES_NOT_EXPECTED)
    return SUCCESS


def _consent(arguments: argparse.Namespace, terminal: Terminal) -> bool:
    """Whether the user has agreed beforehand; refused where nobody can be asked."""
    automatic = os.environ.get("PULUMI_SKIP_CONFIRMATIONS", "") in ("1", "true")
    yes = bool(arguments.yes or arguments.skip_preview or automatic)
    if not yes and (not terminal.interactive or arguments.json):
        raise CommandError(
            "--yes or --skip-preview or --preview-only must be passed in to proceed when running in non-interactive mode",
            code=WRONG_USE,
        )
    return yes


def _ask(operation: _Operation, changes: list[dict[str, Any]]) -> bool:
    """Ask whether to go on; `details` lists the changes and asks again."""
    question = f"\nDo you want to perform this {_NAMES[operation.verb]}?"
    if operation.verb == "refresh":
        question += "\nNo resources will be modified as part of this refresh; just your stack's state will be.\n"
    while True:
        answer = operation.terminal.choose(question, ("yes", "no", "details"))
        if answer != "details":
            break
        for change in changes:
            print(f"  {change['op']} {change['urn']}")
            for path in change.get("diff") or []:
                print(f"      {path}")
    if answer == "no":
        print(f"confirmation declined, not proceeding with the {operation.verb}")
    return answer == "yes"


def preview(arguments: argparse.Namespace, workspace: Workspace, terminal: Terminal) -> int:
    """`preview`"""
    operation = _open("preview", arguments, workspace, terminal)
    return _code(operation, _carry_out(operation, "preview", _options(arguments, _UP_OPTIONS)))


def up(arguments: argparse.Namespace, workspace: Workspace, terminal: Terminal) -> int:
    """`up`"""
    yes = _consent(arguments, terminal)
    operation = _open("up", arguments, workspace, terminal)
    options = _options(arguments, _UP_OPTIONS)
    previewed = not arguments.skip_preview and not operation.quiet
    if previewed:
        planned = _carry_out(operation, "preview", options)
        if not planned.ok or planned.cancelled:
            return _code(operation, planned)
        if not yes and not _ask(operation, planned.changes):
            return FAILED
        print()
    return _code(operation, _carry_out(operation, "up", {**options, "previewed": previewed}))


def refresh(arguments: argparse.Namespace, workspace: Workspace, terminal: Terminal) -> int:
    """`refresh`"""
    yes = _consent(arguments, terminal)
    operation = _open("refresh", arguments, workspace, terminal)
    if not yes and not _ask(operation, []):
        return FAILED
    return _code(operation, _carry_out(operation, "refresh", _options(arguments, ("target",))))


def destroy(arguments: argparse.Namespace, workspace: Workspace, terminal: Terminal) -> int:
    """`destroy`"""
    yes = _consent(arguments, terminal)
    operation = _open("destroy", arguments, workspace, terminal)
    if not arguments.skip_preview and not operation.quiet:
        planned = _condemned(operation)
        if not yes and not _ask(operation, planned):
            return FAILED
        print()
    result = _carry_out(operation, "destroy", _options(arguments, _UP_OPTIONS))
    code = _code(operation, result)
    if code or arguments.target:
        return code
    if arguments.remove:
        workspace.stack(operation.stack).remove()
        workspace.configuration_file(operation.stack).unlink(missing_ok=True)
        workspace.forget(operation.stack)
        if not operation.quiet:
            print(f"The resources in the stack have been deleted, and the stack '{operation.stack}' is removed.")
    elif not operation.quiet:
        print(
            "The resources in the stack have been deleted, but the history and configuration associated with the stack "
            "are still maintained.\nIf you want to remove the stack completely, run "
            f"`pulumilocal stack rm {operation.stack}`."
        )
    return code


def _condemned(operation: _Operation) -> list[dict[str, Any]]:
    """What a destroy is about, as the state tells it: the resources that are managed, or those among the targets."""
    from penstock_deploy.engine.targets import Targets

    chosen = Targets(operation.arguments.target, dependents=operation.arguments.target_dependents)
    print(f"Previewing destroy ({operation.stack}):")
    found = [item for item in operation.deployment.resources() if not chosen.constrained or chosen.named(item["urn"])]
    for item in reversed(found):
        kept = "  [protected]" if item["protect"] else ""
        print(f" - {item['type']} {item['name']} to delete{kept}")
    print(f"{len(found)} to delete")
    return [{"op": "delete", "urn": item["urn"]} for item in reversed(found)]
