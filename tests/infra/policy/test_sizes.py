"""Machines within the limits of the environment."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.infra.policy.samples import UNKNOWN, configuration, resource, said

from penstock_policy import Environment, Limits, Resource, Settings
from penstock_policy.sizes import PIPELINE, SCALING, SPARK, is_size, machines_of, rank, within_limits

DEVELOPMENT = Settings(environment=Environment.DEVELOPMENT)
PRODUCTION = Settings(environment=Environment.PRODUCTION)


def variants(instance_type: str, count: int = 1) -> Resource:
    return configuration(
        productionVariants=[{"variantName": "v", "instanceType": instance_type, "initialInstanceCount": count}]
    )


def pipeline(**cluster: Any) -> Resource:
    definition = {
        "Parameters": [{"Name": "Type", "DefaultValue": "ml.p4d.24xlarge"}, {"Name": "Count", "DefaultValue": 9}],
        "Steps": [
            {"Name": "Train", "Type": "Training", "Arguments": {"ResourceConfig": cluster}},
            {"Name": "Else", "Arguments": {"IfSteps": [{"Name": "Deep", "Arguments": {}}]}},
        ],
    }
    return resource(PIPELINE, pipelineDefinition=json.dumps(definition))


def scaling(most: int, namespace: str = "sagemaker") -> Resource:
    return resource(SCALING, serviceNamespace=namespace, maxCapacity=most, minCapacity=1)


PASSING = {
    "a small endpoint": [variants("ml.m5.large", 2)],
    "an instance that is not known yet": [variants(UNKNOWN)],
    "a serverless endpoint": [configuration(productionVariants=[{"serverlessConfig": {"maxConcurrency": 20}}])],
    "a pipeline of small steps": [pipeline(InstanceType="ml.m5.xlarge", InstanceCount=1)],
    "a pipeline that is not known yet": [resource(PIPELINE, pipelineDefinition=UNKNOWN)],
    "a pipeline that is no JSON": [resource(PIPELINE, pipelineDefinition="-")],
    "scaling within the limit": [scaling(2)],
    "scaling of something else": [scaling(50, "dynamodb")],
    "Spark with an end": [resource(SPARK, maximumCapacity={"cpu": "16 vCPU", "memory": "64 GB"})],
    "no instance of SageMaker": [resource("aws:ec2/instance:Instance", instanceType="p4d.24xlarge")],
}
FAILING = {
    "a family": ("v: ml.g5.xlarge is of a family that is not allowed", [variants("ml.g5.xlarge")]),
    "a size": ("v: ml.m5.4xlarge is larger than 2xlarge", [variants("ml.m5.4xlarge")]),
    "a size of which nothing is known": ("ml.m5.gigantic is larger", [variants("ml.m5.gigantic")]),
    "a number": ("v: 3 instances; 2 are allowed", [variants("ml.m5.large", 3)]),
    "a shadow": (
        "s: ml.m5.12xlarge is larger",
        [configuration(shadowProductionVariants=[{"variantName": "s", "instanceType": "ml.m5.12xlarge"}])],
    ),
    "a pipeline's step": ("Train: ml.m5.4xlarge is larger", [pipeline(InstanceType="ml.m5.4xlarge")]),
    "a pipeline's parameter": (
        "Train: 9 instances",
        [pipeline(InstanceType="ml.m5.large", InstanceCount={"Get": "Parameters.Count"})],
    ),
    "scaling": ("it scales to 3 instances; 2 are allowed", [scaling(3)]),
    "Spark without end": ("it may grow without end", [resource(SPARK)]),
}


@pytest.mark.parametrize("case", PASSING)
def test_passes(case: str) -> None:
    assert said(within_limits(PASSING[case], DEVELOPMENT)) == []


@pytest.mark.parametrize("case", FAILING)
def test_refused(case: str) -> None:
    message, resources = FAILING[case]
    (found,) = said(within_limits(resources, DEVELOPMENT))
    assert found.startswith(message) or message in found


def test_limits_are_the_environments_or_the_stacks_own() -> None:
    large = [variants("ml.g5.4xlarge", 3)]
    assert said(within_limits(large, PRODUCTION)) == []
    assert said(within_limits(large, Settings(environment=Environment.STAGING))) == []
    assert len(said(within_limits(large, DEVELOPMENT))) == 3
    assert said(within_limits(large, Settings(environment=Environment.LOCAL))) == []
    assert said(within_limits(large, Settings())) == []
    own = Limits(families=frozenset({"g5"}), largest="xlarge", instances=3)
    assert said(within_limits(large, Settings(environment=Environment.PRODUCTION, limits=own))) == [
        "v: ml.g5.4xlarge is larger than xlarge"
    ]


def test_a_parameter_without_default_is_not_judged() -> None:
    assert list(machines_of(pipeline(InstanceType={"Get": "Parameters.Unset"}))) == []


def test_sizes_in_order() -> None:
    sizes = ["medium", "large", "xlarge", "2xlarge", "12xlarge", "24xlarge", "metal"]
    assert sorted(sorted(sizes), key=rank) == sizes
    assert all(map(is_size, sizes))
    assert not is_size("huge")
