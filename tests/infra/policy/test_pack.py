"""The pack of Pulumi's own CLI: with a stand-in of the library, and as a process where its own environment has been made."""

from __future__ import annotations

import json
import os
import runpy
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import yaml
from tests.infra.policy.samples import UNKNOWN

from penstock_policy import POLICIES, Environment, SettingsError, pack

PACK = Path(__file__).parents[3] / "infra/policy"
OWN_PYTHON = PACK / ".venv/bin/python"
TYPE = "aws:s3/bucket:Bucket"
URN = f"urn:pulumi:prod::p::{TYPE}::data"
EXCEPTION = {"policy": "private", "resource": "data", "reason": "The open data that we publish."}


class NotKnown(Exception):
    """What the library raises."""


class Lazy(Mapping[str, Any]):
    """The library's mapping: reading what is not known raises."""

    def __init__(self, values: dict[str, Any]) -> None:
        self._values = values

    def __getitem__(self, key: str) -> Any:
        if self._values[key] is NotKnown:
            raise NotKnown
        return self._values[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


@dataclass
class StackResource:
    """The library's resource."""

    props: Mapping[str, Any]
    protect: bool = False
    resource_type: str = TYPE
    urn: str = URN
    name: str = "data"
    opts: SimpleNamespace = field(init=False)

    def __post_init__(self) -> None:
        self.opts = SimpleNamespace(protect=self.protect)


class EnforcementLevel(Enum):
    """The library's levels."""

    ADVISORY = "advisory"
    MANDATORY = "mandatory"
    DISABLED = "disabled"


@dataclass
class Served:
    """A pack as the library was asked to serve it."""

    code: int
    policies: dict[str, SimpleNamespace]

    def violations(self, name: str, *resources: StackResource) -> list[tuple[str, str]]:
        found: list[tuple[str, str]] = []

        def not_applicable(reason: str) -> None:
            raise LookupError(reason)

        arguments = SimpleNamespace(resources=list(resources), not_applicable=not_applicable)
        self.policies[name].validate(arguments, lambda message, urn: found.append((message, urn)))
        return found


type Serve = Callable[..., Served]


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Serve:
    """Runs the pack's __main__ with a stand-in of the library, for a stack and its configuration."""

    def run(stack: str = "prod", configuration: dict[str, str] | None = None) -> Served:
        packs: list[dict[str, Any]] = []
        library = ModuleType("pulumi_policy")
        library.EnforcementLevel = EnforcementLevel  # type: ignore[attr-defined]
        library.PolicyPack = lambda **arguments: packs.append(arguments)  # type: ignore[attr-defined]
        library.StackValidationPolicy = SimpleNamespace  # type: ignore[attr-defined]
        proxy = ModuleType("pulumi_policy.proxy")
        proxy.UnknownValueError = NotKnown  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "pulumi_policy", library)
        monkeypatch.setitem(sys.modules, "pulumi_policy.proxy", proxy)
        monkeypatch.setenv("PULUMI_STACK", stack)
        monkeypatch.setenv("PULUMI_CONFIG", json.dumps(configuration or {}))
        code = runpy.run_path(str(PACK))["main"]()
        policies = packs[0]["policies"] if packs else []
        return Served(code, {policy.name: policy for policy in policies})

    return run


def test_every_policy_is_in_the_pack(serve: Serve) -> None:
    served = serve()
    assert served.code == 0
    assert list(served.policies) == [policy.name for policy in POLICIES]
    levels = {name: policy.enforcement_level for name, policy in served.policies.items()}
    assert levels["private"] is EnforcementLevel.MANDATORY
    assert levels["time_to_live"] is EnforcementLevel.ADVISORY
    assert all(policy.description for policy in served.policies.values())


def test_violations_name_the_resource_and_the_remedy(serve: Serve) -> None:
    found = serve().violations("private", StackResource(Lazy({"bucket": "data"})))
    assert found == [("data: nothing blocks public access. Add a BucketPublicAccessBlock", URN)]


def test_options_reach_the_policies(serve: Serve) -> None:
    served = serve()
    assert len(served.violations("protected", StackResource(Lazy({})))) == 1
    assert served.violations("protected", StackResource(Lazy({}), protect=True)) == []
    assert serve("dev").violations("protected", StackResource(Lazy({}))) == []


def test_what_is_not_known_yet_is_not_judged(serve: Serve) -> None:
    role = StackResource(Lazy({"assumeRolePolicy": NotKnown}), resource_type="aws:iam/role:Role")
    assert serve().violations("no_wildcard_without_reason", role) == []
    (found,) = pack.findings(
        next(policy for policy in POLICIES if policy.name == "required_tags"),
        [StackResource(Lazy({"tags": Lazy({"Owner": NotKnown}), "list": [NotKnown]}))],
        pack.Settings(),
        NotKnown,
    )
    assert "Owner" not in found.message


