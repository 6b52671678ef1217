"""Glue's data-quality rulesets: records, as they are on AWS until a run evaluates them; runs are refused.

(Glue API reference: CreateDataQualityRuleset, GetDataQualityRuleset, UpdateDataQualityRuleset, ListDataQualityRulesets.)
"""

from __future__ import annotations

import datetime
import re
from typing import Any

from localstack.aws.api import CommonServiceException

from penstock_gateway.refusals import refusing

WHY = "there is no Spark to evaluate rules with. The pipelines' own validation (pandera) runs locally"
LONGEST = 65_536
"""Characters of a ruleset."""
_DQDL = re.compile(r"\s*Rules\s*=\s*\[(.*)\]\s*(Analyzers\s*=\s*\[.*\]\s*)?", re.DOTALL)
_RUNS = (
    "StartDataQualityRulesetEvaluationRun",
    "StartDataQualityRuleRecommendationRun",
)


def _error(code: str, message: str) -> CommonServiceException:
    return CommonServiceException(code, message, status_code=400, sender_fault=True)


def _backend(context: Any) -> Any:
    from moto.glue.models import glue_backends

    return glue_backends[context.account_id][context.region]


def _rulesets(context: Any) -> dict[str, dict[str, Any]]:
    """The rulesets by name, kept with the rest of what moto keeps of Glue."""
    backend = _backend(context)
    if not hasattr(backend, "data_quality_rulesets"):
        backend.data_quality_rulesets = {}
    kept: dict[str, dict[str, Any]] = backend.data_quality_rulesets
    return kept


def _ruleset(context: Any, name: str) -> dict[str, Any]:
    found = _rulesets(context).get(name)
    if found is None:
        raise _error(
            "EntityNotFoundException", f"Cannot find Data Quality Ruleset {name} in account {context.account_id}"
        )
    return found


def _rules(text: str) -> list[str]:
    """The rules of a DQDL document. Raises AWS's InvalidInputException for what is none."""
    found = _DQDL.fullmatch(text)
    if found is None or len(text) > LONGEST:
        raise _error("InvalidInputException", "The Data Quality Ruleset is not valid: expected Rules = [ ... ]")
    rules = _split(found[1])
    if not rules or any(not rule[:1].isupper() for rule in rules):
        raise _error(
            "InvalidInputException", "The Data Quality Ruleset is not valid: it holds no rule, or one without type"
        )
    return rules


def _split(text: str) -> list[str]:
    """The parts between commas that stand in no quote and no bracket."""
    parts, depth, quoted, part = [], 0, False, ""
    for char in text:
        quoted ^= char == '"'
        depth += 0 if quoted else (char in "[(") - (char in "])")
        if char == "," and not quoted and depth == 0:
            parts.append(part)
            part = ""
        else:
            part += char
    return [item.strip() for item in (*parts, part) if item.strip()]


def create(context: Any, request: Any) -> dict[str, Any]:
    """Keep a ruleset that is DQDL by its form."""
    name = request["Name"]
    rules = _rules(request["Ruleset"])
    if name in _rulesets(context):
        raise _error("AlreadyExistsException", f"Another ruleset with the same name already exists: {name}")
    now = datetime.datetime.now(datetime.UTC)
    _rulesets(context)[name] = {
        "Name": name,
        "Description": request.get("Description") or "",
        "Ruleset": request["Ruleset"],
        "TargetTable": dict(request["TargetTable"]) if request.get("TargetTable") else None,
        "CreatedOn": now,
        "LastModifiedOn": now,
        "RuleCount": len(rules),
    }
    if request.get("Tags"):
        _backend(context).tag_resource(_arn(context, name), dict(request["Tags"]))
    return {"Name": name}


def _arn(context: Any, name: str) -> str:
    return f"arn:{context.partition}:glue:{context.region}:{context.account_id}:dataQualityRuleset/{name}"


def _shown(ruleset: dict[str, Any], *without: str) -> dict[str, Any]:
    return {key: value for key, value in ruleset.items() if value is not None and key not in without}


def get(context: Any, request: Any) -> dict[str, Any]:
    """One ruleset."""
    return _shown(_ruleset(context, request["Name"]), "RuleCount")


def update(context: Any, request: Any) -> dict[str, Any]:
    """Other rules or another description; the table stays."""
    ruleset = _ruleset(context, request["Name"])
    if request.get("Ruleset") is not None:
        ruleset["RuleCount"] = len(_rules(request["Ruleset"]))
        ruleset["Ruleset"] = request["Ruleset"]
    if request.get("Description") is not None:
        ruleset["Description"] = request["Description"]
    ruleset["LastModifiedOn"] = datetime.datetime.now(datetime.UTC)
    return {"Name": ruleset["Name"], "Description": ruleset["Description"], "Ruleset": ruleset["Ruleset"]}


def delete(context: Any, request: Any) -> dict[str, Any]:
    """Forget a ruleset."""
    _ruleset(context, request["Name"])
    del _rulesets(context)[request["Name"]]
    return {}


def list_all(context: Any, request: Any) -> dict[str, Any]:  # noqa: ARG001 - a handler's signature
    """All rulesets, on one page."""
    return {"Rulesets": [_shown(ruleset, "Ruleset") for ruleset in _rulesets(context).values()]}


HANDLERS = {
    "CreateDataQualityRuleset": create,
    "GetDataQualityRuleset": get,
    "UpdateDataQualityRuleset": update,
    "DeleteDataQualityRuleset": delete,
    "ListDataQualityRulesets": list_all,
    **{operation: refusing("Glue", WHY) for operation in _RUNS},
}
