"""Lake Formation: an account's settings, registered locations, and grants."""

from __future__ import annotations

import hashlib
import json
from typing import Any, ClassVar

from penstock_deploy.plugins.interface import ProviderError
from penstock_deploy.provider import shaped
from penstock_deploy.provider.clients import Aws
from penstock_deploy.provider.registry import resource
from penstock_deploy.provider.resource_type import ResourceType, absent
from penstock_deploy.values import Properties

_MISSING = ("EntityNotFoundException",)
_PRINCIPALS = {
    "admins": "DataLakeAdmins",
    "readOnlyAdmins": "ReadOnlyAdmins",
    "externalDataFilteringAllowLists": "ExternalDataFilteringAllowList",
}
_DEFAULTS = {
    "createDatabaseDefaultPermissions": "CreateDatabaseDefaultPermissions",
    "createTableDefaultPermissions": "CreateTableDefaultPermissions",
}
_PLAIN = {
    "allowExternalDataFiltering": "AllowExternalDataFiltering",
    "allowFullTableExternalDataAccess": "AllowFullTableExternalDataAccess",
    "authorizedSessionTagValueLists": "AuthorizedSessionTagValueList",
    "parameters": "Parameters",
    "trustedResourceOwners": "TrustedResourceOwners",
}
_ID = "PrincipalIdentifier"
_FRESH = {"CROSS_ACCOUNT_VERSION": "1", "SET_CONTEXT": "TRUE"}
"""The parameters of an account that has never used Lake Formation."""


@resource
class DataLakeSettings(ResourceType):
    """One for an account and region. Putting them is whole: what is not given is emptied; so is deleting them."""

    pulumi_type = "aws:lakeformation/dataLakeSettings:DataLakeSettings"
    inputs = " ".join(["catalogId", *_PRINCIPALS, *_DEFAULTS, *_PLAIN])
    immutable = "catalogId"
    sets = "admins readOnlyAdmins externalDataFilteringAllowLists"

    @staticmethod
    def _catalog(aws: Aws, inputs: Properties) -> str:
        return str(inputs.get("catalogId") or aws.account)

    def create(self, aws: Aws, inputs: Properties) -> str:
        settings: dict[str, Any] = {theirs: inputs[ours] for ours, theirs in _PLAIN.items() if inputs.get(ours)}
        for ours, theirs in _PRINCIPALS.items():
            if inputs.get(ours):
                settings[theirs] = [{f"DataLake{_ID}": arn} for arn in inputs[ours]]
        for ours, theirs in _DEFAULTS.items():
            if inputs.get(ours):
                settings[theirs] = [
                    {"Principal": {f"DataLake{_ID}": item["principal"]}, "Permissions": item["permissions"]}
                    for item in inputs[ours]
                ]
        catalog = self._catalog(aws, inputs)
        aws.client("lakeformation").put_data_lake_settings(CatalogId=catalog, DataLakeSettings=settings)
        return catalog

    def read(self, aws: Aws, id_: str, known: Properties) -> Properties | None:  # noqa: ARG002
        found = aws.client("lakeformation").get_data_lake_settings(CatalogId=id_)["DataLakeSettings"]
        result: Properties = {"catalogId": id_, "region": aws.region}
        for ours, theirs in _PLAIN.items():
            result[ours] = found.get(theirs) or None
        for ours, theirs in _PRINCIPALS.items():
            result[ours] = [item[f"DataLake{_ID}"] for item in found.get(theirs) or []] or None
        for ours, theirs in _DEFAULTS.items():
            result[ours] = [
                {"principal": item["Principal"][f"DataLake{_ID}"], "permissions": item["Permissions"]}
                for item in found.get(theirs) or []
            ] or None
        return result

    def update(self, aws: Aws, id_: str, inputs: Properties, old: Properties, changed: set[str]) -> None:  # noqa: ARG002
        self.create(aws, inputs)

    def delete(self, aws: Aws, id_: str, inputs: Properties) -> None:  # noqa: ARG002
        emptied: dict[str, Any] = {name: [] for name in (*_DEFAULTS.values(), "DataLakeAdmins", "ReadOnlyAdmins")}
        aws.client("lakeformation").put_data_lake_settings(
            CatalogId=id_, DataLakeSettings={**emptied, "Parameters": _FRESH, "TrustedResourceOwners": []}
        )

    def locate(self, aws: Aws, inputs: Properties) -> str | None:
        return self._catalog(aws, inputs)


@resource
class Resource(ResourceType):
    """A registered location; its id is its ARN."""

    pulumi_type = "aws:lakeformation/resource:Resource"
    inputs = "arn roleArn hybridAccessEnabled useServiceLinkedRole withFederation withPrivilegedAccess"
    outputs = "lastModified"
    required = "arn"
    immutable = "arn roleArn hybridAccessEnabled useServiceLinkedRole withFederation withPrivilegedAccess"

    def check(self, inputs: Properties) -> list[tuple[str, str]]:
        """What the local Lake Formation does not keep is refused."""
        return [
            (name, "is not kept by the local cloud")
            for name in ("hybridAccessEnabled", "withFederation", "withPrivilegedAccess")
            if inputs.get(name)
        ]

    def create(self, aws: Aws, inputs: Properties) -> str:
        role = {"RoleArn": inputs["roleArn"]} if inputs.get("roleArn") else {"UseServiceLinkedRole": True}
        aws.client("lakeformation").register_resource(ResourceArn=inputs["arn"], **role)
        return str(inputs["arn"])

    def read(self, aws: Aws, id_: str, known: Properties) -> Properties | None:  # noqa: ARG002
        answer = absent(lambda: aws.client("lakeformation").describe_resource(ResourceArn=id_), *_MISSING)
        if answer is None:
            return None
        return {"arn": id_, "roleArn": answer["ResourceInfo"].get("RoleArn"), "region": aws.region}

    def update(self, aws: Aws, id_: str, inputs: Properties, old: Properties, changed: set[str]) -> None:
        """Nothing of it changes in place."""

    def delete(self, aws: Aws, id_: str, inputs: Properties) -> None:  # noqa: ARG002
        absent(lambda: aws.client("lakeformation").deregister_resource(ResourceArn=id_), *_MISSING)

    def locate(self, aws: Aws, inputs: Properties) -> str | None:  # noqa: ARG002
        return str(inputs["arn"])


