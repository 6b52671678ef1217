"""Events become the dispatches that the workflows wait for, and only those of the repository's own models."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from penstock_infra import events
from penstock_infra.repository import Repository

REPOSITORY = Repository.parse("acme@1001/flight-delays@2002")


def matches(pattern: dict[str, Any], event: dict[str, Any]) -> bool:
    """Whether an EventBridge rule with this pattern takes the event."""
    for key, wanted in pattern.items():
        got = event.get(key)
        if isinstance(wanted, dict):
            if not isinstance(got, dict) or not matches(wanted, got):
                return False
        elif not any(got == want if isinstance(want, str) else _is_like(str(got), want["wildcard"]) for want in wanted):
            return False
    return True


def _is_like(text: str, wildcard: str) -> bool:
    """EventBridge's wildcard: `*` stands for any characters, or none."""
    return re.fullmatch(re.escape(wildcard).replace(r"\*", ".*"), text) is not None


def body(dispatch: events.Dispatch, values: dict[str, Any]) -> str:
    """What GitHub receives for an event whose fields hold these values: the transformer's template, filled in."""
    text = dispatch.input_template
    for field, value in values.items():
        text = text.replace(f"<{field}>", json.dumps(value))
    return text


def approval(group: str, status: str, state: str = "Completed") -> dict[str, Any]:
    return {
        "source": "aws.sagemaker",
        "detail-type": "SageMaker Model Package State Change",
        "detail": {
            "ModelPackageGroupName": group,
            "ModelPackageStatus": state,
            "ModelApprovalStatus": status,
            "ModelPackageVersion": 3,
        },
    }


def alarm(name: str, state: str) -> dict[str, Any]:
    return {
        "source": "aws.cloudwatch",
        "detail-type": "CloudWatch Alarm State Change",
        "detail": {"alarmName": name, "state": {"value": state, "reason": 'it "shifted"'}},
    }


@pytest.mark.parametrize(
    ("group", "status", "taken"),
    [
        ("flight-delays-prod", "Approved", True),
        ("flight-delays-long-haul-prod", "Approved", True),
        ("flight-delays-dev", "Approved", False),
        ("flight-delays-long-haul-dev", "Approved", False),
        ("flight-delays-prod", "Rejected", False),
        ("flight-delays-prod", "PendingManualApproval", False),
        ("other-prod", "Approved", False),
        ("flight-delaysx-prod", "Approved", False),
    ],
)
def test_approvals(group: str, status: str, taken: bool) -> None:
    assert matches(events.model_approved(REPOSITORY, "prod").pattern, approval(group, status)) is taken


def test_deleting_an_approved_version_approves_nothing() -> None:
    pattern = events.model_approved(REPOSITORY, "prod").pattern
    assert not matches(pattern, approval("flight-delays-prod", "Approved", "Deleting"))


@pytest.mark.parametrize(
    ("name", "state", "taken"),
    [
        ("penstock-drift-flight-delays-prod", "ALARM", True),
        ("penstock-drift-flight-delays-prod", "OK", False),
        ("penstock-drift-flight-delays-dev", "ALARM", False),
        ("penstock-drift-other-prod", "ALARM", False),
        ("flight-delays-prod", "ALARM", False),
    ],
)
def test_drift(name: str, state: str, taken: bool) -> None:
    assert matches(events.model_drift(REPOSITORY, "prod").pattern, alarm(name, state)) is taken


def test_bodies_are_what_github_takes() -> None:
    values = {"model_package_arn": "arn:x/3", "model_package_group": "flight-delays", "version": 3}
    assert json.loads(body(events.model_approved(REPOSITORY, "prod"), values)) == {
        "event_type": "model-approved",
        "client_payload": values,
    }
    values = {"alarm": "penstock-drift-flight-delays", "reason": 'it "shifted"'}
    assert json.loads(body(events.model_drift(REPOSITORY, "prod"), values)) == {
        "event_type": "model-drift",
        "client_payload": values,
    }


@pytest.mark.parametrize(
    "dispatch", [events.model_approved(REPOSITORY, "prod"), events.model_drift(REPOSITORY, "prod")]
)
def test_within_eventbridges_limits(dispatch: events.Dispatch) -> None:
    assert len(dispatch.pattern_json) <= 4096
    assert len(dispatch.input_template) <= 8192
    assert len(dispatch.fields) <= 100
    assert all(path.startswith("$.detail.") for path in dispatch.fields.values())
