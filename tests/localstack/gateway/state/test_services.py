"""What was answered is there after `kill -9`: one gateway is filled, killed and started again; then each service is asked."""

from __future__ import annotations

import io
import json
import time
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest
from kept_gateway import OTHER, Gateway

pytestmark = [pytest.mark.cloud]

TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}
        ],
    }
)
ALL = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]})
AWS_POLICY = "arn:aws:iam::aws:policy/AmazonSageMakerFullAccess"
ROLE = "arn:aws:iam::000000000000:role/kept"
MANIFEST = json.dumps(
    {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": {"mediaType": "x", "size": 1, "digest": "sha256:" + "0" * 64},
        "layers": [],
    }
)
Remembered = dict[str, Any]


def queue_arn(sqs: Any, url: str) -> str:
    arn: str = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    return arn


def fill_identity(cloud: Gateway, known: Remembered) -> None:
    iam = cloud.client("iam")
    iam.create_role(RoleName="kept", AssumeRolePolicyDocument=TRUST, Tags=[{"Key": "a", "Value": "b"}])
    iam.put_role_policy(RoleName="kept", PolicyName="inline", PolicyDocument=ALL)
    own = iam.create_policy(PolicyName="own", PolicyDocument=ALL)["Policy"]["Arn"]
    for arn in (own, AWS_POLICY):
        iam.attach_role_policy(RoleName="kept", PolicyArn=arn)
    iam.create_open_id_connect_provider(Url="https://token.actions.githubusercontent.com", ThumbprintList=["a" * 40])
    cloud.client("iam", OTHER).create_role(RoleName="of-another", AssumeRolePolicyDocument=TRUST)
    kms = cloud.client("kms")
    known["key"] = kms.create_key(Description="data", Tags=[{"TagKey": "a", "TagValue": "b"}])["KeyMetadata"]["KeyId"]
    kms.create_alias(AliasName="alias/kept", TargetKeyId=known["key"])
    kms.enable_key_rotation(KeyId=known["key"])
    known["cipher"] = kms.encrypt(KeyId=known["key"], Plaintext=b"hello")["CiphertextBlob"]
    known["rsa"] = kms.create_key(KeySpec="RSA_2048", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
    known["signature"] = kms.sign(KeyId=known["rsa"], Message=b"m", SigningAlgorithm="RSASSA_PSS_SHA_256")["Signature"]
    secrets = cloud.client("secretsmanager")
    secrets.create_secret(Name="kept", SecretString="one", Tags=[{"Key": "a", "Value": "b"}])
    secrets.put_secret_value(SecretId="kept", SecretString="two")
    ssm = cloud.client("ssm")
    ssm.put_parameter(Name="/kept/a", Value="x", Type="String", Tags=[{"Key": "a", "Value": "b"}])
    ssm.put_parameter(Name="/kept/a", Value="y", Type="String", Overwrite=True)
    ssm.put_parameter(Name="/kept/secret", Value="s", Type="SecureString")


def fill_messages(cloud: Gateway, known: Remembered) -> None:
    sqs, sns, events = cloud.client("sqs"), cloud.client("sns"), cloud.client("events")
    for name in ("kept", "delivered", "gone"):
        known[name] = sqs.create_queue(QueueName=name, tags={"a": "b"})["QueueUrl"]
    for body in ("received", "deleted", "waiting"):
        sqs.send_message(QueueUrl=known["kept"], MessageBody=body)
    received, deleted = (
        sqs.receive_message(QueueUrl=known["kept"], VisibilityTimeout=600)["Messages"][0] for _ in range(2)
    )
    known["handle"], known["received"] = received["ReceiptHandle"], received["Body"]
    sqs.delete_message(QueueUrl=known["kept"], ReceiptHandle=deleted["ReceiptHandle"])
    sqs.send_message(QueueUrl=known["gone"], MessageBody="gone")
    sqs.delete_queue(QueueUrl=known["gone"])
    fifo = {"FifoQueue": "true", "ContentBasedDeduplication": "true"}
    known["fifo"] = sqs.create_queue(QueueName="kept.fifo", Attributes=fifo)["QueueUrl"]
    for number in range(4):
        sqs.send_message(QueueUrl=known["fifo"], MessageBody=f"m{number}", MessageGroupId="g")
    first = sqs.receive_message(QueueUrl=known["fifo"], VisibilityTimeout=600)["Messages"][0]
    known["fifo handle"] = first["ReceiptHandle"]
    delivered = queue_arn(sqs, known["delivered"])
    known["topic"] = sns.create_topic(Name="kept", Tags=[{"Key": "a", "Value": "b"}])["TopicArn"]
    sns.subscribe(TopicArn=known["topic"], Protocol="sqs", Endpoint=delivered)
    sns.subscribe(TopicArn=known["topic"], Protocol="email", Endpoint="a@example.com")
    events.put_rule(Name="kept", EventPattern=json.dumps({"source": ["mine"]}), Tags=[{"Key": "a", "Value": "b"}])
    events.put_targets(Rule="kept", Targets=[{"Id": "1", "Arn": delivered}])
    authorization = {"ApiKeyAuthParameters": {"ApiKeyName": "k", "ApiKeyValue": "v"}}
    connection = events.create_connection(Name="kept", AuthorizationType="API_KEY", AuthParameters=authorization)
    events.create_api_destination(
        Name="kept", ConnectionArn=connection["ConnectionArn"], InvocationEndpoint="http://127.0.0.1:9/x",
        HttpMethod="POST",
    )  # fmt: skip
    cloud.client("scheduler").create_schedule(
        Name="kept", ScheduleExpression="rate(1 hour)", FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": delivered, "RoleArn": ROLE},
    )  # fmt: skip


def fill_observability(cloud: Gateway, known: Remembered) -> None:
    logs, cloudwatch = cloud.client("logs"), cloud.client("cloudwatch")
    logs.create_log_group(logGroupName="/kept", tags={"a": "b"})
    logs.put_retention_policy(logGroupName="/kept", retentionInDays=7)
    logs.create_log_stream(logGroupName="/kept", logStreamName="s")
    now = int(time.time() * 1000)
    for batch in range(3):
        told = [{"timestamp": now, "message": f"{batch}.{line}"} for line in range(2)]
        logs.put_log_events(logGroupName="/kept", logStreamName="s", logEvents=told)
    logs.create_log_stream(logGroupName="/kept", logStreamName="gone")
    logs.put_log_events(logGroupName="/kept", logStreamName="gone", logEvents=[{"timestamp": now, "message": "x"}])
    logs.delete_log_stream(logGroupName="/kept", logStreamName="gone")
    cloudwatch.put_metric_data(Namespace="Kept", MetricData=[{"MetricName": "m", "Value": 3}])
    cloudwatch.put_metric_alarm(
        AlarmName="kept", Namespace="Kept", MetricName="lag", Period=10, EvaluationPeriods=1, Statistic="Maximum",
        Threshold=5, ComparisonOperator="GreaterThanThreshold", AlarmActions=[known["topic"]],
    )  # fmt: skip
    cloudwatch.put_dashboard(DashboardName="kept", DashboardBody=json.dumps({"widgets": []}))


def fill_data(cloud: Gateway, known: Remembered) -> None:
    ecr, glue, athena = cloud.client("ecr"), cloud.client("glue"), cloud.client("athena")
    ecr.create_repository(repositoryName="kept", imageScanningConfiguration={"scanOnPush": True})
    known["digest"] = ecr.put_image(repositoryName="kept", imageTag="1", imageManifest=MANIFEST)["image"]["imageId"]
    glue.create_database(DatabaseInput={"Name": "kept"})
    columns = {"Columns": [{"Name": "a", "Type": "int"}], "Location": "s3://kept/a"}
    glue.create_table(DatabaseName="kept", TableInput={"Name": "t", "StorageDescriptor": columns})
    athena.create_work_group(Name="kept", Configuration={"ResultConfiguration": {"OutputLocation": "s3://kept/out"}})
    lake = cloud.client("lakeformation")
    lake.put_data_lake_settings(DataLakeSettings={"DataLakeAdmins": [{"DataLakePrincipalIdentifier": ROLE}]})
    lake.register_resource(ResourceArn="arn:aws:s3:::kept", RoleArn=ROLE)
    budget = {
        "BudgetName": "kept", "BudgetLimit": {"Amount": "1", "Unit": "USD"}, "TimeUnit": "MONTHLY",
        "BudgetType": "COST",
    }  # fmt: skip
    cloud.client("budgets").create_budget(AccountId="000000000000", Budget=budget)
    known["action"] = cloud.client("budgets").create_budget_action(
        AccountId="000000000000", BudgetName="kept", NotificationType="ACTUAL", ActionType="APPLY_IAM_POLICY",
        ActionThreshold={"ActionThresholdValue": 100, "ActionThresholdType": "PERCENTAGE"}, ApprovalModel="AUTOMATIC",
        Definition={"IamActionDefinition": {"PolicyArn": AWS_POLICY, "Roles": ["kept"]}}, ExecutionRoleArn=ROLE,
        Subscribers=[{"SubscriptionType": "EMAIL", "Address": "a@example.com"}],
    )["ActionId"]  # fmt: skip
    known["spark"] = cloud.client("emr-serverless").create_application(
        name="kept", releaseLabel="emr-7.10.0", type="SPARK", clientToken="token", tags={"a": "b"},
        maximumCapacity={"cpu": "4 vCPU", "memory": "16 GB"},
    )["applicationId"]  # fmt: skip
    cloud.client("application-autoscaling").register_scalable_target(
        ServiceNamespace="sagemaker", ResourceId="endpoint/e/variant/v",
        ScalableDimension="sagemaker:variant:DesiredInstanceCount", MinCapacity=1, MaxCapacity=2,
    )  # fmt: skip
    ec2 = cloud.client("ec2")
    known["vpc"] = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    ec2.create_subnet(VpcId=known["vpc"], CidrBlock="10.9.1.0/24")


def fill_compute(cloud: Gateway, known: Remembered) -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as code:
        code.writestr("index.py", "def handler(event, context):\n    return {'got': event}\n")
    functions = cloud.client("lambda")
    functions.create_function(
        FunctionName="kept", Runtime="python3.13", Role=ROLE, Handler="index.handler",
        Code={"ZipFile": archive.getvalue()},
    )  # fmt: skip
    machines = cloud.client("stepfunctions")
    for name, state in {"passes": {"Type": "Pass"}, "waits": {"Type": "Wait", "Seconds": 600}}.items():
        definition = json.dumps({"StartAt": "A", "States": {"A": {**state, "End": True}}})
        known[name] = machines.create_state_machine(name=name, roleArn=ROLE, definition=definition)["stateMachineArn"]
        known[f"{name} run"] = machines.start_execution(stateMachineArn=known[name])["executionArn"]
    template = json.dumps({"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}})
    formation = cloud.client("cloudformation")
    formation.create_stack(StackName="kept", TemplateBody=template)
    formation.get_waiter("stack_create_complete").wait(StackName="kept", WaiterConfig={"Delay": 1})
    time.sleep(2.2)  # what goes on after an answer is written at most two seconds later
    functions.get_waiter("function_active_v2").wait(FunctionName="kept", WaiterConfig={"Delay": 1})


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Gateway, Remembered]]:
    cloud = Gateway(tmp_path_factory.mktemp("kept") / "state")
    known: Remembered = {}
    try:
        cloud.start()
        for fill in (fill_identity, fill_messages, fill_observability, fill_data, fill_compute):
            fill(cloud, known)
        cloud.kill()
        cloud.start()
        yield cloud, known
    finally:
        cloud.stop()


def test_roles_and_policies(filled: tuple[Gateway, Remembered]) -> None:
    iam = filled[0].client("iam")
    assert iam.get_role(RoleName="kept")["Role"]["Tags"] == [{"Key": "a", "Value": "b"}]
    assert iam.get_role_policy(RoleName="kept", PolicyName="inline")["PolicyDocument"]
    attached = {policy["PolicyArn"] for policy in iam.list_attached_role_policies(RoleName="kept")["AttachedPolicies"]}
    assert attached == {AWS_POLICY, "arn:aws:iam::000000000000:policy/own"}
    assert iam.get_policy(PolicyArn=AWS_POLICY)["Policy"]["AttachmentCount"] == 1
    assert len(iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]) == 1
    assert [policy["PolicyName"] for policy in iam.list_policies(Scope="Local")["Policies"]] == ["own"]
    iam.detach_role_policy(RoleName="kept", PolicyArn=AWS_POLICY)
    assert iam.get_policy(PolicyArn=AWS_POLICY)["Policy"]["AttachmentCount"] == 0


