"""Flags and commands of Pulumi's that `pulumilocal` refuses by name, rather than to take them and do something else."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from penstock_deploy.cli.failures import WRONG_USE, CommandError

_CLOUD = "It is for Pulumi Cloud."
_STATE_ONLY = "Use `pulumilocal stack export` and `stack import` to change a state."

REFUSED_COMMANDS = {
    "about": "", "ai": _CLOUD, "console": _CLOUD, "convert": "", "deployment": _CLOUD, "do": "", "env": _CLOUD,
    "gen-completion": "", "import": "", "install": "", "login": "The local cloud keeps the states.",
    "logout": "The local cloud keeps the states.", "logs": "Use `penstock logs`.", "neo": _CLOUD,
    "new": "Use `penstock new`.", "org": _CLOUD, "package": "", "plugin": "", "policy": "", "schema": "",
    "state": _STATE_ONLY, "template": _CLOUD, "watch": "", "whoami": "",
}  # fmt: skip
REFUSED_STACK_COMMANDS = {
    "change-secrets-provider": "", "drift": _CLOUD, "get": "", "graph": "", "history": "", "migrate": _CLOUD,
    "rename": "", "schedule": _CLOUD, "tag": "", "webhook": _CLOUD,
}  # fmt: skip
REFUSED_CONFIG_COMMANDS = {"cp": "", "env": _CLOUD, "refresh": "", "rm-all": "", "set-all": ""}

_DEPLOYING = (
    "--attach-debugger", "--client", "--config-file", "--copilot", "--debug", "-d", "--event-log", "--exclude",
    "--exclude-dependents", "--message", "-m", "--neo", "--override-env", "--remote", "--run-program",
    "--show-config", "--show-full-output", "--show-policy-remediations", "--show-replacement-steps", "--show-sames",
    "--show-secrets", "--skip-config-validation", "--urns",
)  # fmt: skip
_PROGRAM = (
    "--continue-on-error", "--ignore-protect", "--plan", "--policy-pack", "--policy-pack-config", "--replace",
    "--secrets-provider", "--show-reads", "--strict", "--target-replace",
)  # fmt: skip
REFUSED_FLAGS: dict[str, tuple[str, ...]] = {
    "up": (*_DEPLOYING, *_PROGRAM),
    "preview": (*_DEPLOYING, *_PROGRAM, "--save-plan", "--import-file"),
    "refresh": (
        *_DEPLOYING, "--preview-only", "--skip-pending-creates", "--clear-pending-creates", "--import-pending-creates",
        "--target-dependents",
    ),
    "destroy": (*_DEPLOYING, "--continue-on-error", "--exclude-protected", "--ignore-protect", "--preview-only"),
    "stack export": ("--version",),
    "stack init": ("--teams", "--remote-config"),
    "stack ls": ("--organization", "-o", "--tag", "-t"),
    "config": ("--open", "--config-file"),
    "config get": ("--open", "--config-file"),
    "config set": ("--config-file",),
    "config rm": ("--config-file",),
}  # fmt: skip
# What concerns nothing that happens here: no download, no progress dots, no link to show.
IDLE_FLAGS = ("--skip-plugin-pre-install", "--suppress-progress")


def unsupported(what: str, fix: str = "") -> CommandError:
    """The error for a flag or command of Pulumi's that is not there."""
    return CommandError(f"{what} is not supported by Penstock's local engine", fix, code=WRONG_USE)


class Refused(argparse.Action):
    """A flag that is known and not supported."""

    def __call__(
        self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, values: Any, option: str | None = None
    ) -> None:
        del parser, namespace, values
        raise unsupported(str(option))


def refuse(parser: argparse.ArgumentParser, flags: Sequence[str]) -> None:
    """Have a parser know flags only to refuse them."""
    for flag in flags:
        parser.add_argument(flag, action=Refused, nargs="?", dest=argparse.SUPPRESS, help=argparse.SUPPRESS)
