"""A month's cost from a plan and the dated price list."""

from __future__ import annotations

import datetime
import importlib
import json
from pathlib import Path
from typing import Any

import pytest
from tests.ci.conftest import Penstock

from penstock_ci import operation, stacks, target
from penstock_ci.cost.estimate import (
    ALARM,
    CONFIGURATION,
    ENDPOINT,
    NOTEBOOK,
    TRACKING_SERVER,
    VPC_ENDPOINT,
    Estimate,
    estimate,
    together,
)
from penstock_ci.cost.prices import FILE, Prices, load
from penstock_ci.cost.telling import summary
from penstock_ci.plans import PLANNED, Operation, PlannedResource
from penstock_ci.target import Target
from penstock_infra.feature_schema import FeatureSchema
from penstock_infra.job_definition import MonitoringJobDefinition

BUCKET = "aws:s3/bucket:Bucket"
KEY = "aws:kms/key:Key"
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"


@pytest.fixture(scope="module")
def prices() -> Prices:
    return load()


def planned(type_: str, name_: str = "it", operation: Operation = "create", /, **inputs: Any) -> PlannedResource:
    return PlannedResource(
        urn=f"urn:pulumi:dev::p::{type_}::{name_}",
        type=type_,
        name=name_,
        operation=operation,
        protect=False,
        inputs=inputs,
    )


def configuration(*variants: dict[str, Any], name: str = "c", operation: Operation = "create") -> PlannedResource:
    return planned(CONFIGURATION, name, operation, name=name, productionVariants=list(variants))


def endpoint(config: str = "c") -> PlannedResource:
    return planned(ENDPOINT, "delays", endpointConfigName=config)


def instances(type_: str, count: Any = 1) -> dict[str, Any]:
    return {"instanceType": type_, "initialInstanceCount": count}


@pytest.mark.parametrize(
    ("resources", "monthly"),
    [
        ([], 0.0),
        ([planned(KEY), planned(KEY, "b", "same"), planned("aws:secretsmanager/secret:Secret")], 2.40),
        ([planned(KEY, "gone", "delete")], 0.0),
        ([planned("aws:ec2/natGateway:NatGateway")], 32.85),
        ([planned(VPC_ENDPOINT, vpcEndpointType="Interface", subnetIds=["a", "b"])], 14.60),
        ([planned(VPC_ENDPOINT, vpcEndpointType="Gateway"), planned(VPC_ENDPOINT)], 0.0),
        ([planned(NOTEBOOK, instanceType="ml.t3.medium")], 36.50),
        ([planned(TRACKING_SERVER), planned(TRACKING_SERVER, trackingServerSize="Small")], 937.32),
        ([planned(ALARM, period=300)], 0.10),
        ([planned(ALARM, period=10)], 0.30),
        ([planned(ALARM, period=UNKNOWN)], 0.10),
        (
            [
                planned(
                    ALARM, metricQueries=[{"metric": {"period": 60}}, {"metric": {"period": 60}}, {"expression": "a/b"}]
                )
            ],
            0.20,
        ),
        ([configuration(instances("ml.m5.large", 2)), endpoint()], 167.90),
        ([configuration(instances("ml.m5.large")), endpoint(UNKNOWN)], 83.95),
        ([configuration(instances("ml.m5.large", UNKNOWN)), endpoint()], 83.95),
        ([configuration(instances("ml.m5.large"), instances("ml.c5.xlarge")), endpoint()], 232.87),
        ([configuration(instances("ml.m5.large"))], 0.0),
        (
            [
                configuration(instances("ml.g5.xlarge"), name="old", operation="delete"),
                configuration(instances("ml.m5.large")),
                endpoint(),
            ],
            83.95,
        ),
    ],
)
def test_monthly(resources: list[PlannedResource], monthly: float, prices: Prices) -> None:
    found = estimate(resources, prices)
    assert found.monthly == pytest.approx(monthly, abs=0.006)
    assert found.unknown == ()


def test_shadow_variants_cost_as_well(prices: Prices) -> None:
    shadow = planned(
        CONFIGURATION, "c", name="c", productionVariants=[instances("ml.m5.large")],
        shadowProductionVariants=[instances("ml.m5.large")],
    )  # fmt: skip
    assert estimate([shadow, endpoint()], prices).monthly == 167.90


def test_what_costs_by_use_is_listed_and_not_summed(prices: Prices) -> None:
    serverless = configuration({"serverlessConfig": {"memorySizeInMb": 2048}})
    found = estimate([planned(BUCKET, "raw"), planned(BUCKET, "clean"), serverless, endpoint()], prices)
    assert found.monthly == 0.0
    by_use = {line.type: line for line in found.by_use}
    assert by_use[BUCKET].names == ("raw", "clean")
    assert (by_use[BUCKET].prices[0].usd, by_use[BUCKET].prices[0].unit) == (0.023, "GB and month")
    assert by_use[ENDPOINT].prices[0].usd == 0.00002


