"""Parts of requests that would run something which this machine has not: they are refused by name."""

from __future__ import annotations

from typing import Any

from penstock_services.errors import ServiceError
from penstock_services.operations import Context, check

# Operation: the members, and what they would run.
_PARTS = {
    "CreateAlgorithm": (("ValidationSpecification",), "training and transform jobs that validate an algorithm"),
    "CreateProject": (
        ("ServiceCatalogProvisioningDetails", "TemplateProviders"),
        "the provisioning of a project from a template",
    ),
    **dict.fromkeys(
        ("CreateNotebookInstance", "UpdateNotebookInstance"),
        (
            ("DefaultCodeRepository", "AdditionalCodeRepositories"),
            "the cloning of Git repositories into a notebook instance",
        ),
    ),
    "UpdateProject": (
        ("ServiceCatalogProvisioningUpdateDetails", "TemplateProvidersToUpdate"),
        "the provisioning of a project from a template",
    ),
}


def _refuse(operation: str, members: tuple[str, ...], what: str) -> None:
    @check(operation)
    def _refused(_context: Context, request: dict[str, Any]) -> None:
        asked = [member for member in members if member in request]
        if asked:
            message = f"{operation} with {asked[0]}: Penstock's local SageMaker does not run {what}."
            raise ServiceError("NotImplementedException", message, 501)


for _operation, (_members, _what) in _PARTS.items():
    _refuse(_operation, _members, _what)
