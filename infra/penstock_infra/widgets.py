"""Widgets of CloudWatch dashboards (CloudWatch API reference, "Dashboard Body Structure and Syntax"). Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

type Widget = dict[str, Any]

WIDTH = 24
"""Columns of a dashboard."""
_HEIGHT = 6
_HALF = WIDTH // 2


def text(markdown: str) -> Widget:
    """A heading over the whole width."""
    return {"type": "text", "width": WIDTH, "height": 2, "properties": {"markdown": markdown}}


def alarms(title: str, arns: Sequence[Any]) -> Widget:
    """The states of alarms, over the whole width."""
    return {"type": "alarm", "width": WIDTH, "height": 3, "properties": {"title": title, "alarms": list(arns)}}


def graph(title: str, region: str, *metrics: list[Any], statistic: str, period: int = 300, unit: str = "") -> Widget:
    """Lines of metrics, each as CloudWatch writes it: namespace, name, dimensions; or `search`'s."""
    properties: dict[str, Any] = {
        "title": title,
        "view": "timeSeries",
        "region": region,
        "stat": statistic,
        "period": period,
        "metrics": list(metrics),
    }
    if unit:
        properties["yAxis"] = {"left": {"label": unit, "showUnits": False, "min": 0}}
    return {"type": "metric", "width": _HALF, "height": _HEIGHT, "properties": properties}


def search(
    namespace: str, dimensions: Sequence[str], metric: str, statistic: str, period: int = 300, **given: str
) -> Any:
    """All metrics of one name and set of dimensions, some of them given: one line for each that there is."""
    schema = ",".join([namespace, *dimensions])
    terms = " ".join([*(f'{name}="{value}"' for name, value in given.items()), f'MetricName="{metric}"'])
    return [
        {
            "expression": f"SEARCH('{{{schema}}} {terms}', '{statistic}', {period})",
            "id": metric[:1].lower() + metric[1:],
        }
    ]


def body(widgets: Iterable[Widget]) -> dict[str, Any]:
    """The dashboard, its widgets set from left to right and top to bottom."""
    placed = []
    x = y = row = 0
    for widget in widgets:
        if x + widget["width"] > WIDTH:
            x, y, row = 0, y + row, 0
        placed.append({**widget, "x": x, "y": y})
        x, row = x + widget["width"], max(row, widget["height"])
    return {"widgets": placed}