@pytest.mark.parametrize(
    ("resources", "why"),
    [
        ([planned("aws:rds/cluster:Cluster")], "does not know this type"),
        ([configuration(instances("ml.p9.huge")), endpoint()], "does not know ml.p9.huge"),
        ([planned(NOTEBOOK, instanceType=UNKNOWN)], "does not know"),
        ([planned(TRACKING_SERVER, trackingServerSize="Large")], "does not know Large"),
        ([endpoint()], "its configuration is not in this stack"),
        (
            [
                configuration(instances("ml.m5.large"), name="a"),
                configuration(instances("ml.m5.large"), name="b"),
                endpoint(),
            ],
            "its configuration is not in this stack, or not known yet",
        ),
    ],
)
def test_what_has_no_known_price_is_listed(resources: list[PlannedResource], why: str, prices: Prices) -> None:
    found = estimate(resources, prices)
    (line,) = found.unknown
    assert why in line.why
    assert found.monthly == 0.0


def test_together(prices: Prices) -> None:
    one = estimate([planned(KEY), planned(BUCKET), planned("aws:x/y:Y")], prices)
    whole = together([one, one, Estimate()])
    assert (whole.monthly, len(whole.unknown)) == (2.0, 2)
    assert [line.names for line in whole.by_use] == [("it", "it")]


def test_the_sum_is_told_as_an_estimate(prices: Prices) -> None:
    told = summary(estimate([planned(KEY), planned(BUCKET), planned("aws:x/y:Y")], prices), prices)
    assert told == (
        f"estimate: 1.00 USD a month (list prices of us-east-1, {prices.date}); not in it: 1 by use, 1 without a known price"
    )


def test_every_price_has_unit_source_and_date(prices: Prices) -> None:
    assert isinstance(prices.date, datetime.date)
    listed = [
        *prices.monthly.values(), *prices.hourly.values(), prices.alarm, prices.fast_alarm, prices.interface_endpoint,
        *prices.hosting.values(), *prices.notebooks.values(), *prices.tracking_servers.values(), *prices.serverless,
        *(price for group in prices.by_use.values() for price in group),
    ]  # fmt: skip
    assert len(listed) > 50
    for price in listed:
        assert price.usd > 0
        assert price.unit
        assert price.source.endswith("Pricing")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_every_type_exists_and_is_priced_once(prices: Prices) -> None:
    """A type that pulumi_aws does not know is a slip of the pen."""
    types = [*prices.monthly, *prices.hourly, *prices.by_use, *prices.free]
    assert len(set(types)) == len(types)
    for type_ in [*types, ALARM, CONFIGURATION, ENDPOINT, NOTEBOOK, TRACKING_SERVER, VPC_ENDPOINT]:
        package, module, name = type_.split(":")
        if package == "pulumi-python":  # a dynamic resource of the kit's own
            assert name in (FeatureSchema.__name__, MonitoringJobDefinition.__name__), type_
            continue
        module = module.split("/")[0]
        module = {"lambda": "lambda_"}.get(module, module)
        assert hasattr(importlib.import_module(f"pulumi_aws.{module}"), name), type_


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("usd: 1.00, unit: key", "usd: -1, unit: key"),
        ("source: kms", "source: kms2"),
        ("date: 2", "date: x2"),
        ("free:", "fre:"),
    ],
)
def test_a_broken_list_is_refused(tmp_path: Path, old: str, new: str) -> None:
    text = FILE.read_text()
    assert old in text
    file = tmp_path / "prices.yaml"
    file.write_text(text.replace(old, new, 1))
    with pytest.raises(ValueError, match="no price list"):
        load(file)


class Stack:
    """A stand-in whose preview finds a key and a bucket."""

    result: dict[str, Any] = {"ok": True}  # noqa: RUF012 - replaced by tests, never changed

    def run(self, action: str, on_event: Any) -> dict[str, Any]:
        assert action == "preview"
        for type_ in (KEY, BUCKET):
            on_event(
                {"kind": PLANNED, "op": "create", "urn": f"u::{type_}", "type": type_, "name": "data", "protect": True,
                 "inputs": {}, "diff": []}
            )  # fmt: skip
        on_event({"kind": "resource", "op": "create", "urn": "u", "status": "done"})
        return self.result

    def outputs(self, *, show_secrets: bool = False) -> dict[str, Any]:
        return {"a": "b"}


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    assert operation.resolve is target.resolve, "imported before it is replaced, so that it keeps its own"
    monkeypatch.setattr(stacks, "open_stack", lambda *arguments: Stack())
    monkeypatch.setattr(target, "resolve", lambda stack=None: Target("local", "local", {}, "us-east-1"))


def test_the_verb(penstock: Penstock, stand_in: None) -> None:
    outcome = penstock("cost", "datalake")
    assert outcome.code == 0
    assert "1.00         data      aws:kms/key:Key  1 key" in outcome.out
    assert "aws:s3/bucket:Bucket (data): 0.023 per GB and month" in outcome.out
    assert outcome.out.splitlines()[-1].startswith("estimate: 1.00 USD a month (list prices")
    document = penstock("cost", "datalake", "--json").document
    assert (document["project"], document["label"], document["monthly"], document["currency"]) == (
        "datalake", "estimate", 1.0, "USD",
    )  # fmt: skip
    json.dumps(document)
    whole = penstock("cost", "--all", "--json").document
    assert (whole["monthly"], len(whole["projects"])) == (5.0, 5)


def test_without_a_preview_there_is_no_estimate(
    penstock: Penstock, stand_in: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Stack, "result", {"ok": False, "errors": ["no such role"]})
    outcome = penstock("cost", "datalake")
    assert outcome.code == 1
    assert "preview of datalake failed" in outcome.err
    assert "no such role" in outcome.err
