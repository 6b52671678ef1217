"""The text of the comment, from the reports alone: no clock, no network, equal reports give equal text.

Whatever comes from the branch (resource names, diffs, error messages) is put where Markdown cannot take it for markup.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from penstock_ci.access import telling
from penstock_ci.comment.reports import Reports, TestReport

MARKER = "<!-- penstock: pull request -->"
"""First line of the comment; by it a later run finds and changes its own comment."""

OPERATIONS = ("create", "update", "replace", "delete", "same")
SYMBOLS = {"create": "+", "update": "~", "replace": "±", "delete": "-"}
MOST_CHANGES = 50
MOST_DIFF_LINES = 60
MOST_CHARACTERS = 60_000  # GitHub takes 65,536


def render(model: str, reports: Reports, *, commit: str = "") -> str:
    """The comment.

    Args:
        model: The model's name.
        reports: What the workflow's steps left.
        commit: The commit the reports are of.
    """
    head = f"## {_plain(model)}: what this pull request changes"
    sections = [
        f"{MARKER}\n{head}\n\n{_verdict(reports)}",
        _resources(reports.preview),
        *_policy(reports.preview),
        *_iam(reports.preview),
        *_cost(reports.preview),
        _pipeline(reports.pipeline),
        _metrics(reports.metrics),
        _test_section(reports.tests),
    ]
    text = "\n\n".join(sections)
    if len(text) > MOST_CHARACTERS:
        text = text[:MOST_CHARACTERS] + "\n\n(cut here: the rest is in the run's artifacts)"
    return text + (f"\n\n<sub>Commit {_code(commit[:12])}</sub>\n" if commit else "\n")


def _verdict(reports: Reports) -> str:
    marks = [
        ("infrastructure", _state(reports.preview)),
        ("pipeline", _state(reports.pipeline)),
        ("training", _state(reports.metrics)),
        ("tests", None if reports.tests is None else reports.tests.failed == 0),
    ]
    words = {True: "✅", False: "❌", None: "⚪"}
    return " · ".join(f"{words[state]} {name}" for name, state in marks)


def _state(report: Mapping[str, Any] | None) -> bool | None:
    return None if report is None else bool(report.get("ok"))


def _problem(report: Mapping[str, Any], what: str) -> str:
    """The lines for a report that says it failed."""
    error = report.get("error")
    said = str(error.get("message", "")) if isinstance(error, dict) else str(error or "")
    lines = [str(line) for line in report.get("diagnostics") or []]
    text = "\n".join([said, *lines[:20]]).strip()
    return f"**{what} failed.**" + (f"\n\n{_block(text)}" if text else "")


def _resources(preview: Mapping[str, Any] | None) -> str:
    title = "### Infrastructure"
    if preview is None:
        return f"{title}\n\nThere is no preview: its step did not run."
    counts = {name: int(value) for name, value in (preview.get("counts") or {}).items()}
    if not preview.get("ok") and "policy" not in preview:
        return f"{title}\n\n{_problem(preview, 'The preview')}"
    names = [*OPERATIONS, *sorted(set(counts) - set(OPERATIONS))]
    table = _table(names, [[str(counts.get(name, 0)) for name in names]], align="right")
    changes = [change for change in preview.get("changes") or [] if change.get("op") in SYMBOLS]
    if not changes:
        return f"{title}\n\n{table}\n\nNo resource changes."
    lines = [_change(change) for change in changes[:MOST_CHANGES]]
    if len(changes) > MOST_CHANGES:
        lines.append(f"… and {len(changes) - MOST_CHANGES} more")
    dangerous = [change for change in changes if change["op"] in {"replace", "delete"}]
    warning = f"\n\n> [!WARNING]\n> {len(dangerous)} of them are replaced or deleted.\n" if dangerous else ""
    return f"{title}\n\n{table}\n\n{_block(chr(10).join(lines), 'diff')}{warning}".rstrip()


def _policy(preview: Mapping[str, Any] | None) -> list[str]:
    """What the policies found in the preview: nothing to say where they judged nothing."""
    if preview is None or not isinstance(preview.get("policy"), dict):
        return []
    judged = preview["policy"]
    title = "### Policy"
    findings = [("❌", entry) for entry in judged.get("mandatory") or []]
    findings += [("⚠️", entry) for entry in judged.get("advisory") or []]
    excepted = judged.get("excepted") or []
    if not findings and not excepted:
        return [f"{title}\n\nNothing is found."]
    lines = [
        f"- {sign} {_code(entry['policy'])} {_code(entry['name'])}: {_plain(entry['message'])}. {_plain(entry['remedy'])}"
        for sign, entry in findings[:MOST_CHANGES]
    ]
    if len(findings) > MOST_CHANGES:
        lines.append(f"- … and {len(findings) - MOST_CHANGES} more")
    lines += [
        f"- ⚪ {_code(entry['policy'])} {_code(entry['name'])} is excepted: {_plain(entry['reason'])}"
        for entry in excepted[:MOST_CHANGES]
    ]
    stops = "\n\nWhat is marked ❌ stops an `up` before its first step." if judged.get("mandatory") else ""
    return [f"{title}\n\n" + "\n".join(lines) + stops]


def _iam(preview: Mapping[str, Any] | None) -> list[str]:
    """Who may do what afterwards that they may not now, and the other way round."""
    if preview is None or not isinstance(preview.get("iam"), dict):
        return []
    title = "### Permissions"
    changes, unread = preview["iam"].get("changes") or [], preview["iam"].get("unread") or []
    if not changes and not unread:
        return [f"{title}\n\nNobody's rights change."]
    rows = [
        ["➕" if entry["sign"] == "+" else "➖", *(_code(cell) if cell else "" for cell in telling.of_document(entry))]
        for entry in changes[:MOST_CHANGES]
    ]
    parts = [_table(["", *telling.COLUMNS], rows, align="left")] if rows else []
    if len(changes) > MOST_CHANGES:
        parts.append(f"… and {len(changes) - MOST_CHANGES} more")
    if wider := sum(bool(entry["widens"]) for entry in changes):
        parts.append(f"> [!WARNING]\n> {wider} of them allow{'s' if wider == 1 else ''} more than before.")
    if unread:
        named = [
            f"- {entry['operation']} {_code(entry['type'])} {_code(entry['name'])}: {_plain(entry['why'])}"
            for entry in unread[:MOST_CHANGES]
        ]
        more = [f"- … and {len(unread) - MOST_CHANGES} more"] if len(unread) > MOST_CHANGES else []
        parts.append("Not compared:\n\n" + "\n".join([*named, *more]))
    return [f"{title}\n\n" + "\n\n".join(parts)]


def _cost(preview: Mapping[str, Any] | None) -> list[str]:
    """A month's estimate of what the preview says that the stack will have."""
    if preview is None or not isinstance(preview.get("cost"), dict):
        return []
    cost = preview["cost"]
    lines = [line for line in cost.get("lines") or [] if line["monthly"] >= 0.01][:MOST_CHANGES]
    rows = [
        [_code(line["name"]), _code(line["type"]), _plain(line["what"]), f"{line['monthly']:,.2f}"] for line in lines
    ]
    table = "\n\n" + _table(["resource", "type", "how", "USD a month"], rows) if rows else ""
    by_use = sum(len(line["names"]) for line in cost.get("by_use") or [])
    unknown = len(cost.get("unknown") or [])
    prices = cost["prices"]
    return [
        f"### Cost\n\nEstimate: **{cost['monthly']:,.2f} USD a month** by list prices of {_plain(prices['region'])}, "
        f"{_plain(prices['date'])}. Not in it: {by_use} by use, {unknown} without a known price.{table}"
    ]


