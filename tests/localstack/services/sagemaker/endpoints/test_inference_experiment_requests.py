"""What is asked of inference experiments: refusals, lists, and the time that a schedule means."""

from __future__ import annotations

import time
import uuid
from datetime import timedelta
from typing import Any

import pytest
from tests.localstack.services.sagemaker.endpoints.hosted_components import hosting
from tests.localstack.services.sagemaker.endpoints.serving_endpoints import BUCKET, configure, delete, deploy, variant
from tests.localstack.services.sagemaker.endpoints.shadow_tests import (
    HOUR,
    asked,
    compared,
    create,
    mode,
    now,
    reached,
    refused,
)

from penstock_services.errors import ServiceError
from penstock_services.sagemaker.endpoints.inference_experiments import schedule

pytestmark = pytest.mark.cloud


def test_what_aws_refuses_is_refused_before_anything_is_made(sagemaker: Any) -> None:
    endpoint = deploy(sagemaker, configure(sagemaker, variant("a")))
    create_experiment = sagemaker.create_inference_experiment
    soon = now() + HOUR
    inf1 = compared("b", "shade")
    inf1["InfrastructureConfig"]["RealTimeInferenceConfig"]["InstanceType"] = "ml.inf1.xlarge"
    a = compared("a", "one")
    cases: list[tuple[dict[str, Any], str]] = [
        ({"EndpointName": "nowhere"}, "Could not find endpoint"),
        ({"ModelVariants": [a]}, "must have the variants of ShadowModeConfig"),
        ({"ModelVariants": [a, compared("nothing", "shade")]}, "Could not find model"),
        ({"ModelVariants": [a, compared("b", "shade", count=0)]}, "InstanceCount of variant shade"),
        ({"ModelVariants": [a, inf1]}, "Inf1"),
        ({"ShadowModeConfig": mode(-1)}, "SamplingPercentage"),
        ({"ShadowModeConfig": mode(101)}, "less than or equal to 100"),
        ({"ShadowModeConfig": mode(source="shade")}, "the source and the shadow"),
        (
            {"ModelVariants": [compared("a", "two"), compared("b", "shade")], "ShadowModeConfig": mode(source="two")},
            "one production variant",
        ),
        ({"Schedule": {"StartTime": soon, "EndTime": soon - HOUR / 2}}, "after its StartTime"),
        ({"Schedule": {"EndTime": now() - HOUR}}, "in the future"),
        ({"Schedule": {"StartTime": soon, "EndTime": soon + timedelta(days=31)}}, "at most 30 days"),
    ]
    for change, problem in cases:
        code, message = refused(create_experiment, **asked(endpoint, **change))
        assert code == "ValidationException", message
        assert problem in message
    code, message = refused(create_experiment, **asked(endpoint, ModelVariants=[a, compared("b", "shade", count=9)]))
    assert code == "ResourceLimitExceeded"
    two = deploy(sagemaker, configure(sagemaker, variant("a"), variant("b", name="two")))
    assert "one production variant" in refused(create_experiment, **asked(two))[1]
    serverless = variant("a", ServerlessConfig={"MemorySizeInMB": 1024, "MaxConcurrency": 1})
    cold = deploy(sagemaker, configure(sagemaker, serverless))
    assert "serverless" in refused(create_experiment, **asked(cold))[1]
    later = {"AsyncInferenceConfig": {"OutputConfig": {"S3OutputPath": f"s3://{BUCKET}/later"}}}
    queued = deploy(sagemaker, configure(sagemaker, variant("a"), **later))
    assert "asynchronous" in refused(create_experiment, **asked(queued))[1]
    shared = hosting(sagemaker)
    assert "inference components" in refused(create_experiment, **asked(shared))[1]
    listed = sagemaker.list_inference_experiments(MaxResults=100)["InferenceExperiments"]
    for each in listed:
        assert (
            sagemaker.describe_inference_experiment(Name=each["Name"])["EndpointMetadata"]["EndpointName"] != endpoint
        )
    for verb in ("describe", "start", "update", "delete"):
        assert refused(getattr(sagemaker, f"{verb}_inference_experiment"), Name="nothing")[0] == "ResourceNotFound"
    for name in (endpoint, two, cold, queued, shared):
        delete(sagemaker, name)


def test_lists_are_filtered_and_sorted(sagemaker: Any) -> None:
    endpoint = deploy(sagemaker, configure(sagemaker, variant("a")))
    mark = f"listed-{uuid.uuid4().hex[:8]}"
    names = [f"{mark}-{letter}" for letter in "bac"]
    began = now()
    for number, name in enumerate(names, 1):
        create(sagemaker, endpoint, Name=name, Schedule={"StartTime": now() + number * 200 * HOUR})
        reached(sagemaker, name, "Created")
    sagemaker.stop_inference_experiment(Name=names[0], ModelVariantActions={"shade": "Remove"}, Reason="no need")
    assert reached(sagemaker, names[0], "Cancelled")["StatusReason"] == "no need"

    def listed(**request: Any) -> list[str]:
        rows = sagemaker.list_inference_experiments(NameContains=mark, **request)["InferenceExperiments"]
        return [row["Name"] for row in rows]

    b, a, c = names
    assert listed(SortBy="Name", SortOrder="Ascending") == [a, b, c]
    assert listed(SortBy="CreationTime", SortOrder="Ascending") == [b, a, c]
    assert listed(SortBy="Status", SortOrder="Ascending") == [b, a, c]
    assert listed(StatusEquals="Cancelled") == [b]
    assert sorted(listed(Type="ShadowMode")) == sorted(names)
    middle = sagemaker.describe_inference_experiment(Name=a)["CreationTime"]
    assert sorted(listed(CreationTimeAfter=middle)) == sorted([a, c])
    assert sorted(listed(CreationTimeBefore=middle)) == sorted([b, a])
    changed = sagemaker.describe_inference_experiment(Name=b)["LastModifiedTime"]
    assert listed(LastModifiedTimeAfter=changed) == [b]
    assert listed(LastModifiedTimeBefore=began - HOUR) == []
    page = sagemaker.list_inference_experiments(NameContains=mark, SortBy="Name", SortOrder="Ascending", MaxResults=2)
    rest = sagemaker.list_inference_experiments(
        NameContains=mark, SortBy="Name", SortOrder="Ascending", NextToken=page["NextToken"]
    )
    (last,) = rest["InferenceExperiments"]
    assert last["Name"] == c
    assert {"Type", "Status", "Schedule", "CreationTime", "LastModifiedTime", "RoleArn"} <= set(last)
    delete(sagemaker, endpoint)


def test_the_time_that_is_meant() -> None:
    moment = time.time()
    week, month = 7 * 24 * 3600, 30 * 24 * 3600
    assert schedule.resolved({}, moment) == {"StartTime": moment, "EndTime": moment + week}
    assert schedule.resolved({"StartTime": moment - 9}, moment) == {"StartTime": moment, "EndTime": moment + week}
    longest = {"StartTime": moment + 5, "EndTime": moment + 5 + month}
    assert schedule.resolved(longest, moment) == longest
    with pytest.raises(ServiceError, match="at most 30 days"):
        schedule.extended(longest, {"EndTime": longest["EndTime"] + 1}, moment)
    assert schedule.extended(longest, {"EndTime": moment + 6}, moment)["EndTime"] == moment + 6
