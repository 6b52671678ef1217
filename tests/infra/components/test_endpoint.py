"""The endpoint under each of its nine strategies."""

from __future__ import annotations

import json
from typing import Any

import pytest

from penstock_infra.components.endpoint import Endpoint, EndpointArguments
from penstock_infra.errors import ConfigurationError
from penstock_infra.placement import Placement
from penstock_infra.serving import EndpointSettings
from penstock_policy import Environment, Resource, Settings, check

KEY = "arn:aws:kms:eu-central-1:123456789012:key/data"
FILES = "arn:aws:kms:eu-central-1:123456789012:key/artifacts"
ROLE = "arn:aws:iam::123456789012:role/serving"
SCHEDULES = "arn:aws:iam::123456789012:role/transform-schedule"
ALARMS = "arn:aws:sns:eu-central-1:123456789012:alarms"
PACKAGE = "arn:aws:sagemaker:eu-central-1:123456789012:model-package/flight-delays/"
EXAMPLES: dict[str, dict[str, Any]] = {
    "Endpoint": {
        "model": "flight-delays",
        "model_package_arn": f"{PACKAGE}1",
        "capture_bucket": "artifacts",
        "role_arn": ROLE,
        "alarm_topic_arn": ALARMS,
        "data_key_arn": KEY,
        "artifact_key_arn": FILES,
    }
}
CONFIGURATION = "aws:sagemaker/endpointConfiguration:EndpointConfiguration"
ENDPOINT = "aws:sagemaker/endpoint:Endpoint"
ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"
NAMES = [{"alarmName": f"penstock-endpoint-flight-delays-{purpose}"} for purpose in ("errors", "latency")]
STRATEGIES: dict[str, dict[str, Any]] = {
    "all_at_once": {},
    "canary": {"instance_count": 2},
    "linear": {"instance_count": 2},
    "rolling": {"instance_count": 2},
    "shadow": {},
    "ab": {},
    "serverless": {},
    "async": {},
    "batch": {},
}


@pytest.fixture
def serve(run_program: Any, placement: Placement) -> Any:
    """The resources of an endpoint with these settings."""

    def run(strategy: str, challenger: str | None = None, **settings: Any) -> Any:
        arguments = EndpointArguments(
            placement=placement,
            **EXAMPLES["Endpoint"],
            challenger_package_arn=challenger,
            schedule_role_arn=SCHEDULES,
            settings=EndpointSettings(strategy=strategy, **{**STRATEGIES[strategy], **settings}),  # type: ignore[arg-type]
        )
        return run_program(lambda: Endpoint("flight-delays", arguments))

    return run


def deployment(run: Any) -> dict[str, Any]:
    return run.one(ENDPOINT).inputs["deploymentConfig"]  # type: ignore[no-any-return]


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_every_strategy_passes_the_policies_of_production(strategy: str, serve: Any, placement: Placement) -> None:
    run = serve(strategy, challenger=f"{PACKAGE}2")
    resources = [Resource(type=item.type, name=item.name, inputs=item.inputs) for item in run.resources if item.custom]
    unwatched = {"monitored"}  # the drift alarm is another component's
    found = check(resources, Settings(environment=Environment.PRODUCTION))
    assert [str(item) for item in found if item.policy not in unwatched] == []
    expected = placement.tags.as_dict()
    taggable = [item for item in run.resources if "tags" in item.inputs]
    assert taggable
    assert all(item.inputs["tags"] == expected for item in taggable)


@pytest.mark.parametrize("strategy", [name for name in STRATEGIES if name != "batch"])
def test_the_kind_of_endpoint_decides_its_name(strategy: str, serve: Any) -> None:
    """What SageMaker cannot update in place gets an endpoint of its own, beside the old one."""
    endpoint = serve(strategy).one(ENDPOINT)
    own = {"serverless": "flight-delays-serverless", "async": "flight-delays-async"}.get(strategy, "flight-delays")
    assert endpoint.inputs["name"] == endpoint.name == own


@pytest.mark.parametrize("strategy", ["all_at_once", "canary", "linear", "rolling", "shadow", "ab", "async"])
def test_the_same_alarms_undo_every_deployment(strategy: str, serve: Any) -> None:
    """For the AWS provider an endpoint that gets or loses its rollback alarms is another endpoint."""
    run = serve(strategy)
    suffix = "-async" if strategy == "async" else ""
    names = [{"alarmName": item["alarmName"].replace("delays-", f"delays{suffix}-")} for item in NAMES]
    assert deployment(run)["autoRollbackConfiguration"] == {"alarms": names}
    assert {item.inputs["name"] for item in run.of(ALARM)} == {item["alarmName"] for item in names}
    endpoint = run.one(ENDPOINT)
    assert any(":EndpointAlarms$" in urn or "EndpointAlarms" in urn for urn in endpoint.dependencies)


