"""The PDF of a model card."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

from penstock_services.sagemaker.model_cards import document
from penstock_services.sagemaker.model_cards.pdf import Pdf

_SPEC = importlib.util.spec_from_file_location("pdf_reader", Path(__file__).with_name("conftest.py"))
assert _SPEC is not None and _SPEC.loader is not None  # noqa: PT018
reader = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(reader)


def card(content: Any) -> dict[str, Any]:
    return {
        "ModelCardName": "flights",
        "ModelCardVersion": 3,
        "ModelCardStatus": "Approved",
        "ModelCardArn": "arn:aws:sagemaker:us-east-1:000000000000:model-card/flights",
        "CreationTime": 1767225600.0,
        "LastModifiedTime": 1767225600.0,
        "Content": json.dumps(content),
    }


def test_every_field_is_there(content: Any) -> None:
    pdf = document.render(card(content))
    assert pdf.startswith(b"%PDF-1.7\n")
    text = reader.lines(pdf)
    for line in (
        "flights",
        "Model card, version 3",
        "Status: Approved",
        "Created: 2026-01-01 00:00:00 UTC",
        "Intended uses",
        "Risk rating: Medium",
        "train:auc: 0.75 (last round)",
        "depth: 6",
        "auc: 0.71",
        "ready: true",
        "UA: 0.7",
        "false / true",
        "0.5   0.8",
        "5   1",
        "Ethical considerations: none (known)",
    ):
        assert line in text, line


def test_what_the_fonts_cannot_show_is_escaped_and_attached(content: Any) -> None:
    pdf = document.render(card(content))
    assert "Team: \\u822a\\u7a7a caf\u00e9" in reader.lines(pdf)
    assert any(json.loads(each) == content for each in reader.streams(pdf) if each.startswith(b"{"))
    assert b"/EmbeddedFiles" in pdf


def test_long_text_is_wrapped_and_takes_pages() -> None:
    pdf = Pdf("long")
    pdf.text("word " * 3000 + "x" * 500)
    text = reader.lines(pdf.finish())
    assert max(map(len, text)) < 140
    assert "".join(text).count("x") == 500, "a word wider than the page is cut, not lost"
    assert sum(line.split().count("word") for line in text) == 3000
    assert b"/Count 3" in pdf.finish() or b"/Count 4" in pdf.finish()


def test_an_empty_card() -> None:
    assert "Model card, version 3" in reader.lines(document.render(card({})))
