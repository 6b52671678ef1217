"""The policies on a preview: what stops an up, what is only shown, what a stack says about itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from tests.ci.conftest import Penstock

from penstock_ci import policy, stacks
from penstock_ci.comment import markdown
from penstock_ci.comment.reports import Reports
from penstock_ci.errors import UserError
from penstock_ci.plans import PLANNED, Plan
from penstock_ci.target import Target
from penstock_policy import Environment, Level

BUCKET = "aws:s3/bucket:Bucket"
RESULT: dict[str, Any] = {
    "ok": True, "counts": {"create": 1}, "changes": [], "outputs": {}, "duration_seconds": 1.0, "diagnostics": [],
    "errors": [],
}  # fmt: skip


def planned(type_: str = BUCKET, name: str = "raw", **changes: Any) -> dict[str, Any]:
    return {
        "kind": PLANNED, "op": "create", "urn": f"urn:pulumi:dev::p::{type_}::{name}", "type": type_, "name": name,
        "protect": False, "inputs": {"bucket": name}, "diff": [], **changes,
    }  # fmt: skip


TAGS = dict.fromkeys(("Project", "Environment", "Owner", "CostCenter", "ManagedBy"), "x")
ROLE = planned("aws:iam/role:Role", "role", inputs={"tags": TAGS})


@dataclass
class Stack:
    """A stand-in whose preview finds resources."""

    events: list[dict[str, Any]]
    log: list[str] = field(default_factory=list)
    result: dict[str, Any] = field(default_factory=lambda: dict(RESULT))

    def run(self, action: str, on_event: Any) -> dict[str, Any]:
        self.log.append(action)
        if action == "preview":
            for event in self.events:
                on_event(event)
        return self.result

    def outputs(self, *, show_secrets: bool = False) -> dict[str, Any]:
        return {"a": "b"}

    def resources(self) -> list[dict[str, Any]]:
        return []


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "Pulumi.yaml").write_text("name: p\nruntime: python\n")
    return tmp_path


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> Stack:
    stack = Stack([planned()])
    monkeypatch.setattr(stacks, "open_stack", lambda *arguments: stack)
    monkeypatch.setattr(
        "penstock_ci.operation.resolve", lambda stack: Target("local", stack or "local", {}, "us-east-1")
    )
    return stack


def on_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("penstock_ci.operation.resolve", lambda stack: Target("aws", stack, {}, "us-east-1"))
    monkeypatch.setattr(Target, "account", lambda self: "123456789012")
    monkeypatch.setattr("penstock_ci.bootstrap.recorded_stacks", lambda target: None)


def test_a_mandatory_finding_stops_an_up_before_any_step(penstock: Penstock, stand_in: Stack, project: Path) -> None:
    outcome = penstock("up", str(project), "--json")
    assert outcome.code == 1
    assert stand_in.log == ["preview"], "nothing was done"
    assert outcome.document["ok"] is False
    judged = outcome.document["policy"]
    assert [entry["policy"] for entry in judged["mandatory"]] == ["private", "encrypted", "required_tags"]
    assert outcome.document["errors"][0].startswith("policy private: aws:s3/bucket:Bucket raw: nothing blocks")
    assert "✗ policy private: aws:s3/bucket:Bucket raw: nothing blocks public access. Add a" in outcome.err
    assert "3 mandatory finding(s) of the policies" in outcome.err
    assert "policy:exceptions" in outcome.err


def test_a_preview_says_so_too(penstock: Penstock, stand_in: Stack, project: Path) -> None:
    outcome = penstock("preview", str(project), "--json")
    assert (outcome.code, outcome.document["policy"]["ok"]) == (1, False)


def test_advice_is_shown_and_stops_nothing(penstock: Penstock, stand_in: Stack, project: Path) -> None:
    stand_in.events = [ROLE, ROLE | {"name": "other", "urn": "urn:pulumi:dev::p::r::other"}]
    outcome = penstock("up", str(project), "--stack", "dev", "--json")
    assert outcome.code == 0
    assert stand_in.log == ["preview", "up"]
    assert outcome.document["policy"]["ok"] is True
    assert [entry["policy"] for entry in outcome.document["policy"]["advisory"]] == ["time_to_live"] * 2
    assert "! policy time_to_live: role, other: the tag TTL is missing. Set it" in outcome.err


def test_an_exception_lets_it_through_and_is_told(penstock: Penstock, stand_in: Stack, project: Path) -> None:
    names = ("private", "encrypted", "required_tags", "protected")
    lines = [
        f"    - {{policy: {name}, resource: raw, reason: The bucket of an old system that we are leaving.}}"
        for name in names
    ]
    (project / "Pulumi.local.yaml").write_text("\n".join(["config:", "  policy:exceptions:", *lines]))
    outcome = penstock("up", str(project), "--json")
    assert outcome.code == 0
    assert [entry["reason"] for entry in outcome.document["policy"]["excepted"]][:1] == [
        "The bucket of an old system that we are leaving."
    ]
    assert outcome.document["policy"]["unused_exceptions"] == [{"policy": "protected", "resource": "raw"}]
    assert "excepted: The bucket of an old system" in outcome.err
    assert "protected of raw excuses nothing (any more): remove it" in outcome.err


def test_without_the_preview_nothing_is_judged(penstock: Penstock, stand_in: Stack, project: Path) -> None:
    outcome = penstock("up", str(project), "--skip-preview", "--json")
    assert (outcome.code, stand_in.log) == (0, ["up"])
    assert "policy" not in outcome.document


def test_a_preview_that_fails_ends_the_up(penstock: Penstock, stand_in: Stack, project: Path) -> None:
    stand_in.result = RESULT | {"ok": False, "errors": ["a cycle"]}
    outcome = penstock("up", str(project), "--json")
    assert (outcome.code, stand_in.log) == (1, ["preview"])
    assert "a cycle" in outcome.err


def test_on_aws_the_preview_and_the_cost_come_before_the_question(
    penstock: Penstock, stand_in: Stack, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_aws(monkeypatch)
    stand_in.events = [
        ROLE,
        planned("aws:kms/alias:Alias", "alias"),
        planned("aws:cloudwatch/dashboard:Dashboard", "d"),
    ]
    outcome = penstock("up", str(project), "--stack", "dev")
    assert (outcome.code, stand_in.log) == (2, []), "nobody is there to answer"
    asked: list[str] = []
    monkeypatch.setattr(
        "penstock_ci.operation.confirm", lambda question, yes: asked.append(f"{question} {stand_in.log}")
    )
    outcome = penstock("up", str(project), "--stack", "dev", "--yes", "--json")
    assert outcome.code == 0
    assert stand_in.log == ["preview", "up"]
    assert asked[0].endswith("in AWS account 123456789012? ['preview']")
    assert outcome.document["cost"]["monthly"] == 3.0
    assert "estimate: 3.00 USD a month" in outcome.err
    outcome = penstock("up", str(project), "--stack", "dev", "--yes", "--skip-preview")
    assert (outcome.code, "its preview is not skipped" in outcome.err) == (2, True)


def test_wrong_settings_are_refused_before_the_preview(penstock: Penstock, stand_in: Stack, project: Path) -> None:
    (project / "Pulumi.local.yaml").write_text("config:\n  policy:environment: qa\n  policy:level: {}\n")
    outcome = penstock("up", str(project))
    assert (outcome.code, stand_in.log) == (2, [])
    assert "the policy settings of Pulumi.local.yaml" in outcome.err
    assert "  |   policy:environment: 'qa' is none of" in outcome.err
    assert "  |   policy:level: there is no such key (did you mean levels?)" in outcome.err


def test_settings_of_project_stack_and_command(project: Path) -> None:
    (project / "Pulumi.yaml").write_text(
        "name: p\nstackConfigDir: stacks\nconfig:\n  policy:environment: staging\n"
        "  policy:levels: {value: {captured: disabled}}\n  owner: {type: string}\n"
    )
    (project / "stacks").mkdir()
    found = policy.settings(project, "dev")
    assert (found.environment, found.levels) == (Environment.STAGING, {"captured": Level.DISABLED})
    (project / "stacks/Pulumi.dev.yaml").write_text("config:\n  policy:environment: production\n")
    assert policy.settings(project, "dev").environment is Environment.PRODUCTION
    assert policy.settings(project, "dev", {"policy:environment": "local"}).environment is Environment.LOCAL
    (project / "Pulumi.yaml").write_text("a: [")
    with pytest.raises(UserError, match="cannot be read as YAML"):
        policy.settings(project, "dev")


def test_what_is_planned_reaches_the_policies() -> None:
    plan = Plan()
    plan(planned(op="replace", diff=["bucket"], protect=True))
    plan({"kind": "output", "line": "hello"})
    found = policy.judgement(plan.resources, policy.Settings(environment=Environment.PRODUCTION))
    messages = {entry.policy: entry.message for entry in found.mandatory}
    assert messages["not_replaced"] == "it holds data and would be replaced because of bucket"
    assert "protected" not in messages
    plan(planned(name="open", protect=False))
    found = policy.judgement(plan.resources, policy.Settings(environment=Environment.PRODUCTION))
    assert [entry.name for entry in found.mandatory if entry.policy == "protected"] == ["open"]
    plan(planned("aws:iam/policy:Policy", inputs={"policy": "{"}))
    with pytest.raises(UserError, match="no JSON"):
        policy.judgement(plan.resources, policy.Settings())


def test_the_pull_requests_comment_lists_findings() -> None:
    plan = Plan()
    plan(planned(name="<b>raw"))
    judged = policy.document(policy.judgement(plan.resources, policy.Settings()))
    text = markdown.render("m", Reports(preview=RESULT | {"ok": False, "policy": judged}))
    assert "### Policy\n\n- ❌ `private` `<b>raw`: nothing blocks public access. Add a BucketPublicAccessBlock" in text
    assert "stops an `up` before its first step" in text
    assert "The preview failed" not in text
    clean = policy.document(policy.judgement([], policy.Settings()))
    assert "### Policy\n\nNothing is found." in markdown.render("m", Reports(preview=RESULT | {"policy": clean}))
    assert "### Policy" not in markdown.render("m", Reports(preview=RESULT))


def test_the_pull_requests_comment_tells_the_cost(penstock: Penstock, stand_in: Stack, project: Path) -> None:
    stand_in.events = [ROLE, planned("aws:cloudwatch/dashboard:Dashboard", "d"), planned("aws:x/y:Y", "z")]
    outcome = penstock("preview", str(project), "--json")
    assert "estimate" not in outcome.err, "on the local cloud nothing costs anything"
    text = markdown.render("m", Reports(preview=outcome.document))
    assert "### Cost\n\nEstimate: **3.00 USD a month** by list prices of us-east-1, " in text
    assert "Not in it: 0 by use, 1 without a known price." in text
    assert "| `d` | `aws:cloudwatch/dashboard:Dashboard` | 1 dashboard | 3.00 |" in text
    assert "cost" not in penstock("up", str(project), "--json").document
