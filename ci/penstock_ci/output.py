"""What a verb prints: results on stdout, progress on stderr; colour and spinners only on a terminal that is not CI's.

With `--json` stdout holds exactly one JSON document and nothing else; everything for people goes to stderr.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Annotated, Any, NoReturn

import typer

if TYPE_CHECKING:
    from penstock_ci.errors import UserError

SYMBOLS = {
    "create": ("+", "green"),
    "update": ("~", "yellow"),
    "replace": ("±", "magenta"),
    "delete": ("-", "red"),
    "same": (" ", "dim"),
    "ok": ("✓", "green"),
    "failed": ("✗", "red"),
    "running": ("…", "cyan"),
    "skipped": ("·", "dim"),
    "warning": ("!", "yellow"),
}
_ANSI = {"green": "32", "yellow": "33", "magenta": "35", "red": "31", "cyan": "36", "dim": "2", "bold": "1"}


class _Invocation:
    """What the running command was asked for (one process runs one command)."""

    json = False


def _remember_json(value: bool) -> bool:
    _Invocation.json = value
    return value


JsonOption = Annotated[
    bool, typer.Option("--json", help="Print one JSON document on stdout; progress on stderr.", callback=_remember_json)
]


def start_invocation() -> None:
    """Forget what an earlier command in this process was asked for (tests run many)."""
    _Invocation.json = False


def is_terminal(stream: IO[str]) -> bool:
    """True for a terminal with a person before it: `act` gives CI jobs a terminal too, so CI wins over isatty."""
    if os.environ.get("CI") or os.environ.get("GITHUB_ACTIONS") or os.environ.get("TERM") == "dumb":
        return False
    return stream.isatty()


def styled(text: str, style: str, stream: IO[str]) -> str:
    """The text in a colour, where the stream is a terminal and NO_COLOR is not set."""
    if not is_terminal(stream) or os.environ.get("NO_COLOR"):
        return text
    return f"\x1b[{_ANSI[style]}m{text}\x1b[0m"


class Output:
    """The one way a verb writes. `json` is the verb's `--json`."""

    def __init__(self, json: bool = False) -> None:
        self.json = json

    @property
    def people(self) -> IO[str]:
        """Where marked lines go: stdout, or stderr when stdout belongs to the JSON document."""
        return sys.stderr if self.json else sys.stdout

    def line(self, text: str = "", *, style: str = "") -> None:
        """A line of the result for people; with `--json` the document says it."""
        if not self.json:
            print(styled(text, style, sys.stdout) if style else text, flush=True)

    def progress(self, text: str, *, kind: str = "") -> None:
        """A line of progress, on stderr; `kind` is one of SYMBOLS."""
        if kind:
            symbol, style = SYMBOLS[kind]
            text = f"{styled(symbol, style, sys.stderr)} {text}"
        print(text, file=sys.stderr, flush=True)

    def marked(self, kind: str, text: str) -> None:
        """What was done or found, with the symbol of its kind (create, ok, failed, ...); with `--json` on stderr."""
        symbol, style = SYMBOLS[kind]
        print(f"{styled(symbol, style, self.people)} {text}", file=self.people, flush=True)

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        """Rows in columns: rich on a terminal, aligned plain text elsewhere; with `--json` nothing."""
        if self.json:
            return
        if is_terminal(sys.stdout):
            from rich import box
            from rich.console import Console
            from rich.table import Table
            from rich.text import Text

            table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
            for column in columns:
                table.add_column(column)
            for row in rows:
                table.add_row(*(Text(str(cell)) for cell in row))
            Console(file=sys.stdout).print(table)
            return
        cells = [[str(cell) for cell in row] for row in [columns, *rows]]
        widths = [max(len(row[index]) for row in cells) for index in range(len(columns))]
        for row in cells:
            self.line("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())

    def result(self, document: Any) -> None:
        """With `--json`: the document on stdout. Without: nothing (lines have said it)."""
        if self.json:
            print(json.dumps(document, indent=2, default=str), flush=True)

    def fail(self, problem: UserError) -> NoReturn:
        """End with a failure whose document has been printed already: cause and fix go to stderr.

        Raises:
            typer.Exit: with the failure's code.
        """
        tell(problem)
        raise typer.Exit(problem.exit_code)

    @contextmanager
    def working(self, text: str) -> Iterator[None]:
        """Something takes a while: a spinner on a terminal, one line elsewhere."""
        if is_terminal(sys.stderr):
            from rich.console import Console

            with Console(stderr=True).status(text):
                yield
        else:
            self.progress(f"{text} ...")
            yield


def tell(error: UserError) -> None:
    """Cause, detail and fix on stderr."""
    print(f"{styled('error:', 'red', sys.stderr)} {error.message}", file=sys.stderr)
    if error.detail:
        for detail_line in error.detail.rstrip().splitlines():
            print(f"  | {detail_line}", file=sys.stderr)
    if error.fix:
        print(f"  {styled('fix:', 'bold', sys.stderr)} {error.fix}", file=sys.stderr)


def print_error(error: UserError) -> None:
    """Cause and fix on stderr; with `--json` also as the one document on stdout."""
    tell(error)
    if _Invocation.json:
        document = {"ok": False, "error": {"message": error.message, "fix": error.fix, "detail": error.detail}}
        print(json.dumps(document, indent=2), flush=True)


def refuse_unanswered(question: str, *, yes: bool) -> None:
    """Refuse at once what would ask a question that nobody is there to answer.

    Raises:
        UserError: nobody is there, and `--yes` was not given.
    """
    from penstock_ci.errors import UserError

    if not yes and not sys.stdin.isatty():
        raise UserError(f"{question} Nobody is there to answer", "add --yes")


def confirm(question: str, *, yes: bool) -> None:
    """Ask before something that costs or destroys.

    Raises:
        UserError: the answer is no, or nobody is there to answer and `--yes` was not given.
    """
    from penstock_ci.errors import UserError

    if yes:
        return
    refuse_unanswered(question, yes=yes)
    if not typer.confirm(question, err=True):
        raise UserError("not confirmed: nothing was changed", exit_code=1)
