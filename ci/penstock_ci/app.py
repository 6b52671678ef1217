"""`penstock`: the table of its verbs, and the boundary at which errors become messages.

A verb's module is imported only when the verb runs, so that `penstock --help` answers at once. The table below holds
what `--help` lists; each module has a typer application named `app`.
"""

from __future__ import annotations

import importlib
import os
import sys
from typing import Any

import typer
from typer.core import TyperGroup

from penstock_ci.errors import FAILED, INTERRUPTED, UserError, explain
from penstock_ci.output import print_error, start_invocation

VERBS: dict[str, dict[str, str]] = {
    "Set up": {
        "doctor": "See what is installed, what is missing, and what to do next.",
        "cloud": "The local cloud: up, down, status, logs, env, reset, coverage.",
        "bootstrap": "State bucket, secrets key and CI roles that stacks need before the first `up`.",
        "new": "Scaffold a model repository.",
    },
    "Infrastructure": {
        "preview": "Show what `up` would change.",
        "up": "Create or update a project's resources.",
        "refresh": "Bring a project's state to what the cloud has.",
        "destroy": "Delete a project's resources.",
        "outputs": "Print a project's outputs.",
        "cost": "Estimate a month's cost on AWS.",
    },
    "Models": {
        "build": "Build the image that jobs and endpoints run.",
        "pipeline": "The SageMaker pipeline: compile, run, graph, step.",
        "train": "Build, update and run the pipeline; registers a model version.",
        "review": "Show a version's numbers against the champion's.",
        "approve": "Approve a model version; this starts its deployment.",
        "reject": "Reject a model version.",
        "deploy": "Put an approved version on the endpoint.",
        "rollback": "Return the endpoint to the version before.",
        "predict": "Ask the endpoint, with online features.",
        "drift": "Compare what the endpoint saw with the baseline.",
        "status": "Cloud, stacks, executions, versions and the live one, on one page.",
        "logs": "Logs of a job, a pipeline execution or an endpoint.",
    },
    "CI": {
        "ci": "Run workflows on this machine; receive what GitHub would.",
        "report": "One HTML page of a run.",
        "demo": "The whole loop on this machine.",
    },
}
_MODULES = {name: f"penstock_ci.verbs.{name}" for section in VERBS.values() for name in section}


class LazyGroup(TyperGroup):
    """A group whose commands are imported when they are used, and which turns errors into messages and exit codes."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - the base class's signature
        return list(_MODULES)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002 - the base class's signature
        known = self.commands.get(cmd_name)
        if known is not None or cmd_name not in _MODULES:
            return known
        module = importlib.import_module(_MODULES[cmd_name])
        application: typer.Typer = module.app
        application.rich_markup_mode = None
        application._add_completion = False
        command = typer.main.get_command(application)
        command.name = cmd_name
        self.commands[cmd_name] = command
        return command

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name = args[0]
        if name not in _MODULES and not name.startswith("-"):
            from penstock_ci.errors import did_you_mean

            ctx.fail(f"No such command '{name}'.{did_you_mean(name, _MODULES)}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002 - the base class's signature
        for section, verbs in VERBS.items():
            with formatter.section(section):
                formatter.write_dl(list(verbs.items()))

    def shell_complete(self, ctx: Any, incomplete: str) -> Any:
        from typer._click.shell_completion import CompletionItem

        del ctx
        listed = {name: text for section in VERBS.values() for name, text in section.items()}
        return [CompletionItem(name, help=text) for name, text in listed.items() if name.startswith(incomplete)]

    def invoke(self, ctx: Any) -> Any:
        start_invocation()
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            print("interrupted", file=sys.stderr)
            raise typer.Exit(INTERRUPTED) from None
        except BrokenPipeError:
            raise
        except Exception as error:
            if os.environ.get("PENSTOCK_DEBUG") and not _is_control_flow(error):
                raise
            explained = explain(error)
            if explained is None:
                if _is_control_flow(error):
                    raise
                explained = UserError(
                    f"internal error: {type(error).__name__}: {error}",
                    "this is a defect of Penstock: PENSTOCK_DEBUG=1 shows the traceback to report",
                    exit_code=FAILED,
                )
            print_error(explained)
            raise typer.Exit(explained.exit_code) from None


def _is_control_flow(error: BaseException) -> bool:
    """Typer's own exits and usage errors, which its `main` prints."""
    return type(error).__module__.startswith("typer.")


app = typer.Typer(
    name="penstock",
    cls=LazyGroup,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)


def _version(value: bool) -> None:
    if value:
        from importlib.metadata import version

        print(f"penstock {version('penstock')}")
        raise typer.Exit


@app.callback()
def root(
    version: bool = typer.Option(False, "--version", help="Print the version.", callback=_version, is_eager=True),
) -> None:
    """Machine learning on AWS, and the whole of it on this machine.

    \b
    Start here:
      penstock doctor                     what is missing
      penstock cloud up                   the local cloud
      penstock up --all                   the platform on it
      penstock new                        a model repository

    Every verb has --help with an example. The stack is `local` (the local cloud) unless --stack or PENSTOCK_STACK
    names another one. PENSTOCK_DEBUG=1 shows tracebacks.
    """
    del version


def main() -> None:
    """Entry point of the `penstock` command."""
    app(prog_name="penstock")
