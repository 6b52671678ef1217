"""Tables, questions and colours of the terminal, as Pulumi has them."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from typing import Any

from penstock_deploy.cli.failures import WRONG_USE, CommandError, DeclinedError

_GAP = "  "


def table(headers: Sequence[str], rows: Sequence[Sequence[str]], indent: str = "") -> None:
    """Print a table whose columns are as wide as their widest cell."""
    widths = [max(len(row[at]) for row in (headers, *rows)) for at in range(len(headers))]
    for row in (headers, *rows):
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        print(indent + _GAP.join(cells).rstrip())


def shown(value: Any) -> str:
    """A value in a table or on a line of its own: texts as they are, the rest as JSON."""
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True, separators=(",", ":"))


def print_json(value: Any) -> None:
    """Print a JSON document as Pulumi does."""
    print(json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False))


class Terminal:
    """What is known of the person at the other end."""

    def __init__(self, *, non_interactive: bool, colour: str) -> None:
        self.interactive = not non_interactive and sys.stdin.isatty() and sys.stdout.isatty()
        automatic = sys.stdout.isatty() and "NO_COLOR" not in os.environ
        self.colour = {"always": True, "never": False, "raw": False}.get(colour, automatic)

    def ask(self, question: str) -> str:
        """The answer to a question."""
        try:
            return input(f"{question} ").strip()
        except EOFError:
            return ""

    def choose(self, question: str, choices: Sequence[str]) -> str:
        """One of the choices; the last one but those that are spelt out."""
        while True:
            answer = self.ask(f"{question} [{'/'.join(choices)}]")
            matching = [choice for choice in choices if answer and choice.startswith(answer.lower())]
            if matching:
                return matching[0]
            if not answer:
                return "no"

    def confirm(self, prompt: str, name: str, *, yes: bool) -> None:
        """Have the user type the name before something is destroyed."""
        if yes:
            return
        if not self.interactive:
            raise CommandError("non-interactive mode requires --yes flag", code=WRONG_USE)
        print(prompt)
        if self.ask(f"Please confirm that this is what you'd like to do by typing `{name}`:") != name:
            raise DeclinedError("confirmation declined")
