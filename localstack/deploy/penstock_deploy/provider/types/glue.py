"""Glue: databases and tables of the data catalogue, and rulesets of data quality."""

from __future__ import annotations

from typing import Any, ClassVar

from penstock_deploy.provider import shaped
from penstock_deploy.provider.clients import Aws
from penstock_deploy.provider.registry import resource
from penstock_deploy.provider.resource_type import ResourceType, absent
from penstock_deploy.provider.tagging import Tagging
from penstock_deploy.values import Properties

_TAGGING = Tagging(
    "glue", arn="ResourceArn", list="GetTags", tags="TagsToAdd", keys="TagsToRemove", as_map=True, listed="Tags"
)
_MISSING = ("EntityNotFoundException",)


class CatalogType(ResourceType):
    """A thing of the catalogue: made and updated from one `...Input` shape."""

    member: ClassVar[str] = ""
    create_operation: ClassVar[str] = ""
    read_operation: ClassVar[str] = ""
    answer: ClassVar[str] = ""
    apart: ClassVar[tuple[str, ...]] = ()
    renames: ClassVar[dict[str, str]] = {}

    def body(self, aws: Aws, inputs: Properties) -> dict[str, Any]:
        """The `...Input` of a request."""
        shape = shaped.input_shape(aws, "glue", self.create_operation).members[self.member]
        content = {
            name: value for name, value in inputs.items() if name not in ("tags", "region", "catalogId", *self.apart)
        }
        return dict(shaped.to_aws(content, shape, self.renames, f"{self.pulumi_type}: "))

    def properties(self, aws: Aws, found: dict[str, Any], known: Properties) -> Properties:
        """A description in Pulumi's names."""
        shape = shaped.output_shape(aws, "glue", self.read_operation).members[self.answer]
        result: Properties = dict(shaped.from_aws(found, shape, self.renames, known))
        result = {name: value for name, value in result.items() if name in self.names["inputs"]}
        result["catalogId"] = found.get("CatalogId") or aws.account
        result["region"] = aws.region
        return result


@resource
class CatalogDatabase(CatalogType):
    pulumi_type = "aws:glue/catalogDatabase:CatalogDatabase"
    inputs = "name catalogId description locationUri parameters createTableDefaultPermissions targetDatabase"
    outputs = "arn catalogId"
    immutable = "name catalogId"
    named = "name"
    name_limit = 255
    name_lower = True
    taggable = True
    member, answer = "DatabaseInput", "Database"
    create_operation, read_operation = "CreateDatabase", "GetDatabase"
    renames: ClassVar[dict[str, str]] = {"principal": "Principal"}

    def create(self, aws: Aws, inputs: Properties) -> str:
        request: dict[str, Any] = {"DatabaseInput": self.body(aws, inputs)}
        if inputs.get("tags"):
            request["Tags"] = inputs["tags"]
        aws.client("glue").create_database(**request)
        return f"{aws.account}:{inputs['name']}"

    def read(self, aws: Aws, id_: str, known: Properties) -> Properties | None:
        name = id_.split(":", 1)[1]
        answer = absent(lambda: aws.client("glue").get_database(Name=name), *_MISSING)
        if answer is None:
            return None
        found = self.properties(aws, answer["Database"], known)
        arn = aws.arn("glue", f"database/{name}")
        return {**found, "name": name, "arn": arn, "tags": _TAGGING.read(aws, arn)}

    def update(self, aws: Aws, id_: str, inputs: Properties, old: Properties, changed: set[str]) -> None:
        name = id_.split(":", 1)[1]
        if changed - {"tags"}:
            aws.client("glue").update_database(Name=name, DatabaseInput=self.body(aws, inputs))
        if "tags" in changed:
            _TAGGING.sync(aws, aws.arn("glue", f"database/{name}"), inputs, old)

    def delete(self, aws: Aws, id_: str, inputs: Properties) -> None:  # noqa: ARG002
        absent(lambda: aws.client("glue").delete_database(Name=id_.split(":", 1)[1]), *_MISSING)

    def locate(self, aws: Aws, inputs: Properties) -> str | None:
        return f"{aws.account}:{inputs['name']}"