_PLACES = {
    "catalogResource": "Catalog",
    "database": "Database",
    "table": "Table",
    "tableWithColumns": "TableWithColumns",
    "dataLocation": "DataLocation",
    "lfTag": "LFTag",
    "lfTagPolicy": "LFTagPolicy",
    "dataCellsFilter": "DataCellsFilter",
}


@resource
class Permissions(ResourceType):
    """What one principal may do with one thing; any change replaces it."""

    pulumi_type = "aws:lakeformation/permissions:Permissions"
    inputs = " ".join(["principal", "permissions", "permissionsWithGrantOptions", "catalogId", *_PLACES])
    required = "principal permissions"
    immutable = inputs
    sets = "permissions permissionsWithGrantOptions"
    delete_before_replace = True
    renames: ClassVar[dict[str, str]] = {"arn": "ResourceArn", "lfTag": "LFTag", "lfTagPolicy": "LFTagPolicy"}

    def check(self, inputs: Properties) -> list[tuple[str, str]]:
        given = [name for name in _PLACES if inputs.get(name)]
        if len(given) != 1:
            return [("permissions", f"need exactly one of {', '.join(_PLACES)}; given: {', '.join(given) or 'none'}")]
        return []

    def _request(self, aws: Aws, inputs: Properties) -> dict[str, Any]:
        name = next(name for name in _PLACES if inputs.get(name))
        shape = shaped.input_shape(aws, "lakeformation", "GrantPermissions").members["Resource"]
        value = inputs[name] if isinstance(inputs[name], dict) else {}
        body = {key: item for key, item in value.items() if key not in ("wildcard", "catalogId") and item is not None}
        place = shaped.to_aws(body, shape.members[_PLACES[name]], self.renames, f"{self.pulumi_type}: {name}.")
        if value.get("wildcard") and name == "table":
            place["TableWildcard"] = {}
        elif value.get("wildcard"):
            raise ProviderError(f"{self.pulumi_type}: {name}.wildcard is not known to the local provider")
        return {
            "CatalogId": str(inputs.get("catalogId") or aws.account),
            "Principal": {f"DataLake{_ID}": inputs["principal"]},
            "Resource": {_PLACES[name]: place},
        }

    def create(self, aws: Aws, inputs: Properties) -> str:
        aws.client("lakeformation").grant_permissions(
            **self._request(aws, inputs),
            Permissions=inputs["permissions"],
            PermissionsWithGrantOption=inputs.get("permissionsWithGrantOptions") or [],
        )
        return self._id(aws, inputs)

    def _id(self, aws: Aws, inputs: Properties) -> str:
        text = json.dumps(self._request(aws, inputs), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def _granted(self, aws: Aws, inputs: Properties) -> dict[str, Any] | None:
        request = self._request(aws, inputs)
        token: dict[str, str] = {}
        while True:
            page = aws.client("lakeformation").list_permissions(CatalogId=request["CatalogId"], **token)
            for item in page["PrincipalResourcePermissions"]:
                if item["Principal"] == request["Principal"] and item["Resource"] == request["Resource"]:
                    return dict(item)
            if not page.get("NextToken"):
                return None
            token = {"NextToken": page["NextToken"]}

    def read(self, aws: Aws, id_: str, known: Properties) -> Properties | None:  # noqa: ARG002
        if not known.get("principal"):
            raise ProviderError(f"{self.pulumi_type} cannot be read by its id: AWS gives grants none")
        found = self._granted(aws, known)
        if found is None or not found.get("Permissions"):
            return None
        name = next(name for name in _PLACES if known.get(name))
        return {
            "principal": known["principal"],
            "permissions": sorted(found["Permissions"]),
            "permissionsWithGrantOptions": sorted(found.get("PermissionsWithGrantOption") or []) or None,
            name: known[name],
            "region": aws.region,
        }

    def update(self, aws: Aws, id_: str, inputs: Properties, old: Properties, changed: set[str]) -> None:
        """Nothing of it changes in place."""

    def delete(self, aws: Aws, id_: str, inputs: Properties) -> None:  # noqa: ARG002
        found = self._granted(aws, inputs)
        if found is not None:
            aws.client("lakeformation").revoke_permissions(
                **self._request(aws, inputs),
                Permissions=found["Permissions"],
                PermissionsWithGrantOption=found.get("PermissionsWithGrantOption") or [],
            )

    def locate(self, aws: Aws, inputs: Properties) -> str | None:
        return self._id(aws, inputs)
