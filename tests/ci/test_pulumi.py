"""Stacks on AWS: what is asked of Pulumi's Automation API, and how its events and errors are told. The CLI is a stand-in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pulumi import automation
from pulumi.automation.events import OpType

from penstock_ci import stacks
from penstock_ci.errors import Failure
from penstock_ci.projects import Project
from penstock_ci.stacks import PulumiStack, StackLocked
from penstock_ci.target import Target

URN = "urn:pulumi:dev::penstock-datalake::aws:s3/bucket:Bucket::raw"


def event(**parts: Any) -> SimpleNamespace:
    names = ("resource_pre_event", "res_outputs_event", "res_op_failed_event", "diagnostic_event")
    return SimpleNamespace(**(dict.fromkeys(names) | parts))


def step(operation: OpType) -> SimpleNamespace:
    metadata = SimpleNamespace(
        op=operation, urn=URN, type="aws:s3/bucket:Bucket", detailed_diff={"tags": None}, diffs=None
    )
    return SimpleNamespace(metadata=metadata)


class Stack:
    """Stands for the Automation API's stack."""

    def __init__(self) -> None:
        self.settings: dict[str, str] = {}
        self.error: Exception | None = None

    def set_config(self, key: str, value: automation.ConfigValue) -> None:
        self.settings[key] = value.value

    def up(self, on_event: Callable[[Any], None]) -> Any:
        if self.error:
            raise self.error
        on_event(event(resource_pre_event=step(OpType.SAME)))
        on_event(event(resource_pre_event=step(OpType.UPDATE)))
        on_event(event(resource_pre_event=step(OpType.DELETE_REPLACED)))
        on_event(event(res_outputs_event=step(OpType.UPDATE)))
        on_event(event(diagnostic_event=SimpleNamespace(severity="warning", message="deprecated\n")))
        return SimpleNamespace(summary=SimpleNamespace(resource_changes={"same": 1, "update": 1}))

    def preview(self, on_event: Callable[[Any], None]) -> Any:
        return SimpleNamespace(change_summary={OpType.CREATE: 2})

    def destroy(self, on_event: Callable[[Any], None]) -> Any:
        return SimpleNamespace(summary=SimpleNamespace(resource_changes={OpType.DELETE: 2}))

    def outputs(self) -> dict[str, automation.OutputValue]:
        return {
            "bucket": automation.OutputValue("raw", secret=False),
            "token": automation.OutputValue("t", secret=True),
        }


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch) -> Stack:
    made = Stack()

    def create(name: str, work_dir: str, opts: automation.LocalWorkspaceOptions) -> Stack:
        made.settings |= {"name": name, "work_dir": work_dir, "backend": (opts.env_vars or {})["PULUMI_BACKEND_URL"]}
        made.settings["secrets"] = str(opts.secrets_provider)
        return made

    monkeypatch.setattr(automation, "create_or_select_stack", create)
    monkeypatch.setattr(Target, "account", lambda self: "123456789012")
    monkeypatch.setattr("penstock_ci.bootstrap.recorded_stacks", lambda target: None)
    return made


def opened(tmp_path: Path) -> PulumiStack:
    return PulumiStack(Project("datalake", tmp_path), Target("aws", "dev", {}, "eu-west-1"), {"penstock:owner": "me"})


def test_up_is_told_as_the_local_engine_tells_it(stack: Stack, tmp_path: Path) -> None:
    events: list[dict[str, Any]] = []
    document = opened(tmp_path).run("up", events.append)
    assert stack.settings["name"] == "dev"
    assert stack.settings["work_dir"] == str(tmp_path)
    assert stack.settings["penstock:owner"] == "me"
    assert stack.settings["backend"].startswith("s3://penstock-state-123456789012-eu-west-1")
    assert stack.settings["secrets"].startswith("awskms://alias/penstock-state")
    assert (document["ok"], document["counts"]) == (True, {"same": 1, "update": 1})
    assert document["changes"] == [
        {"op": "update", "urn": URN, "type": "aws:s3/bucket:Bucket", "name": "raw", "diff": ["tags"]}
    ]
    assert document["outputs"] == {"bucket": "raw", "token": "[secret]"}
    assert document["diagnostics"] == ["deprecated"]
    told = [(entry["op"], entry["status"]) for entry in events]
    assert told == [("same", "started"), ("update", "started"), ("delete-replaced", "started"), ("update", "done")]


def test_counts_of_a_preview(stack: Stack, tmp_path: Path) -> None:
    assert opened(tmp_path).run("preview", lambda event: None)["counts"] == {"create": 2}
    destroyed = opened(tmp_path).run("destroy", lambda event: None)
    assert (destroyed["counts"], destroyed["outputs"]) == ({"delete": 2}, {})


def test_errors_of_the_command(stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    result = automation.CommandResult(stdout="", stderr="error: the stack is currently locked", code=255)
    stack.error = automation.ConcurrentUpdateError(result)
    with pytest.raises(StackLocked, match="another update"):
        opened(tmp_path).run("up", lambda event: None)
    stack.error = automation.CommandError(automation.CommandResult(stdout="", stderr="AccessDenied: no", code=255))
    with pytest.raises(Failure, match="pulumi up failed") as caught:
        opened(tmp_path).run("up", lambda event: None)
    assert "penstock bootstrap" in caught.value.fix
    assert "AccessDenied" in caught.value.detail


def test_secrets_are_shown_when_asked(stack: Stack, tmp_path: Path) -> None:
    assert opened(tmp_path).outputs(show_secrets=True)["token"] == "t"


def test_with_the_command_aws_uses_it(stack: Stack, tmp_path: Path) -> None:
    pulumi = tmp_path / "pulumi"
    pulumi.write_text("#!/bin/sh\n")
    pulumi.chmod(0o755)
    target = Target("aws", "dev", {"PATH": str(tmp_path)}, "eu-west-1")
    assert isinstance(stacks.open_stack(Project("datalake", tmp_path), target), PulumiStack)
