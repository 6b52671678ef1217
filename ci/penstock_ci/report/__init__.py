"""The report of a run: one HTML file that needs nothing else, from `run.json`."""

from __future__ import annotations

from penstock_ci.report.page import write

__all__ = ["write"]
