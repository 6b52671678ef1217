"""What a model card says: the `card` section of `penstock.yaml`, and SageMaker's JSON of it. Pure."""

from __future__ import annotations

import json
from typing import Any, Literal

from pydantic import Field

from penstock_infra.errors import Settings

LONGEST_TEXT = 2048
"""Characters that SageMaker's schema takes of most texts (developer guide, "Model card JSON schema")."""


class CardSettings(Settings):
    """What people must know of the model before they use it. The live version's numbers come from the registry."""

    purpose: str = Field(default="", max_length=LONGEST_TEXT, description="the question that the model answers")
    intended_uses: str = Field(default="", max_length=LONGEST_TEXT, description="where it may be used, and where not")
    factors: str = Field(default="", max_length=LONGEST_TEXT, description="what makes its answers better or worse")
    risk_rating: Literal["High", "Medium", "Low", "Unknown"] = Field(
        default="Unknown", description="the harm of errors"
    )
    risk_reason: str = Field(default="", max_length=LONGEST_TEXT, description="why that rating")
    ethical_considerations: str = Field(default="", max_length=LONGEST_TEXT, description="whom wrong answers hurt")
    caveats: str = Field(default="", max_length=LONGEST_TEXT, description="limits and advice for its users")
    status: Literal["Draft", "PendingReview", "Approved", "Archived"] = Field(
        default="Draft", description="how far the card's own review is"
    )


class Evaluation(Settings):
    """How a version did before it was registered."""

    report: str = Field(description="where its whole evaluation lies")
    metrics: dict[str, float] = Field(default_factory=dict, description="its numbers by name")


def content(
    card: CardSettings,
    *,
    description: str,
    owner: str,
    line_of_business: str,
    live_version: str | None,
    evaluation: Evaluation | None = None,
    algorithm: str = "",
) -> str:
    """The card in SageMaker's JSON; sections without a word are left out, as its schema wants no empty texts."""
    custom = {"live_model_package": live_version} if live_version else {}
    sections: dict[str, dict[str, Any]] = {
        "model_overview": {
            "model_description": description[:1024],
            "model_owner": owner,
            "algorithm_type": algorithm,
        },
        "business_details": {"line_of_business": line_of_business},
        "intended_uses": {
            "purpose_of_model": card.purpose,
            "intended_uses": card.intended_uses,
            "factors_affecting_model_efficiency": card.factors,
            "risk_rating": card.risk_rating,
            "explanations_for_risk_rating": card.risk_reason,
        },
        "additional_information": {
            "ethical_considerations": card.ethical_considerations,
            "caveats_and_recommendations": card.caveats,
            "custom_details": custom,
        },
    }
    said: dict[str, Any] = {
        name: {key: value for key, value in section.items() if value} for name, section in sections.items()
    }
    if evaluation is not None:
        said["evaluation_details"] = [_evaluated(evaluation)]
    return json.dumps({name: section for name, section in said.items() if section}, sort_keys=True)


def _evaluated(evaluation: Evaluation) -> dict[str, Any]:
    """The numbers as SageMaker's console shows them, sorted by name."""
    metrics = [{"name": name, "type": "number", "value": value} for name, value in sorted(evaluation.metrics.items())]
    return {
        "name": "Before registration",
        "metadata": {"report": evaluation.report},
        "metric_groups": [{"name": "Metrics", "metric_data": metrics}],
    }