@pytest.mark.parametrize("strategy", ["all_at_once", "shadow", "ab", "async"])
def test_what_waits_for_nothing_names_no_policy(strategy: str, serve: Any) -> None:
    """With a policy SageMaker wants the same variants before and after: a challenger could neither come nor go."""
    assert set(deployment(serve(strategy, challenger=f"{PACKAGE}2"))) == {"autoRollbackConfiguration"}


def test_a_challenger_comes_and_goes_whatever_is_waited_for(serve: Any) -> None:
    assert set(deployment(serve("ab", traffic={"wait_seconds": 60}))) == {"autoRollbackConfiguration"}


def test_all_at_once_can_wait(serve: Any) -> None:
    assert deployment(serve("all_at_once", traffic={"wait_seconds": 60}))["blueGreenUpdatePolicy"] == {
        "trafficRoutingConfiguration": {"type": "ALL_AT_ONCE", "waitIntervalInSeconds": 60},
        "terminationWaitInSeconds": 0,
        "maximumExecutionTimeoutInSeconds": 3600,
    }


def test_canary(serve: Any) -> None:
    run = serve("canary", traffic={"step_percent": 25, "wait_seconds": 120, "termination_wait_seconds": 60})
    assert deployment(run)["blueGreenUpdatePolicy"] == {
        "trafficRoutingConfiguration": {
            "type": "CANARY",
            "waitIntervalInSeconds": 120,
            "canarySize": {"type": "CAPACITY_PERCENT", "value": 25},
        },
        "terminationWaitInSeconds": 60,
        "maximumExecutionTimeoutInSeconds": 3600,
    }


def test_linear(serve: Any) -> None:
    routing = deployment(serve("linear"))["blueGreenUpdatePolicy"]["trafficRoutingConfiguration"]
    assert routing["type"] == "LINEAR"
    assert routing["waitIntervalInSeconds"] == 300
    assert routing["linearStepSize"] == {"type": "CAPACITY_PERCENT", "value": 20}


def test_rolling(serve: Any) -> None:
    found = deployment(serve("rolling", traffic={"step_percent": 50, "wait_seconds": 10}))
    assert "blueGreenUpdatePolicy" not in found
    assert found["rollingUpdatePolicy"] == {
        "maximumBatchSize": {"type": "CAPACITY_PERCENT", "value": 50},
        "waitIntervalInSeconds": 10,
        "maximumExecutionTimeoutInSeconds": 3600,
    }


def test_shadow_copies_requests_to_the_challenger(serve: Any) -> None:
    run = serve("shadow", challenger=f"{PACKAGE}2", shadow={"request_percent": 50, "instance_count": 3})
    configuration = run.one(CONFIGURATION).inputs
    (live,) = configuration["productionVariants"]
    (shadow,) = configuration["shadowProductionVariants"]
    assert (live["variantName"], live["initialVariantWeight"]) == ("AllTraffic", 1)
    assert (shadow["variantName"], shadow["initialVariantWeight"]) == ("Challenger", 0.5)
    assert shadow["initialInstanceCount"] == 3
    packages = {item.inputs["name"]: item.inputs["primaryContainer"] for item in run.of("aws:sagemaker/model:Model")}
    assert packages[live["modelName"]] == {"modelPackageName": f"{PACKAGE}1"}
    assert packages[shadow["modelName"]] == {"modelPackageName": f"{PACKAGE}2"}


def test_ab_gives_the_challenger_its_share_and_alarms(serve: Any) -> None:
    run = serve("ab", challenger=f"{PACKAGE}2", ab={"challenger_percent": 30})
    configuration = run.one(CONFIGURATION).inputs
    assert "shadowProductionVariants" not in configuration
    weights = {item["variantName"]: item["initialVariantWeight"] for item in configuration["productionVariants"]}
    assert weights == {"AllTraffic": 70, "Challenger": 30}
    watched = {item.inputs["name"]: item.inputs["dimensions"]["VariantName"] for item in run.of(ALARM)}
    assert watched == {
        "penstock-endpoint-flight-delays-errors": "AllTraffic",
        "penstock-endpoint-flight-delays-latency": "AllTraffic",
        "penstock-endpoint-flight-delays-challenger-errors": "Challenger",
        "penstock-endpoint-flight-delays-challenger-latency": "Challenger",
    }
    assert deployment(run)["autoRollbackConfiguration"] == {"alarms": NAMES}