def test_accounts_stay_apart(filled: tuple[Gateway, Remembered]) -> None:
    other = filled[0].client("iam", OTHER)
    assert [role["RoleName"] for role in other.list_roles()["Roles"]] == ["of-another"]


def test_keys(filled: tuple[Gateway, Remembered]) -> None:
    cloud, known = filled
    kms = cloud.client("kms")
    assert kms.decrypt(CiphertextBlob=known["cipher"])["Plaintext"] == b"hello"
    assert kms.describe_key(KeyId="alias/kept")["KeyMetadata"]["KeyId"] == known["key"]
    assert kms.get_key_rotation_status(KeyId=known["key"])["KeyRotationEnabled"]
    signed = {"KeyId": known["rsa"], "Message": b"m", "SigningAlgorithm": "RSASSA_PSS_SHA_256"}
    assert kms.verify(**signed, Signature=known["signature"])["SignatureValid"]


def test_secrets_and_parameters(filled: tuple[Gateway, Remembered]) -> None:
    secrets, ssm = filled[0].client("secretsmanager"), filled[0].client("ssm")
    assert secrets.get_secret_value(SecretId="kept")["SecretString"] == "two"
    assert secrets.get_secret_value(SecretId="kept", VersionStage="AWSPREVIOUS")["SecretString"] == "one"
    assert ssm.get_parameter(Name="/kept/a")["Parameter"]["Value"] == "y"
    assert len(ssm.get_parameter_history(Name="/kept/a")["Parameters"]) == 2
    assert ssm.get_parameter(Name="/kept/secret", WithDecryption=True)["Parameter"]["Value"] == "s"
    assert ssm.list_tags_for_resource(ResourceType="Parameter", ResourceId="/kept/a")["TagList"]
    assert ssm.get_parameters_by_path(Path="/aws/service/global-infrastructure/regions", MaxResults=2)["Parameters"]


