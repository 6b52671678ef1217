"""A model card as a PDF: every field of its content under its heading, metrics as lines and bars, and the content itself
as an attachment."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from penstock_services.sagemaker.model_cards.pdf import Pdf

Record = dict[str, Any]
_SECTIONS = (
    "model_overview", "model_package_details", "intended_uses", "business_details", "training_details",
    "evaluation_details", "additional_information",
)  # fmt: skip
_STEP = 14.0


def render(card: Record) -> bytes:
    """The PDF of one version of a card (a record of ModelCardVersion)."""
    content: Record = json.loads(card["Content"])
    pdf = Pdf(f"{card['ModelCardName']}, version {card['ModelCardVersion']}")
    pdf.text(card["ModelCardName"], 20, bold=True)
    pdf.text(f"Model card, version {card['ModelCardVersion']}", 11)
    pdf.text(f"Status: {card['ModelCardStatus']}", above=8)
    pdf.text(f"ARN: {card['ModelCardArn']}")
    for label, member in (("Created", "CreationTime"), ("Last modified", "LastModifiedTime")):
        moment = datetime.fromtimestamp(card[member], UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
        pdf.text(f"{label}: {moment}")
    for section in _SECTIONS:
        if content.get(section):
            pdf.text(_words(section), 14, bold=True, above=16)
            _value(pdf, content[section], 0)
    pdf.attach("content.json", card["Content"].encode())
    return pdf.finish()


def _words(name: str) -> str:
    return name.replace("_", " ").strip().capitalize()


def _value(pdf: Pdf, value: Any, indent: float) -> None:
    if isinstance(value, dict):
        if "metric_data" in value:
            _metrics(pdf, value, indent)
            return
        for name, each in value.items():
            if isinstance(each, dict | list) and each:
                pdf.text(_words(name), 10.5, bold=True, indent=indent, above=6)
                _value(pdf, each, indent + _STEP)
            else:
                pdf.text(f"{_words(name)}: {_plain(each)}", indent=indent)
    elif isinstance(value, list):
        for each in value:
            if isinstance(each, dict):
                _item(pdf, each, indent)
            else:
                pdf.text(f"\u2022 {_plain(each)}", indent=indent)
    else:
        pdf.text(_plain(value), indent=indent)


def _item(pdf: Pdf, item: Record, indent: float) -> None:
    """One object of a list: a metric or parameter in a line, anything else under its name."""
    if set(item) <= {"name", "value", "notes"}:
        notes = f" ({item['notes']})" if item.get("notes") else ""
        pdf.text(f"{item.get('name', '')}: {_plain(item.get('value', ''))}{notes}", indent=indent)
        return
    if "name" in item:
        pdf.text(str(item["name"]), 11, bold=True, indent=indent, above=8)
    _value(pdf, {name: each for name, each in item.items() if name != "name"} | _kept(item), indent)


def _kept(item: Record) -> Record:
    """The name of a group of metrics is needed where these are drawn."""
    return {"name": item["name"]} if "metric_data" in item else {}


def _metrics(pdf: Pdf, group: Record, indent: float) -> None:
    for metric in group["metric_data"]:
        value = metric["value"]
        if not isinstance(value, list):
            pdf.text(f"{metric['name']}: {_plain(value)}", indent=indent)
        else:
            pdf.text(str(metric["name"]), bold=True, indent=indent, above=4)
            if metric.get("type") == "bar_chart":
                _bars(pdf, value, metric.get("x_axis_name"), indent + _STEP)
            else:
                _rows(pdf, metric, indent + _STEP)
        if metric.get("notes"):
            pdf.text(str(metric["notes"]), 9, indent=indent + _STEP)


def _bars(pdf: Pdf, values: list[float], labels: list[str] | None, indent: float) -> None:
    most = max((abs(value) for value in values), default=0) or 1
    for place, value in enumerate(values):
        label = labels[place] if labels and place < len(labels) else str(place + 1)
        pdf.bar(f"{label}: {_plain(value)}", abs(value) / most, indent)


def _rows(pdf: Pdf, metric: Record, indent: float) -> None:
    """A curve's points or a matrix, a row each."""
    axes = [metric.get("x_axis_name"), metric.get("y_axis_name")]
    named = [axis if isinstance(axis, str) else ", ".join(axis) for axis in axes if axis]
    if named:
        pdf.text(" / ".join(named), 9, indent=indent)
    for row in metric["value"]:
        cells = row if isinstance(row, list) else [row]
        pdf.text("   ".join(_plain(cell) for cell in cells), 9, indent=indent, above=0)


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