def test_settings_come_from_the_stack(serve: Serve) -> None:
    configuration = {
        "policy:exceptions": json.dumps([EXCEPTION]),
        "policy:levels": json.dumps({"encrypted": "disabled", "captured": "advisory"}),
    }
    served = serve("prod", configuration)
    assert served.violations("private", StackResource(Lazy({}))) == []
    assert served.violations("encrypted", StackResource(Lazy({}))) == []
    assert served.policies["encrypted"].enforcement_level is EnforcementLevel.DISABLED
    assert served.policies["captured"].enforcement_level is EnforcementLevel.ADVISORY
    assert pack.settings({}, POLICIES) == pack.Settings()
    assert pack.settings({"PULUMI_STACK": "staging"}, POLICIES).environment is Environment.STAGING


def test_what_is_planned_is_not_told_to_packs(serve: Serve) -> None:
    with pytest.raises(LookupError, match="`penstock up` runs it"):
        serve().violations("not_replaced", StackResource(Lazy({})))
    assert [policy.name for policy in POLICIES if policy.needs_operation] == ["not_replaced", "endpoint_kept"]


def test_wrong_settings_stop_the_pack(serve: Serve, capsys: pytest.CaptureFixture[str]) -> None:
    assert serve("prod", {"policy:environment": "qa"}).code == 1
    assert "policy:environment: 'qa' is none of" in capsys.readouterr().err
    with pytest.raises(SettingsError):
        pack.settings({"PULUMI_CONFIG": '{"policy:environment": "qa"}'}, POLICIES)


def test_without_the_library_it_says_what_to_do() -> None:
    done = subprocess.run([sys.executable, str(PACK)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "the policy pack needs pulumi_policy" in done.stderr
    assert "requirements/policy.txt" in done.stderr


def test_the_description_that_the_command_reads() -> None:
    described = yaml.safe_load((PACK / "PulumiPolicy.yaml").read_text())
    assert described["runtime"] == {"name": "python", "options": {"toolchain": "pip", "virtualenv": ".venv"}}
    lock = PACK / (PACK / "requirements.txt").read_text().split()[1]
    assert "pulumi-policy==" in lock.read_text()


@pytest.mark.skipif(
    not OWN_PYTHON.is_file(), reason="the pack's own environment (infra/policy/.venv) has not been made"
)
def test_as_a_process_over_pulumis_protocol() -> None:
    """As the CLI starts it: the real library in its own environment, asked over gRPC about a stack."""
    import grpc
    from google.protobuf import struct_pb2
    from pulumi.runtime.proto import analyzer_pb2, analyzer_pb2_grpc

    environment = {
        "PATH": os.environ["PATH"],
        "PULUMI_PROJECT": "p",
        "PULUMI_STACK": "prod",
        "PULUMI_DRY_RUN": "true",
        "PULUMI_CONFIG": json.dumps({"policy:exceptions": json.dumps([EXCEPTION])}),
    }
    process = subprocess.Popen(
        [str(OWN_PYTHON), "-u", "-m", "pulumi.policy", "127.0.0.1:1", str(PACK)],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            analyzer = analyzer_pb2_grpc.AnalyzerStub(channel)  # type: ignore[no-untyped-call]
            properties = struct_pb2.Struct()
            properties.update({"bucket": UNKNOWN, "tags": {"Owner": UNKNOWN}})
            asked = analyzer_pb2.AnalyzeStackRequest(
                resources=[analyzer_pb2.AnalyzerResource(type=TYPE, urn=URN, name="data", properties=properties)]
            )
            answer = analyzer.AnalyzeStack(asked, timeout=30)
            info = analyzer.GetAnalyzerInfo(empty(), timeout=30)
    finally:
        process.terminate()
        process.wait(10)
        if process.stdout is not None:
            process.stdout.close()
    found = {diagnostic.policyName: diagnostic.message for diagnostic in answer.diagnostics}
    assert set(found) == {"encrypted", "encrypted_in_transit", "required_tags", "protected"}
    assert "tags are missing: Project, Environment, CostCenter, ManagedBy" in found["required_tags"]
    assert [entry.policy_name for entry in answer.not_applicable] == ["not_replaced", "endpoint_kept"]
    assert {policy.name for policy in info.policies} == {policy.name for policy in POLICIES}


def empty() -> Any:
    """Protobuf's empty message."""
    from google.protobuf import empty_pb2

    return empty_pb2.Empty()
