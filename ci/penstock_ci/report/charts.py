"""The report's charts as SVG that takes its colours from the page, so that one file serves light and dark."""

from __future__ import annotations

import re
from typing import Any

import altair as alt
import pandas as pd
import vl_convert

from penstock_ci.report.run import Feature, Stage, Version

# Colours that stand for the page's own: the SVG is made with them and they are replaced by the page's variables.
INK, SOFT, GRID, BLUE, GREY, RED = "#010101", "#020202", "#030303", "#040404", "#050505", "#060606"
VARIABLES = {INK: "ink", SOFT: "soft", GRID: "grid", BLUE: "accent", GREY: "muted", RED: "bad"}


def to_svg(chart: alt.TopLevelMixin) -> str:
    """A chart as an SVG element without fixed colours or size."""
    specification: dict[str, Any] = chart.to_dict()
    svg: str = vl_convert.vegalite_to_svg(specification)
    for colour, variable in VARIABLES.items():
        svg = svg.replace(colour, f"var(--{variable})")
    svg = re.sub(r'(<svg[^>]*?) width="(\d+\.?\d*)" height="[^"]*"', r'\1 style="max-width:\2px"', svg, count=1)
    return re.sub(r'font-family="[^"]*"', "", svg)


def styled(chart: alt.Chart | alt.LayerChart | alt.FacetChart) -> Any:
    return (
        chart.configure(
            background="transparent",
            font="system-ui, sans-serif",
            padding={"left": 24, "right": 12, "top": 4, "bottom": 8},
        )
        .configure_view(stroke=None)
        .configure_axis(
            labelColor=SOFT, titleColor=SOFT, gridColor=GRID, domainColor=GRID, tickColor=GRID, labelFontSize=12,
            titleFontSize=12, titleFontWeight="normal", labelLimit=380,
        )
        .configure_legend(labelColor=SOFT, titleColor=SOFT, labelFontSize=12, orient="top")
        .configure_header(labelColor=INK, titleColor=INK, labelFontSize=13, labelFontWeight="bold")
    )  # fmt: skip


def timeline(stages: list[Stage]) -> str:
    """The stages one under the other, each as long as it took, where it began."""
    rows, begin = [], 0.0
    for stage in stages:
        rows.append(
            {
                "stage": stage.title or stage.name,
                "begin": begin,
                "end": begin + stage.seconds,
                "status": stage.status,
                "label": f"{stage.seconds:.1f} s",
            }
        )
        begin += stage.seconds
    base = alt.Chart(pd.DataFrame(rows)).encode(
        y=alt.Y("stage:N", sort=None, title=None),
        x=alt.X("begin:Q", title="seconds since the start", axis=alt.Axis(tickCount=10)),
    )
    bars = base.mark_bar(cornerRadius=3, height={"band": 0.7}).encode(
        x2="end:Q",
        color=alt.Color(
            "status:N", scale=alt.Scale(domain=["ok", "failed", "skipped"], range=[BLUE, RED, GREY]), legend=None
        ),
    )
    labels = base.mark_text(align="left", dx=6, color=SOFT).encode(x="end:Q", text="label:N")
    return to_svg(styled((bars + labels).properties(width=720, height=28 * len(rows))))


def metrics(versions: list[Version]) -> str:
    """Each metric of each version."""
    rows = [
        {"version": f"version {version.version}", "metric": name, "value": value, "label": f"{value:.3f}"}
        for version in versions
        for name, value in version.metrics.items()
    ]
    base = alt.Chart(pd.DataFrame(rows)).encode(
        y=alt.Y("version:N", title=None), x=alt.X("value:Q", title=None, scale=alt.Scale(domainMin=0))
    )
    bars = base.mark_bar(cornerRadius=3, height={"band": 0.7}).encode(
        color=alt.Color("version:N", scale=alt.Scale(range=[GREY, BLUE]), legend=None)
    )
    labels = base.mark_text(align="left", dx=4, color=SOFT).encode(text="label:N")
    return to_svg(
        styled(
            (bars + labels)
            .properties(width=220, height=24 * len(versions))
            .facet(facet=alt.Facet("metric:N", title=None), columns=3)
        )
    )


def distances(features: list[Feature]) -> str:
    """How far each watched column moved, against its threshold."""
    frame = pd.DataFrame(
        [
            {
                "feature": f.name,
                "distance": f.distance,
                "threshold": f.threshold,
                "state": "drifted" if f.violated else "within",
            }
            for f in features
        ]
    )
    base = alt.Chart(frame).encode(y=alt.Y("feature:N", sort="-x", title=None))
    bars = base.mark_bar(cornerRadius=3, height={"band": 0.7}).encode(
        x=alt.X("distance:Q", title="distance from the baseline; the mark is the threshold"),
        color=alt.Color("state:N", scale=alt.Scale(domain=["within", "drifted"], range=[BLUE, RED]), legend=None),
    )
    rule = base.mark_tick(color=INK, thickness=2, height=20).encode(x="threshold:Q")
    return to_svg(styled((bars + rule).properties(width=420, height=26 * len(frame))))


def distributions(feature: Feature) -> str:
    """The shares of one column's bins, in the baseline and in what was seen."""
    rows = [
        {"bin": label, "share": share, "rows": side}
        for side, values in (("baseline", feature.baseline), ("observed", feature.observed))
        for label, share in zip(feature.bins, values, strict=True)
    ]
    chart = (
        alt.Chart(pd.DataFrame(rows))
        .mark_bar(cornerRadius=2)
        .encode(
            x=alt.X("bin:N", sort=None, title=feature.name, axis=alt.Axis(labelAngle=-45, titlePadding=18)),
            xOffset=alt.XOffset("rows:N"),
            y=alt.Y("share:Q", title="share of rows", axis=alt.Axis(format="%")),
            color=alt.Color("rows:N", title=None, scale=alt.Scale(domain=["baseline", "observed"], range=[GREY, BLUE])),
        )
        .properties(width=34 * max(len(feature.bins), 4), height=150)
    )
    return to_svg(styled(chart))
