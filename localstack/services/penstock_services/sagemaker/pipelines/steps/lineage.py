"""Lineage steps: they create actions, artifacts and contexts, then the associations between them."""

from __future__ import annotations

from typing import Any

from penstock_services.errors import ServiceError
from penstock_services.sagemaker.pipelines.steps.base import Begun, Ended, Immediate, Run, StepError

_ENTITIES = (
    ("Actions", "Action", "ActionName", "ActionArns"),
    ("Artifacts", "Artifact", "ArtifactName", "ArtifactArns"),
    ("Contexts", "Context", "ContextName", "ContextArns"),
)


class LineageStep(Immediate):
    """An end of an association is an ARN, or name and type of what the same step creates."""

    def begin(self, run: Run) -> Begun:
        """CreateAction, CreateArtifact, CreateContext, AddAssociation."""
        arguments = run.arguments()
        created: dict[str, dict[str, str]] = {}
        for member, kind, name_member, result in _ENTITIES:
            for request in arguments.get(member) or []:
                arn = self._artifact(run, request) if kind == "Artifact" else None
                arn = arn or str(run.call(f"Create{kind}", request)[f"{kind}Arn"])
                name = str(request.get(name_member) or arn.rsplit("/", 1)[1])
                created.setdefault(result, {})[name] = arn
        associations: list[dict[str, Any]] = []
        for given in arguments.get("Associations") or []:
            ends = {"SourceArn": _end(given["Source"], created), "DestinationArn": _end(given["Destination"], created)}
            typed = {"AssociationType": given["AssociationType"]} if given.get("AssociationType") else {}
            if not run.call("ListAssociations", ends)["AssociationSummaries"]:
                run.call("AddAssociation", {**ends, **typed})
            associations.append(ends)
        properties: dict[str, Any] = {**created, **({"Associations": associations} if associations else {})}
        return Begun({"Lineage": properties}, ended=Ended("Succeeded", properties))

    @staticmethod
    def _artifact(run: Run, request: dict[str, Any]) -> str | None:
        """The artifact that stands for the same source and type already: jobs and models record theirs by themselves."""
        wanted = {"SourceUri": request["Source"]["SourceUri"], "ArtifactType": request["ArtifactType"]}
        try:
            found = run.context.call("ListArtifacts", wanted)["ArtifactSummaries"]
        except ServiceError:
            return None
        return str(found[0]["ArtifactArn"]) if found else None


def _end(given: dict[str, Any], created: dict[str, dict[str, str]]) -> str:
    if given.get("Arn"):
        return str(given["Arn"])
    arn = created.get(f"{given.get('Type')}Arns", {}).get(str(given.get("Name")))
    if arn is None:
        message = f"ClientError: the step creates no {given.get('Type')} '{given.get('Name')}' to associate"
        raise StepError(message)
    return arn


LINEAGE = LineageStep()
