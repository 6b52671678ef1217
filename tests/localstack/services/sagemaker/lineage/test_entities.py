"""Artifacts, contexts, actions, their associations and the lineage group."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError


def unique(prefix: str) -> str:
    return f"{prefix}-{uuid.uuid4().hex[:8]}"


def make_artifact(sagemaker: Any, artifact_type: str = "DataSet", uri: str | None = None, **more: Any) -> str:
    source = {"SourceUri": uri or f"s3://bucket/{unique('a')}"}
    return str(sagemaker.create_artifact(Source=source, ArtifactType=artifact_type, **more)["ArtifactArn"])


def make_action(sagemaker: Any, action_type: str = "ModelDeployment") -> str:
    name = unique("action")
    answer = sagemaker.create_action(ActionName=name, Source={"SourceUri": "x"}, ActionType=action_type)
    return str(answer["ActionArn"])


def make_context(sagemaker: Any, context_type: str = "Endpoint") -> str:
    name = unique("context")
    answer = sagemaker.create_context(ContextName=name, Source={"SourceUri": "x"}, ContextType=context_type)
    return str(answer["ContextArn"])


def associate(sagemaker: Any, source: str, destination: str, how: str = "ContributedTo") -> None:
    sagemaker.add_association(SourceArn=source, DestinationArn=destination, AssociationType=how)


def test_an_artifact_from_create_to_delete(sagemaker: Any) -> None:
    uri = f"s3://bucket/{unique('one')}"
    arn = make_artifact(sagemaker, uri=uri, ArtifactName="one", Properties={"rows": "3", "kept": "yes"})
    assert arn.startswith("arn:aws:sagemaker:us-east-1:000000000000:artifact/")
    described = sagemaker.describe_artifact(ArtifactArn=arn)
    assert described["ArtifactName"] == "one"
    assert described["Source"] == {"SourceUri": uri}
    assert described["LineageGroupArn"].endswith(":lineage-group/sagemaker-default-lineage-group")
    sagemaker.update_artifact(ArtifactArn=arn, Properties={"rows": "4", "columns": "2"}, PropertiesToRemove=["columns"])
    assert sagemaker.describe_artifact(ArtifactArn=arn)["Properties"] == {"rows": "4"}, "an update overwrites the list"
    listed = sagemaker.list_artifacts(SourceUri=uri)["ArtifactSummaries"]
    assert [each["ArtifactArn"] for each in listed] == [arn]
    assert sagemaker.delete_artifact(Source={"SourceUri": uri})["ArtifactArn"] == arn
    with pytest.raises(ClientError, match="ResourceNotFound"):
        sagemaker.describe_artifact(ArtifactArn=arn)


def test_there_is_one_artifact_with_a_source_uri(sagemaker: Any) -> None:
    """https://docs.aws.amazon.com/sagemaker/latest/dg/lineage-tracking-entities.html"""
    uri = f"s3://bucket/{unique('same')}"
    make_artifact(sagemaker, uri=uri)
    with pytest.raises(ClientError, match="already exists"):
        make_artifact(sagemaker, "Model", uri=uri)


def test_delete_artifact_needs_its_arn_or_source(sagemaker: Any) -> None:
    """API reference of DeleteArtifact."""
    with pytest.raises(ClientError, match="Either ArtifactArn or Source must be specified"):
        sagemaker.delete_artifact()
    with pytest.raises(ClientError, match="ResourceNotFound"):
        sagemaker.delete_artifact(Source={"SourceUri": "s3://never/made"})


