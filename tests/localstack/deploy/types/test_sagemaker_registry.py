"""Model package groups that are shared, and model cards, against a local cloud."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.localstack.deploy.round_trip import changed, client, find_again, project, run

pytestmark = pytest.mark.cloud

PROGRAM = """
    group = aws.sagemaker.ModelPackageGroup("group", model_package_group_name="types-shared", tags={"v": v})
    aws.sagemaker.ModelPackageGroupPolicy("policy", model_package_group_name=group.model_package_group_name,
        resource_policy=group.arn.apply(lambda arn: json.dumps({"Version": "2012-10-17", "Statement": [{"Sid": "Read",
            "Effect": "Allow", "Principal": {"AWS": [f"arn:aws:iam::21098765432{v}:root"]},
            "Action": ["sagemaker:DescribeModelPackageGroup"], "Resource": [arn]}]})))
    card = aws.sagemaker.ModelCard("card", model_card_name="types-card", tags={"v": v},
        model_card_status="Draft" if one else "PendingReview", security_config={"kms_key_id": KEY},
        content=json.dumps({"model_overview": {"model_owner": f"team {v}"}}))
    pulumi.export("card", card.model_card_arn)
"""
KEY = "arn:aws:kms:us-east-1:000000000000:key/11111111-1111-1111-1111-111111111111"


def test_registry(tmp_path: Path, cloud_environment: dict[str, str]) -> None:
    program = PROGRAM.replace("KEY", repr(KEY))
    sagemaker = client(cloud_environment, "sagemaker")
    first = project(tmp_path, cloud_environment, "registry", program)
    try:
        assert run(first, "up").counts["create"] == 4
        for operation in ("up", "refresh", "preview"):
            assert run(first, operation).changes == []
        find_again(first, cloud_environment)
        assert first.outputs()["card"].endswith(":model-card/types-card")
        assert sagemaker.describe_model_card(ModelCardName="types-card")["SecurityConfig"] == {"KmsKeyId": KEY}

        sagemaker.update_model_card(ModelCardName="types-card", ModelCardStatus="Approved")
        assert changed(run(first, "refresh")) == [("update", "card")]

        second = project(tmp_path, cloud_environment, "registry", program, "2")
        assert changed(run(second, "up")) == [("update", "card"), ("update", "group"), ("update", "policy")]
        assert run(second, "refresh").changes == []
        card = sagemaker.describe_model_card(ModelCardName="types-card")
        assert card["ModelCardStatus"] == "PendingReview"
        policy = sagemaker.get_model_package_group_policy(ModelPackageGroupName="types-shared")["ResourcePolicy"]
        assert "210987654322" in policy

        other = project(tmp_path, cloud_environment, "registry", program.replace("key/1111", "key/2222"), "2")
        failed = other.up()
        assert "its key cannot be changed" in failed.errors[0]
    finally:
        assert first.destroy().ok
    assert first.resources() == []
    assert sagemaker.list_model_cards()["ModelCardSummaries"] == []
