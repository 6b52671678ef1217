"""Model cards and their versions."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError


@pytest.fixture
def name(sagemaker: Any, content: Any) -> str:
    name = f"card-{uuid.uuid4().hex[:8]}"
    sagemaker.create_model_card(
        ModelCardName=name,
        Content=json.dumps(content),
        ModelCardStatus="Draft",
        SecurityConfig={"KmsKeyId": "alias/cards"},
        Tags=[{"Key": "team", "Value": "flights"}],
    )
    return name


def test_edits_make_versions_and_a_status_does_not(sagemaker: Any, name: str, content: Any) -> None:
    """ "Any edits other than an approval status update made to a model card result in additional model card versions"
    (https://docs.aws.amazon.com/sagemaker/latest/dg/model-cards.html)."""
    first = sagemaker.describe_model_card(ModelCardName=name)
    assert (first["ModelCardVersion"], first["SecurityConfig"]) == (1, {"KmsKeyId": "alias/cards"})
    assert json.loads(first["Content"]) == content
    sagemaker.update_model_card(ModelCardName=name, ModelCardStatus="PendingReview")
    sagemaker.update_model_card(ModelCardName=first["ModelCardArn"], Content="{}")
    sagemaker.update_model_card(ModelCardName=name, ModelCardStatus="Approved")
    latest = sagemaker.describe_model_card(ModelCardName=name)
    assert (latest["ModelCardVersion"], latest["ModelCardStatus"], latest["Content"]) == (2, "Approved", "{}")
    old = sagemaker.describe_model_card(ModelCardName=name, ModelCardVersion=1)
    assert (json.loads(old["Content"]), old["ModelCardStatus"]) == (content, "PendingReview")
    with pytest.raises(ClientError, match="has no version 3"):
        sagemaker.describe_model_card(ModelCardName=name, ModelCardVersion=3)

    def versions(**filters: Any) -> list[int]:
        found = sagemaker.list_model_card_versions(ModelCardName=name, **filters)["ModelCardVersionSummaryList"]
        return [each["ModelCardVersion"] for each in found]

    assert versions() == [2, 1]
    assert versions(SortOrder="Ascending", MaxResults=1) == [1]
    assert versions(ModelCardStatus="PendingReview") == [1]
    listed = sagemaker.list_model_cards(NameContains=name)["ModelCardSummaries"]
    assert [(each["ModelCardName"], each["ModelCardStatus"]) for each in listed] == [(name, "Approved")]


def test_content_and_status_are_updated_apart(sagemaker: Any, name: str) -> None:
    """ "You cannot update both model card content and model card status in a single call." """
    with pytest.raises(ClientError, match="cannot update both"):
        sagemaker.update_model_card(ModelCardName=name, Content="{}", ModelCardStatus="Approved")
    with pytest.raises(ClientError, match="does not follow the model card JSON schema: the content must not have 'x'"):
        sagemaker.update_model_card(ModelCardName=name, Content='{"x": 1}')
    assert sagemaker.describe_model_card(ModelCardName=name)["ModelCardVersion"] == 1


def test_an_archived_card_is_not_edited(sagemaker: Any, name: str) -> None:
    """ "Archived: No more updates should be made to the model card, but it can still be exported." """
    sagemaker.update_model_card(ModelCardName=name, ModelCardStatus="Archived")
    with pytest.raises(ClientError, match="Archived state"):
        sagemaker.update_model_card(ModelCardName=name, Content="{}")


def test_metadata_only(sagemaker: Any, name: str) -> None:
    found = sagemaker.describe_model_card(ModelCardName=name, IncludedData="MetadataOnly")
    assert set(json.loads(found["Content"])) == {"model_overview", "intended_uses", "model_package_details"}


def test_create_and_delete(sagemaker: Any, name: str) -> None:
    with pytest.raises(ClientError, match="ConflictException"):
        sagemaker.create_model_card(ModelCardName=name, Content="{}", ModelCardStatus="Draft")
    with pytest.raises(ClientError, match="not valid JSON"):
        sagemaker.create_model_card(ModelCardName=f"{name}-b", Content="{", ModelCardStatus="Draft")
    arn = sagemaker.describe_model_card(ModelCardName=name)["ModelCardArn"]
    assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "team", "Value": "flights"}]
    sagemaker.delete_model_card(ModelCardName=name)
    for missing in (name, f"{name}-b"):
        with pytest.raises(ClientError, match="ResourceNotFound"):
            sagemaker.describe_model_card(ModelCardName=missing)
    sagemaker.create_model_card(ModelCardName=name, Content="{}", ModelCardStatus="Draft")
    versions = sagemaker.list_model_card_versions(ModelCardName=name)["ModelCardVersionSummaryList"]
    assert len(versions) == 1, "a new card does not inherit versions"