def _change(change: Mapping[str, Any]) -> str:
    symbol = SYMBOLS[str(change["op"])]
    first = {"~": "!", "±": "!"}.get(symbol, symbol)  # what ```diff colours
    paths = ", ".join(str(path) for path in change.get("diff") or [])
    return f"{first} {change['op']:<8}{change.get('type', '')} {change.get('name', '')}" + (
        f" [{paths}]" if paths else ""
    )


def _pipeline(report: Mapping[str, Any] | None) -> str:
    title = "### Pipeline"
    if report is None:
        return f"{title}\n\nThe pipeline was not compiled: its step did not run."
    if report.get("unchanged"):
        return f"{title}\n\nThe compiled pipeline equals the committed golden file."
    diff = report.get("diff")
    if not diff:
        return f"{title}\n\n{_problem(report, 'Compiling the pipeline')}"
    lines = diff.splitlines() if isinstance(diff, str) else [str(line).rstrip("\n") for line in diff]
    shown = lines[:MOST_DIFF_LINES]
    if len(lines) > len(shown):
        shown.append(f"# {len(lines) - len(shown)} more lines")
    return (
        f"{title}\n\n**The compiled pipeline differs from the committed golden file.** "
        f"If that is meant: `penstock pipeline compile`, and commit it.\n\n{_block(chr(10).join(shown), 'diff')}"
    )


