"""preview, up, destroy, outputs: of stand-in stacks, and of the real platform on a local cloud."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from tests.ci.conftest import Penstock

from penstock_ci import stacks, teardown
from penstock_ci.errors import UserError
from penstock_ci.projects import Project, platform
from penstock_ci.stacks import StackLocked, open_stack, up_when_free
from penstock_ci.target import Target

CREATED = {
    "kind": "resource", "op": "create", "urn": "urn:pulumi:local::p::aws:s3/bucket:Bucket::raw", "type": "aws:s3/bucket:Bucket",
    "name": "raw", "status": "done", "diff": [], "seconds": 0.2,
}  # fmt: skip
RESULT: dict[str, Any] = {
    "ok": True, "counts": {"create": 1, "same": 2}, "changes": [], "outputs": {"rawBucket": "b"}, "duration_seconds": 1.0,
    "diagnostics": [], "errors": [],
}  # fmt: skip


class Stack:
    """A stand-in whose up creates one bucket."""

    def __init__(self, log: list[tuple[str, str]], name: str, result: dict[str, Any], outputs: dict[str, Any]) -> None:
        self._log, self._name, self._result, self._outputs = log, name, result, outputs

    def run(self, action: str, on_event: Any) -> dict[str, Any]:
        self._log.append((action, self._name))
        on_event(CREATED)
        return self._result

    def outputs(self, *, show_secrets: bool = False) -> dict[str, Any]:
        return self._outputs

    def resources(self) -> list[dict[str, Any]]:
        return []


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Settings of the stand-ins: `log` of what was run, `result`, `outputs` by project."""
    settings: dict[str, Any] = {"log": [], "result": RESULT, "outputs": {}}

    def opened(project: Project, target: Target, *rest: object) -> Stack:
        return Stack(settings["log"], project.name, settings["result"], settings["outputs"].get(project.name, {}))

    monkeypatch.setattr(stacks, "open_stack", opened)
    monkeypatch.setattr("penstock_ci.operation.resolve", lambda stack: Target("local", "local", {}, "us-east-1"))
    monkeypatch.setattr("penstock_ci.target.resolve", lambda stack=None: Target("local", "local", {}, "us-east-1"))
    return settings


def test_up_of_one_project(penstock: Penstock, stand_in: dict[str, Any]) -> None:
    outcome = penstock("up", "datalake", "--json")
    assert outcome.code == 0
    document = outcome.document
    assert document.pop("policy")["ok"] is True
    assert document == {"project": "datalake", "stack": "local", **RESULT}
    assert stand_in["log"] == [("preview", "datalake"), ("up", "datalake")]
    assert "+ aws:s3/bucket:Bucket raw created (0.2 s)" in outcome.err
    assert "up datalake: 1 created, 2 unchanged in 1.0 s" in outcome.err


def test_all_go_forward_and_are_destroyed_backward(penstock: Penstock, stand_in: dict[str, Any]) -> None:
    document = penstock("up", "--all", "--json").document
    assert [entry["project"] for entry in document["projects"]] == [
        "foundation",
        "datalake",
        "featurestore",
        "training",
        "operations",
    ]
    assert document["counts"] == {"create": 5, "same": 10}
    penstock("destroy", "--all")
    assert [name for action, name in stand_in["log"] if action == "destroy"] == [
        "operations", "training", "featurestore", "datalake", "foundation",
    ]  # fmt: skip


def test_preview_of_all_stops_at_what_needs_outputs(penstock: Penstock, stand_in: dict[str, Any]) -> None:
    document = penstock("preview", "--all", "--json").document
    assert document["ok"] is True
    assert stand_in["log"] == [("preview", "foundation")]
    assert [entry.get("needs") for entry in document["projects"]] == [None, *["foundation"] * 4]
    stand_in["outputs"] = {project.name: {"a": "b"} for project in platform()}
    penstock("preview", "--all")
    assert len(stand_in["log"]) == 6


