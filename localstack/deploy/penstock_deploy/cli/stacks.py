"""`pulumilocal stack` and its verbs, and `pulumilocal cancel`."""

from __future__ import annotations

import argparse
import datetime
import json
import shlex
import socket
import sys
from pathlib import Path
from typing import Any

from penstock_deploy import interchange, urns, values
from penstock_deploy.cli import configuring
from penstock_deploy.cli.failures import STACK_NOT_FOUND, WRONG_USE, CommandError, no_stack
from penstock_deploy.cli.stack_file import StackFile
from penstock_deploy.cli.terminal import Terminal, print_json, shown, table
from penstock_deploy.cli.workspace import Workspace
from penstock_deploy.project import is_secure
from penstock_deploy.state.backend import StackFiles, StateKeeper
from penstock_deploy.state.checkpoint import time_of

_NONE = "n/a"
_PROVIDERS = ("default", "passphrase")
_UNITS = (
    (86400 * 365, "year"),
    (86400 * 30, "month"),
    (86400 * 7, "week"),
    (86400, "day"),
    (3600, "hour"),
    (60, "minute"),
)


def ago(moment: str, now: datetime.datetime | None = None) -> str:
    """How long ago a checkpoint's time is: "3 minutes ago"."""
    try:
        then = datetime.datetime.fromisoformat(moment)
    except ValueError:
        return _NONE
    present = now or datetime.datetime.now(datetime.UTC)
    seconds = (present - (then if then.tzinfo else then.replace(tzinfo=datetime.UTC))).total_seconds()
    for size, word in (*_UNITS, (1, "second")):
        count = int(seconds // size)
        if count >= 1:
            return f"{count} {word}{'s' if count > 1 else ''} ago"
    return "now"


def _named(arguments: argparse.Namespace) -> str | None:
    """The stack of the argument or of --stack, whichever was given."""
    argument, option = getattr(arguments, "name", None), getattr(arguments, "stack", None)
    if argument and option:
        raise CommandError("only one of --stack or argument stack name may be specified, not both", code=WRONG_USE)
    return argument or option


def outputs_of(files: StackFiles, *, show_secrets: bool) -> dict[str, Any]:
    """A stack's outputs; secrets as "[secret]" unless asked for."""
    snapshot, _, _ = files.load()
    root = next((state for state in snapshot.resources() if state.type == urns.STACK_TYPE), None)
    found = root.outputs if root else {}
    return dict(values.plain(found) if show_secrets else values.hide(found))


# -- making and choosing


def create(workspace: Workspace, name: str, *, select: bool) -> None:
    """Make an empty stack.

    Its file gets an `encryptionsalt` with the first secret, not now: the salt is worth nothing once the local cloud, and
    its passphrase with it, was reset, and stack files are committed.
    """
    files = workspace.stack(name)
    if files.exists():
        raise CommandError(f"stack 'organization/{workspace.project.name}/{name}' already exists")
    keeper = StateKeeper(files, StackFile(workspace.configuration_file(name)).salt, dry=False)
    files.lock.acquire()
    try:
        keeper.open()
        keeper.close()
    finally:
        files.lock.release()
    if select:
        workspace.select(name)
    print(f"Created stack '{name}'")


def init(arguments: argparse.Namespace, workspace: Workspace, terminal: Terminal) -> None:
    """`stack init`"""
    if arguments.secrets_provider not in _PROVIDERS:
        raise CommandError(
            f"the secrets provider {arguments.secrets_provider!r} is not supported by Penstock's local engine",
            "Leave out --secrets-provider: secrets are kept by passphrase.",
            code=WRONG_USE,
        )
    name = _named(arguments)
    if name is None and terminal.interactive:
        name = terminal.ask("stack name (dev):") or "dev"
    if name is None:
        raise CommandError("missing stack name", code=WRONG_USE)
    name = workspace.name_of(name)
    copied = configuring.StackConfiguration(workspace, workspace.require(arguments.copy_config_from)) if (
        arguments.copy_config_from
    ) else None  # fmt: skip
    create(workspace, name, select=not arguments.no_select)
    if copied is not None:
        mine = configuring.StackConfiguration(workspace, name)
        for key, value in copied.file.values.items():
            mine.file.set_value(key, _reencrypted(value, copied, mine))
        mine.file.save()


def _reencrypted(
    value: Any, source: configuring.StackConfiguration, destination: configuring.StackConfiguration
) -> Any:
    if is_secure(value):
        return {"secure": destination.secrets().encrypt(source.open(value))}
    if isinstance(value, dict):
        return {key: _reencrypted(item, source, destination) for key, item in value.items()}
    if isinstance(value, list):
        return [_reencrypted(item, source, destination) for item in value]
    return value


def select(arguments: argparse.Namespace, workspace: Workspace, terminal: Terminal) -> None:
    """`stack select`"""
    named = _named(arguments)
    if named is None and terminal.interactive:
        for name in workspace.stack_names():
            print(f"  {name}")
        named = terminal.ask("Please choose a stack:") or None
    if named is None:
        raise CommandError("no stack selected; specify a stack name with --stack", code=STACK_NOT_FOUND)
    name = workspace.name_of(named)
    if not workspace.stack(name).exists():
        if not arguments.create:
            raise no_stack(name)
        create(workspace, name, select=True)
    workspace.select(name)


def unselect(arguments: argparse.Namespace, workspace: Workspace, terminal: Terminal) -> None:
    """`stack unselect`"""
    del arguments, terminal
    if workspace.selected():
        workspace.select(None)
        print("Stack was unselected", file=sys.stderr)


def remove(arguments: argparse.Namespace, workspace: Workspace, terminal: Terminal) -> None:
    """`stack rm`"""
    name = workspace.require(_named(arguments))
    terminal.confirm(f"This will permanently remove the '{name}' stack!", name, yes=arguments.yes)
    files = workspace.stack(name)
    files.lock.acquire()
    try:
        if not arguments.force and not interchange.is_empty(files):
            raise CommandError(
                f"'{name}' still has resources; removal rejected. Possible actions:\n"
                f"- Make sure that '{name}' is the stack that you want to destroy\n"
                "- Run `pulumilocal destroy` to delete the resources, then run `pulumilocal stack rm`\n"
                "- Run `pulumilocal stack rm --force` to override this error"
            )
        files.remove()
    finally:
        files.lock.release()
    if not arguments.preserve_config:
        workspace.configuration_file(name).unlink(missing_ok=True)
    workspace.forget(name)
    print(f"Stack '{name}' has been removed!")


# -- looking


def ls(arguments: argparse.Namespace, workspace: Workspace, terminal: Terminal) -> None:
    """`stack ls`"""
    del terminal
    projects = [workspace.project.name]
    if arguments.all:
        folder = workspace.backend().root / "stacks"
        projects = sorted(path.name for path in folder.glob("*") if path.is_dir())
    elif arguments.project:
        projects = [arguments.project]
    current = workspace.chosen(None)
    found = []
    for project in projects:
        own = project == workspace.project.name
        folder = workspace.backend().root / "stacks" / project
        for name in sorted({path.stem for path in (*folder.glob("*.json"), *folder.glob("*.journal"))}):
            count, time = interchange.resource_count(workspace.backend().stack(project, name))
            found.append((name if own else f"organization/{project}/{name}", own and name == current, time, count))
    if arguments.json:
        print_json(
            [
                {"name": name, "current": chosen, "resourceCount": count, **({"lastUpdate": time} if time else {})}
                for name, chosen, time, count in found
            ]
        )
        return
    rows = [(name + "*" * chosen, ago(time), str(count)) for name, chosen, time, count in found]
    table(("NAME", "LAST UPDATE", "RESOURCE COUNT"), rows)


def show(arguments: argparse.Namespace, workspace: Workspace, terminal: Terminal) -> None:
    """`stack`"""
    del terminal
    name = workspace.require(getattr(arguments, "stack", None))
    if arguments.show_name:
        print(name)
        return
    files = workspace.stack(name)
    latest = interchange.export(files)["deployment"]
    print(f"Current stack is {name}:")
    print(f"    Managed by {socket.gethostname()}")
    if time_of(latest):
        print(f"    Last updated: {ago(time_of(latest))} ({time_of(latest)})")
    print(f"    Pulumi version used: {(latest.get('manifest') or {}).get('version', '?')}")
    resources = latest.get("resources") or []
    print(f"Current stack resources ({len(resources)}):")
    if resources:
        rows = _tree(resources, show_urns=arguments.show_urns, show_ids=arguments.show_ids)
        table(("TYPE", "NAME"), rows, "    ")
        print()
        _print_outputs(outputs_of(files, show_secrets=arguments.show_secrets))
    else:
        print("    No resources currently in this stack")
    print("\nUse `pulumilocal stack select` to change stack; `pulumilocal stack ls` lists known ones")


def _tree(resources: list[dict[str, Any]], *, show_urns: bool, show_ids: bool) -> list[tuple[str, str]]:
    known = {item["urn"] for item in resources}
    roots = [item for item in resources if item.get("parent") not in known]
    root = next((item for item in roots if item["type"] == urns.STACK_TYPE), None)
    rows: list[tuple[str, str]] = []

    def children(item: dict[str, Any]) -> list[dict[str, Any]]:
        own = [other for other in resources if other.get("parent") == item["urn"] and other is not item]
        return own + [other for other in roots if other is not root] if item is root else own

    def add(item: dict[str, Any], before: str, branch: str) -> None:
        rows.append((f"{before}{branch}{item['type']}", urns.name(item["urn"])))
        below = before + {"├─ ": "│  ", "└─ ": "   "}.get(branch, "")
        under = children(item)
        about = below + ("│  " if under else "   ")
        if show_urns:
            rows.append((f"{about}URN: {item['urn']}", ""))
        if show_ids and item.get("id"):
            rows.append((f"{about}ID: {item['id']}", ""))
        for at, child in enumerate(under):
            add(child, below, "└─ " if at == len(under) - 1 else "├─ ")

    for top in [root] if root else roots:
        add(top, "", "")
    return rows


def _print_outputs(outputs: dict[str, Any]) -> None:
    print(f"Current stack outputs ({len(outputs)}):")
    if outputs:
        table(("OUTPUT", "VALUE"), [(key, shown(outputs[key])) for key in sorted(outputs)], "    ")
    else:
        print("    No output values currently in this stack")


def output(arguments: argparse.Namespace, workspace: Workspace, terminal: Terminal) -> None:
    """`stack output`"""
    del terminal
    if arguments.json and arguments.shell:
        raise CommandError("only one of --json and --shell may be set", code=WRONG_USE)
    files = workspace.stack(workspace.require(getattr(arguments, "stack", None)))
    found = outputs_of(files, show_secrets=arguments.show_secrets)
    wanted = arguments.property
    if wanted is not None and wanted not in found:
        raise CommandError(f"current stack does not have output property '{wanted}'")
    if arguments.shell:
        for name in [wanted] if wanted else sorted(found):
            print(f"{name}={shlex.quote(shown(found[name]))}")
    elif arguments.json:
        print_json(found[wanted] if wanted else found)
    elif wanted:
        print(shown(found[wanted]))
    else:
        _print_outputs(found)


# -- the state as a document


def export(arguments: argparse.Namespace, workspace: Workspace, terminal: Terminal) -> None:
    """`stack export`"""
    del terminal
    files = workspace.stack(workspace.require(getattr(arguments, "stack", None)))
    text = interchange.text(interchange.export(files, show_secrets=arguments.show_secrets))
    if arguments.file:
        try:
            Path(arguments.file).write_text(text + "\n", encoding="utf-8")
        except OSError as error:
            raise CommandError(f"could not open file: {arguments.file}: {error.strerror}") from error
    else:
        print(text)


def import_(arguments: argparse.Namespace, workspace: Workspace, terminal: Terminal) -> None:
    """`stack import`"""
    del terminal
    files = workspace.stack(workspace.require(getattr(arguments, "stack", None)))
    try:
        text = Path(arguments.file).read_text(encoding="utf-8") if arguments.file else sys.stdin.read()
        document = json.loads(text)
    except OSError as error:
        raise CommandError(f"could not open file: {arguments.file}: {error.strerror}") from error
    except ValueError as error:
        raise CommandError(f"{arguments.file or 'the standard input'} is not a JSON document: {error}") from error
    for warning in interchange.admit(document, files, force=arguments.force):
        print(f"warning: {warning}", file=sys.stderr)
    print("Import complete.")


def cancel(arguments: argparse.Namespace, workspace: Workspace, terminal: Terminal) -> None:
    """`cancel`"""
    name = workspace.require(_named(arguments))
    if terminal.interactive:
        prompt = f"This will irreversibly cancel the currently running update for '{name}'!"
        terminal.confirm(prompt, name, yes=arguments.yes)
    workspace.stack(name).lock.clear()
    print(f"The currently running update for '{name}' has been canceled!")
