"""The lake's types on a local cloud: Athena's workgroups, Glue's tables and rulesets, Lake Formation's grants."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from tests.localstack.deploy.round_trip import changed, client, find_again, project, run

pytestmark = pytest.mark.cloud

PROGRAM = """
bucket = aws.s3.Bucket("bucket", bucket="types-lake", force_destroy=True)
limit = {"bytes_scanned_cutoff_per_query": 10_000_000} if one else {}
encryption = {"encryption_configuration": {"encryption_option": "SSE_S3"}} if one else {}
aws.athena.Workgroup("workgroup", name="types", description=f"d{v}", state="ENABLED" if one else "DISABLED",
    configuration={**limit, "enforce_workgroup_configuration": one,
        "engine_version": {"selected_engine_version": "Athena engine version 3"},
        "result_configuration": {"output_location": f"s3://b/results{v}/", **encryption}}, tags={"v": v})
database = aws.glue.CatalogDatabase("database", name="types_lakes")
columns = [{"name": "id", "type": "bigint", "comment": "Number"}, {"name": "price", "type": "decimal(10,2)"}]
table = aws.glue.CatalogTable("iceberg", name="orders", database_name=database.name, table_type="EXTERNAL_TABLE",
    description=f"d{v}", open_table_format_input={"iceberg_input": {"metadata_operation": "CREATE", "version": "2"}},
    storage_descriptor={"location": bucket.bucket.apply(lambda name: f"s3://{name}/orders"), "columns": columns},
    opts=pulumi.ResourceOptions(ignore_changes=["parameters", "storageDescriptor"]))
aws.glue.DataQualityRuleset("ruleset", name="types", description=f"d{v}", tags={"v": v},
    ruleset='Rules = [ IsComplete "id" ]' if one else 'Rules = [ IsComplete "id", ColumnValues "price" in [1, 2] ]',
    target_table={"database_name": database.name, "table_name": table.name})
role = "arn:aws:iam::000000000000:role/lake"
settings = aws.lakeformation.DataLakeSettings("settings", admins=[role] if one else [role, role + "2"])
after = pulumi.ResourceOptions(depends_on=[settings])
aws.lakeformation.Resource("location", arn="arn:aws:s3:::types-lake", role_arn=role, opts=after)
aws.lakeformation.Permissions("database", principal=role, permissions=["DESCRIBE"] if one else ["CREATE_TABLE", "DESCRIBE"],
    database={"name": database.name}, opts=after)
aws.lakeformation.Permissions("tables", principal=role, permissions=["SELECT", "DESCRIBE"],
    table={"database_name": database.name, "wildcard": True}, opts=after)
aws.lakeformation.Permissions("place", principal=role, permissions=["DATA_LOCATION_ACCESS"],
    data_location={"arn": "arn:aws:s3:::types-lake"}, opts=after)
