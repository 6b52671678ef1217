"""Levels, exceptions, and the list of policies as a whole."""

from __future__ import annotations

import pytest
from tests.infra.policy.samples import bucket

from penstock_policy import POLICIES, Environment, Exemption, Level, Resource, Settings, check, judge

REASON = "Public by intent: the open data that we publish."
BARE = Resource(type=bucket().type, name="data", urn="urn:pulumi:dev::p::aws:s3/bucket:Bucket::data", inputs={})


def exemption(policy: str = "private", resource: str = "data") -> Exemption:
    return Exemption(policy=policy, resource=resource, reason=REASON)


def test_every_policy_is_described_once() -> None:
    names = [policy.name for policy in POLICIES]
    assert len(set(names)) == len(names)
    assert all(policy.description.endswith(".") for policy in POLICIES)


def test_nothing_is_wrong_with_nothing() -> None:
    for environment in Environment:
        judgement = judge(POLICIES, [], Settings(environment=environment))
        assert judgement.ok
        assert judgement.advisory == ()


def test_mandatory_findings_stop_and_bear_their_policys_name() -> None:
    judgement = judge(POLICIES, [BARE], Settings())
    assert not judgement.ok
    assert [finding.policy for finding in judgement.mandatory] == ["private", "encrypted", "required_tags"]
    assert {finding.urn for finding in judgement.mandatory} == {BARE.urn}


@pytest.mark.parametrize("pattern", ["data", "da*", BARE.urn, "*::aws:s3/bucket:Bucket::data"])
def test_an_exception_by_name_or_urn(pattern: str) -> None:
    judgement = judge(POLICIES, [BARE], Settings(exceptions=(exemption(resource=pattern),)))
    assert [finding.policy for finding in judgement.mandatory] == ["encrypted", "required_tags"]
    ((finding, why),) = judgement.excepted
    assert (finding.policy, why.reason) == ("private", REASON)
    assert judgement.unused == ()


@pytest.mark.parametrize("wrong", [exemption(resource="Data"), exemption("not_replaced")])
def test_an_exception_that_excuses_nothing_is_told(wrong: Exemption) -> None:
    judgement = judge(POLICIES, [BARE], Settings(exceptions=(wrong,)))
    assert len(judgement.mandatory) == 3
    assert judgement.unused == (wrong,)


def test_levels() -> None:
    levels = {"private": Level.ADVISORY, "encrypted": Level.DISABLED}
    judgement = judge(POLICIES, [BARE], Settings(levels=levels))
    assert [finding.policy for finding in judgement.mandatory] == ["required_tags"]
    assert [finding.policy for finding in judgement.advisory] == ["private"]
    assert [finding.policy for finding in check([BARE], Settings(levels=levels))] == ["required_tags", "private"]
