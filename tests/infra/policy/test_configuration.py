"""A stack's policy settings: read, and refused with every fault."""

from __future__ import annotations

from typing import Any

import pytest

from penstock_policy import POLICIES, Environment, Exemption, Level, Limits, Settings, SettingsError, settings_of
from penstock_policy.configuration import environment_of

REASON = "Scratch space of the load test."


def settings(stack: str = "dev", **values: Any) -> Settings:
    return settings_of(
        {f"policy:{key}": value for key, value in values.items()} | {"aws:region": "us-east-1"},
        stack=stack,
        source=f"Pulumi.{stack}.yaml",
    )


@pytest.mark.parametrize(
    ("stack", "environment"),
    [
        ("local", Environment.LOCAL),
        ("dev", Environment.DEVELOPMENT),
        ("dev-alice", Environment.DEVELOPMENT),
        ("eu-test", Environment.DEVELOPMENT),
        ("staging", Environment.STAGING),
        ("prod", Environment.PRODUCTION),
        ("prod-eu", Environment.PRODUCTION),
        ("device", Environment.PRODUCTION),
        ("alice", Environment.PRODUCTION),
    ],
)
def test_the_environment_by_the_stacks_name(stack: str, environment: Environment) -> None:
    assert environment_of(stack) is environment
    assert settings(stack).environment is environment
    assert settings(stack, environment="staging").environment is Environment.STAGING


def test_everything_set() -> None:
    found = settings(
        limits='{"largest": "4xlarge", "instances": 6}',
        levels={"time_to_live": "mandatory", "captured": "disabled"},
        exceptions=[{"policy": "private", "resource": "scratch-*", "reason": REASON}],
    )
    assert found.limits is not None
    assert (found.limits.largest, found.limits.instances) == ("4xlarge", 6)
    assert "m5" in (found.limits.families or ())
    assert found.levels == {"time_to_live": Level.MANDATORY, "captured": Level.DISABLED}
    assert found.exceptions == (Exemption(policy="private", resource="scratch-*", reason=REASON),)
    assert settings("prod", limits={"families": ["g5"]}).limits == Limits(
        families=frozenset({"g5"}), largest="12xlarge", instances=20
    )


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"exception": []}, "policy:exception: there is no such key (did you mean exceptions?)"),
        ({"environment": "qa"}, "policy:environment: 'qa' is none of local, development, staging, production"),
        ({"limits": 3}, "policy:limits: it must be a mapping"),
        ({"limits": {"size": "large"}}, "policy:limits.size: there is no such limit"),
        ({"limits": {"families": "m5"}}, "policy:limits.families: it must be a list"),
        ({"limits": {"largest": "huge"}}, "policy:limits.largest: 'huge' is no instance size"),
        ({"limits": {"instances": 0}}, "policy:limits.instances: 0 is no number"),
        ({"levels": {"privat": "advisory"}}, "there is no policy 'privat' (did you mean private?)"),
        ({"levels": {"private": "off"}}, "policy:levels.private: 'off' is none of mandatory, advisory, disabled"),
        ({"levels": []}, "policy:levels: it must map policies"),
        ({"exceptions": {}}, "policy:exceptions: it must be a list"),
        ({"exceptions": [{"policy": "private", "resource": "x"}]}, "policy:exceptions[0]: it must have policy"),
        ({"exceptions": [{"policy": "nope", "resource": "x", "reason": REASON}]}, "there is no policy 'nope'"),
        ({"exceptions": [{"policy": "private", "resource": "*", "reason": REASON}]}, "would excuse everything"),
        ({"exceptions": [{"policy": "private", "resource": "x", "reason": "because"}]}, "must say why"),
        ({"exceptions": "[{"}, "policy:exceptions: it must be a list"),
    ],
)
def test_faults(values: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError) as caught:
        settings(**values)
    assert message in str(caught.value)
    assert "Pulumi.dev.yaml" in str(caught.value)


def test_all_faults_at_once() -> None:
    with pytest.raises(SettingsError) as caught:
        settings(environment="qa", levels={"x": "advisory"}, what=1)
    assert len(str(caught.value).splitlines()) == 4


def test_every_policy_may_be_named() -> None:
    levels = {policy.name: "advisory" for policy in POLICIES}
    assert set(settings(levels=levels).levels) == set(levels)
