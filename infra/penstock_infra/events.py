"""Event patterns and input transformers: what happens in the account, told to GitHub as a repository dispatch.

Events are `model-approved` and `model-drift`; their payloads hold what the workflows need to find the model again.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from penstock_infra.repository import Repository

DRIFT_ALARM_PREFIX = "penstock-drift-"


@dataclass(frozen=True, kw_only=True)
class Dispatch:
    """One kind of repository dispatch: the events that cause it, and how an event becomes GitHub's request body.

    `fields` maps a name in the client payload to a JSON path into the event.
    """

    event_type: str
    pattern: dict[str, Any]
    fields: dict[str, str]

    @property
    def pattern_json(self) -> str:
        """The pattern as EventBridge takes it."""
        return json.dumps(self.pattern, separators=(",", ":"), sort_keys=True)

    @property
    def input_template(self) -> str:
        """The body's template. EventBridge writes `<name>` as the JSON value found at the name's path."""
        payload = ",".join(f'"{name}":<{name}>' for name in self.fields)
        return f'{{"event_type":"{self.event_type}","client_payload":{{{payload}}}}}'


def model_approved(repository: Repository, stack: str) -> Dispatch:
    """A version of one of the repository's models was approved in the stack's registry, by whatever means."""
    return Dispatch(
        event_type="model-approved",
        pattern={
            "source": ["aws.sagemaker"],
            "detail-type": ["SageMaker Model Package State Change"],
            "detail": {
                "ModelPackageGroupName": repository.model_matchers(stack),
                "ModelApprovalStatus": ["Approved"],
                # An approved version that is deleted says so too, with the status Deleting.
                "ModelPackageStatus": ["Completed"],
            },
        },
        fields={
            "model_package_arn": "$.detail.ModelPackageArn",
            "model_package_group": "$.detail.ModelPackageGroupName",
            "version": "$.detail.ModelPackageVersion",
        },
    )


def model_drift(repository: Repository, stack: str) -> Dispatch:
    """The drift or quality alarm of one of the repository's models went off in the stack."""
    return Dispatch(
        event_type="model-drift",
        pattern={
            "source": ["aws.cloudwatch"],
            "detail-type": ["CloudWatch Alarm State Change"],
            "detail": {
                "alarmName": [
                    *repository.model_matchers(stack, DRIFT_ALARM_PREFIX),
                    *repository.model_matchers(stack, f"{DRIFT_ALARM_PREFIX}quality-"),
                ],
                "state": {"value": ["ALARM"]},
            },
        },
        fields={"alarm": "$.detail.alarmName", "reason": "$.detail.state.reason"},
    )