def test_messages_sent_received_and_deleted(filled: tuple[Gateway, Remembered]) -> None:
    cloud, known = filled
    sqs = cloud.client("sqs")
    assert sqs.list_queue_tags(QueueUrl=known["kept"])["Tags"] == {"a": "b"}
    counts = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    told = sqs.get_queue_attributes(QueueUrl=known["kept"], AttributeNames=counts)["Attributes"]
    assert told == {"ApproximateNumberOfMessages": "1", "ApproximateNumberOfMessagesNotVisible": "1"}
    sqs.change_message_visibility(QueueUrl=known["kept"], ReceiptHandle=known["handle"], VisibilityTimeout=0)
    bodies = {sqs.receive_message(QueueUrl=known["kept"])["Messages"][0]["Body"] for _ in range(2)}
    assert known["received"] in bodies
    assert len(bodies) == 2
    sqs.delete_message(QueueUrl=known["kept"], ReceiptHandle=known["handle"])
    with pytest.raises(sqs.exceptions.QueueDoesNotExist):
        sqs.get_queue_url(QueueName="gone")


def test_a_fifo_queue_keeps_its_order_and_its_groups(filled: tuple[Gateway, Remembered]) -> None:
    cloud, known = filled
    sqs = cloud.client("sqs")
    assert "Messages" not in sqs.receive_message(QueueUrl=known["fifo"])  # the group waits for its first message
    sqs.send_message(QueueUrl=known["fifo"], MessageBody="m3", MessageGroupId="g")  # sent already
    sqs.delete_message(QueueUrl=known["fifo"], ReceiptHandle=known["fifo handle"])
    left = sqs.receive_message(QueueUrl=known["fifo"], MaxNumberOfMessages=10)["Messages"]
    assert [message["Body"] for message in left] == ["m1", "m2", "m3"]


