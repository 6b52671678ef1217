"""Application Auto Scaling against a local cloud, which keeps the record and scales nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.localstack.deploy.round_trip import changed, client, find_again, project, run

pytestmark = pytest.mark.cloud

PROGRAM = """
    place = {"service_namespace": "sagemaker", "resource_id": "endpoint/types/variant/AllTraffic",
        "scalable_dimension": "sagemaker:variant:DesiredInstanceCount"}
    target = aws.appautoscaling.Target("target", **place, min_capacity=1, max_capacity=2 if one else 4, tags={"v": v})
    where = {name: getattr(target, name) for name in place}
    aws.appautoscaling.Policy("tracking", **where, policy_type="TargetTrackingScaling",
        target_tracking_scaling_policy_configuration={"target_value": 70 if one else 50, "scale_in_cooldown": 300,
            "predefined_metric_specification": {"predefined_metric_type": "SageMakerVariantInvocationsPerInstance"}})
    step = aws.appautoscaling.Policy("step", **where, policy_type="StepScaling",
        step_scaling_policy_configuration={"adjustment_type": "ChangeInCapacity", "metric_aggregation_type": "Average",
            "cooldown": 60, "step_adjustments": [{"metric_interval_lower_bound": "0", "scaling_adjustment": int(v)}]})
    aws.appautoscaling.ScheduledAction("night", **where, name="night", schedule=f"cron(0 2{v} * * ? *)",
        timezone="Europe/Berlin", scalable_target_action={"min_capacity": 1, "max_capacity": 1})
    pulumi.export("step", step.arn)
"""


def test_scaling(tmp_path: Path, cloud_environment: dict[str, str]) -> None:
    scaling = client(cloud_environment, "application-autoscaling")
    first = project(tmp_path, cloud_environment, "scaling", PROGRAM)
    try:
        assert run(first, "up").counts["create"] == 5
        for operation in ("up", "refresh", "preview"):
            assert run(first, operation).changes == []
        find_again(first, cloud_environment)
        assert ":scalingPolicy:" in first.outputs()["step"]
        (action,) = scaling.describe_scheduled_actions(ServiceNamespace="sagemaker")["ScheduledActions"]
        assert action["Timezone"] == "Europe/Berlin"

        scaling.register_scalable_target(
            ServiceNamespace="sagemaker",
            ResourceId="endpoint/types/variant/AllTraffic",
            ScalableDimension="sagemaker:variant:DesiredInstanceCount",
            MaxCapacity=9,
        )
        assert changed(run(first, "refresh")) == [("update", "target")]
        assert changed(run(first, "up")) == [("update", "target")]

        second = project(tmp_path, cloud_environment, "scaling", PROGRAM, "2")
        assert run(second, "up").counts["update"] == 4
        assert run(second, "refresh").changes == []
        assert run(second, "preview").changes == []
        (target,) = scaling.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"]
        assert (target["MinCapacity"], target["MaxCapacity"]) == (1, 4)
    finally:
        assert first.destroy().ok
    assert first.resources() == []
    assert scaling.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"] == []
    assert scaling.describe_scaling_policies(ServiceNamespace="sagemaker")["ScalingPolicies"] == []
    assert scaling.describe_scheduled_actions(ServiceNamespace="sagemaker")["ScheduledActions"] == []
