"""The report: complete, self-contained, and honest about a run that failed."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from penstock_ci.errors import UserError
from penstock_ci.report import graph, write

FEATURE = {
    "name": "origin_late_share_1h", "distance": 0.21, "threshold": 0.1, "violated": True,
    "bins": ["0 to 0.5", "0.5 to 1"], "baseline": [0.7, 0.3], "observed": [0.9, 0.1],
}  # fmt: skip


def step(name: str, kind: str, **arguments: Any) -> dict[str, Any]:
    return {"Name": name, "Type": kind, "Arguments": arguments}


def reference(name: str) -> dict[str, str]:
    return {"Get": f"Steps.{name}.ProcessingOutputConfig.Outputs['x'].S3Output.S3Uri"}


DEFINITION = {
    "Version": "2020-12-01",
    "Steps": [
        step("Ingest", "Processing"),
        step("Validate", "Processing", Input=reference("Ingest")),
        step("Train", "Training", Input=reference("Validate"), Raw=reference("Ingest")),
        {
            **step("Gate", "Condition", Conditions=[{"LeftValue": reference("Train")}]),
            "Arguments": {
                "Conditions": [{"LeftValue": reference("Train")}],
                "IfSteps": [step("Register", "RegisterModel", Model=reference("Train"))],
                "ElseSteps": [step("GateFailed", "Fail")],
            },
        },
    ],
}

RUN: dict[str, Any] = {
    "ok": True, "started": "2026-11-21T10:00:00+00:00", "seconds": 190.5, "seed": 7,
    "stages": [
        {"name": "tools", "title": "Tools", "status": "ok", "seconds": 2.5, "facts": {"environments": 3}},
        {"name": "cloud", "title": "Local cloud up", "status": "ok", "seconds": 4.0, "facts": {"endpoint": "<here>"}},
    ],
    "report": {
        "definition": DEFINITION,
        "versions": [
            {"version": 1, "status": "Approved", "metrics": {"auc": 0.701, "brier": 0.16}, "git_commit": "a" * 40},
            {"version": 2, "status": "Approved", "metrics": {"auc": 0.712, "brier": 0.15}},
        ],
        "comparison": {
            "rows": "November 2013",
            "champion": {"version": 1, "metrics": {"auc": 0.70}}, "challenger": {"version": 2, "metrics": {"auc": 0.71}},
        },
        "drift": {"unshifted": [{**FEATURE, "distance": 0.03, "violated": False}], "shifted": [FEATURE]},
        "resources": [{"project": "datalake", "type": "aws:s3/bucket:Bucket", "name": "raw", "state": "up"}],
    },
}  # fmt: skip


class Reader(HTMLParser):
    """Collects what a browser would fetch, and the text."""

    def __init__(self) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.fetched += [str(value) for name, value in attrs if name in {"src", "href", "xlink:href"} and tag != "a"]

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def page(tmp_path: Path, run: dict[str, Any]) -> tuple[str, Reader]:
    (tmp_path / "run.json").write_text(json.dumps(run))
    html = write(tmp_path / "run.json", tmp_path / "out/report.html").read_text()
    reader = Reader()
    reader.feed(html)
    return html, reader


def test_the_page_shows_everything_and_fetches_nothing(tmp_path: Path) -> None:
    html, reader = page(tmp_path, RUN)
    text = " ".join(reader.text)
    for expected in ("ran through", "Local cloud up", "Ingest", "RegisterModel", "version 2", "+0.0100", "November 2013",
                     "origin_late_share_1h", "aws:s3/bucket:Bucket", "3 min 10 s", "seed 7"):  # fmt: skip
        assert expected in text, expected
    assert reader.fetched == []
    assert not re.search(r"url\((?!#)", html)
    assert "@import" not in html
    assert "prefers-color-scheme: dark" in html


def test_facts_are_text_and_never_markup(tmp_path: Path) -> None:
    html, _ = page(tmp_path, RUN)
    assert "&lt;here&gt;" in html
    assert "<here>" not in html


def test_charts_take_their_colours_from_the_page(tmp_path: Path) -> None:
    html, _ = page(tmp_path, RUN)
    assert not re.search(r"#0[1-6]0[1-6]0[1-6]", html)
    assert "var(--accent)" in html


def test_a_failed_run_says_where_and_why(tmp_path: Path) -> None:
    failed = {"name": "drift", "status": "failed", "seconds": 1.0, "error": "no alarm came"}
    _, reader = page(tmp_path, {"ok": False, "stages": [RUN["stages"][0], failed]})
    text = " ".join(reader.text)
    assert "drift failed" in text
    assert "no alarm came" in text
    assert "Model versions" not in text


def test_the_graph_leaves_out_what_is_implied() -> None:
    assert [(edge.start, edge.end, edge.label) for edge in graph.edges(DEFINITION)] == [
        ("Gate", "GateFailed", "no"),
        ("Gate", "Register", "yes"),
        ("Ingest", "Validate", ""),
        ("Train", "Gate", ""),
        ("Validate", "Train", ""),
    ]
    names = [item["Name"] for item, _, _ in graph.steps(DEFINITION)]
    assert graph.layers(names, graph.edges(DEFINITION)) == [
        ["Ingest"], ["Validate"], ["Train"], ["Gate"], ["Register", "GateFailed"],
    ]  # fmt: skip


def test_no_run_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="there is no run at"):
        write(tmp_path / "run.json", tmp_path / "report.html")
    (tmp_path / "run.json").write_text('{"ok": 1}')
    with pytest.raises(UserError, match="is not a run"):
        write(tmp_path / "run.json", tmp_path / "report.html")