"""


def test_round_trip(tmp_path: Path, cloud_environment: dict[str, str]) -> None:
    first = project(tmp_path, cloud_environment, "lake", PROGRAM)
    athena, glue, lake, s3 = (
        client(cloud_environment, name) for name in ("athena", "glue", "lakeformation", "s3")
    )  # fmt: skip
    try:
        run(first, "up")
        for operation in ("preview", "refresh", "up"):
            assert run(first, operation).changes == [], operation
        find_again(first, cloud_environment)

        # Somebody lifts the workgroup's limit, empties the rules, revokes a grant and drops the location.
        athena.update_work_group(
            WorkGroup="types", ConfigurationUpdates={"RemoveBytesScannedCutoffPerQuery": True}, State="DISABLED"
        )
        glue.update_data_quality_ruleset(Name="types", Ruleset="Rules = [ RowCount > 0 ]")
        (grant,) = [
            item
            for item in lake.list_permissions(ResourceType="DATABASE")["PrincipalResourcePermissions"]
            if item["Permissions"] == ["DESCRIBE"]
        ]
        lake.revoke_permissions(
            Principal=grant["Principal"], Resource=grant["Resource"], Permissions=["DESCRIBE"]
        )  # fmt: skip
        lake.deregister_resource(ResourceArn="arn:aws:s3:::types-lake")
        assert changed(run(first, "refresh")) == [
            ("delete", "database"), ("delete", "location"), ("update", "ruleset"), ("update", "workgroup"),
        ]  # fmt: skip
        assert changed(run(first, "up")) == [
            ("create", "database"), ("create", "location"), ("update", "ruleset"), ("update", "workgroup"),
        ]  # fmt: skip
        live = athena.get_work_group(WorkGroup="types")["WorkGroup"]
        assert live["State"] == "ENABLED"
        assert live["Configuration"]["BytesScannedCutoffPerQuery"] == 10_000_000
        assert run(first, "refresh").changes == []

        metadata = glue.get_table(DatabaseName="types_lakes", Name="orders")["Table"]["Parameters"]["metadata_location"]
        second = project(tmp_path, cloud_environment, "lake", PROGRAM, "2")
        promised = run(second, "preview")
        assert changed(run(second, "up")) == changed(promised) == [
            ("replace", "database"), ("update", "iceberg"), ("update", "ruleset"), ("update", "settings"),
            ("update", "workgroup"),
        ]  # fmt: skip
        assert run(second, "refresh").changes == []
        live = athena.get_work_group(WorkGroup="types")["WorkGroup"]
        assert (live["State"], live["Description"]) == ("DISABLED", "d2")
        assert "BytesScannedCutoffPerQuery" not in live["Configuration"]
        assert live["Configuration"]["ResultConfiguration"] == {"OutputLocation": "s3://b/results2/"}
        assert live["Configuration"]["EnforceWorkGroupConfiguration"] is False
        table = glue.get_table(DatabaseName="types_lakes", Name="orders")["Table"]
        assert table["Parameters"]["metadata_location"] == metadata, "an update must not lose the table's state"
        assert "ColumnValues" in glue.get_data_quality_ruleset(Name="types")["Ruleset"]
        assert glue.list_data_quality_rulesets()["Rulesets"][0]["RuleCount"] == 2
        assert len(lake.get_data_lake_settings()["DataLakeSettings"]["DataLakeAdmins"]) == 2
        assert not lake.get_data_lake_settings()["DataLakeSettings"].get("CreateTableDefaultPermissions")
    finally:
        gone = first.destroy()
    assert gone.ok, gone.errors
    assert first.resources() == []
    assert [item["Name"] for item in athena.list_work_groups()["WorkGroups"]] == ["primary"]
    assert glue.get_databases()["DatabaseList"] == []
    assert glue.list_data_quality_rulesets()["Rulesets"] == []
    assert lake.list_permissions()["PrincipalResourcePermissions"] == []
    assert lake.list_resources()["ResourceInfoList"] == []
    assert not lake.get_data_lake_settings()["DataLakeSettings"]["DataLakeAdmins"]
    assert "types-lake" not in [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]


def test_an_iceberg_table_has_its_first_metadata_file(cloud_environment: dict[str, str]) -> None:
    """What the specification asks of a table without snapshots; see https://iceberg.apache.org/spec/."""
    glue, s3 = client(cloud_environment, "glue"), client(cloud_environment, "s3")
    s3.create_bucket(Bucket="iceberg")
    glue.create_database(DatabaseInput={"Name": "iceberg"})
    columns = [{"Name": "id", "Type": "bigint", "Comment": "Number"}, {"Name": "price", "Type": "decimal(10,2)"}]
    request = {
        "DatabaseName": "iceberg",
        "TableInput": {"Name": "t", "StorageDescriptor": {"Location": "s3://iceberg/t/", "Columns": columns}},
        "OpenTableFormatInput": {"IcebergInput": {"MetadataOperation": "CREATE"}},
    }
    try:
        glue.create_table(**request)
        parameters = glue.get_table(DatabaseName="iceberg", Name="t")["Table"]["Parameters"]
        assert parameters["table_type"] == "ICEBERG"
        key = parameters["metadata_location"].removeprefix("s3://iceberg/")
        assert key.startswith("t/metadata/00000-")
        metadata = json.loads(s3.get_object(Bucket="iceberg", Key=key)["Body"].read())
        assert (metadata["format-version"], metadata["location"]) == (2, "s3://iceberg/t")
        assert metadata["schemas"][0]["fields"] == [
            {"id": 1, "name": "id", "required": False, "type": "long", "doc": "Number"},
            {"id": 2, "name": "price", "required": False, "type": "decimal(10, 2)"},
        ]
        assert (metadata["last-column-id"], metadata["snapshots"]) == (2, [])

        def refused(columns: list[dict[str, str]], **more: object) -> str:
            storage = {"Location": "s3://iceberg/u", "Columns": columns}
            table = {"Name": "u", "StorageDescriptor": storage, **more}
            with pytest.raises(ClientError) as caught:
                glue.create_table(**{**request, "TableInput": table})
            return str(caught.value)

        assert "NotImplementedException" in refused([{"Name": "a", "Type": "array<int>"}])
        assert "InvalidInputException" in refused([{"Name": "a", "Type": "int"}], PartitionKeys=[{"Name": "d"}])
        assert [table["Name"] for table in glue.get_tables(DatabaseName="iceberg")["TableList"]] == ["t"]
    finally:
        glue.delete_database(Name="iceberg")


def test_what_would_run_is_refused_by_name(cloud_environment: dict[str, str]) -> None:
    athena, glue = client(cloud_environment, "athena"), client(cloud_environment, "glue")
    with pytest.raises(ClientError, match="StartQueryExecution is not implemented by Penstock's local Athena"):
        athena.start_query_execution(QueryString="SELECT 1")
    with pytest.raises(ClientError, match="StartDataQualityRulesetEvaluationRun is not implemented"):
        glue.start_data_quality_ruleset_evaluation_run(
            DataSource={"GlueTable": {"DatabaseName": "d", "TableName": "t"}}, Role="r", RulesetNames=["s"]
        )


@pytest.mark.parametrize("text", ["RowCount > 0", "Rules = [ ]", "Rules = [ rowCount > 0 ]"])
def test_a_ruleset_that_is_no_dqdl_is_refused(cloud_environment: dict[str, str], text: str) -> None:
    glue = client(cloud_environment, "glue")
    with pytest.raises(ClientError, match="InvalidInputException"):
        glue.create_data_quality_ruleset(Name="wrong", Ruleset=text)


def test_limits_of_a_workgroup(cloud_environment: dict[str, str]) -> None:
    athena = client(cloud_environment, "athena")
    with pytest.raises(ClientError, match="The engine version 9 does not exist"):
        athena.create_work_group(Name="odd", Configuration={"EngineVersion": {"SelectedEngineVersion": "9"}})
    with pytest.raises(ClientError, match="WorkGroup nowhere is not found"):
        athena.update_work_group(WorkGroup="nowhere", Description="x")
    with pytest.raises(ClientError, match="already created"):
        athena.create_work_group(Name="primary")
