"""The JSON schema of model cards, and of the card of a model package.

Source: https://docs.aws.amazon.com/sagemaker/latest/dg/model-cards.html#model-cards-json-schema and
https://docs.aws.amazon.com/sagemaker/latest/dg/model-registry-details.html#model-card-schema. (Of ``objective_function``
that schema names members but requires nothing.)
"""

from __future__ import annotations

import json
from typing import Any

from penstock_services.errors import ServiceError
from penstock_services.sagemaker.model_cards.shapes import (
    AnyJson,
    Anything,
    Choice,
    Flag,
    Listed,
    Mapped,
    Members,
    Number,
    OneOf,
    Shape,
    Text,
)

_LINE = Text(63, 1)
_NAME = Text(255, 1)
_NOTE = Text(1024)
_PARAGRAPH = Text(2048)
_URIS = Listed(Text(1024), 15)

_TRAINING_METRIC = Members({"name": _NAME, "notes": _NOTE, "value": Number()}, required=("name", "value"))
_HYPER_PARAMETER = Members({"name": _NAME, "value": Text(255, 0)}, required=("name", "value"))
_AXIS, _AXES = Text(63), Listed(Text(63))


def _metric(types: tuple[str, ...], value: Shape, x: Shape, y: Shape) -> Members:
    """One form of an evaluation metric."""
    members: dict[str, Shape] = {
        "name": _NAME,
        "notes": _NOTE,
        "type": Choice(types),
        "value": value,
        "x_axis_name": x,
        "y_axis_name": y,
    }
    return Members(members, required=("name", "type", "value"))


_METRIC = OneOf(
    (
        _metric(("number", "string", "boolean"), OneOf((Number(), Text(63), Flag())), _AXIS, _AXIS),
        _metric(("linear_graph",), Listed(Listed(Number(), 2, 2), 20, 1), _AXIS, _AXIS),
        _metric(("bar_chart",), Listed(Number(), 20, 1), _AXES, _AXIS),
        _metric(("matrix",), Listed(Listed(Number(), 20, 1), 20, 1), _AXES, _AXES),
    )
)
_EVALUATION = Members(
    {
        "name": _LINE,
        "evaluation_observation": Text(2096),
        "evaluation_job_arn": Text(256),
        "datasets": Listed(Text(1024), 10),
        "metadata": Mapped(Text(1024)),
        "metric_groups": Listed(
            Members({"name": _LINE, "metric_data": Listed(_METRIC)}, required=("name", "metric_data"), closed=False)
        ),
    },
    required=("name",),
)
_ENVIRONMENT = Members({"container_image": _URIS})
_TRAINING_JOB = Members(
    {
        "training_arn": Text(1024),
        "training_datasets": _URIS,
        "training_environment": _ENVIRONMENT,
        "training_metrics": Listed(_TRAINING_METRIC, 50),
        "user_provided_training_metrics": Listed(_TRAINING_METRIC, 50),
        "hyper_parameters": Listed(_HYPER_PARAMETER, 100),
        "user_provided_hyper_parameters": Listed(_HYPER_PARAMETER, 100),
    }
)
_SECTIONS: dict[str, Shape] = {
    "intended_uses": Members(
        {
            "purpose_of_model": _PARAGRAPH,
            "intended_uses": _PARAGRAPH,
            "factors_affecting_model_efficiency": _PARAGRAPH,
            "risk_rating": Choice(("High", "Medium", "Low", "Unknown")),
            "explanations_for_risk_rating": _PARAGRAPH,
        }
    ),
    "business_details": Members(
        {"business_problem": _PARAGRAPH, "business_stakeholders": _PARAGRAPH, "line_of_business": _PARAGRAPH}
    ),
    "training_details": Members(
        {"objective_function": Anything(), "training_observations": _NOTE, "training_job_details": _TRAINING_JOB}
    ),
    "evaluation_details": Listed(_EVALUATION),
    "additional_information": Members(
        {
            "ethical_considerations": _PARAGRAPH,
            "caveats_and_recommendations": _PARAGRAPH,
            "custom_details": Mapped(Text(1024)),
        }
    ),
}
_OVERVIEW: dict[str, Shape] = {
    "model_description": _NOTE,
    "model_creator": _NOTE,
    "model_artifact": _URIS,
    "algorithm_type": _NOTE,
    "problem_type": Text(),
    "model_owner": _NOTE,
}
_PACKAGE_DETAILS = Members(
    {
        "model_package_description": _NOTE,
        "model_package_arn": Text(1024, 1),
        "created_by": Members({"user_profile_name": Text(63)}),
        "model_package_status": Choice(("Pending", "InProgress", "Completed", "Failed", "Deleting")),
        "model_approval_status": Choice(("Approved", "Rejected", "PendingManualApproval")),
        "approval_description": _NOTE,
        "model_package_group_name": Text(63, 1),
        "model_package_name": Text(63, 1),
        "model_package_version": Number(),
        "domain": Text(),
        "task": Text(),
        "source_algorithms": Listed(
            Members({"algorithm_name": Text(170), "model_data_url": Text(1024)}, required=("algorithm_name",)), 1, 1
        ),
        "inference_specification": Members(
            {
                "containers": Listed(
                    Members(
                        {"model_data_url": Text(1024), "image": Text(255), "nearest_model_name": Text()},
                        required=("image",),
                        closed=False,
                    ),
                    15,
                    1,
                )
            },
            required=("containers",),
        ),
    }
)
CARD = Members(
    {
        "model_overview": Members(
            {
                **_OVERVIEW,
                "model_id": Text(1024),
                "model_name": Text(1024),
                "model_version": Number(1),
                "inference_environment": _ENVIRONMENT,
            }
        ),
        "model_package_details": _PACKAGE_DETAILS,
        **_SECTIONS,
    }
)
PACKAGE_CARD = Members({"model_overview": Members(_OVERVIEW), **_SECTIONS})
_METADATA = {
    "model_overview": ("model_id", "model_name"),
    "intended_uses": ("risk_rating",),
    "model_package_details": ("model_package_group_name", "model_package_arn"),
}


def check(content: str, shape: Members) -> AnyJson:
    """The parsed content; ServiceError (ValidationException) names the first place that does not follow the schema."""
    try:
        parsed = json.loads(content)
    except ValueError as error:
        raise ServiceError("ValidationException", f"The model card content is not valid JSON: {error}.") from None
    problem = shape.problem(parsed, "")
    if problem is not None:
        message = f"The model card content does not follow the model card JSON schema: {problem}."
        raise ServiceError("ValidationException", message)
    return parsed


def metadata_only(content: str) -> str:
    """What is left of the content with ``IncludedData`` MetadataOnly: the fields that the API reference lists."""
    parsed: dict[str, Any] = json.loads(content)
    kept = {
        section: {name: parsed[section][name] for name in names if name in parsed[section]}
        for section, names in _METADATA.items()
        if section in parsed
    }
    return json.dumps({section: members for section, members in kept.items() if members})


def model_id(content: str) -> str | None:
    """The ``model_id`` of the overview."""
    found = json.loads(content).get("model_overview", {}).get("model_id")
    return str(found) if found else None