def delivered(cloud: Gateway, known: Remembered, *wanted: str) -> None:
    """Wait until a message with each of the words has come to the queue."""
    sqs = cloud.client("sqs")
    missing, limit = set(wanted), time.monotonic() + 60
    while missing:
        assert time.monotonic() < limit, missing
        answer = sqs.receive_message(QueueUrl=known["delivered"], WaitTimeSeconds=1, MaxNumberOfMessages=10)
        for message in answer.get("Messages", []):
            missing = {word for word in missing if word not in message["Body"]}
            sqs.delete_message(QueueUrl=known["delivered"], ReceiptHandle=message["ReceiptHandle"])


def test_topics_rules_and_alarms_act_again(filled: tuple[Gateway, Remembered]) -> None:
    cloud, known = filled
    assert len(cloud.client("sns").list_subscriptions_by_topic(TopicArn=known["topic"])["Subscriptions"]) == 2
    cloud.client("sns").publish(TopicArn=known["topic"], Message="published")
    cloud.client("events").put_events(Entries=[{"Source": "mine", "DetailType": "put", "Detail": "{}"}])
    cloud.client("cloudwatch").put_metric_data(Namespace="Kept", MetricData=[{"MetricName": "lag", "Value": 9}])
    delivered(cloud, known, "published", '"mine"', "Threshold Crossed")