@pytest.mark.parametrize("strategy", ["shadow", "ab"])
@pytest.mark.parametrize("challenger", [None, f"{PACKAGE}1"])
def test_without_a_challenger_the_live_version_serves_alone(strategy: str, challenger: str | None, serve: Any) -> None:
    run = serve(strategy, challenger=challenger)
    configuration = run.one(CONFIGURATION).inputs
    assert len(configuration["productionVariants"]) == 1
    assert "shadowProductionVariants" not in configuration
    assert configuration["productionVariants"][0]["initialVariantWeight"] == 1


@pytest.mark.parametrize("strategy", ["all_at_once", "canary", "serverless", "async", "batch"])
def test_other_strategies_take_no_notice_of_a_challenger(strategy: str, serve: Any) -> None:
    assert len(serve(strategy, challenger=f"{PACKAGE}2").of("aws:sagemaker/model:Model")) == 1


def test_serverless(serve: Any) -> None:
    run = serve(
        "serverless", serverless={"memory_megabytes": 4096, "max_concurrency": 20, "provisioned_concurrency": 2}
    )
    configuration = run.one(CONFIGURATION).inputs
    (variant,) = configuration["productionVariants"]
    assert variant["serverlessConfig"] == {"memorySizeInMb": 4096, "maxConcurrency": 20, "provisionedConcurrency": 2}
    assert not {"instanceType", "initialInstanceCount"} & set(variant)
    assert not {"dataCaptureConfig", "kmsKeyArn"} & set(configuration), "SageMaker takes neither"
    assert "deploymentConfig" not in run.one(ENDPOINT).inputs


def test_async(serve: Any) -> None:
    configuration = serve("async").one(CONFIGURATION).inputs
    topic = "arn:aws:sns:eu-central-1:123456789012:penstock-prod-async-flight-delays-"
    assert configuration["asyncInferenceConfig"] == {
        "clientConfig": {"maxConcurrentInvocationsPerInstance": 4},
        "outputConfig": {
            "s3OutputPath": "s3://artifacts/async/output/flight-delays",
            "s3FailurePath": "s3://artifacts/async/failure/flight-delays",
            "kmsKeyId": FILES,
            "notificationConfig": {"successTopic": f"{topic}success", "errorTopic": f"{topic}error"},
        },
    }
    assert "dataCaptureConfig" not in configuration


def test_async_topics_are_encrypted_and_can_be_left_out(serve: Any) -> None:
    topics = serve("async").of("aws:sns/topic:Topic")
    assert [item.inputs["kmsMasterKeyId"] for item in topics] == [KEY, KEY]
    assert not serve("async", async_inference={"notify": False}).has("aws:sns/topic:Topic")


def test_async_is_judged_by_its_queue(serve: Any) -> None:
    alarms = {item.inputs["metricName"]: item.inputs for item in serve("async").of(ALARM)}
    assert set(alarms) == {"InvocationFailures", "TimeInBacklog"}
    assert alarms["TimeInBacklog"]["threshold"] == 2_000_000


def test_batch_has_a_model_and_a_schedule_and_no_endpoint(serve: Any) -> None:
    run = serve("batch", batch={"schedule": "cron(0 3 * * ? *)", "timezone": "Europe/Berlin"})
    assert not run.has(ENDPOINT)
    assert not run.has(CONFIGURATION)
    schedule = run.one("aws:scheduler/schedule:Schedule").inputs
    assert schedule["scheduleExpression"] == "cron(0 3 * * ? *)"
    assert schedule["scheduleExpressionTimezone"] == "Europe/Berlin"
    assert schedule["kmsKeyArn"] == KEY
    assert schedule["target"]["roleArn"] == SCHEDULES
    assert schedule["target"]["arn"] == "arn:aws:scheduler:::aws-sdk:sagemaker:createTransformJob"
    request = json.loads(schedule["target"]["input"])
    assert request["ModelName"] == run.one("aws:sagemaker/model:Model").inputs["name"]
    assert request["TransformOutput"]["KmsKeyId"] == request["DataCaptureConfig"]["KmsKeyId"] == FILES
    assert request["TransformResources"]["VolumeKmsKeyId"] == KEY
    outputs = next(value for value in run.component_outputs.values() if "endpointName" in value)
    assert outputs["endpointName"] == ""


