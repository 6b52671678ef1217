"""Limits on what jobs may cost: the instance types that they run on and how long they run."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from penstock_infra.errors import Settings
from penstock_infra.iam import Conditions

type InstanceType = Annotated[str, StringConstraints(pattern=r"^ml\.[a-z0-9-]+\.[a-z0-9]+$")]

INSTANCE_TYPES = (
    "ml.t3.medium",
    "ml.m5.large",
    "ml.m5.xlarge",
    "ml.m5.2xlarge",
    "ml.m5.4xlarge",
    "ml.c5.xlarge",
    "ml.c5.2xlarge",
    "ml.c5.4xlarge",
)
"""What jobs may run on unless a stack says otherwise: up to 16 processors, no accelerator."""


class JobLimits(Settings):
    """What a job may ask for. SageMaker refuses a request that asks for more, whoever makes it with the role."""

    instance_types: tuple[InstanceType, ...] = Field(
        default=INSTANCE_TYPES, min_length=1, description="instance types of training and processing jobs"
    )
    longest_run_hours: int = Field(
        default=24, ge=1, le=672, description="MaxRuntimeInSeconds of a job at most, in hours (AWS allows 28 days)"
    )

    def conditions(self) -> Conditions:
        """The condition on creating a job. A request without instance types (of a serverless job) does not pass.

        https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsagemaker.html
        """
        return {
            "Null": {"sagemaker:InstanceTypes": ["false"]},
            "ForAllValues:StringEquals": {"sagemaker:InstanceTypes": list(self.instance_types)},
            "NumericLessThanEqualsIfExists": {"sagemaker:MaxRuntimeInSeconds": [str(self.longest_run_hours * 3600)]},
        }


def together(*conditions: Conditions) -> Conditions:
    """All of the conditions at once."""
    found: dict[str, dict[str, list[object]]] = {}
    for condition in conditions:
        for operator, keys in condition.items():
            for key, values in keys.items():
                found.setdefault(operator, {}).setdefault(key, []).extend(values)
    return found  # type: ignore[return-value] # the values are those that came in