def test_resources_of_eventbridge_can_be_changed(filled: tuple[Gateway, Remembered]) -> None:
    events = filled[0].client("events")
    assert events.describe_connection(Name="kept")["ConnectionState"] == "AUTHORIZED"
    assert events.update_api_destination(Name="kept", HttpMethod="PUT")["ApiDestinationState"] == "ACTIVE"
    assert events.list_targets_by_rule(Rule="kept")["Targets"]
    events.disable_rule(Name="kept")
    events.enable_rule(Name="kept")
    assert filled[0].client("scheduler").get_schedule(Name="kept")["ScheduleExpression"] == "rate(1 hour)"


def test_logs_and_metrics(filled: tuple[Gateway, Remembered]) -> None:
    logs, cloudwatch = filled[0].client("logs"), filled[0].client("cloudwatch")
    (group,) = logs.describe_log_groups(logGroupNamePrefix="/kept")["logGroups"]
    assert group["retentionInDays"] == 7
    assert logs.list_tags_for_resource(resourceArn=group["arn"].removesuffix(":*"))["tags"] == {"a": "b"}
    assert [each["logStreamName"] for each in logs.describe_log_streams(logGroupName="/kept")["logStreams"]] == ["s"]
    events = logs.get_log_events(logGroupName="/kept", logStreamName="s", startFromHead=True)["events"]
    assert [event["message"] for event in events] == ["0.0", "0.1", "1.0", "1.1", "2.0", "2.1"]
    logs.put_log_events(
        logGroupName="/kept", logStreamName="s", logEvents=[{"timestamp": int(time.time() * 1000), "message": "more"}]
    )
    assert {metric["MetricName"] for metric in cloudwatch.list_metrics(Namespace="Kept")["Metrics"]} >= {"m"}
    assert [each["AlarmName"] for each in cloudwatch.describe_alarms()["MetricAlarms"]] == ["kept"]
    assert [each["DashboardName"] for each in cloudwatch.list_dashboards()["DashboardEntries"]] == ["kept"]


