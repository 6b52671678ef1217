"""A card with something in every section, and the text of a PDF."""

from __future__ import annotations

import json
import re
import zlib
from typing import Any

import pytest

CONTENT = {
    "model_overview": {
        "model_id": "example-model",
        "model_name": "flights",
        "model_description": "predicts delays",
        "model_version": 1,
        "model_artifact": ["s3://bucket/model.tar.gz"],
        "inference_environment": {"container_image": ["image:v1"]},
    },
    "model_package_details": {"model_package_group_name": "flights", "model_package_arn": "arn:package"},
    "intended_uses": {"purpose_of_model": "plan crews", "risk_rating": "Medium"},
    "business_details": {"business_problem": "late crews"},
    "training_details": {
        "objective_function": {"function": {"function": "Minimize", "facet": "Loss"}, "notes": "log loss"},
        "training_job_details": {
            "training_arn": "arn:job",
            "training_metrics": [{"name": "train:auc", "value": 0.75, "notes": "last round"}],
            "hyper_parameters": [{"name": "depth", "value": "6"}],
        },
    },
    "evaluation_details": [
        {
            "name": "on November",
            "datasets": ["s3://bucket/november"],
            "metadata": {"rows": "27268"},
            "metric_groups": [
                {
                    "name": "quality",
                    "metric_data": [
                        {"name": "auc", "type": "number", "value": 0.71},
                        {"name": "ready", "type": "boolean", "value": True},
                        {
                            "name": "by carrier",
                            "type": "bar_chart",
                            "value": [0.7, 0.6],
                            "x_axis_name": ["UA", "DL"],
                            "y_axis_name": "auc",
                        },
                        {
                            "name": "roc",
                            "type": "linear_graph",
                            "value": [[0, 0], [0.5, 0.8], [1, 1]],
                            "x_axis_name": "false",
                            "y_axis_name": "true",
                        },
                        {"name": "confusion", "type": "matrix", "value": [[5, 1], [2, 7]], "x_axis_name": ["a", "b"]},
                    ],
                }
            ],
        }
    ],
    "additional_information": {
        "ethical_considerations": "none (known)",
        "custom_details": {"team": "\u822a\u7a7a caf\u00e9"},
    },
}


@pytest.fixture
def content() -> Any:
    """A fresh copy of the content."""
    return json.loads(json.dumps(CONTENT))


def streams(pdf: bytes) -> list[bytes]:
    """The unpacked streams of a PDF, read by its cross-reference table."""
    start = int(re.search(rb"startxref\n(\d+)\n%%EOF", pdf).group(1))  # type: ignore[union-attr]
    lines = pdf[start:].split(b"\n")
    assert lines[0] == b"xref"
    count = int(lines[1].split()[1])
    found = []
    for number, line in enumerate(lines[3 : 2 + count], 1):
        offset = int(line.split()[0])
        body = pdf[offset:]
        assert body.startswith(f"{number} 0 obj\n".encode()), "the table points at the objects"
        head = re.match(rb"\d+ 0 obj\n<<[^\n]*/Filter /FlateDecode /Length (\d+) >>\nstream\n", body)
        if head:
            found.append(zlib.decompress(body[head.end() : head.end() + int(head.group(1))]))
    return found


def lines(pdf: bytes) -> list[str]:
    """The lines of text of a PDF, from top to bottom."""
    pieces = [piece for stream in streams(pdf) for piece in re.findall(rb"\((.*)\) Tj", stream)]
    return [re.sub(r"\\([()\\])", r"\1", piece.decode("cp1252")) for piece in pieces]
