"""`pulumilocal`: the table of its commands and flags, and the boundary at which errors become messages.

A command's module is imported only when the command runs, so that `pulumilocal --help` answers at once.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from typing import Any, NoReturn

from penstock_deploy.cli import flags
from penstock_deploy.cli.failures import FAILED, SUCCESS, WRONG_USE, CommandError, DeclinedError, code_of
from penstock_deploy.errors import DeploymentError

_DESCRIPTION = """Pulumi's own verbs on the local cloud, in the folder of a Pulumi project.

Before the first use: penstock cloud up, then eval "$(penstock cloud env)".
State, configuration files, the selected stack and exit codes are those of the pulumi command."""
_INTERRUPTED = 130
_Commands = Any  # argparse does not name the type of its subparsers


class _Parser(argparse.ArgumentParser):
    """A parser that takes no abbreviations, and whose errors are one line."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options, allow_abbrev=False, formatter_class=argparse.RawDescriptionHelpFormatter)

    def error(self, message: str) -> NoReturn:
        raise CommandError(message, f"see {self.prog} --help", code=WRONG_USE)


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    anywhere = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS)
    anywhere.add_argument("-C", "--cwd", metavar="DIR", help="run as if started in this folder")
    anywhere.add_argument("--color", choices=["always", "never", "raw", "auto"], help="colours (default: auto)")
    anywhere.add_argument("--non-interactive", action="store_true", help="ask nothing")
    stack = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS)
    stack.add_argument("-s", "--stack", metavar="STACK", help="the stack to work on (default: the selected one)")
    top = _Parser(prog="pulumilocal", description=_DESCRIPTION, parents=[anywhere])
    commands = top.add_subparsers(metavar="COMMAND", required=True, parser_class=_Parser)
    parents = [anywhere, stack]
    _add_deploying(commands, parents)
    _add_stack(commands, parents)
    _add_config(commands, parents)
    cancel = _command(commands, "cancel", "take the stack's lock away", parents, "stacks:cancel")
    cancel.add_argument("name", nargs="?", metavar="STACK")
    _yes(cancel)
    _command(commands, "version", "print the version of Pulumi that this speaks", [anywhere], "version:version")
    for name, fix in flags.REFUSED_COMMANDS.items():
        _refuse_command(commands, name, f"pulumi {name}", fix)
    return top


def _command(
    commands: _Commands,
    name: str,
    text: str,
    parents: list[argparse.ArgumentParser],
    function: str,
    *,
    aliases: tuple[str, ...] = (),
) -> argparse.ArgumentParser:
    made: argparse.ArgumentParser = commands.add_parser(
        name, help=text, description=text, parents=parents, aliases=aliases
    )
    made.set_defaults(function=function)
    full = made.prog.removeprefix("pulumilocal ")
    flags.refuse(made, flags.REFUSED_FLAGS.get(full, ()))
    return made


def _refuse_command(commands: _Commands, name: str, full: str, fix: str) -> None:
    # Without help text it is not listed.
    made = commands.add_parser(name, add_help=False, prefix_chars="\0")
    made.add_argument("rest", nargs="*")
    made.set_defaults(function="", refused=(full, fix))


def _yes(made: argparse.ArgumentParser) -> None:
    made.add_argument("-y", "--yes", action="store_true", help="do not ask")


