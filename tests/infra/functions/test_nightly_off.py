"""Endpoints off for the night: which, what is noted of them, and how they come back."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest
from fakes import Parameters, SageMaker, Scaling

from penstock_infra.functions import nightly_off

PATH = "/penstock/dev/operations/nightly-off"


def test_only_the_stacks_own_endpoints_go(monkeypatch: pytest.MonkeyPatch) -> None:
    sagemaker, ssm = SageMaker(), Parameters()
    sagemaker.add("mine", CostCenter="1000")
    sagemaker.add("broken", status="Failed")
    sagemaker.add("prod", stack="prod")
    sagemaker.add("foreign", managed=False)
    done = nightly_off.off(sagemaker, ssm, Scaling(), "dev", PATH)
    assert done == {"off": ["mine", "broken"], "kept": {}, "failed": {}}
    assert sagemaker.deleted == ["mine", "broken"]
    assert json.loads(ssm.values[f"{PATH}/mine"]) == {
        "configuration": "mine-configuration",
        "tags": {"Environment": "dev", "ManagedBy": "penstock", "CostCenter": "1000"},
    }


@pytest.mark.parametrize(
    ("add", "targets", "reason"),
    [
        ({"AlwaysOn": "true"}, (), "it has the tag AlwaysOn"),
        ({"status": "Updating"}, (), "it is Updating"),
        ({}, ("endpoint/one/variant/AllTraffic",), "it scales automatically"),
    ],
)
def test_some_stay_with_a_reason(add: dict[str, str], targets: tuple[str, ...], reason: str) -> None:
    sagemaker, ssm = SageMaker(), Parameters()
    sagemaker.add("one", **add)  # type: ignore[arg-type]
    done = nightly_off.off(sagemaker, ssm, Scaling(*targets), "dev", PATH)
    assert done["kept"]["one"].startswith(reason)
    assert (sagemaker.deleted, ssm.values) == ([], {})


def test_another_endpoints_scaling_keeps_none() -> None:
    sagemaker = SageMaker()
    sagemaker.add("one")
    scaling = Scaling("endpoint/one-more/variant/AllTraffic", "inference-component/one")
    assert nightly_off.off(sagemaker, Parameters(), scaling, "dev", PATH)["off"] == ["one"]


def test_they_come_back_as_they_were() -> None:
    sagemaker, ssm = SageMaker(), Parameters()
    sagemaker.add("mine", CostCenter="1000")
    nightly_off.off(sagemaker, ssm, Scaling(), "dev", PATH)
    assert nightly_off.on(sagemaker, ssm, PATH) == {"on": ["mine"], "kept": {}, "failed": {}}
    assert sagemaker.endpoints["mine"]["EndpointConfigName"] == "mine-configuration"
    assert sagemaker.tags["arn:mine"] == {"Environment": "dev", "ManagedBy": "penstock", "CostCenter": "1000"}
    assert ssm.values == {}
    assert nightly_off.on(sagemaker, ssm, PATH) == {"on": [], "kept": {}, "failed": {}}


def test_one_that_is_back_already_or_cannot_come_is_forgotten() -> None:
    sagemaker, ssm = SageMaker(), Parameters()
    for name in ("deployed", "gone"):
        sagemaker.add(name)
    nightly_off.off(sagemaker, ssm, Scaling(), "dev", PATH)
    sagemaker.add("deployed")
    sagemaker.configurations.remove("gone-configuration")
    done = nightly_off.on(sagemaker, ssm, PATH)
    assert done["on"] == []
    assert done["kept"] == {
        "deployed": "it is there already",
        "gone": "its configuration gone-configuration is gone: bring its stack up",
    }
    assert ssm.values == {}


class Clients:
    """boto3.client of the test."""

    def __init__(self, **clients: Any) -> None:
        self.clients = clients

    def __call__(self, service: str) -> Any:
        return self.clients[service.replace("-", "_")]


def test_one_failure_leaves_the_others_done_and_fails_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    sagemaker, ssm = SageMaker(), Parameters()
    sagemaker.add("stuck")
    sagemaker.add("mine")
    sagemaker.undeletable = {"stuck"}
    monkeypatch.setenv("STACK", "dev")
    monkeypatch.setenv("PARAMETERS", PATH)
    monkeypatch.setattr(boto3, "client", Clients(sagemaker=sagemaker, ssm=ssm, application_autoscaling=Scaling()))
    with pytest.raises(nightly_off.UnfinishedError, match="stuck"):
        nightly_off.handler({"action": "off"}, None)
    assert sagemaker.deleted == ["mine"]
    assert nightly_off.handler({"action": "on"}, None)["on"] == ["mine"]


def test_an_event_that_says_nothing_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STACK", "dev")
    monkeypatch.setenv("PARAMETERS", PATH)
    with pytest.raises(ValueError, match='must have "action": "off" or "on", not None'):
        nightly_off.handler({}, None)