def test_contexts_and_actions(sagemaker: Any) -> None:
    name = unique("deploy")
    source = {"SourceUri": f"arn:{name}", "SourceType": "ARN", "SourceId": "7"}
    sagemaker.create_action(ActionName=name, Source=source, ActionType="ModelDeployment", Status="InProgress")
    sagemaker.update_action(ActionName=name, Status="Completed", Description="done", Properties={"a": "b"})
    action = sagemaker.describe_action(ActionName=name)
    assert (action["Status"], action["Description"], action["Properties"]) == ("Completed", "done", {"a": "b"})
    assert sagemaker.describe_action(ActionName=action["ActionArn"])["ActionName"] == name
    assert len(sagemaker.list_actions(SourceUri=f"arn:{name}")["ActionSummaries"]) == 1
    sagemaker.create_context(ContextName=name, Source=source, ContextType="Endpoint", Properties={"a": "b"})
    sagemaker.update_context(ContextName=name, PropertiesToRemove=["a"])
    assert sagemaker.describe_context(ContextName=name)["Properties"] == {}
    assert sagemaker.list_contexts(SourceUri=f"arn:{name}")["ContextSummaries"][0]["Source"] == source
    with pytest.raises(ClientError, match="already exists"):
        sagemaker.create_context(ContextName=name, Source=source, ContextType="Endpoint")
    sagemaker.delete_context(ContextName=name)
    sagemaker.delete_action(ActionName=name)
    with pytest.raises(ClientError, match="ResourceNotFound"):
        sagemaker.describe_action(ActionName=name)


def test_associations(sagemaker: Any) -> None:
    data, model = make_artifact(sagemaker, ArtifactName="rows"), make_artifact(sagemaker, "Model")
    action, context = make_action(sagemaker), make_context(sagemaker)
    associate(sagemaker, data, model, "DerivedFrom")
    associate(sagemaker, model, action)
    associate(sagemaker, action, context, "AssociatedWith")
    (summary,) = sagemaker.list_associations(SourceArn=data)["AssociationSummaries"]
    assert summary["SourceName"] == "rows"
    assert (summary["SourceType"], summary["DestinationType"]) == ("DataSet", "Model")
    assert summary["AssociationType"] == "DerivedFrom"

    def listed(**filters: Any) -> list[str]:
        found = sagemaker.list_associations(**filters, SortOrder="Ascending")["AssociationSummaries"]
        return [each["SourceArn"] for each in found]

    assert listed(DestinationArn=action) == [model]
    assert listed(SourceArn=model, DestinationType="ModelDeployment") == [model]
    assert listed(SourceArn=model, DestinationType="Endpoint") == []
    assert listed(DestinationArn=context, AssociationType="AssociatedWith") == [action]
    assert listed(DestinationArn=context, AssociationType="Produced") == []
    with pytest.raises(ClientError, match="already exists"):
        associate(sagemaker, data, model, "ContributedTo")
    with pytest.raises(ClientError, match="ResourceNotFound"):
        associate(sagemaker, data, model.rpartition("/")[0] + "/none")
    with pytest.raises(ClientError, match="it still has associations"):
        sagemaker.delete_artifact(ArtifactArn=model)
    sagemaker.delete_association(SourceArn=data, DestinationArn=model)
    sagemaker.delete_association(SourceArn=model, DestinationArn=action)
    with pytest.raises(ClientError, match="ResourceNotFound"):
        sagemaker.delete_association(SourceArn=model, DestinationArn=action)
    sagemaker.delete_artifact(ArtifactArn=model)


def test_associations_are_paged(sagemaker: Any) -> None:
    middle = make_artifact(sagemaker)
    others = [make_artifact(sagemaker) for _ in range(5)]
    for other in others:
        associate(sagemaker, other, middle)
    pages = sagemaker.get_paginator("list_associations").paginate(DestinationArn=middle, MaxResults=2)
    found = [each["SourceArn"] for page in pages for each in page["AssociationSummaries"]]
    assert sorted(found) == sorted(others)


def test_the_default_lineage_group(sagemaker: Any) -> None:
    """https://docs.aws.amazon.com/sagemaker/latest/dg/xaccount-lineage-tracking.html"""
    name = "sagemaker-default-lineage-group"
    group = sagemaker.describe_lineage_group(LineageGroupName=name)
    assert group["LineageGroupArn"] == f"arn:aws:sagemaker:us-east-1:000000000000:lineage-group/{name}"
    (listed,) = sagemaker.list_lineage_groups()["LineageGroupSummaries"]
    assert listed["CreationTime"] == group["CreationTime"]
    with pytest.raises(ClientError, match="no resource policy"):
        sagemaker.get_lineage_group_policy(LineageGroupName=group["LineageGroupArn"])
    with pytest.raises(ClientError, match="ResourceNotFound"):
        sagemaker.describe_lineage_group(LineageGroupName="other")
