"""What the steps of a pull request's workflow left in `build/ci`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

PREVIEW = "preview.json"
PIPELINE = "pipeline.json"
METRICS = "metrics.json"
TESTS = "tests.xml"


@dataclass(frozen=True)
class TestReport:
    """Counts of a JUnit file, and the names of what failed."""

    __test__ = False  # no test of pytest's

    total: int
    failed: int
    skipped: int
    seconds: float
    failures: tuple[str, ...] = ()


@dataclass(frozen=True)
class Reports:
    """The documents; None where a step wrote none (it did not run, or broke before it could)."""

    preview: dict[str, Any] | None = None
    pipeline: dict[str, Any] | None = None
    metrics: dict[str, Any] | None = None
    tests: TestReport | None = None


def read(folder: Path) -> Reports:
    """Read what is there; a file that is not what it should be counts as missing."""
    return Reports(
        preview=_json(folder / PREVIEW),
        pipeline=_json(folder / PIPELINE),
        metrics=_json(folder / METRICS),
        tests=_tests(folder / TESTS),
    )


def _json(path: Path) -> dict[str, Any] | None:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return document if isinstance(document, dict) else None


def _tests(path: Path) -> TestReport | None:
    try:
        root = ElementTree.parse(path).getroot()  # noqa: S314 - written by the same workflow's pytest
    except (OSError, ElementTree.ParseError):
        return None
    suites = [root] if root.tag == "testsuite" else list(root.iter("testsuite"))
    failures = [
        f"{case.get('classname', '')}::{case.get('name', '')}"
        for suite in suites
        for case in suite.iter("testcase")
        if case.find("failure") is not None or case.find("error") is not None
    ]

    def count(*names: str) -> int:
        return sum(int(suite.get(name) or 0) for suite in suites for name in names)

    seconds = sum(float(suite.get("time") or 0) for suite in suites)
    return TestReport(count("tests"), count("failures", "errors"), count("skipped"), seconds, tuple(failures))
