"""Updates of endpoints by every strategy, under requests: who answers, what is described, and the way back."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.localstack.services.sagemaker.endpoints.endpoint_metrics import error_alarm
from tests.localstack.services.sagemaker.endpoints.serving_endpoints import (
    Load,
    configure,
    delete,
    deploy,
    settled,
    variant,
)
from tests.localstack.services.waiting import until

pytestmark = pytest.mark.cloud

LINEAR = {"Type": "LINEAR", "WaitIntervalInSeconds": 60, "LinearStepSize": {"Type": "CAPACITY_PERCENT", "Value": 50}}
CANARY = {"Type": "CANARY", "WaitIntervalInSeconds": 200, "CanarySize": {"Type": "CAPACITY_PERCENT", "Value": 20}}


def policy(routing: dict[str, Any], *alarms: str, keep: int = 0) -> dict[str, Any]:
    stated: dict[str, Any] = {
        "BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": routing, "TerminationWaitInSeconds": keep}
    }
    if alarms:
        stated["AutoRollbackConfiguration"] = {"Alarms": [{"AlarmName": name} for name in alarms]}
    return stated


def events_of(serving: Any, endpoint: str) -> str:
    """The queue that has an endpoint's events."""
    sqs, events = serving.aws("sqs"), serving.aws("events")
    queue: str = sqs.create_queue(QueueName=endpoint)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    pattern = {"detail-type": ["SageMaker Endpoint State Change"], "detail": {"EndpointName": [endpoint]}}
    events.put_rule(Name=endpoint, EventPattern=json.dumps(pattern))
    events.put_targets(Rule=endpoint, Targets=[{"Id": "queue", "Arn": arn}])
    return queue


def received(serving: Any, queue: str, count: int) -> list[dict[str, Any]]:
    """That many events of a queue, in the order of their time."""
    sqs = serving.aws("sqs")
    found: list[dict[str, Any]] = []

    def more() -> bool:
        for message in sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", []):
            found.append(json.loads(message["Body"]))
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        return len(found) >= count

    until(more)
    return sorted(found, key=lambda event: int(event["detail"]["LastModifiedTime"]))


def stages(sagemaker: Any, name: str) -> list[tuple[str, str, str]]:
    """What DescribeEndpoint says until it is settled: states of the endpoint, of the new variant, and the message."""
    seen: list[tuple[str, str, str]] = []
    while True:
        found = sagemaker.describe_endpoint(EndpointName=name)
        pending = found.get("PendingDeploymentSummary", {}).get("ProductionVariants", [{}])[0]
        stage = pending.get("VariantStatus", [{"Status": "", "StatusMessage": ""}])[0]
        state = (found["EndpointStatus"], stage["Status"], stage["StatusMessage"])
        if not seen or seen[-1] != state:
            seen.append(state)
        if found["EndpointStatus"] == "InService":
            return seen
        time.sleep(0.02)


def test_a_canary_takes_its_share_and_an_endpoint_is_deleted_in_the_middle(
    serving: Any, sagemaker: Any, runtime: Any
) -> None:
    first, second = configure(sagemaker, variant("a")), configure(sagemaker, variant("b"))
    name = deploy(sagemaker, first)
    deployment = policy({**CANARY, "WaitIntervalInSeconds": 3600})
    sagemaker.update_endpoint(EndpointName=name, EndpointConfigName=second, DeploymentConfig=deployment)
    baking = until(
        lambda: sagemaker.describe_endpoint(EndpointName=name),
        lambda found: "takes 20%" in json.dumps(found.get("PendingDeploymentSummary", {}), default=str),
    )
    assert baking["EndpointStatus"] == "Updating"
    assert baking["EndpointConfigName"] == first
    assert baking["PendingDeploymentSummary"]["EndpointConfigName"] == second
    assert baking["PendingDeploymentSummary"]["ProductionVariants"][0]["CurrentInstanceCount"] == 1
    tags = [body.split(":")[0] for body in answers(runtime, name, 60)]
    folder = Path(serving.state_dir) / "endpoints" / "000000000000-us-east-1" / name
    assert len(list(folder.rglob("left-behind"))) == 2, "each server has a /tmp of its own"
    assert 0 < tags.count("b") < 30 < tags.count("a")
    delete(sagemaker, name)
    assert not folder.exists()