def test_a_failure_is_told_and_ends_the_rest(penstock: Penstock, stand_in: dict[str, Any]) -> None:
    stand_in["result"] = RESULT | {"ok": False, "errors": ["BucketAlreadyExists"]}
    outcome = penstock("up", "--all", "--json")
    assert outcome.code == 1
    assert outcome.document["ok"] is False
    assert len(outcome.document["projects"]) == 1
    assert "error: up of foundation failed\n  | BucketAlreadyExists\n  fix: " in outcome.err
    outcome = penstock("up", "foundation")
    assert outcome.code == 1
    assert "BucketAlreadyExists" in outcome.err


def test_an_interrupted_up_has_the_code_of_an_interruption(penstock: Penstock, stand_in: dict[str, Any]) -> None:
    stand_in["result"] = RESULT | {"ok": False, "cancelled": True}
    outcome = penstock("up", "foundation")
    assert outcome.code == 130
    assert "Run it again to go on" in outcome.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["up", "datalake", "--all"], "contradict each other"),
        (["up", "datalaek"], "did you mean 'datalake'?"),
        (["up", "datalake", "--engine", "terraform"], "there is no engine 'terraform'"),
        (["up", "datalake", "--config", "owner"], "must be KEY=VALUE"),
        (["outputs", "datalake"], "has no outputs"),
    ],
)
def test_wrong_use(penstock: Penstock, stand_in: dict[str, Any], arguments: list[str], message: str) -> None:
    outcome = penstock(*arguments)
    assert outcome.code in {1, 2}
    assert message in outcome.err


def test_outputs(penstock: Penstock, stand_in: dict[str, Any]) -> None:
    stand_in["outputs"] = {"datalake": {"rawBucket": "b", "zones": ["a"]}}
    assert penstock("outputs", "datalake").out == 'rawBucket  b\nzones      ["a"]\n'
    assert penstock("outputs", "--all", "--json").document == {"rawBucket": "b", "zones": ["a"]}


