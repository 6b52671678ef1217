"""Lines for people, documents for machines."""

from __future__ import annotations

import io
import json
import sys

import pytest

from penstock_ci.errors import UserError
from penstock_ci.output import Output, confirm, is_terminal, styled


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_without_json_results_are_on_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    output = Output()
    output.line("result")
    output.progress("working")
    output.result({"a": 1})
    assert capsys.readouterr() == ("result\n", "working\n")


def test_with_json_stdout_holds_one_document(capsys: pytest.CaptureFixture[str]) -> None:
    output = Output(json=True)
    output.line("result")
    output.marked("ok", "done")
    output.table(["a", "b"], [[1, "x"], [22, "y"]])
    output.result({"a": 1})
    out, err = capsys.readouterr()
    assert json.loads(out) == {"a": 1}
    assert err == "✓ done\n"


def test_a_table_elsewhere_is_plain(capsys: pytest.CaptureFixture[str]) -> None:
    Output().table(["a", "b"], [[1, "x"], [22, "y"]])
    assert capsys.readouterr().out == "a   b\n1   x\n22  y\n"


def test_ci_wins_over_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CI", "GITHUB_ACTIONS", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert is_terminal(Terminal())
    assert styled("x", "red", Terminal()) == "\x1b[31mx\x1b[0m"
    monkeypatch.setenv("NO_COLOR", "1")
    assert styled("x", "red", Terminal()) == "x"
    monkeypatch.setenv("CI", "true")
    assert not is_terminal(Terminal())


def test_a_table_on_a_terminal_is_drawn_by_rich(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CI", "GITHUB_ACTIONS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stdout", Terminal())
    Output().table(["name"], [["[red]not markup"]])
    assert "[red]not markup" in sys.stdout.getvalue()  # type: ignore[attr-defined]


def test_nobody_there_to_confirm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    with pytest.raises(UserError, match="Nobody is there") as caught:
        confirm("Destroy it?", yes=False)
    assert caught.value.fix == "add --yes"
    confirm("Destroy it?", yes=True)