def _add_deploying(commands: _Commands, parents: list[argparse.ArgumentParser]) -> None:
    texts = {
        "up": "create or update the resources of a stack",
        "preview": "show what `up` would do",
        "refresh": "bring the state to what the cloud has",
        "destroy": "delete the resources of a stack",
    }
    aliases = {"up": ("update",), "preview": ("pre",), "destroy": ("down",)}
    for name, text in texts.items():
        made = _command(commands, name, text, parents, f"deploying:{name}", aliases=aliases.get(name, ()))
        made.add_argument("-c", "--config", action="append", default=[], metavar="KEY=VALUE", help="set it and save it")
        made.add_argument("--config-path", action="store_true", help="the keys of --config are paths")
        made.add_argument("-p", "--parallel", type=int, default=8, metavar="N", help="steps at once (default: 8)")
        made.add_argument(
            "-t", "--target", action="append", default=[], metavar="URN", help="only this (* and ** match)"
        )
        made.add_argument("--diff", action="store_true", help="show old and new values")
        made.add_argument("-j", "--json", action="store_true", help="print one JSON document")
        made.add_argument("--suppress-outputs", action="store_true", help="do not show the stack's outputs")
        made.add_argument("--suppress-permalink", nargs="?", const="true", help=argparse.SUPPRESS)
        for flag in flags.IDLE_FLAGS:
            made.add_argument(flag, action="store_true", help=argparse.SUPPRESS)
        if name != "refresh":
            made.add_argument("--target-dependents", action="store_true", help="and what depends on the targets")
            made.add_argument(
                "-r", "--refresh", nargs="?", const="true", default="", metavar="true", help="refresh first"
            )
        if name != "preview":
            _yes(made)
            made.add_argument("-f", "--skip-preview", action="store_true", help="do it without a preview")
        if name != "destroy":
            made.add_argument("--expect-no-changes", action="store_true", help="changes are an error (exit code 7)")
        else:
            made.add_argument("--remove", action="store_true", help="remove the stack afterwards")


def _add_stack(commands: _Commands, parents: list[argparse.ArgumentParser]) -> None:
    stack = _command(commands, "stack", "show the stack, or manage stacks", parents, "stacks:show")
    stack.add_argument("-i", "--show-ids", action="store_true", help="show each resource's id")
    stack.add_argument("-u", "--show-urns", action="store_true", help="show each resource's URN")
    stack.add_argument("--show-secrets", action="store_true", help="show secret outputs in clear")
    stack.add_argument("--show-name", action="store_true", help="print the name only")
    verbs = stack.add_subparsers(metavar="VERB", parser_class=_Parser)

    init = _command(verbs, "init", "make an empty stack", parents, "stacks:init", aliases=("new", "create"))
    init.add_argument("name", nargs="?", metavar="STACK")
    init.add_argument("--secrets-provider", default="default", metavar="KIND", help="default or passphrase")
    init.add_argument("--copy-config-from", metavar="STACK", help="begin with another stack's configuration")
    init.add_argument("--no-select", action="store_true", help="do not select it")
    _yes(init)

    select = _command(verbs, "select", "work on this stack from now on", parents, "stacks:select")
    select.add_argument("name", nargs="?", metavar="STACK")
    select.add_argument("-c", "--create", action="store_true", help="make it if it is not there")
    _command(verbs, "unselect", "work on no stack", parents, "stacks:unselect")

    ls = _command(verbs, "ls", "list the stacks", parents, "stacks:ls", aliases=("list",))
    ls.add_argument("-a", "--all", action="store_true", help="of every project")
    ls.add_argument("-p", "--project", metavar="NAME", help="of this project")
    ls.add_argument("-j", "--json", action="store_true", help="as JSON")

    rm = _command(verbs, "rm", "remove a stack", parents, "stacks:remove", aliases=("remove", "delete"))
    rm.add_argument("name", nargs="?", metavar="STACK")
    _yes(rm)
    rm.add_argument("-f", "--force", action="store_true", help="even if it still has resources")
    rm.add_argument("--preserve-config", action="store_true", help="keep Pulumi.<stack>.yaml")
    rm.add_argument("--remove-backups", action="store_true", help=argparse.SUPPRESS)

    output = _command(verbs, "output", "print the outputs, or one of them", parents, "stacks:output")
    output.add_argument("property", nargs="?", metavar="NAME")
    output.add_argument("-j", "--json", action="store_true", help="as JSON")
    output.add_argument("--shell", action="store_true", help="as shell assignments")
    output.add_argument("--show-secrets", action="store_true", help="secrets in clear")

    export = _command(verbs, "export", "print the state", parents, "stacks:export")
    export.add_argument("--file", metavar="FILE", help="write it to this file")
    export.add_argument("--show-secrets", action="store_true", help="secrets in clear")
    import_ = _command(verbs, "import", "replace the state by one that was exported", parents, "stacks:import_")
    import_.add_argument("--file", metavar="FILE", help="read it from this file")
    import_.add_argument("-f", "--force", action="store_true", help="even if it has errors")
    for name, fix in flags.REFUSED_STACK_COMMANDS.items():
        _refuse_command(verbs, name, f"pulumi stack {name}", fix)


