"""Events of models: "The state changes when a SageMaker AI model is either created or deleted."

Source: https://docs.aws.amazon.com/sagemaker/latest/dg/automating-sagemaker-with-eventbridge.html#eventbridge-model
"""

from __future__ import annotations

from typing import Any

from penstock_services.operations import Context
from penstock_services.sagemaker import events
from penstock_services.sagemaker.hooks import hook
from penstock_services.sagemaker.kinds import kinds


@hook("Model", "created")
@hook("Model", "deleted")
def _changed(context: Context, record: dict[str, Any]) -> None:
    detail = {member: value for member, value in record.items() if member in kinds().by_name["Model"].described}
    detail["CreationTime"] = int(detail["CreationTime"] * 1000)
    events.emit(context, "SageMaker Model State Change", [record["ModelArn"]], detail)