def test_a_canary_that_went_well_takes_everything(serving: Any, sagemaker: Any, runtime: Any) -> None:
    second = configure(sagemaker, variant("b"))
    name = deploy(sagemaker, configure(sagemaker, variant("a")))
    with Load(runtime, name) as load:
        deployment = policy({**CANARY, "WaitIntervalInSeconds": 150}, keep=160)
        sagemaker.update_endpoint(EndpointName=name, EndpointConfigName=second, DeploymentConfig=deployment)
        seen = stages(sagemaker, name)
        until(lambda: load.answers["b"])
    assert load.errors == []
    watched = "The new fleet takes {}% of the requests; the alarms are watched for {} seconds."
    assert [stage for stage in seen if stage[1] == "Baking"] == [
        ("Updating", "Baking", watched.format(20, 150)),
        ("Updating", "Baking", watched.format(100, 150)),
        ("Updating", "Baking", watched.format(100, 160)),
    ]
    found = settled(sagemaker, name)
    assert found["EndpointConfigName"] == second
    assert found["LastDeploymentConfig"] == deployment
    assert "PendingDeploymentSummary" not in found
    assert {body.split(":")[0] for body in answers(runtime, name)} == {"b"}
    folder = Path(serving.state_dir) / "endpoints" / "000000000000-us-east-1" / name
    until(lambda: len(list(folder.rglob("tmp"))) == 1)
    assert list(folder.rglob("log.txt")), "what the old server left in /tmp is gone, not its log"
    delete(sagemaker, name)


def test_linear_rolled_back_by_an_alarm_on_what_the_new_fleet_does(serving: Any, sagemaker: Any, runtime: Any) -> None:
    first, failing = configure(sagemaker, variant("a")), configure(sagemaker, variant("failing"))
    name = deploy(sagemaker, first)
    alarm = error_alarm(serving, name, EndpointName=name, VariantName="one", EndpointConfigName=failing)
    with pytest.raises(ClientError, match="ModelError"):
        runtime.invoke_endpoint(EndpointName=name, Body=b"bad")
    queue = events_of(serving, name)
    with Load(runtime, name) as load:
        deployment = policy({**LINEAR, "WaitIntervalInSeconds": 1000}, alarm)
        sagemaker.update_endpoint(EndpointName=name, EndpointConfigName=failing, DeploymentConfig=deployment)
        found = settled(sagemaker, name)
        assert (found["EndpointStatus"], found["EndpointConfigName"]) == ("InService", first)
        assert found["FailureReason"] == f"The deployment was rolled back: alarm {alarm} is in state ALARM."
        assert "LastDeploymentConfig" not in found
        watched = serving.aws("cloudwatch").describe_alarms(AlarmNames=[alarm])["MetricAlarms"][0]
        assert watched["StateValue"] == "ALARM"
        load.errors.clear()
        time.sleep(0.3)
    assert load.errors == [], "the old fleet has all requests again"
    told = [event["detail"] for event in received(serving, queue, 3)]
    assert [each["EndpointStatus"] for each in told] == ["UPDATING", "ROLLING_BACK", "IN_SERVICE"]
    assert alarm in told[-1]["FailureReason"]
    assert runtime.invoke_endpoint(EndpointName=name, Body=b"x")["Body"].read().startswith(b"a:")
    delete(sagemaker, name)


