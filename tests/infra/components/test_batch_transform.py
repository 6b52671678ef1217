"""Transform jobs by the clock or by hand."""

from __future__ import annotations

import json
from typing import Any

import pytest

from penstock_infra.components.batch_transform import BatchTransform, BatchTransformArguments
from penstock_infra.model import EndpointSettings
from penstock_infra.placement import Placement

KEY = "arn:aws:kms:eu-central-1:123456789012:key/data"
ROLE = "arn:aws:iam::123456789012:role/schedules"
EXAMPLES: dict[str, dict[str, Any]] = {
    "BatchTransform": {
        "model": "flight-delays",
        "model_name": "flight-delays-1",
        "settings": EndpointSettings.model_validate({"strategy": "batch", "batch": {"schedule": "rate(1 day)"}}),
        "bucket": "artifacts",
        "schedule_role_arn": ROLE,
        "data_key_arn": KEY,
        "artifact_key_arn": KEY,
    }
}


@pytest.fixture
def request_of(run_program: Any, placement: Placement) -> Any:
    """The request that the job is started with."""

    def run(**changes: Any) -> dict[str, Any]:
        arguments = BatchTransformArguments(placement=placement, **{**EXAMPLES["BatchTransform"], **changes})
        (outputs,) = run_program(lambda: BatchTransform("flight-delays", arguments)).component_outputs.values()
        return json.loads(outputs["jobRequest"])  # type: ignore[no-any-return]

    return run


def test_it_is_a_request_that_sagemaker_knows(request_of: Any) -> None:
    from botocore.loaders import Loader
    from botocore.model import ServiceModel
    from botocore.validate import ParamValidator

    model = ServiceModel(Loader().load_service_model("sagemaker", "service-2"))
    shape = model.operation_model("CreateTransformJob").input_shape
    report = ParamValidator().validate(request_of(), shape)
    assert not report.has_errors(), report.generate_report()


@pytest.mark.parametrize("model", ["a", "flight-delays", "a" * 40, f"{'a' * 25}-{'b' * 14}"])
def test_the_jobs_name_has_room_for_what_makes_it_unique(model: str, request_of: Any) -> None:
    name = request_of(model=model)["TransformJobName"]
    assert name.endswith("-<aws.scheduler.execution-id>")
    assert len(name.replace("<aws.scheduler.execution-id>", "0" * 36)) <= 63
    assert "--" not in name


def test_without_a_schedule_the_request_is_there_to_be_sent(run_program: Any, placement: Placement) -> None:
    values = {**EXAMPLES["BatchTransform"], "settings": EndpointSettings.model_validate({"strategy": "batch"})}
    arguments = BatchTransformArguments(placement=placement, **{**values, "schedule_role_arn": None})
    run = run_program(lambda: BatchTransform("flight-delays", arguments))
    assert not run.has("aws:scheduler/schedule:Schedule")
    (outputs,) = run.component_outputs.values()
    assert set(outputs) == {"jobRequest"}


def test_capture_off_and_disks_of_the_hardware(request_of: Any) -> None:
    settings = EndpointSettings.model_validate(
        {"strategy": "batch", "data_capture_percent": 0, "instance_type": "ml.g5.xlarge"}
    )
    request = request_of(settings=settings)
    assert "DataCaptureConfig" not in request
    assert "VolumeKmsKeyId" not in request["TransformResources"]


def test_the_jobs_are_tagged(request_of: Any, placement: Placement) -> None:
    assert {tag["Key"]: tag["Value"] for tag in request_of()["Tags"]} == placement.tags.as_dict()
