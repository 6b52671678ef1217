"""``report.html``: the analysis as a page to read (AWS's container also makes a notebook and a PDF of it)."""

from __future__ import annotations

import html
from typing import Any

_STYLE = "body{font:15px/1.5 sans-serif;margin:2rem auto;max-width:60rem}td,th{padding:.2rem .8rem;text-align:left}"


def render(analysis: dict[str, Any], title: str) -> str:
    """The page for one analysis.json."""
    parts = [f"<h1>{html.escape(title)}</h1>"]
    for stage in ("pre_training_bias_metrics", "post_training_bias_metrics"):
        for facet, entries in analysis.get(stage, {}).get("facets", {}).items():
            for entry in entries:
                heading = f"{stage.replace('_', ' ')}: {facet} = {entry['value_or_threshold']}"
                rows = [(metric["description"], metric["value"]) for metric in entry["metrics"]]
                parts.append(_table(heading, rows))
    for label, entry in analysis.get("explanations", {}).get("kernel_shap", {}).items():
        ranked = sorted(entry["global_shap_values"].items(), key=lambda item: -abs(item[1]))
        parts.append(_table(f"Global SHAP values: {label}", ranked))
    return f"<!doctype html><meta charset=utf-8><title>{html.escape(title)}</title><style>{_STYLE}</style>{''.join(parts)}\n"


def _table(heading: str, rows: list[tuple[str, Any]]) -> str:
    def cell(value: Any) -> str:
        return f"{value:.6g}" if isinstance(value, float) else str(value)

    body = "".join(f"<tr><td>{html.escape(str(name))}<td>{html.escape(cell(value))}" for name, value in rows)
    return f"<h2>{html.escape(heading)}</h2><table>{body}</table>"