@resource
class CatalogTable(CatalogType):
    pulumi_type = "aws:glue/catalogTable:CatalogTable"
    inputs = (
        "name databaseName catalogId description owner parameters partitionKeys retention storageDescriptor tableType "
        "viewExpandedText viewOriginalText targetTable openTableFormatInput"
    )
    outputs = "arn catalogId"
    required = "databaseName"
    immutable = "name databaseName catalogId openTableFormatInput"
    named = "name"
    name_limit = 255
    name_lower = True
    member, answer = "TableInput", "Table"
    create_operation, read_operation = "CreateTable", "GetTable"
    apart = ("databaseName", "openTableFormatInput")
    renames: ClassVar[dict[str, str]] = {
        "serDeInfo": "SerdeInfo",
        "serializationLibrary": "SerializationLibrary",
    }

    @staticmethod
    def _place(id_: str) -> dict[str, str]:
        _, database, name = id_.split(":", 2)
        return {"DatabaseName": database, "Name": name}

    def create(self, aws: Aws, inputs: Properties) -> str:
        request: dict[str, Any] = {"DatabaseName": inputs["databaseName"], "TableInput": self.body(aws, inputs)}
        if inputs.get("openTableFormatInput"):
            shape = shaped.input_shape(aws, "glue", "CreateTable").members["OpenTableFormatInput"]
            request["OpenTableFormatInput"] = shaped.to_aws(inputs["openTableFormatInput"], shape, self.renames)
        aws.client("glue").create_table(**request)
        return f"{aws.account}:{inputs['databaseName']}:{inputs['name']}"

    def read(self, aws: Aws, id_: str, known: Properties) -> Properties | None:
        place = self._place(id_)
        answer = absent(lambda: aws.client("glue").get_table(**place), *_MISSING)
        if answer is None:
            return None
        found = self.properties(aws, answer["Table"], known)
        arn = aws.arn("glue", f"table/{place['DatabaseName']}/{place['Name']}")
        if found.get("parameters") and not known.get("parameters"):
            # What Glue and Iceberg's writers keep there is theirs: Pulumi's provider computes it where none is given.
            del found["parameters"]
        return {**found, "name": place["Name"], "databaseName": place["DatabaseName"], "arn": arn}

    def update(self, aws: Aws, id_: str, inputs: Properties, old: Properties, changed: set[str]) -> None:  # noqa: ARG002
        place, body = self._place(id_), self.body(aws, inputs)
        if inputs.get("openTableFormatInput"):
            # The entry of an Iceberg table names its present metadata: an update must not lose that.
            present = aws.client("glue").get_table(**place)["Table"].get("Parameters") or {}
            body["Parameters"] = {**present, **(body.get("Parameters") or {})}
        aws.client("glue").update_table(DatabaseName=place["DatabaseName"], TableInput=body)

    def delete(self, aws: Aws, id_: str, inputs: Properties) -> None:  # noqa: ARG002
        absent(lambda: aws.client("glue").delete_table(**self._place(id_)), *_MISSING)

    def locate(self, aws: Aws, inputs: Properties) -> str | None:
        return f"{aws.account}:{inputs['databaseName']}:{inputs['name']}"


@resource
class DataQualityRuleset(ResourceType):
    """Rules for the rows of a table; another table is another ruleset."""

    pulumi_type = "aws:glue/dataQualityRuleset:DataQualityRuleset"
    inputs = "name ruleset description targetTable"
    outputs = "arn createdOn lastModifiedOn recommendationRunId"
    volatile = "lastModifiedOn"
    required = "ruleset"
    immutable = "name targetTable"
    named = "name"
    name_limit = 255
    taggable = True

    def create(self, aws: Aws, inputs: Properties) -> str:
        request: dict[str, Any] = {"Name": inputs["name"], "Ruleset": inputs["ruleset"]}
        if inputs.get("description"):
            request["Description"] = inputs["description"]
        if inputs.get("targetTable"):
            shape = shaped.input_shape(aws, "glue", "CreateDataQualityRuleset").members["TargetTable"]
            request["TargetTable"] = shaped.to_aws(inputs["targetTable"], shape, {})
        if inputs.get("tags"):
            request["Tags"] = inputs["tags"]
        aws.client("glue").create_data_quality_ruleset(**request)
        return str(inputs["name"])

    def read(self, aws: Aws, id_: str, known: Properties) -> Properties | None:
        found = absent(lambda: aws.client("glue").get_data_quality_ruleset(Name=id_), *_MISSING)
        if found is None:
            return None
        arn = aws.arn("glue", f"dataQualityRuleset/{id_}")
        shape = shaped.output_shape(aws, "glue", "GetDataQualityRuleset").members["TargetTable"]
        target = found.get("TargetTable")
        return {
            "name": id_,
            "arn": arn,
            "ruleset": found["Ruleset"],
            "description": found.get("Description") or None,
            "targetTable": shaped.from_aws(target, shape, {}, known.get("targetTable")) if target else None,
            "createdOn": found["CreatedOn"].isoformat(),
            "lastModifiedOn": found["LastModifiedOn"].isoformat(),
            "tags": _TAGGING.read(aws, arn),
            "region": aws.region,
        }

    def update(self, aws: Aws, id_: str, inputs: Properties, old: Properties, changed: set[str]) -> None:
        if changed & {"ruleset", "description"}:
            aws.client("glue").update_data_quality_ruleset(
                Name=id_, Ruleset=inputs["ruleset"], Description=inputs.get("description") or ""
            )
        if "tags" in changed:
            _TAGGING.sync(aws, aws.arn("glue", f"dataQualityRuleset/{id_}"), inputs, old)

    def delete(self, aws: Aws, id_: str, inputs: Properties) -> None:  # noqa: ARG002
        absent(lambda: aws.client("glue").delete_data_quality_ruleset(Name=id_), *_MISSING)

    def locate(self, aws: Aws, inputs: Properties) -> str | None:  # noqa: ARG002
        return str(inputs["name"])