def _metrics(report: Mapping[str, Any] | None) -> str:
    title = "### Small training run"
    if report is None:
        return f"{title}\n\nThere was no training run: its step did not run."
    if not report.get("ok"):
        return f"{title}\n\n{_problem(report, 'The training run')}"
    metrics = _numbers(report.get("metrics"))
    champion = report.get("champion")
    if not metrics:
        return f"{title}\n\nThe run gave no metrics."
    if not isinstance(champion, dict):
        rows = [[_code(name), _number(value)] for name, value in metrics.items()]
        return f"{title}\n\n{_table(['metric', 'this branch'], rows)}\n\nNo champion yet: nothing to compare with."
    best = _numbers(champion.get("metrics"))
    named = f"champion (version {_plain(str(champion.get('version', '?')))})"
    if not champion.get("same_rows"):
        rows = [[_code(name), _number(value), _number(best.get(name))] for name, value in metrics.items()]
        table = _table(["metric", "this branch (sample)", f"{named}, on its own rows"], rows)
        return f"{title}\n\n{table}\n\nThe two were measured on different rows: their difference says nothing."
    rows = [
        [_code(name), _number(value), _number(best.get(name)), _difference(value, best.get(name))]
        for name, value in metrics.items()
    ]
    table = _table(["metric", "this branch (sample)", named, "difference"], rows)
    note = "Measured on the same rows. The branch trained on a sample; the champion on everything it had."
    return f"{title}\n\n{table}\n\n{note}"


def _numbers(metrics: Any) -> dict[str, float]:
    if not isinstance(metrics, dict):
        return {}
    return {str(name): float(value) for name, value in metrics.items() if isinstance(value, int | float)}


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:,.0f}" if float(value).is_integer() and abs(value) >= 2 else f"{value:.4f}"


def _difference(value: float, best: float | None) -> str:
    return "" if best is None else f"{value - best:+.4f}"


def _test_section(tests: TestReport | None) -> str:
    title = "### Tests"
    if tests is None:
        return f"{title}\n\nThere is no test report: the tests did not run."
    passed = tests.total - tests.failed - tests.skipped
    text = f"{title}\n\n{passed} passed, {tests.failed} failed, {tests.skipped} skipped."
    if tests.failures:
        text += "\n\n" + _block("\n".join(tests.failures[:30]))
    return text


def _table(header: Iterable[str], rows: Iterable[Iterable[str]], align: str = "") -> str:
    columns = list(header)
    rule = ["---:" if align == "right" or (index and not align) else "---" for index in range(len(columns))]
    lines = [columns, rule, *[list(row) for row in rows]]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _plain(text: str) -> str:
    """Text without anything Markdown or HTML would take as markup, and without mentions."""
    return re.sub(r"([\\`*_{}\[\]<>#|@!~])", r"\\\1", " ".join(text.split()))


def _code(text: str) -> str:
    """Inline code, with no way out of it (or of a table's cell)."""
    return f"`{' '.join(text.split()).replace('`', chr(39)).replace('|', '/')}`"


def _block(text: str, language: str = "text") -> str:
    """A code block whose fence is longer than any in the text."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text}\n{fence}"