def test_an_alarm_of_another_kind_ends_the_last_wait_too(serving: Any, sagemaker: Any, runtime: Any) -> None:
    first, second = configure(sagemaker, variant("a")), configure(sagemaker, variant("b"))
    name = deploy(sagemaker, first)
    cloudwatch = serving.aws("cloudwatch")
    common = {"Statistic": "Sum", "Period": 3600, "EvaluationPeriods": 1, "Threshold": 1}
    alarm = f"{name}-orders"
    cloudwatch.put_metric_alarm(
        AlarmName=alarm, Namespace="Shop", MetricName="Lost", ComparisonOperator="GreaterThanThreshold", **common
    )
    everything = {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 0}
    deployment = policy(everything, alarm, "never-made", keep=3600)
    sagemaker.update_endpoint(EndpointName=name, EndpointConfigName=second, DeploymentConfig=deployment)

    def answered() -> bytes:
        body: bytes = runtime.invoke_endpoint(EndpointName=name, Body=b"x")["Body"].read()
        return body

    until(answered, lambda body: body.startswith(b"b:"))
    cloudwatch.set_alarm_state(AlarmName=alarm, StateValue="ALARM", StateReason="orders are lost")
    found = settled(sagemaker, name)
    assert found["EndpointConfigName"] == first
    assert alarm in found["FailureReason"]
    assert answered().startswith(b"a:")
    sagemaker.update_endpoint(EndpointName=name, EndpointConfigName=second)
    found = settled(sagemaker, name)
    assert found["EndpointConfigName"] == second
    assert "FailureReason" not in found, "a deployment that went well leaves no reason of the one before"
    delete(sagemaker, name)


def counts(sagemaker: Any, name: str) -> tuple[int, int]:
    """Instances that run: of the endpoint, and of the new fleet."""
    found = sagemaker.describe_endpoint(EndpointName=name)
    new = found.get("PendingDeploymentSummary", {}).get("ProductionVariants", [{}])[0]
    return found["ProductionVariants"][0]["CurrentInstanceCount"], new.get("CurrentInstanceCount", 0)


def rolling(*alarms: str, wait: int) -> dict[str, Any]:
    one = {"Type": "INSTANCE_COUNT", "Value": 1}
    stated: dict[str, Any] = {"RollingUpdatePolicy": {"MaximumBatchSize": one, "WaitIntervalInSeconds": wait}}
    if alarms:
        stated["AutoRollbackConfiguration"] = {"Alarms": [{"AlarmName": name} for name in alarms]}
    return stated


def test_rolling_and_back(serving: Any, sagemaker: Any, runtime: Any) -> None:
    first, second = configure(sagemaker, variant("a", count=2)), configure(sagemaker, variant("b", count=2))
    failing = configure(sagemaker, variant("failing", count=2))
    name = deploy(sagemaker, first)
    with Load(runtime, name) as load:
        deployment = rolling(wait=150)
        sagemaker.update_endpoint(EndpointName=name, EndpointConfigName=second, DeploymentConfig=deployment)
        seen = set()
        while sagemaker.describe_endpoint(EndpointName=name)["EndpointStatus"] == "Updating":
            seen.add(counts(sagemaker, name))
        # (1, 1) lasts for as long as a server takes to start: it may not be seen.
        assert {(2, 1), (1, 2)} <= seen <= {(2, 0), (2, 1), (1, 1), (1, 2)}, "one comes, one goes"
        assert max(old + new for old, new in seen) == 3
        assert counts(sagemaker, name) == (2, 0)
        assert load.answers["b"] > 0
        load.answers.clear()
        until(lambda: load.answers["b"] > 5)
        assert load.answers["a"] == 0
        alarm = error_alarm(serving, name, EndpointName=name, VariantName="one", EndpointConfigName=failing)
        assert load.errors == []
        deployment = rolling(alarm, wait=1000)
        sagemaker.update_endpoint(EndpointName=name, EndpointConfigName=failing, DeploymentConfig=deployment)
        found = settled(sagemaker, name)
        assert (found["EndpointStatus"], found["EndpointConfigName"]) == ("InService", second)
        assert alarm in found["FailureReason"]
        assert found["ProductionVariants"][0]["CurrentInstanceCount"] == 2
    assert {body.split(":")[0] for body in answers(runtime, name)} == {"b"}
    delete(sagemaker, name)


