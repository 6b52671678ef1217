"""The comment: equal reports give equal text, and its numbers are those of the reports."""

from __future__ import annotations

import json

from penstock_ci.comment import markdown, reports
from penstock_ci.comment.reports import Reports, TestReport

PREVIEW = {
    "ok": True,
    "counts": {"create": 1, "update": 2, "replace": 1, "delete": 0, "same": 14},
    "changes": [
        {"op": "create", "urn": "u1", "type": "aws:s3/bucket:Bucket", "name": "scratch", "diff": []},
        {
            "op": "update",
            "urn": "u2",
            "type": "aws:sagemaker/pipeline:Pipeline",
            "name": "flight-delays",
            "diff": ["tags.a", "x"],
        },
        {
            "op": "update",
            "urn": "u3",
            "type": "aws:s3/bucketVersioning:BucketVersioning",
            "name": "v",
            "diff": ["status"],
        },
        {"op": "replace", "urn": "u4", "type": "aws:iam/role:Role", "name": "r", "diff": ["name"]},
        {"op": "same", "urn": "u5", "type": "aws:kms/key:Key", "name": "k", "diff": []},
    ],
    "diagnostics": [],
}
PIPELINE = {"ok": True, "unchanged": True, "diff": []}
METRICS = {"ok": True, "metrics": {"auc": 0.7012, "rows": 1234}, "champion": None}
CHAMPION = {"version": 1, "metrics": {"auc": 0.7432}, "same_rows": True}
TESTS = TestReport(12, 0, 1, 3.5)


def test_whole_comment(snapshot):
    text = markdown.render("flight-delays", Reports(PREVIEW, PIPELINE, METRICS, TESTS), commit="0123456789abcdef")
    assert text == snapshot
    assert text.startswith(markdown.MARKER)


def test_first_comment_of_a_broken_branch(snapshot):
    broken = {"ok": False, "error": {"message": "infra/__main__.py: NameError", "fix": "", "detail": ""}}
    changed = {"ok": False, "unchanged": False, "diff": ["--- pipeline.json", "+++ compiled", "-  1", "+  2"]}
    failed = {"ok": False, "error": {"message": "step Train: ValueError: boom", "fix": "", "detail": ""}}
    text = markdown.render(
        "flight-delays", Reports(broken, changed, failed, TestReport(3, 1, 0, 1.0, ("tests.test_a::test_b",)))
    )
    assert text == snapshot


def test_nothing_ran(snapshot):
    assert markdown.render("flight-delays", Reports()) == snapshot


def test_counts_are_those_of_the_preview():
    text = markdown.render("m", Reports(preview=PREVIEW))
    lines = text.splitlines()
    header = next(number for number, line in enumerate(lines) if line.startswith("| create"))
    names = [cell.strip() for cell in lines[header].strip("|").split("|")]
    values = [int(cell) for cell in lines[header + 2].strip("|").split("|")]
    assert dict(zip(names, values, strict=True)) == PREVIEW["counts"]


def test_metrics_against_the_champion():
    text = markdown.render("m", Reports(metrics=METRICS | {"champion": CHAMPION}))
    assert "| `auc` | 0.7012 | 0.7432 | -0.0420 |" in text
    assert "champion (version 1)" in text
    assert "No champion yet" in markdown.render("m", Reports(metrics=METRICS))
    other = markdown.render("m", Reports(metrics=METRICS | {"champion": CHAMPION | {"same_rows": False}}))
    assert "| `auc` | 0.7012 | 0.7432 |" in other
    assert "-0.0420" not in other
    assert "different rows" in other


def test_text_of_the_branch_cannot_leave_its_place():
    hostile = "x\n```\n@everyone <img src=x onerror=alert(1)> | `"
    change = {"op": "create", "type": hostile, "name": hostile, "diff": [hostile]}
    text = markdown.render(
        hostile,
        Reports(
            {"ok": True, "counts": {"create": 1}, "changes": [change]},
            {"ok": False, "unchanged": False, "diff": [hostile]},
            {"ok": True, "metrics": {hostile: 1.5}, "champion": {"version": hostile, "metrics": {}}},
            TestReport(1, 1, 0, 0.0, (hostile,)),
        ),
    )
    fenced = False
    for line in text.splitlines():
        if line.startswith("````"):
            fenced = not fenced
        elif not fenced and "everyone" in line:
            assert "\\@everyone" in line or ("`" in line and "<img" in line.split("`")[1])
            assert "\n" not in line
    assert not fenced


def test_long_comments_are_cut():
    changes = [{"op": "create", "type": "t" * 200, "name": "n" * 200, "diff": []} for _ in range(500)]
    text = markdown.render("m", Reports({"ok": True, "counts": {"create": 500}, "changes": changes}))
    assert len(text) < 65_536
    assert "450 more" in text


def test_reads_reports(tmp_path):
    assert reports.read(tmp_path) == Reports()
    (tmp_path / "preview.json").write_text(json.dumps(PREVIEW))
    (tmp_path / "metrics.json").write_text("{")
    (tmp_path / "tests.xml").write_text(
        '<testsuites><testsuite tests="3" failures="1" errors="0" skipped="1" time="2.5">'
        '<testcase classname="a.b" name="c"><failure/></testcase><testcase classname="a" name="d"/></testsuite></testsuites>'
    )
    found = reports.read(tmp_path)
    assert found.preview == PREVIEW
    assert found.metrics is None
    assert found.tests == TestReport(3, 1, 1, 2.5, ("a.b::c",))