def _add_config(commands: _Commands, parents: list[argparse.ArgumentParser]) -> None:
    config = _command(commands, "config", "list the configuration, or manage it", parents, "configuring:listing")
    config.add_argument("--show-secrets", action="store_true", help="secrets in clear")
    config.add_argument("-j", "--json", action="store_true", help="as JSON")
    verbs = config.add_subparsers(metavar="VERB", parser_class=_Parser)

    get = _command(verbs, "get", "print one value", parents, "configuring:get")
    get.add_argument("key", metavar="KEY")
    get.add_argument("--path", action="store_true", help="the key is a path: names[0], outer.inner")
    get.add_argument("-j", "--json", action="store_true", help="as JSON")

    set_ = _command(verbs, "set", "set one value; without VALUE from the standard input", parents, "configuring:set_")
    set_.add_argument("key", metavar="KEY")
    set_.add_argument("value", nargs="?", metavar="VALUE")
    set_.add_argument("--path", action="store_true", help="the key is a path: names[0], outer.inner")
    set_.add_argument("--secret", action="store_true", help="encrypt the value")
    set_.add_argument("--plaintext", action="store_true", help="do not encrypt the value")
    set_.add_argument("--type", metavar="TYPE", help="string, int, bool or float")
    set_.add_argument("--raw", action="store_true", help="keep the last line break of the standard input")

    rm = _command(verbs, "rm", "take one value out", parents, "configuring:remove", aliases=("remove", "delete"))
    rm.add_argument("key", metavar="KEY")
    rm.add_argument("--path", action="store_true", help="the key is a path: names[0], outer.inner")
    for name, fix in flags.REFUSED_CONFIG_COMMANDS.items():
        _refuse_command(verbs, name, f"pulumi config {name}", fix)


def _run(arguments: argparse.Namespace) -> int:
    refused = getattr(arguments, "refused", None)
    if refused:
        raise flags.unsupported(*refused)
    module, _, name = arguments.function.partition(":")
    if module == "version":
        from penstock_deploy.state.checkpoint import ENGINE_VERSION

        print(ENGINE_VERSION)
        return SUCCESS
    if hasattr(arguments, "refresh"):
        arguments.refresh = arguments.refresh.lower() in ("true", "1", "t")
    if getattr(arguments, "cwd", None):
        try:
            os.chdir(arguments.cwd)
        except OSError as error:
            raise CommandError(f"changing the working directory: {arguments.cwd}: {error.strerror}") from error
    from penstock_deploy.cli.terminal import Terminal
    from penstock_deploy.cli.workspace import open_workspace

    terminal = Terminal(
        non_interactive=getattr(arguments, "non_interactive", False), colour=getattr(arguments, "color", "auto")
    )
    workspace = open_workspace(os.environ)
    function = getattr(importlib.import_module(f"penstock_deploy.cli.{module}"), name)
    return function(arguments, workspace, terminal) or SUCCESS


def run(words: list[str]) -> int:
    """Carry out one command line; its exit code."""
    try:
        return _run(parser().parse_args(words))
    except DeclinedError as error:
        print(error.message)
        return FAILED
    except DeploymentError as error:
        message = f"error: {error.message}" + (f"\n       {error.fix}" if error.fix else "")
        print(message, file=sys.stderr)
        return code_of(error)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return _INTERRUPTED


def main() -> None:
    """Entry point of the `pulumilocal` command."""
    try:
        code = run(sys.argv[1:])
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = FAILED
    sys.exit(code)