def test_a_rollback_that_fails_leaves_both_and_the_next_update_mends_it(
    serving: Any, sagemaker: Any, runtime: Any
) -> None:
    first, second = configure(sagemaker, variant("a", count=2)), configure(sagemaker, variant("b", count=2))
    name = deploy(sagemaker, first)
    cloudwatch = serving.aws("cloudwatch")
    cloudwatch.put_metric_alarm(
        AlarmName=name,
        Namespace="Shop",
        MetricName="Lost",
        ComparisonOperator="GreaterThanThreshold",
        Statistic="Sum",
        Period=3600,
        EvaluationPeriods=1,
        Threshold=1,
    )
    deployment = rolling(name, wait=500)
    sagemaker.update_endpoint(EndpointName=name, EndpointConfigName=second, DeploymentConfig=deployment)
    until(lambda: counts(sagemaker, name) == (1, 2))
    (image,) = (Path(serving.state_dir) / "images").glob("*.json")
    kept = image.read_bytes()
    image.unlink()
    try:
        cloudwatch.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="orders are lost")
        found = settled(sagemaker, name)
    finally:
        image.write_bytes(kept)
    assert found["EndpointStatus"] == "UpdateRollbackFailed"
    assert f"alarm {name} is in state ALARM. The rollback failed too" in found["FailureReason"]
    assert {body.split(":")[0] for body in answers(runtime, name)} <= {"a", "b"}, "it serves, with a mix of both"
    cloudwatch.set_alarm_state(AlarmName=name, StateValue="OK", StateReason="found")
    sagemaker.update_endpoint(EndpointName=name, EndpointConfigName=first)
    found = settled(sagemaker, name)
    assert (found["EndpointStatus"], found["EndpointConfigName"]) == ("InService", first)
    assert {body.split(":")[0] for body in answers(runtime, name)} == {"a"}
    delete(sagemaker, name)


def answers(runtime: Any, name: str, count: int = 8) -> list[str]:
    bodies = [runtime.invoke_endpoint(EndpointName=name, Body=b"x")["Body"].read() for _ in range(count)]
    return [body.decode() for body in bodies]


def test_an_update_that_takes_too_long_is_undone(sagemaker: Any) -> None:
    first, second = configure(sagemaker, variant("a")), configure(sagemaker, variant("b"))
    name = deploy(sagemaker, first)
    deployment = policy({**LINEAR, "WaitIntervalInSeconds": 400})
    deployment["BlueGreenUpdatePolicy"]["MaximumExecutionTimeoutInSeconds"] = 600
    sagemaker.update_endpoint(EndpointName=name, EndpointConfigName=second, DeploymentConfig=deployment)
    found = settled(sagemaker, name)
    assert found["EndpointConfigName"] == first
    assert "took more than MaximumExecutionTimeoutInSeconds, 600" in found["FailureReason"]
    delete(sagemaker, name)


def test_what_aws_refuses_is_refused_before_anything_changes(sagemaker: Any) -> None:
    config = configure(sagemaker, variant("a"))
    with pytest.raises(ClientError, match="not 60 percent"):
        sagemaker.create_endpoint(
            EndpointName="refused",
            EndpointConfigName=config,
            DeploymentConfig=policy({**CANARY, "CanarySize": {"Type": "CAPACITY_PERCENT", "Value": 60}}),
        )
    name = deploy(sagemaker, config, DeploymentConfig=policy(CANARY))
    other = configure(sagemaker, variant("b", name="two"))
    with pytest.raises(ClientError, match="must keep their names"):
        sagemaker.update_endpoint(EndpointName=name, EndpointConfigName=other, RetainDeploymentConfig=True)
    assert sagemaker.describe_endpoint(EndpointName=name)["EndpointStatus"] == "InService"
    sagemaker.update_endpoint(EndpointName=name, EndpointConfigName=other)
    assert settled(sagemaker, name)["ProductionVariants"][0]["VariantName"] == "two"
    delete(sagemaker, name)
