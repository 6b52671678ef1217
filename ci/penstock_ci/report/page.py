"""The page: a run's timeline, pipeline, metrics, drift and resources in one file that opens without a network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from penstock_ci.report import charts, graph
from penstock_ci.report.run import Run, load


def amount(value: Any) -> str:
    """A fact as a reader wants it: numbers short, lists joined."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:,.4g}"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, list | tuple):
        return ", ".join(amount(item) for item in value)
    if isinstance(value, dict):
        return ", ".join(f"{key} {amount(item)}" for key, item in value.items())
    return str(value)


def duration(seconds: float) -> str:
    minutes, rest = divmod(seconds, 60)
    return f"{int(minutes)} min {rest:.0f} s" if minutes else f"{rest:.1f} s"


def environment() -> jinja2.Environment:
    made = jinja2.Environment(
        loader=jinja2.PackageLoader("penstock_ci.report"), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    made.filters["amount"] = amount
    made.filters["duration"] = duration
    return made


def render(run: Run) -> str:
    """The page's text. Sections that a run has nothing for are left out."""
    found = run.report
    drift = found.drift
    moved = sorted((f for f in (drift.shifted if drift else []) if f.bins), key=lambda f: -f.distance)
    return (
        environment()
        .get_template("report.html.j2")
        .render(
            run=run,
            failed=next((stage for stage in run.stages if stage.status == "failed"), None),
            timeline=Markup(charts.timeline(run.stages)) if run.stages else None,  # noqa: S704 - our own SVG
            pipeline=Markup(graph.to_svg(found.definition)) if found.definition else None,  # noqa: S704
            metrics=Markup(charts.metrics(found.versions)) if any(v.metrics for v in found.versions) else None,  # noqa: S704
            unshifted=Markup(charts.distances(drift.unshifted)) if drift and drift.unshifted else None,  # noqa: S704
            shifted=Markup(charts.distances(drift.shifted)) if drift and drift.shifted else None,  # noqa: S704
            distributions=[Markup(charts.distributions(feature)) for feature in moved[:4]],  # noqa: S704
        )
    )


def write(run_json: Path, html: Path) -> Path:
    """Write the report of a run; returns its path. Raises UserError where there is no run."""
    text = render(load(run_json))
    html.parent.mkdir(parents=True, exist_ok=True)
    html.write_text(text)
    return html
