"""Events of model packages, and a rule that acts on them.

Source: https://docs.aws.amazon.com/sagemaker/latest/dg/automating-sagemaker-with-eventbridge.html#eventbridge-model-package
"""

from __future__ import annotations

import json
import time
import uuid
from typing import Any

import pytest

pytestmark = pytest.mark.cloud


@pytest.fixture(scope="module")
def sagemaker(serving: Any) -> Any:
    return serving.client()


class Inbox:
    """A queue that a rule sends events to."""

    def __init__(self, serving: Any, pattern: dict[str, Any]) -> None:
        name = f"inbox-{uuid.uuid4().hex[:8]}"
        self._sqs = serving.aws("sqs")
        self._url = self._sqs.create_queue(QueueName=name)["QueueUrl"]
        arn = self._sqs.get_queue_attributes(QueueUrl=self._url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        events = serving.aws("events")
        events.put_rule(Name=name, EventPattern=json.dumps(pattern))
        events.put_targets(Rule=name, Targets=[{"Id": "queue", "Arn": arn}])

    def take(self, number: int, seconds: float = 60) -> list[Any]:
        """The next ``number`` events; several may come in any order, as EventBridge and SQS say."""
        found: list[Any] = []
        deadline = time.monotonic() + seconds
        while len(found) < number:
            assert time.monotonic() < deadline, found
            answer = self._sqs.receive_message(QueueUrl=self._url, MaxNumberOfMessages=10, WaitTimeSeconds=1)
            for message in answer.get("Messages", []):
                found.append(json.loads(message["Body"]))
                self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"])
        return found


def test_every_change_of_a_package_is_told(serving: Any, sagemaker: Any) -> None:
    group = f"group-{uuid.uuid4().hex[:8]}"
    pattern = {
        "source": ["aws.sagemaker"],
        "detail-type": ["SageMaker Model Package State Change"],
        "detail": {"ModelPackageGroupName": [group]},
    }
    inbox = Inbox(serving, pattern)
    approvals = Inbox(serving, {**pattern, "detail": {**pattern["detail"], "ModelApprovalStatus": ["Approved"]}})  # type: ignore[dict-item]
    sagemaker.create_model_package_group(ModelPackageGroupName=group)
    arn = sagemaker.create_model_package(
        ModelPackageGroupName=group,
        InferenceSpecification={"Containers": [{"Image": "image", "ModelDataUrl": "s3://job-data/model.tar.gz"}]},
    )["ModelPackageArn"]
    (created,) = inbox.take(1)
    sagemaker.update_model_package(
        ModelPackageArn=arn,
        ModelLifeCycle={"Stage": "Staging", "StageStatus": "Approved"},
        SourceUri="s3://job-data/run",
    )
    (staged,) = inbox.take(1)
    sagemaker.update_model_package(ModelPackageArn=arn, ModelApprovalStatus="Approved", ApprovalDescription="good")
    (approved,) = inbox.take(1)
    sagemaker.delete_model_package(ModelPackageName=arn)
    (deleted,) = inbox.take(1)
    assert created["resources"] == [arn]
    detail = created["detail"]
    assert detail["ModelPackageVersion"] == 1
    assert detail["ModelPackageStatus"] == "Completed"
    assert detail["ModelPackageStatusDetails"] == {"ValidationStatuses": [], "ImageScanStatuses": []}
    assert detail["CertifyForMarketplace"] is False
    assert time.strptime(detail["CreationTime"], "%Y-%m-%dT%H:%M:%SZ")
    assert "UpdatedModelPackageFields" not in detail
    assert staged["detail"]["UpdatedModelPackageFields"] == ["ModelLifeCycle", "sourceUri"]
    assert approved["detail"]["UpdatedModelPackageFields"] == ["ModelApprovalStatus", "ApprovalDescription"]
    assert approved["detail"]["ModelApprovalStatus"] == "Approved"
    assert deleted["detail"]["ModelPackageStatus"] == "Deleting"
    assert [each["detail"]["ModelApprovalStatus"] for each in approvals.take(2)] == ["Approved", "Approved"]


def test_models_come_and_go(serving: Any, sagemaker: Any) -> None:
    """https://docs.aws.amazon.com/sagemaker/latest/dg/automating-sagemaker-with-eventbridge.html#eventbridge-model"""
    name = f"model-{uuid.uuid4().hex[:8]}"
    inbox = Inbox(serving, {"detail-type": ["SageMaker Model State Change"], "detail": {"ModelName": [name]}})
    arn = sagemaker.create_model(
        ModelName=name,
        ExecutionRoleArn="arn:aws:iam::000000000000:role/training",
        PrimaryContainer={"Image": "image", "ModelDataUrl": "s3://job-data/model.tar.gz"},
    )["ModelArn"]
    sagemaker.delete_model(ModelName=name)
    assert [each["resources"] for each in inbox.take(2)] == [[arn], [arn]]


def test_changes_of_model_cards_are_told(serving: Any, sagemaker: Any) -> None:
    """https://docs.aws.amazon.com/sagemaker/latest/dg/automating-sagemaker-with-eventbridge.html#eventbridge-model-card-state"""
    name = f"card-{uuid.uuid4().hex[:8]}"
    inbox = Inbox(serving, {"detail-type": ["SageMaker Model Card State Change"], "detail": {"ModelCardName": [name]}})
    content = json.dumps({"model_overview": {"model_id": "example-model"}})
    arn = sagemaker.create_model_card(ModelCardName=name, Content=content, ModelCardStatus="Draft")["ModelCardArn"]
    (created,) = inbox.take(1)
    sagemaker.update_model_card(ModelCardName=name, ModelCardStatus="PendingReview")
    (reviewed,) = inbox.take(1)
    assert created["resources"] == [arn]
    assert created["detail"]["ModelId"] == "example-model"
    assert created["detail"]["AccountId"] == "000000000000"
    assert created["detail"]["SecurityConfig"] == {}
    assert (created["detail"]["ModelCardStatus"], reviewed["detail"]["ModelCardStatus"]) == ("Draft", "PendingReview")
