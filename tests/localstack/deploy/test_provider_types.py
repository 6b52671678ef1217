"""Every resource type against a local cloud: created, unchanged, refreshed, updated, found again, destroyed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.localstack.deploy.round_trip import client, find_again, project, run

from penstock_deploy.plugins.interface import Subject
from penstock_deploy.provider.core import AwsProvider
from penstock_deploy.target import from_environment

pytestmark = pytest.mark.cloud

GROUPS = {
    "keys": """
    key = aws.kms.Key("key", description=f"key {v}", enable_key_rotation=True, deletion_window_in_days=7, tags={"v": v},
        policy=json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "kms:*", "Resource": "*",
            "Principal": {"AWS": "arn:aws:iam::000000000000:root"}, "Sid": f"v{v}"}]}))
    other = aws.kms.Key("other")
    aws.kms.Alias("named", name="alias/types-key", target_key_id=key.id if one else other.id)
    aws.kms.Alias("auto", target_key_id=key.arn)
    trust = aws.iam.get_policy_document(statements=[{"actions": ["sts:AssumeRole"],
        "principals": [{"type": "Service", "identifiers": ["sagemaker.amazonaws.com"]}],
        "conditions": [{"test": "StringEquals", "variable": "aws:SourceAccount", "values": ["000000000000"]}]}])
    document = json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": f"arn:aws:s3:::b{v}/*"}]})
    boundary = aws.iam.Policy("boundary", policy=document, path="/types/", tags={"v": v})
    role = aws.iam.Role("role", assume_role_policy=trust.json, description=f"role {v}", max_session_duration=7200,
        permissions_boundary=boundary.arn if one else None, tags={"v": v}, path="/types/",
        inline_policies=[{"name": "in", "policy": document}])
    plain = aws.iam.Role("plain", assume_role_policy=trust.json)
    aws.iam.RolePolicy("inline", role=plain.id, policy=document)
    aws.iam.RolePolicyAttachment("attached", role=plain.name, policy_arn=boundary.arn)
    aws.iam.OpenIdConnectProvider("oidc", url="https://token.example.com", tags={"v": v},
        client_id_lists=["sts.amazonaws.com"], thumbprint_lists=["f" * 40])
    pulumi.export("account", aws.get_caller_identity().account_id)
    pulumi.export("region", aws.get_region().region)
    pulumi.export("partition", aws.get_partition().partition)
    """,
    "buckets": """
    logs = aws.s3.Bucket("logs", force_destroy=True)
    queue = aws.sqs.Queue("queue")
    bucket = aws.s3.Bucket("data", force_destroy=True, tags={"v": v})
    b = bucket.id
    aws.s3.BucketVersioning("v", bucket=b, versioning_configuration={"status": "Enabled" if one else "Suspended"})
    aws.s3.BucketServerSideEncryptionConfiguration("e", bucket=b, rules=[{"bucket_key_enabled": one,
        "apply_server_side_encryption_by_default": {"sse_algorithm": "aws:kms"}}])
    aws.s3.BucketPublicAccessBlock("p", bucket=b, block_public_acls=True, block_public_policy=one,
        ignore_public_acls=True, restrict_public_buckets=True)
    aws.s3.BucketOwnershipControls("o", bucket=b,
        rule={"object_ownership": "BucketOwnerEnforced" if one else "BucketOwnerPreferred"})
    aws.s3.BucketLifecycleConfiguration("l", bucket=b, rules=[
        {"id": "old", "status": "Enabled", "filter": {"prefix": "tmp/"}, "expiration": {"days": 30 if one else 60},
         "abort_incomplete_multipart_upload": {"days_after_initiation": 7},
         "noncurrent_version_expiration": {"noncurrent_days": 90}},
        {"id": "cold", "status": "Enabled", "transitions": [{"days": 90, "storage_class": "GLACIER"}]}])
    aws.s3.BucketPolicy("pol", bucket=b, policy=bucket.arn.apply(lambda a: json.dumps({"Version": "2012-10-17",
        "Statement": [{"Sid": f"v{v}", "Effect": "Deny", "Principal": "*", "Action": "s3:*",
            "Resource": [a, a + "/*"], "Condition": {"Bool": {"aws:SecureTransport": "false"}}}]})))
    aws.s3.BucketLogging("log", bucket=b, target_bucket=logs.id, target_prefix=f"v{v}/")
    aws.s3.BucketNotification("n", bucket=b, eventbridge=one, queues=[] if one else
        [{"queue_arn": queue.arn, "events": ["s3:ObjectCreated:*"], "filter_prefix": "in/"}])
    """,
    "messages": """
    topic = aws.sns.Topic("topic", display_name=f"t{v}", tags={"v": v})
    queue = aws.sqs.Queue("queue", visibility_timeout_seconds=60 if one else 90, sqs_managed_sse_enabled=True, tags={"v": v})
    aws.sns.TopicPolicy("policy", arn=topic.arn, policy=topic.arn.apply(lambda a: json.dumps({"Version": "2012-10-17",
        "Statement": [{"Sid": f"v{v}", "Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"},
            "Action": "sns:Publish", "Resource": a}]})))
    aws.sns.TopicSubscription("sub", topic=topic.arn, protocol="sqs", endpoint=queue.arn, raw_message_delivery=one)
    rule = aws.cloudwatch.EventRule("rule", event_pattern=json.dumps({"source": ["aws.s3"], "detail-type": [f"x{v}"]}),
        description="a rule", tags={"v": v})
    connection = aws.cloudwatch.EventConnection("connection", authorization_type="API_KEY", description="d",
        auth_parameters={"api_key": {"key": "Authorization", "value": pulumi.Output.secret(f"Bearer token-{v}")}})
    destination = aws.cloudwatch.EventApiDestination("destination", connection_arn=connection.arn, http_method="POST",
        invocation_endpoint=f"http://127.0.0.1:9/v{v}", invocation_rate_limit_per_second=10)
    role = aws.iam.Role("role", assume_role_policy=json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "events.amazonaws.com"}}]}))
    aws.cloudwatch.EventTarget("to-destination", rule=rule.name, arn=destination.arn, role_arn=role.arn,
        input_transformer={"input_paths": {"id": "$.detail.id"}, "input_template": '{"v": ' + v + ', "id": <id>}'},
        dead_letter_config={"arn": queue.arn}, retry_policy={"maximum_retry_attempts": 3, "maximum_event_age_in_seconds": 600})
    aws.cloudwatch.EventTarget("to-queue", rule=rule.name, arn=queue.arn, input=json.dumps({"v": v}))
    aws.cloudwatch.MetricAlarm("alarm", comparison_operator="GreaterThanThreshold", evaluation_periods=1, period=60,
        metric_name="Violations", namespace="Penstock/Drift", statistic="Maximum", threshold=0 if one else 1,
        dimensions={"Model": "m"}, treat_missing_data="notBreaching", alarm_actions=[topic.arn],
        alarm_description=f"d{v}", tags={"v": v})
    aws.cloudwatch.LogGroup("logs", retention_in_days=7 if one else 14, tags={"v": v})
    """,
    "catalogue": """
    repository = aws.ecr.Repository("repository", image_tag_mutability="IMMUTABLE" if one else "MUTABLE", force_delete=True,
        image_scanning_configuration={"scan_on_push": one}, encryption_configurations=[{"encryption_type": "KMS"}],
        tags={"v": v})
    aws.ecr.LifecyclePolicy("lifecycle", repository=repository.name, policy=json.dumps({"rules": [{"rulePriority": 1,
        "selection": {"tagStatus": "untagged", "countType": "sinceImagePushed", "countUnit": "days", "countNumber": int(v)},
        "action": {"type": "expire"}}]}))
    database = aws.glue.CatalogDatabase("database", name="types_lake", description=f"d{v}", tags={"v": v})
    aws.glue.CatalogTable("table", name="types_table", database_name=database.name, table_type="EXTERNAL_TABLE",
        description=f"d{v}", parameters={"classification": "parquet"}, partition_keys=[{"name": "year", "type": "int"}],
        storage_descriptor={"location": "s3://b/t", "columns": [{"name": "a", "type": "string"}],
            "ser_de_info": {"serialization_library": "x", "parameters": {"p": "1"}}})
    aws.athena.Workgroup("workgroup", description="d", configuration={"enforce_workgroup_configuration": True,
        "bytes_scanned_cutoff_per_query": 10485760,
        "result_configuration": {"output_location": "s3://b/results/"}}, tags={"a": "b"})
    aws.budgets.Budget("budget", budget_type="COST", time_unit="MONTHLY", limit_amount="100",
        limit_unit="USD", notifications=[{"comparison_operator": "GreaterThan", "threshold": 80,
            "threshold_type": "PERCENTAGE", "notification_type": "ACTUAL", "subscriber_email_addresses": ["a@example.com"]}])
    aws.ssm.Parameter("parameter", name="/types/parameter", type="String", value=f"v{v}", description="d", tags={"v": v})
    aws.ssm.Parameter("hidden", name="/types/hidden", type="SecureString", value=pulumi.Output.secret("very-hidden"))
    secret = aws.secretsmanager.Secret("secret", description=f"d{v}", recovery_window_in_days=0, tags={"v": v})
    aws.secretsmanager.SecretVersion("version", secret_id=secret.id, secret_string=pulumi.Output.secret(f"hidden-{v}"))
    """,
    "learning": """
    role = aws.iam.Role("role", assume_role_policy=json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "sagemaker.amazonaws.com"}}]}))
    features = [{"feature_name": "id", "feature_type": "String"}, {"feature_name": "at", "feature_type": "String"},
                {"feature_name": "x", "feature_type": "Fractional"}]
    aws.sagemaker.FeatureGroup("features", feature_group_name="types-features", record_identifier_feature_name="id",
        event_time_feature_name="at", role_arn=role.arn, online_store_config={"enable_online_store": True}, tags={"v": v},
        feature_definitions=features)
    group = aws.sagemaker.ModelPackageGroup("group", model_package_group_name="types-group", tags={"v": v},
        model_package_group_description="d")
    definition = {"Version": "2020-12-01", "Metadata": {}, "Parameters": [{"Name": "P", "Type": "String", "DefaultValue": v}],
        "Steps": [{"Name": "F", "Type": "Fail", "Arguments": {"ErrorMessage": "no"}}]}
    aws.sagemaker.Pipeline("pipeline", pipeline_name="types-pipeline", pipeline_display_name="types-pipeline",
        role_arn=role.arn, pipeline_definition=json.dumps(definition), tags={"v": v})
    model = aws.sagemaker.Model("model", execution_role_arn=role.arn, tags={"v": v}, primary_container={
        "image": "000000000000.dkr.ecr.us-east-1.amazonaws.com/r:1", "environment": {"V": v}})
    aws.sagemaker.EndpointConfiguration("endpoint", name_prefix="types-", production_variants=[{"variant_name": "main",
        "model_name": model.name, "initial_instance_count": 1, "instance_type": "ml.m5.large",
        "initial_variant_weight": 1}], data_capture_config={"enable_capture": True, "initial_sampling_percentage": 100,
        "destination_s3_uri": "s3://b/capture", "capture_options": [{"capture_mode": "Input"}, {"capture_mode": "Output"}]},
        tags={"v": v})
    """,
}

UPDATES = {"learning": {"update": 3, "replace": 2}}


@pytest.mark.parametrize("name", GROUPS)
def test_types(name: str, tmp_path: Path, cloud_environment: dict[str, str]) -> None:
    first = project(tmp_path, cloud_environment, name, GROUPS[name], "1")
    try:
        created = run(first, "up")
        count = created.counts["create"]
        assert count > 5
        assert run(first, "up").changes == []
        assert run(first, "refresh").changes == []
        assert run(first, "preview").changes == []
        # A key with an alias was finished; a version of a secret has no identity of its own.
        find_again(first, cloud_environment, but={"aws:secretsmanager/secretVersion:SecretVersion", "key"})

        second = project(tmp_path, cloud_environment, name, GROUPS[name], "2")
        foreseen = run(second, "preview")
        changed = run(second, "up")
        assert changed.counts == foreseen.counts
        assert changed.counts["create"] == changed.counts["delete"] == 0
        for op, number in UPDATES.get(name, {}).items():
            assert changed.counts[op] == number
        assert run(second, "refresh").changes == []
        assert run(second, "preview").changes == []
        state = Path(cloud_environment["PULUMI_BACKEND_URL"].removeprefix("file://"))
        text = (state / f".pulumi/stacks/types-{name}/local.json").read_text()
        assert not any(hidden in text for hidden in ("very-hidden", "hidden-2", "token-2"))
    finally:
        gone = first.destroy()
    assert gone.ok, gone.errors
    assert first.resources() == []


def test_default_tags_reach_every_taggable_resource(tmp_path: Path, cloud_environment: dict[str, str]) -> None:
    program = """
    provider = aws.Provider("p", region="us-west-2", default_tags={"tags": {"team": "ml", "v": v}})
    topic = aws.sns.Topic("t", name="tagged", tags={"own": "1"}, opts=pulumi.ResourceOptions(provider=provider))
    pulumi.export("all", topic.tags_all)
    pulumi.export("arn", topic.arn)
    """
    deployment = project(tmp_path, cloud_environment, "tags", program, "1")
    try:
        result = run(deployment, "up")
        assert result.outputs["all"] == {"team": "ml", "v": "1", "own": "1"}
        arn = result.outputs["arn"]
        assert ":us-west-2:" in arn
        sns = client(cloud_environment, "sns", "us-west-2")
        assert {t["Key"] for t in sns.list_tags_for_resource(ResourceArn=arn)["Tags"]} == {"team", "v", "own"}
        assert not run(deployment, "refresh").has_changes
        second = project(tmp_path, cloud_environment, "tags", program, "2")
        assert run(second, "up").outputs["all"]["v"] == "2"
        tags = {t["Key"]: t["Value"] for t in sns.list_tags_for_resource(ResourceArn=arn)["Tags"]}
        assert tags["v"] == "2"
    finally:
        deployment.destroy()


@pytest.mark.parametrize("apart", [False, True])
def test_another_region_of_a_provider_moves_what_lies_in_regions(
    tmp_path: Path, cloud_environment: dict[str, str], apart: bool
) -> None:
    """As with the real provider: what has a region is replaced, the old one goes where it is, and IAM's stays."""
    name = f"moved-{'apart' if apart else 'within'}"
    program = f"""
    explicit = pulumi.ResourceOptions(provider=aws.Provider("p", region="us-west-2" if one else "eu-west-1"))
    aws.ssm.Parameter("fixed", name="/{name}", type="String", value="x", opts=explicit)
    aws.sqs.Queue("queue", name="{name}", region="us-east-1", opts=explicit)
    aws.sns.Topic("topic", name="{name}", opts=explicit)
    aws.iam.Role("role", name="{name}", assume_role_policy=json.dumps(dict(Statement=[])), opts=explicit)
    """
    environment = {**cloud_environment, "PENSTOCK_PROVIDER": "process"} if apart else cloud_environment

    def found(region: str) -> tuple[int, int, int]:
        topics = client(environment, "sns", region).list_topics()["Topics"]
        queues = client(environment, "sqs", region).list_queues(QueueNamePrefix=name).get("QueueUrls", [])
        parameters = client(environment, "ssm", region).get_parameters(Names=[f"/{name}"])["Parameters"]
        return len([one for one in topics if one["TopicArn"].endswith(name)]), len(queues), len(parameters)

    deployment = project(tmp_path, environment, name, program, "1")
    try:
        run(deployment, "up")
        assert (found("us-west-2"), found("us-east-1"), found("eu-west-1")) == ((1, 0, 1), (0, 1, 0), (0, 0, 0))
        second = project(tmp_path, environment, name, program, "2")
        planned = run(second, "preview")
        moved = {change["name"]: change["diff"] for change in planned.changes if change["op"] == "replace"}
        assert moved == {"fixed": ["region"], "topic": ["region"]}, "before a refresh"
        assert not [change for change in run(second, "refresh").changes if change["op"] == "delete"], (
            "still found there"
        )
        assert run(second, "up").counts["replace"] == 2
        assert (found("us-west-2"), found("us-east-1"), found("eu-west-1")) == ((0, 0, 0), (0, 1, 0), (1, 0, 1))
        assert not run(second, "up").has_changes
    finally:
        assert deployment.destroy().ok
    assert found("eu-west-1") == (0, 0, 0)


def test_parameters_by_path(tmp_path: Path, cloud_environment: dict[str, str]) -> None:
    program = """
    found = aws.ssm.get_parameters_by_path(path="/by-path/m")
    pulumi.export("names", found.names)
    pulumi.export("values", found.values)
    """
    ssm = client(cloud_environment, "ssm")
    deployment = project(tmp_path, cloud_environment, "by-path", program, "1")
    assert run(deployment, "preview").outputs["names"] == []
    ssm.put_parameter(Name="/by-path/m/arn", Value="here", Type="String")
    assert run(deployment, "preview").outputs["names"] == ["/by-path/m/arn"]


def test_an_error_of_aws_names_the_resource_and_says_what_aws_said(
    tmp_path: Path, cloud_environment: dict[str, str]
) -> None:
    program = """
    aws.iam.RolePolicy("orphan", role="not-there", policy="{}")
    """
    result = project(tmp_path, cloud_environment, "error", program, "1").up()
    assert not result.ok
    assert "aws:iam/rolePolicy:RolePolicy::orphan: PutRolePolicy: " in result.errors[0]


@pytest.mark.parametrize(
    ("program", "named"),
    [
        ("aws.glacier.Vault('v')", "the resource type aws:glacier/vault:Vault"),
        ("aws.s3.Bucket('b', acl='private')", "acl is not a property"),
        ("aws.ec2.get_ami(owners=['self'])", "the function aws:ec2/getAmi:getAmi"),
    ],
)
def test_what_the_provider_does_not_know_is_named(
    tmp_path: Path, cloud_environment: dict[str, str], program: str, named: str
) -> None:
    result = project(tmp_path, cloud_environment, "unknown", program, "1").preview()
    assert not result.ok
    assert named in result.errors[0]


def test_the_provider_in_its_own_process(tmp_path: Path, cloud_environment: dict[str, str]) -> None:
    program = """
    topic = aws.sns.Topic("t", display_name=f"v{v}")
    aws.iam.RolePolicy("orphan", role="not-there", policy="{}") if v == "3" else None
    pulumi.export("account", aws.get_caller_identity().account_id)
    """
    environment = {**cloud_environment, "PENSTOCK_PROVIDER": "process"}
    deployment = project(tmp_path, environment, "apart", program, "1")
    try:
        assert run(deployment, "up").outputs == {"account": "000000000000"}
        assert not run(deployment, "refresh").has_changes
        assert run(project(tmp_path, environment, "apart", program, "2"), "up").counts["update"] == 1
        failed = project(tmp_path, environment, "apart", program, "3").up()
        assert "PutRolePolicy: NoSuchEntity" in failed.errors[0]
    finally:
        assert deployment.destroy().ok


def test_a_key_that_was_made_by_a_cut_off_creation_is_found(cloud_environment: dict[str, str]) -> None:
    kms = client(cloud_environment, "kms")
    made = kms.create_key(Description="cut off", Tags=[{"TagKey": "a", "TagValue": "b"}])["KeyMetadata"]["KeyId"]
    provider = AwsProvider(from_environment(cloud_environment), {})
    subject = Subject("urn:pulumi:s::p::aws:kms/key:Key::k", "aws:kms/key:Key", "k")
    inputs = provider.check(subject, {}, {"description": "cut off", "tags": {"a": "b"}}, b"seed")
    found = provider.find(subject, inputs)
    assert found is not None
    assert found.id == made
    assert json.loads(json.dumps(found.outputs))["keyId"] == made
    kms.schedule_key_deletion(KeyId=made, PendingWindowInDays=7)
    assert provider.find(subject, inputs) is None


def test_a_creation_that_fails_half_way_is_kept_and_mended(tmp_path: Path, cloud_environment: dict[str, str]) -> None:
    program = """
    aws.iam.Role("role", name="half-way", managed_policy_arns=["arn:aws:iam::aws:policy/NotThere"] if one else [],
        assume_role_policy='{"Version": "2012-10-17", "Statement": []}')
    """
    failed = project(tmp_path, cloud_environment, "half", program, "1").up()
    assert not failed.ok
    assert "AttachRolePolicy" in failed.errors[0]
    deployment = project(tmp_path, cloud_environment, "half", program, "2")
    assert [item["id"] for item in deployment.resources() if item["name"] == "role"] == ["half-way"]
    assert run(deployment, "up").counts["update"] == 1
    assert not run(deployment, "up").has_changes
    assert run(deployment, "destroy").counts["delete"] == 2
