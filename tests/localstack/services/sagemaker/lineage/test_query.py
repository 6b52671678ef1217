"""QueryLineage over a graph made by hand.

    image ----\
    raw -> job -> model -> deployment -> endpoint
"""

from __future__ import annotations

import datetime
import uuid
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError


@pytest.fixture(scope="module")
def graph(sagemaker: Any) -> SimpleNamespace:
    def artifact(artifact_type: str, **more: Any) -> str:
        source = {"SourceUri": f"s3://bucket/{uuid.uuid4().hex}"}
        return str(sagemaker.create_artifact(Source=source, ArtifactType=artifact_type, **more)["ArtifactArn"])

    made = SimpleNamespace(
        raw=artifact("DataSet", Properties={"season": "spring"}),
        image=artifact("Image"),
        model=artifact("Model"),
        job=sagemaker.create_trial_component(TrialComponentName=f"job-{uuid.uuid4().hex[:8]}")["TrialComponentArn"],
        deployment=sagemaker.create_action(
            ActionName=f"d-{uuid.uuid4().hex[:8]}", Source={"SourceUri": "x"}, ActionType="ModelDeployment"
        )["ActionArn"],
        endpoint=sagemaker.create_context(
            ContextName=f"e-{uuid.uuid4().hex[:8]}", Source={"SourceUri": "x"}, ContextType="Endpoint"
        )["ContextArn"],
    )
    edges = [
        (made.raw, made.job, "ContributedTo"),
        (made.image, made.job, "ContributedTo"),
        (made.job, made.model, "Produced"),
        (made.model, made.deployment, "ContributedTo"),
        (made.deployment, made.endpoint, "AssociatedWith"),
    ]
    for source, destination, how in edges:
        sagemaker.add_association(SourceArn=source, DestinationArn=destination, AssociationType=how)
    return made


def query(sagemaker: Any, start: str, direction: str = "Ascendants", **more: Any) -> list[str]:
    answer = sagemaker.query_lineage(StartArns=[start], Direction=direction, IncludeEdges=False, **more)
    assert answer["Edges"] == []
    return [vertex["Arn"] for vertex in answer["Vertices"]]


def test_directions(sagemaker: Any, graph: Any) -> None:
    """ "If the start_arns contains a model and the direction is DESCENDANTS, the query returns the endpoint. If the
    direction is ASCENDANTS, the query returns the dataset" (querying-lineage-entities.html)."""
    assert query(sagemaker, graph.model) == [graph.job, graph.raw, graph.image], "the nearest first"
    assert query(sagemaker, graph.model, "Descendants") == [graph.deployment, graph.endpoint]
    assert set(query(sagemaker, graph.raw, "Both")) == {
        graph.image,
        graph.job,
        graph.model,
        graph.deployment,
        graph.endpoint,
    }


def test_filters(sagemaker: Any, graph: Any) -> None:
    def found(**filters: Any) -> list[str]:
        return query(sagemaker, graph.endpoint, Filters=filters)

    assert found(Types=["DataSet"]) == [graph.raw]
    assert found(LineageTypes=["TrialComponent"]) == [graph.job]
    assert found(Types=["DataSet", "Image"], LineageTypes=["Artifact"]) == [graph.raw, graph.image]
    assert found(Properties={"season": "spring"}) == [graph.raw]
    assert found(Properties={"season": "autumn"}) == []
    now = datetime.datetime.now(datetime.UTC)
    assert found(CreatedAfter=now + datetime.timedelta(hours=1)) == []
    assert len(found(CreatedBefore=now + datetime.timedelta(hours=1))) == 5
    assert found(ModifiedBefore=now - datetime.timedelta(hours=1)) == []


def test_depth(sagemaker: Any, graph: Any) -> None:
    """ "Depth is a measure of the number of Associations from the StartArn entity to the matched results." """
    assert query(sagemaker, graph.endpoint, MaxDepth=2) == [graph.deployment, graph.model]


def test_edges_and_the_entities_on_the_path(sagemaker: Any, graph: Any) -> None:
    """ "True retrieves not only the entities of interest but also the Associations and lineage entities on the path." """
    answer = sagemaker.query_lineage(
        StartArns=[graph.endpoint],
        Direction="Ascendants",
        IncludeEdges=True,
        Filters={"Types": ["DataSet"], "LineageTypes": ["Artifact"]},
    )
    on_path = [graph.endpoint, graph.deployment, graph.model, graph.job, graph.raw]
    assert [vertex["Arn"] for vertex in answer["Vertices"]] == on_path
    types = [(vertex["Type"], vertex["LineageType"]) for vertex in answer["Vertices"]]
    assert types[0] == ("Endpoint", "Context")
    assert types[-1] == ("DataSet", "Artifact")
    edges = {(edge["SourceArn"], edge["DestinationArn"], edge["AssociationType"]) for edge in answer["Edges"]}
    assert len(edges) == 4
    assert (graph.job, graph.model, "Produced") in edges


def test_pages(sagemaker: Any, graph: Any) -> None:
    vertices: list[str] = []
    edges: list[tuple[str, str]] = []
    more: dict[str, str] = {}
    for _ in range(10):
        answer = sagemaker.query_lineage(
            StartArns=[graph.endpoint], Direction="Ascendants", IncludeEdges=True, MaxResults=2, **more
        )
        assert len(answer["Vertices"]) <= 2
        vertices += [vertex["Arn"] for vertex in answer["Vertices"]]
        edges += [(edge["SourceArn"], edge["DestinationArn"]) for edge in answer["Edges"]]
        if "NextToken" not in answer:
            break
        more = {"NextToken": answer["NextToken"]}
    assert len(vertices) == len(set(vertices)) == 6
    assert len(edges) == len(set(edges)) == 5
    with pytest.raises(ClientError, match="NextToken is not valid"):
        sagemaker.query_lineage(StartArns=[graph.endpoint], NextToken="nonsense")


def test_a_circle_ends(sagemaker: Any) -> None:
    def artifact() -> str:
        source = {"SourceUri": uuid.uuid4().hex}
        return str(sagemaker.create_artifact(Source=source, ArtifactType="DataSet")["ArtifactArn"])

    one, two = artifact(), artifact()
    sagemaker.add_association(SourceArn=one, DestinationArn=two)
    sagemaker.add_association(SourceArn=two, DestinationArn=one)
    answer = sagemaker.query_lineage(StartArns=[one], IncludeEdges=True)
    assert [vertex["Arn"] for vertex in answer["Vertices"]] == [one, two]
    assert len(answer["Edges"]) == 2
    assert all("AssociationType" not in edge for edge in answer["Edges"]), "what was not said is not invented"


def test_a_start_that_does_not_exist(sagemaker: Any, graph: Any) -> None:
    with pytest.raises(ClientError, match="ResourceNotFound"):
        sagemaker.query_lineage(StartArns=[graph.raw + "0"])


def test_accounts_are_kept_apart(services: Any, graph: Any) -> None:
    other = services.client(account="111111111111")
    with pytest.raises(ClientError, match="ResourceNotFound"):
        other.query_lineage(StartArns=[graph.raw])
    assert other.list_associations()["AssociationSummaries"] == []
