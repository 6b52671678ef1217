"""`pulumi:autonaming`: names by pattern, verbatim or not at all; by stack, package and type."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from folder_stack import Stack

from penstock_deploy.engine import autonaming
from penstock_deploy.engine.autonaming import Autonaming
from penstock_deploy.errors import DeploymentError
from penstock_deploy.plugins.interface import Naming, ProviderError, Subject
from penstock_deploy.plugins.process import ProviderProcess
from penstock_deploy.provider.core import AwsProvider
from penstock_deploy.target import Target

TARGET = Target("http://127.0.0.1:1", "us-east-1", "000000000000", "test")
QUEUE = "urn:pulumi:dev::app::aws:sqs/queue:Queue::Jobs"
TOPIC = "urn:pulumi:dev::app::app:index:Box$aws:sns/topic:Topic::Told"
OTHER = "urn:pulumi:dev::app::random:index:Id::x"


def parsed(section: Any, **configuration: str) -> Autonaming:
    settings = {f"app:{key}": value for key, value in configuration.items()}
    return autonaming.parse({"pulumi:autonaming": json.dumps(section), **settings}, "app", "dev")


def test_without_it_the_provider_names() -> None:
    assert autonaming.parse({}, "app", "dev").naming(QUEUE, b"1") is None
    assert parsed({"mode": "default"}).naming(QUEUE, b"1") is None


def test_a_pattern_with_everything_in_it() -> None:
    pattern = "${organization}.${project}.${stack}.${config.team}.${config.box.size}.${name}"
    naming = parsed({"pattern": pattern}, team="ml", box='{"size": 3}').naming(QUEUE, b"1")
    assert naming == Naming("organization.app.dev.ml.3.Jobs", enforced=False, delete_before_replace=True)
    drawn = parsed({"pattern": "${name}-${hex(5)}-${alphanum(4)}-${string(3)}-${num(2)}-${uuid}"})
    naming = drawn.naming(QUEUE, b"1")
    assert naming is not None
    assert not naming.delete_before_replace, "two names are never the same"
    assert re.fullmatch(
        r"Jobs-[0-9a-f]{5}-[a-z0-9]{4}-[a-z]{3}-\d\d-[0-9a-f]{8}(-[0-9a-f]{4}){3}-.{12}", naming.proposed
    )
    assert drawn.naming(QUEUE, b"1") == naming
    assert drawn.naming(QUEUE, b"2") != naming


def test_the_type_wins_over_the_package_and_that_over_the_stack() -> None:
    packages = {
        "aws": {"pattern": "a-${name}", "enforce": True, "resources": {"aws:sqs/queue:Queue": {"mode": "disabled"}}}
    }
    ways = parsed({"mode": "verbatim", "providers": {**packages, "random": {}}})
    assert ways.naming(QUEUE, b"1") == Naming("", enforced=True, delete_before_replace=True)
    assert ways.naming(TOPIC, b"1") == Naming("a-Told", enforced=True, delete_before_replace=True)
    assert ways.naming(OTHER, b"1") == Naming("x", enforced=True, delete_before_replace=True)


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({"mode": "other"}, "pulumi:autonaming: there is no mode 'other'\nModes: default, verbatim, disabled"),
        ({"mode": "verbatim", "enforce": True}, "mode and pattern or enforce cannot be given together"),
        ({"enforce": True}, "enforce needs a pattern"),
        ({"patern": "x"}, "patern is not known"),
        (
            {"providers": {"aws": {"resources": {"aws:a:B": {}}}}},
            r"providers\.aws\.resources\.aws:a:B: mode or pattern",
        ),
        ({"providers": []}, r"pulumi:autonaming\.providers is not a mapping"),
        ({"pattern": "${config.team}"}, "there is no configuration app:team"),
        ("verbatim", "pulumi:autonaming is not a mapping"),
    ],
)
def test_wrong_configuration_says_what_and_where(section: Any, message: str) -> None:
    with pytest.raises(DeploymentError, match=message):
        parsed(section)


def checked(naming: Naming | None, token: str = "aws:ecr/repository:Repository", **news: Any) -> dict[str, Any]:
    subject = Subject(f"urn:pulumi:dev::app::{token}::Thing", token, "Thing", naming=naming)
    return AwsProvider(TARGET, {}).check(subject, {}, news, b"0" * 32)


def test_the_provider_fits_what_is_proposed_and_takes_what_is_enforced() -> None:
    found = checked(Naming("Team-Thing"))
    assert found["name"] == "team-thing"
    assert "name" in found["__defaults"]
    assert checked(Naming("Team-Thing", enforced=True))["name"] == "Team-Thing"
    assert checked(Naming("Team-Thing"), name="mine")["name"] == "mine"
    with pytest.raises(ProviderError, match="name is missing, and pulumi:autonaming is disabled"):
        checked(Naming(""))
    with pytest.raises(ProviderError, match="has 300 characters: the most is 256"):
        checked(Naming("x" * 300))
    kept = AwsProvider(TARGET, {}).check(
        Subject("u", "aws:sqs/queue:Queue", "q", naming=Naming("new")), {"name": "old"}, {}, b""
    )
    assert kept["name"] == "old", "a resource that is there keeps its name"


def test_a_provider_in_a_process_of_its_own_is_told_the_same() -> None:
    provider = ProviderProcess(TARGET, {}, {})
    token = "aws:sqs/queue:Queue"
    try:
        for naming in (Naming("Proposed"), Naming("Enforced", enforced=True)):
            subject = Subject(f"urn:pulumi:dev::app::{token}::q", token, "q", naming=naming)
            assert provider.check(subject, {}, {}, b"0" * 32)["name"] == naming.proposed
        with pytest.raises(ProviderError, match="autonaming is disabled"):
            provider.check(
                Subject(f"urn:pulumi:dev::app::{token}::q", token, "q", naming=Naming("")), {}, {}, b"0" * 32
            )
    finally:
        provider.close()


def test_a_stack_is_named_by_its_configuration(stack: Stack) -> None:
    stack.configure("config:\n  app:team: ml\n  pulumi:autonaming: {pattern: '${config.team}-${stack}-${name}'}\n")
    (stack.directory / "Pulumi.yaml").write_text("name: app\nruntime: python\nconfig:\n  team: {type: string}\n")
    stack.up('Item("a", fixed="1")\nItem("b", name="given")\n')
    assert set(stack.items) == {"ml-dev-a", "given"}
    assert not stack.up().has_changes
    result = stack.up('Item("a", fixed="2")\nItem("b", name="given")\n')
    assert result.counts["replace"] == 1
    assert stack.log[-4:] == ["delete ml-dev-a", "deleted ml-dev-a", "create ml-dev-a", "created ml-dev-a"], (
        "the name is not random: the old one goes first"
    )