def test_a_batch_schedule_needs_a_role(run_program: Any, placement: Placement) -> None:
    settings = EndpointSettings.model_validate({"strategy": "batch", "batch": {"schedule": "rate(1 day)"}})
    arguments = EndpointArguments(placement=placement, **EXAMPLES["Endpoint"], settings=settings)
    with pytest.raises(ConfigurationError, match="no role may start the jobs"):
        run_program(lambda: Endpoint("flight-delays", arguments))


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_switched_off_it_makes_nothing(strategy: str, serve: Any) -> None:
    run = serve(strategy, enabled=False)
    assert [item.type for item in run.resources] == ["penstock:serving:Endpoint"]


def test_the_volume_has_the_key_of_the_data(serve: Any) -> None:
    assert serve("all_at_once").one(CONFIGURATION).inputs["kmsKeyArn"] == KEY


@pytest.mark.parametrize("instance_type", ["ml.g5.xlarge", "ml.m5d.large"])
def test_disks_that_the_hardware_encrypts_take_no_key(instance_type: str, serve: Any) -> None:
    assert "kmsKeyArn" not in serve("all_at_once", instance_type=instance_type).one(CONFIGURATION).inputs


def test_captures_are_encrypted(serve: Any) -> None:
    capture = serve("all_at_once").one(CONFIGURATION).inputs["dataCaptureConfig"]
    assert capture["kmsKeyId"] == FILES
    assert {option["captureMode"] for option in capture["captureOptions"]} == {"Input", "Output"}


def test_the_alarms_judge_the_new_fleet_alone(serve: Any) -> None:
    """An old fleet that fails must not undo the deployment that mends it."""
    run = serve("canary")
    name = run.one(CONFIGURATION).inputs["name"]
    assert {item.inputs["dimensions"]["EndpointConfigName"] for item in run.of(ALARM)} == {name}


def test_a_deployment_starts_with_no_fewer_instances_than_scaling_keeps(serve: Any) -> None:
    run = serve("all_at_once", scaling={"minimum": 3, "maximum": 5})
    assert run.one(CONFIGURATION).inputs["productionVariants"][0]["initialInstanceCount"] == 3
    assert run.one("aws:appautoscaling/target:Target").inputs["resourceId"] == (
        "endpoint/flight-delays/variant/AllTraffic"
    )


def test_a_promoted_challenger_stays_the_model_that_it_is(serve: Any) -> None:
    """Made anew under its old name, it would be refused while the old one is still there."""

    def models(run: Any) -> dict[str, str]:
        return {item.inputs["name"]: item.urn for item in run.of("aws:sagemaker/model:Model")}

    compared = models(serve("ab", challenger=f"{PACKAGE}2"))
    alone = models(serve("ab", challenger=f"{PACKAGE}1"))
    assert set(alone.items()) < set(compared.items())
    assert len(set(compared.values())) == 2


def test_a_configuration_stays_the_resource_that_it_is_while_its_content_is_the_same(serve: Any) -> None:
    """So that an update which was rolled back is undone without making anything."""

    def identity(*changes: Any, **settings: Any) -> tuple[str, str]:
        found = serve(*changes, **settings).one(CONFIGURATION)
        return found.urn, found.inputs["name"]

    plain = identity("all_at_once", instance_count=2)
    assert identity("canary") == identity("linear") == plain
    assert identity("all_at_once", instance_count=2, alarms={"error_percent": 5}) == plain
    for other in (identity("all_at_once"), identity("all_at_once", instance_count=2, data_capture_percent=1)):
        assert other[0] != plain[0]
        assert other[1] != plain[1]


def test_the_model_runs_in_the_network(run_program: Any, placement: Placement) -> None:
    network = {"subnet_ids": ("subnet-b", "subnet-a"), "security_group_id": "sg-1"}

    def model(strategy: str, **more: Any) -> dict[str, Any]:
        settings = EndpointSettings.model_validate({"strategy": strategy})
        arguments = EndpointArguments(placement=placement, **EXAMPLES["Endpoint"], settings=settings, **more)
        run = run_program(lambda: Endpoint("flight-delays", arguments))
        return run.one("aws:sagemaker/model:Model").inputs  # type: ignore[no-any-return]

    inside, outside = model("all_at_once", **network), model("all_at_once")
    assert inside["vpcConfig"] == {"subnets": ["subnet-a", "subnet-b"], "securityGroupIds": ["sg-1"]}
    assert inside["name"] != outside["name"], "a model cannot be changed"
    assert "vpcConfig" not in outside
    assert "vpcConfig" not in model("serverless", **network), "SageMaker does not take it there"