def test_aws_wants_the_pulumi_command_and_a_yes(penstock: Penstock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    monkeypatch.setenv("PATH", "/nonexistent")
    monkeypatch.setattr(Target, "account", lambda self: "123456789012")
    monkeypatch.setattr("penstock_ci.bootstrap.recorded_stacks", lambda target: None)
    outcome = penstock("up", "foundation", "--stack", "dev")
    assert (outcome.code, "add --yes" in outcome.err) == (2, True)
    outcome = penstock("up", "foundation", "--stack", "dev", "--yes")
    assert outcome.code == 2
    assert "the pulumi command is not installed" in outcome.err
    assert "pulumi command is not installed" in penstock("preview", "foundation", "--stack", "dev").err


def test_engines_fit_targets() -> None:
    project = platform()[0]
    with pytest.raises(UserError, match="works on the local cloud only"):
        open_stack(project, Target("aws", "dev", {}, "eu-west-1"), "penstock")
    with pytest.raises(UserError, match="pulumi command is not installed"):
        open_stack(project, Target("local", "local", {"PATH": "/nonexistent"}, "us-east-1"), "pulumi")


def test_an_up_waits_for_another_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    tries: list[int] = []

    class Busy(Stack):
        def run(self, action: str, on_event: Any) -> dict[str, Any]:
            tries.append(1)
            if len(tries) < 3:
                raise StackLocked("the stack is locked by process 1", "wait")
            return RESULT

    said: list[str] = []
    assert up_when_free(Busy([], "infra", RESULT, {}), lambda event: None, said.append) == RESULT
    assert said == ["the stack is locked by process 1: waiting for it"]
    tries.clear()
    with pytest.raises(StackLocked):
        up_when_free(Busy([], "infra", RESULT, {}), lambda event: None, said.append, patience=-1.0)


def test_a_stack_with_versions_is_not_destroyed_unless_it_may_be(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    target = Target("local", "local", {}, "us-east-1")
    resources = [
        {"type": teardown.GROUP, "id": "tides-local", "outputs": {}},
        {"type": "aws:s3/bucket:Bucket", "id": "b"},
    ]
    versions = {("tides-local", "local"): [object(), object()]}
    monkeypatch.setattr("penstock_ci.registry.in_group", lambda _target, group, stack: versions[group, stack])
    project = Project("infra", tmp_path)
    with pytest.raises(UserError, match="tides-local has 2 registered versions") as caught:
        teardown.check(target, project, resources)
    assert "forceDestroy" in caught.value.fix
    (tmp_path / "Pulumi.local.yaml").write_text("config:\n  tides:forceDestroy: true\n")
    assert teardown.check(target, project, resources) == ["tides-local"]
    assert teardown.check(target, project, resources[1:]) == []


PROGRAM = """\
import pulumi, pulumi_aws as aws
for name in ("a", "b"):
    aws.s3.Bucket(name, bucket=f"shore-{name}")
pulumi.export("bucket", "shore-a")
"""


@pytest.fixture
def shore(tmp_path: Path, target: Target) -> Path:
    """A Pulumi project with two buckets, and the say that nobody cares how they are kept."""
    folder = tmp_path / "shore"
    folder.mkdir()
    (folder / "Pulumi.yaml").write_text("name: shore\nruntime: python\n")
    (folder / "Pulumi.local.yaml").write_text(
        "config:\n  policy:levels: {private: disabled, encrypted: disabled, required_tags: advisory}\n"
    )
    (folder / "__main__.py").write_text(PROGRAM)
    return folder


@pytest.mark.cloud
@pytest.mark.slow
def test_a_real_project_from_preview_to_destroy(penstock: Penstock, shore: Path, target: Target) -> None:
    settings = (shore / "Pulumi.local.yaml").read_text()
    (shore / "Pulumi.local.yaml").unlink()
    refused = penstock("up", shore, "--json")
    assert (refused.code, refused.document["policy"]["ok"]) == (1, False)
    assert "shore-a" not in {bucket["Name"] for bucket in target.client("s3").list_buckets()["Buckets"]}
    (shore / "Pulumi.local.yaml").write_text(settings)
    previewed = penstock("preview", shore, "--json").document
    assert previewed["counts"]["create"] == 3
    advised = [entry["name"] for entry in previewed["policy"]["advisory"]]
    assert advised == ["a", "b"]
    brought = penstock("up", shore, "--json").document
    assert (brought["ok"], brought["outputs"]) == (True, {"bucket": "shore-a"})
    assert penstock("preview", shore, "--json").document["counts"] == {
        "create": 0, "update": 0, "replace": 0, "delete": 0, "same": 3,
    }  # fmt: skip
    (shore / "__main__.py").write_text(PROGRAM.replace('"b"', '"c"'))
    changed = penstock("preview", shore, "--json").document
    assert (changed["counts"]["create"], changed["counts"]["delete"]) == (1, 1)
    assert penstock("outputs", shore, "--json").document == {"bucket": "shore-a"}
    assert penstock("destroy", shore, "--json").document["counts"]["delete"] == 3


@pytest.mark.cloud
@pytest.mark.slow
def test_a_second_up_while_one_runs_is_refused_and_ctrl_c_keeps_the_state(
    penstock: Penstock, shore: Path, target: Target
) -> None:
    waiting = "import time\nimport pulumi\nif not pulumi.runtime.is_dry_run(): time.sleep(60)\n"
    (shore / "__main__.py").write_text(waiting + PROGRAM)
    environment = {**os.environ, "PENSTOCK_STATE_DIR": target.environment["PENSTOCK_STATE_DIR"]}
    first = subprocess.Popen(
        [sys.executable, "-m", "penstock_ci", "up", str(shore), "--json"],
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    # The first one must have its lock before the second one asks, or it is the first that is refused.
    locks = Path(target.environment["PENSTOCK_STATE_DIR"]) / "pulumi/.pulumi/locks"
    limit = time.monotonic() + 60
    while not list(locks.rglob("*.json")):
        assert time.monotonic() < limit
        time.sleep(0.02)
    refused = penstock("destroy", shore)
    assert refused.code != 0
    assert "is locked by process" in refused.err
    first.send_signal(signal.SIGINT)
    out, err = first.communicate(timeout=120)
    assert first.returncode == 130, err
    assert json.loads(out)["cancelled"] is True
    (shore / "__main__.py").write_text(PROGRAM)
    assert penstock("up", shore, "--json").document["ok"] is True
    assert penstock("destroy", shore, "--json").document["ok"] is True