def test_images_tables_and_budgets(filled: tuple[Gateway, Remembered]) -> None:
    cloud, known = filled
    images = cloud.client("ecr").describe_images(repositoryName="kept")["imageDetails"]
    assert [image["imageDigest"] for image in images] == [known["digest"]["imageDigest"]]
    table = cloud.client("glue").get_table(DatabaseName="kept", Name="t")["Table"]
    assert table["StorageDescriptor"]["Location"] == "s3://kept/a"
    assert cloud.client("athena").get_work_group(WorkGroup="kept")["WorkGroup"]["State"] == "ENABLED"
    lake = cloud.client("lakeformation")
    assert lake.get_data_lake_settings()["DataLakeSettings"]["DataLakeAdmins"]
    assert [each["ResourceArn"] for each in lake.list_resources()["ResourceInfoList"]] == ["arn:aws:s3:::kept"]
    assert cloud.client("budgets").describe_budgets(AccountId="000000000000")["Budgets"][0]["BudgetName"] == "kept"
    (action,) = cloud.client("budgets").describe_budget_actions_for_budget(AccountId="000000000000", BudgetName="kept")[
        "Actions"
    ]
    assert (action["ActionId"], action["Status"]) == (known["action"], "STANDBY")
    spark = cloud.client("emr-serverless").get_application(applicationId=known["spark"])["application"]
    assert (spark["state"], spark["maximumCapacity"]["cpu"], spark["tags"]) == ("CREATED", "4 vCPU", {"a": "b"})
    scaling = cloud.client("application-autoscaling")
    assert len(scaling.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"]) == 1
    ec2 = cloud.client("ec2")
    own = ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [known["vpc"]]}])["Subnets"]
    assert [subnet["CidrBlock"] for subnet in own] == ["10.9.1.0/24"]


def test_functions_and_state_machines(filled: tuple[Gateway, Remembered]) -> None:
    cloud, known = filled
    answer = cloud.client("lambda").invoke(FunctionName="kept", Payload=b"5")
    assert json.load(answer["Payload"]) == {"got": 5}
    machines = cloud.client("stepfunctions")
    assert machines.describe_execution(executionArn=known["passes run"])["status"] == "SUCCEEDED"
    ended = machines.describe_execution(executionArn=known["waits run"])
    assert ended["status"] == "ABORTED"
    assert "the local cloud stopped" in ended["cause"]
    assert machines.start_execution(stateMachineArn=known["passes"])["executionArn"]
    formation = cloud.client("cloudformation")
    assert formation.describe_stacks(StackName="kept")["Stacks"][0]["StackStatus"] == "CREATE_COMPLETE"
    assert formation.list_stack_resources(StackName="kept")["StackResourceSummaries"]


def test_what_came_after_the_first_kill_survives_a_second(filled: tuple[Gateway, Remembered]) -> None:
    cloud, known = filled
    sqs, logs = cloud.client("sqs"), cloud.client("logs")
    again = sqs.create_queue(QueueName="again")["QueueUrl"]
    sqs.send_message(QueueUrl=again, MessageBody="again")
    sqs.send_message(QueueUrl=known["fifo"], MessageBody="m9", MessageGroupId="other")
    now = int(time.time() * 1000)
    logs.put_log_events(logGroupName="/kept", logStreamName="s", logEvents=[{"timestamp": now, "message": "again"}])
    cloud.client("ssm").put_parameter(Name="/kept/again", Value="x", Type="String")
    cloud.kill()
    (cloud.kept / "metrics.db").write_bytes(b"")  # as if it was killed while it made the file
    cloud.start()
    assert sqs.receive_message(QueueUrl=again)["Messages"][0]["Body"] == "again"
    assert sqs.receive_message(QueueUrl=known["fifo"])["Messages"][0]["Body"] == "m9"
    events = logs.get_log_events(logGroupName="/kept", logStreamName="s", startFromHead=True)["events"]
    assert events[-1]["message"] == "again"
    assert events[0]["message"] == "0.0"
    assert cloud.client("ssm").get_parameter(Name="/kept/again")["Parameter"]["Value"] == "x"
    cloud.client("cloudwatch").put_metric_data(Namespace="New", MetricData=[{"MetricName": "m", "Value": 3}])
    assert cloud.client("cloudwatch").list_metrics(Namespace="New")["Metrics"]
