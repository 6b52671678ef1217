"""QueryLineage: what an entity came from and what came from it.

Source: https://docs.aws.amazon.com/sagemaker/latest/dg/querying-lineage-entities.html and the API reference of
QueryLineage. With Direction Both "this traversal takes place not only from the starting node, but from each node that is
visited"; "the maximum depth of relationships to discover is currently limited to 10".
"""

from __future__ import annotations

from typing import Any

from penstock_services.operations import Context, operation
from penstock_services.sagemaker import page_tokens
from penstock_services.sagemaker.lineage import associations
from penstock_services.sagemaker.lineage.entities import Entity, entity, known

Record = dict[str, Any]
_DEPTH = 10
_PAGE = 50
_ENTITIES = ("Artifact", "Context", "Action", "TrialComponent")


@operation("QueryLineage", "record")
def _query(context: Context, request: Record) -> Record:
    starts = [entity(context, arn) for arn in request.get("StartArns", [])]
    with_edges = request.get("IncludeEdges", False)
    filters = request.get("Filters", {})
    if starts:
        graph = _Graph(context, starts, request.get("Direction", "Both"), request.get("MaxDepth", _DEPTH))
        vertices, edges = graph.answer(filters, with_edges=with_edges)
    else:
        vertices, edges = _everything(context, filters), []
    shown, more = page_tokens.page(vertices, request, _PAGE)
    here = {each.arn for each in shown}
    before = {each.arn for each in vertices[: page_tokens.first(request)]}
    return {
        "Vertices": [{"Arn": each.arn, "Type": each.type, "LineageType": each.kind} for each in shown],
        "Edges": [_edge(each) for each in edges if _first_shown(each, here, before)],
        **more,
    }


def _first_shown(edge: Record, here: set[str], before: set[str]) -> bool:
    """Whether an edge belongs to this page: the one on which the later of its ends is shown."""
    ends = {edge["SourceArn"], edge["DestinationArn"]}
    return bool(ends & here) and ends <= here | before


def _edge(edge: Record) -> Record:
    return {member: edge[member] for member in ("SourceArn", "DestinationArn", "AssociationType") if member in edge}


class _Graph:
    """What is reached from the start, nearest first, and by which edges."""

    def __init__(self, context: Context, starts: list[Entity], direction: str, depth: int) -> None:
        self._context = context
        self._starts = {each.arn for each in starts}
        self._reached: dict[str, Entity] = {each.arn: each for each in starts}
        self._edges: dict[tuple[str, str], Record] = {}
        self._walk([each.arn for each in starts], direction, min(depth, _DEPTH))

    def _walk(self, level: list[str], direction: str, depth: int) -> None:
        for _ in range(depth):
            following: list[str] = []
            for arn in level:
                for edge, other in self._neighbours(arn, direction):
                    if other not in self._reached:
                        found = known(self._context, other)
                        if found is None:
                            continue
                        self._reached[other] = found
                        following.append(other)
                    self._edges[(edge["SourceArn"], edge["DestinationArn"])] = edge
            level = following

    def _neighbours(self, arn: str, direction: str) -> list[tuple[Record, str]]:
        found: list[tuple[Record, str]] = []
        if direction in ("Ascendants", "Both"):
            found += [(edge, edge["SourceArn"]) for edge in associations.incoming(self._context, arn)]
        if direction in ("Descendants", "Both"):
            found += [(edge, edge["DestinationArn"]) for edge in associations.outgoing(self._context, arn)]
        return found

    def answer(self, filters: Record, *, with_edges: bool) -> tuple[list[Entity], list[Record]]:
        """Vertices and edges. Without edges: "only lineage entities that match your query". With edges also "the
        Associations and lineage entities on the path" from the start to them."""
        matching = [each for each in self._reached.values() if _matches(each, filters)]
        if not with_edges:
            return [each for each in matching if each.arn not in self._starts and each.kind in _ENTITIES], []
        kept = self._on_paths({each.arn for each in matching}) | self._starts if filters else set(self._reached)
        vertices = [each for arn, each in self._reached.items() if arn in kept and each.kind in _ENTITIES]
        edges = [edge for (source, target), edge in self._edges.items() if source in kept and target in kept]
        return vertices, edges

    def _on_paths(self, wanted: set[str]) -> set[str]:
        """What lies on shortest paths between the start and the wanted entities."""
        order = {arn: place for place, arn in enumerate(self._reached)}
        towards: dict[str, str] = {}
        for source, target in self._edges:
            near, far = sorted((source, target), key=order.__getitem__)
            if far not in towards or order[near] < order[towards[far]]:
                towards[far] = near
        kept: set[str] = set()
        for arn in wanted:
            here = arn
            while here not in kept:
                kept.add(here)
                if here in self._starts or here not in towards:
                    break
                here = towards[here]
        return kept


def _everything(context: Context, filters: Record) -> list[Entity]:
    """Without a start: every entity that matches."""
    found = []
    for kind in filters.get("LineageTypes", _ENTITIES):
        for row in context.store.select(context.scope, kind):
            each = Entity(row.record[f"{kind}Arn"], kind, row.key, row.record)
            if _matches(each, filters):
                found.append(each)
    return found


def _matches(found: Entity, filters: Record) -> bool:
    record = found.record
    created: float = record["CreationTime"]
    modified: float = record.get("LastModifiedTime") or created
    properties = record.get("Properties", {})
    return (
        (not filters.get("Types") or found.type in filters["Types"] or found.listed_type in filters["Types"])
        and (not filters.get("LineageTypes") or found.kind in filters["LineageTypes"])
        and filters.get("CreatedAfter", created) <= created <= filters.get("CreatedBefore", created)
        and filters.get("ModifiedAfter", modified) <= modified <= filters.get("ModifiedBefore", modified)
        and all(properties.get(name) == value for name, value in filters.get("Properties", {}).items())
    )
