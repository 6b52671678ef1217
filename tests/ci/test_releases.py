"""Versions in a real registry: approval, digest, deployment with a way back, history. Pulumi and the endpoint are stand-ins."""

from __future__ import annotations

import hashlib
import io
import itertools
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.ci.conftest import CONFIGURATION, Penstock

from penstock_ci import platform, registry, releases, training
from penstock_ci.errors import Failure, UserError
from penstock_ci.releases import Entry, deployed_stack
from penstock_ci.repository import Repository, find
from penstock_ci.target import Target
from penstock_infra.card import Evaluation

pytestmark = [pytest.mark.cloud]
BUCKET = "artifacts"
IMAGE = "000000000000.dkr.ecr.us-east-1.amazonaws.com/models@sha256:" + "0" * 64
NUMBERS = itertools.count(1)


@dataclass
class Endpoint:
    """Stands for the endpoint: answers the scores, or fails."""

    answer: str = "0.25\n0.5\n"
    error: ClientError | None = None
    exceptions: Any = None

    def invoke_endpoint(self, **request: Any) -> dict[str, Any]:
        if self.error:
            raise self.error
        return {"Body": io.BytesIO(self.answer.encode()), "InvokedProductionVariant": "AllTraffic"}


@dataclass
class Stack:
    """Stands for the Pulumi stack: counts its ups, and fails in those that it is told to; `planned` are a preview's events."""

    ups: int = 0
    planned: list[dict[str, Any]] = field(default_factory=list)
    failing: set[int] = field(default_factory=set)

    def run(self, action: str, on_event: Any) -> dict[str, Any]:
        if action == "preview":
            for event in self.planned:
                on_event(event)
            return {"ok": True}
        assert action == "up"
        self.ups += 1
        ok = self.ups not in self.failing
        return {
            "ok": ok,
            "counts": {"update": 1},
            "outputs": {"endpointName": "sea"},
            "errors": [] if ok else ["no capacity"],
        }


@dataclass
class World:
    """A model with its own name on the local cloud, and the stand-ins."""

    target: Target
    repository: Repository
    model: str
    stack: Stack
    endpoint: Endpoint

    def register(
        self, approval: str = "Approved", artifact: bytes = b"model", digest: str | None = None, auc: float = 0.7
    ) -> registry.Version:
        """Register a version as the pipeline does."""
        client = self.target.client("s3")
        prefix = f"{self.model}/{next(NUMBERS)}"
        expected = hashlib.sha256(artifact).hexdigest() if digest is None else digest
        for name, content in {
            "model.tar.gz": artifact,
            "evaluation.json": json.dumps({"metrics": {"auc": auc, "rows": 2}}).encode(),
            "smoke.csv": b"1,2\n3,4\n",
            "smoke.expected.csv": b"0.25\n0.5\n",
        }.items():
            client.put_object(Bucket=BUCKET, Key=f"{prefix}/{name}", Body=content)
        answer = self.target.client("sagemaker").create_model_package(
            ModelPackageGroupName=self.target.model_name(self.model),
            ModelApprovalStatus=approval,
            InferenceSpecification={
                "Containers": [{"Image": IMAGE, "ModelDataUrl": f"s3://{BUCKET}/{prefix}/model.tar.gz"}],
                "SupportedContentTypes": ["text/csv"],
                "SupportedResponseMIMETypes": ["text/csv"],
            },
            ModelMetrics={
                "ModelQuality": {
                    "Statistics": {
                        "ContentType": "application/json",
                        "S3Uri": f"s3://{BUCKET}/{prefix}/evaluation.json",
                    }
                }
            },
            CustomerMetadataProperties={"model_digest": expected} if expected else {"git_commit": "abc"},
        )
        return registry.by_arn(self.target, answer["ModelPackageArn"])

    def deploy(self, version: registry.Version, action: Any = "deploy") -> releases.Release:
        return releases.deploy(self.target, self.repository, version, lambda event: None, lambda text: None, action)

    def live(self) -> int | None:
        arn = releases.live(self.target, self.model)
        return int(arn.rsplit("/", 1)[-1]) if arn else None


@pytest.fixture
def world(target: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    model = f"sea-{next(NUMBERS)}"
    (tmp_path / "penstock.yaml").write_text(CONFIGURATION.replace("name: tides", f"name: {model}"))
    monkeypatch.chdir(tmp_path)
    target.client("s3").create_bucket(Bucket=BUCKET)
    target.client("sagemaker").create_model_package_group(ModelPackageGroupName=target.model_name(model))
    made = World(target, find(), model, Stack(), Endpoint(exceptions=target.client("sagemaker-runtime").exceptions))
    target._clients["sagemaker-runtime"] = made.endpoint
    monkeypatch.setattr(releases, "open_stack", lambda project, target: made.stack)
    monkeypatch.setattr("penstock_ci.target.resolve", lambda stack=None: target)
    return made


@pytest.mark.parametrize(
    ("account", "group"),
    [
        ("111111111111", "arn:aws:sagemaker:eu-west-1:111111111111:model-package-group/sea-dev"),
        ("222222222222", "sea-dev"),
    ],
)
def test_a_stack_takes_versions_of_the_registry_that_it_shares(
    world: World, monkeypatch: pytest.MonkeyPatch, account: str, group: str
) -> None:
    """`registryStack`, in another account (asked for by its ARN) or in the same one."""
    asked = []

    class Elsewhere:
        exceptions = world.target.client("sagemaker").exceptions

        def get_paginator(self, operation: str) -> Any:
            return world.target.client("sagemaker").get_paginator(operation) if "groups" in operation else self

        def paginate(self, **request: Any) -> Any:
            group = request["ModelPackageGroupName"]
            asked.append(group)
            return [{"ModelPackageSummaryList": [{"ModelPackageArn": f"{group}/1"}]}]

        def describe_model_package(self, ModelPackageName: str) -> dict[str, Any]:
            return {
                "ModelPackageArn": ModelPackageName,
                "ModelPackageGroupName": "sea-dev",
                "ModelPackageVersion": 1,
                "ModelApprovalStatus": "Approved",
            }

    target = Target("aws", "prod", {}, "eu-west-1")
    elsewhere = Elsewhere()
    monkeypatch.setattr(Target, "client", lambda _target, _service: elsewhere)
    identity = {"Account": "222222222222", "Arn": "arn:aws:sts::222222222222:assumed-role/deploy/session"}
    monkeypatch.setattr(Target, "_caller", lambda _target: identity)
    platform.registry.cache_clear()
    shared = {"registryStack": "dev", "registryAccount": account}
    monkeypatch.setattr(platform, "open_stack", lambda _project, _target: SimpleNamespace(outputs=lambda: shared))
    version = registry.pick(target, "sea", None, approval="Approved")
    assert (version.number, version.model) == (1, "sea")
    assert asked == [group]


def test_deploy_records_what_is_live(world: World) -> None:
    first = world.register()
    done = world.deploy(first)
    assert (world.live(), done.previous, done.endpoint) == (1, "", "sea")
    assert done.smoke["rows"] == 2
    second = world.register()
    assert world.deploy(second).previous == first.arn
    assert [(entry.action, entry.version) for entry in releases.history(world.target, world.model)] == [
        ("deploy", 1),
        ("deploy", 2),
    ]


def test_what_the_policies_refuse_is_not_deployed(world: World) -> None:
    first, second = world.register(), world.register()
    world.deploy(first)
    bucket = "aws:s3/bucket:Bucket"
    world.stack.planned = [
        {"kind": "planned", "op": "create", "urn": f"urn:pulumi:local::m::{bucket}::open", "type": bucket, "name": "open",
         "protect": False, "inputs": {"bucket": "open"}, "diff": []}
    ]  # fmt: skip
    with pytest.raises(
        Failure, match=r"3 mandatory finding\(s\) of the policies in infra: nothing was done"
    ) as refused:
        world.deploy(second)
    assert "policy private: aws:s3/bucket:Bucket open" in refused.value.detail
    assert (world.live(), world.stack.ups) == (1, 1), "nothing was brought up, and the parameter says what is live"


def test_deploying_the_live_version_again_changes_nothing_but_looks(world: World) -> None:
    version = world.register()
    world.deploy(version)
    world.deploy(version)
    assert world.stack.ups == 2
    assert len(releases.history(world.target, world.model)) == 1


@pytest.mark.parametrize("approval", ["Rejected", "PendingManualApproval"])
def test_a_version_that_is_not_approved_is_refused(world: World, approval: str) -> None:
    with pytest.raises(Failure, match=f"is {approval}, not Approved"):
        world.deploy(world.register(approval))
    assert (world.live(), world.stack.ups) == (None, 0)


@pytest.mark.parametrize(
    ("digest", "message"), [("1" * 64, "is not the one that was registered"), ("", "without the digest")]
)
def test_an_artifact_that_is_not_the_registered_one_is_refused(world: World, digest: str, message: str) -> None:
    with pytest.raises(Failure, match=message):
        world.deploy(world.register(digest=digest))
    assert (world.live(), world.stack.ups) == (None, 0)


def test_an_artifact_changed_after_registration_is_refused(world: World) -> None:
    version = world.register()
    bucket, key = version.artifact.removeprefix("s3://").split("/", 1)
    world.target.client("s3").put_object(Bucket=bucket, Key=key, Body=b"another model")
    with pytest.raises(Failure, match="is not the one that was registered"):
        world.deploy(version)
    world.target.client("s3").delete_object(Bucket=bucket, Key=key)
    with pytest.raises(Failure, match="cannot be read: NoSuchKey"):
        world.deploy(version)


def test_a_failed_smoke_test_puts_the_version_before_back(world: World) -> None:
    world.deploy(world.register())
    second = world.register()
    world.endpoint.error = ClientError({"Error": {"Code": "ModelError", "Message": "it raised"}}, "InvokeEndpoint")
    with pytest.raises(Failure, match=r"version 2 was not deployed: .*it raised") as caught:
        world.deploy(second)
    assert "live is version 1" in caught.value.fix
    assert (world.live(), world.stack.ups) == (1, 3)
    assert [entry.version for entry in releases.history(world.target, world.model)] == [1]


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ("0.25\n0.6\n", "differ by up to 0.100000"),
        ("0.25\n", "1 predictions for 2 rows"),
        ("late", "these are not scores"),
    ],
)
def test_an_endpoint_that_answers_something_else_fails_its_smoke_test(world: World, answer: str, message: str) -> None:
    world.endpoint.answer = answer
    with pytest.raises(Failure, match=message):
        world.deploy(world.register())
    assert world.live() is None


def test_an_up_that_fails_puts_the_version_before_back(world: World) -> None:
    world.deploy(world.register())
    world.stack.failing = {2}
    with pytest.raises(Failure, match="version 2 was not deployed: penstock up infra failed") as caught:
        world.deploy(world.register())
    assert caught.value.detail == "no capacity"
    assert (world.live(), world.stack.ups) == (1, 3)


def test_when_even_putting_back_fails_it_is_said(world: World) -> None:
    world.deploy(world.register())
    world.stack.failing = {2, 3}
    with pytest.raises(Failure, match="version 1 could not be put back"):
        world.deploy(world.register())
    assert world.live() == 1


def test_an_interrupted_deployment_leaves_the_old_version_named(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.deploy(world.register())
    monkeypatch.setattr(world.stack, "run", lambda *arguments: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        world.deploy(world.register())
    assert world.live() == 1


def test_another_models_version_is_refused(world: World) -> None:
    other = f"lake-{next(NUMBERS)}"
    world.target.client("sagemaker").create_model_package_group(ModelPackageGroupName=world.target.model_name(other))
    mine, world.model = world.model, other
    version = world.register()
    world.model = mine
    with pytest.raises(UserError, match=f"is a version of '{other}', but this repository is '{mine}'"):
        world.deploy(version)


def test_rollback_goes_one_back_each_time(world: World) -> None:
    with pytest.raises(UserError, match=r"nothing of .* is deployed"):
        releases.rollback_version(world.target, world.model, None)
    for _ in range(3):
        world.deploy(world.register())
    back = releases.rollback_version(world.target, world.model, None)
    assert back.number == 2
    world.deploy(back, "rollback")
    assert releases.rollback_version(world.target, world.model, None).number == 1
    with pytest.raises(UserError, match="is live already"):
        releases.rollback_version(world.target, world.model, 2)


def test_rollback_passes_over_a_version_rejected_since(world: World) -> None:
    versions = [world.register() for _ in range(3)]
    for version in versions:
        world.deploy(version)
    registry.decide(world.target, versions[1], "Rejected", "worse than thought")
    assert releases.rollback_version(world.target, world.model, None).number == 1


def test_nothing_to_roll_back_to(world: World) -> None:
    world.deploy(world.register())
    with pytest.raises(UserError, match="nothing to roll back to"):
        releases.rollback_version(world.target, world.model, None)


@pytest.mark.parametrize(
    ("entries", "stack"),
    [
        ([("deploy", 1), ("deploy", 2), ("deploy", 3)], [1, 2, 3]),
        ([("deploy", 1), ("deploy", 2), ("rollback", 1)], [1]),
        ([("deploy", 1), ("deploy", 2), ("rollback", 1), ("deploy", 3)], [1, 3]),
        ([("deploy", 1), ("rollback", 2)], [1, 2]),
        ([("deploy", 1), ("deploy", 1)], [1]),
        ([], []),
    ],
)
def test_history_is_a_stack(entries: list[tuple[Any, int]], stack: list[int]) -> None:
    assert deployed_stack([Entry(action, version, "2026-01-01") for action, version in entries]) == stack


def test_what_is_live_is_kept_with_its_numbers(world: World) -> None:
    """For the model's card; they change with the version, and go when the model goes."""

    def kept() -> dict[str, Any]:
        name = releases.evaluation_parameter(world.target, world.model)
        return dict(json.loads(world.target.client("ssm").get_parameter(Name=name)["Parameter"]["Value"]))

    first = world.register(auc=0.6)
    world.deploy(first)
    assert kept() == {"report": first.evaluation, "metrics": {"auc": 0.6}}
    assert Evaluation.model_validate(kept()).metrics == {"auc": 0.6}, "as the model's program reads it"
    world.deploy(world.register(auc=0.8))
    assert kept()["metrics"] == {"auc": 0.8}
    world.endpoint.answer = "9\n9\n"
    with pytest.raises(Failure, match="was not deployed"):
        world.deploy(world.register(auc=0.9))
    assert kept()["metrics"] == {"auc": 0.8}, "what failed is put back whole"
    releases.forget(world.target, world.model)
    with pytest.raises(ClientError, match="ParameterNotFound"):
        kept()


def test_no_more_numbers_are_kept_than_a_parameter_holds(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    version = world.register()
    many = {f"metric_{number:04}": number / 7 for number in range(500)}
    monkeypatch.setattr(registry, "metrics", lambda _target, _version: many)
    world.deploy(version)
    name = releases.evaluation_parameter(world.target, world.model)
    text = world.target.client("ssm").get_parameter(Name=name)["Parameter"]["Value"]
    assert 3900 < len(text) <= releases.LONGEST_PARAMETER
    assert next(iter(json.loads(text)["metrics"])) == "metric_0000"


def test_the_history_fits_its_parameter(world: World) -> None:
    for number in range(40):
        releases._append(world.target, world.model, Entry("rollback", 10_000 + number, "2026-11-21T05:15:26+00:00"))
    kept = releases.history(world.target, world.model)
    assert len(kept) == releases.HISTORY_LENGTH
    assert kept[-1].version == 10_039
    assert len(json.dumps([vars(entry) for entry in kept])) < 4096


def test_verbs_of_the_registry(world: World, penstock: Penstock) -> None:
    world.register("PendingManualApproval", auc=0.7)
    reviewed = penstock("review", "--json").document
    assert (reviewed["version"], reviewed["approval"], reviewed["champion"]) == (1, "PendingManualApproval", None)
    assert reviewed["metrics"] == {"auc": 0.7}
    assert "no champion yet" in penstock("review").out
    approved = penstock("approve", world.model, "--version", "1", "--comment", "good", "--json").document
    assert (approved["approval"], approved["before"], approved["changed"]) == (
        "Approved",
        "PendingManualApproval",
        True,
    )
    assert penstock("approve", "--json").document["changed"] is False
    assert registry.pick(world.target, world.model, 1).description["ApprovalDescription"] == "good"
    world.register("PendingManualApproval", auc=0.8)
    reviewed = penstock("review", "--json").document
    assert reviewed["champion"]["version"] == 1
    assert reviewed["difference"]["auc"] == pytest.approx(0.1)
    assert penstock("reject", "--json").document["approval"] == "Rejected"
    refused = penstock("deploy", "--version", "2")
    assert (refused.code, refused.out) == (1, "")
    assert "is Rejected, not Approved" in refused.err
    assert penstock("deploy", "--json").document["version"] == 1
    assert penstock("deploy", "--json").document["previous_model_package_arn"] is None


def test_versions_and_models_that_do_not_exist(world: World, penstock: Penstock) -> None:
    outcome = penstock("approve", "--version", "7")
    assert outcome.code == 1
    assert "has no version 7" in outcome.err
    world.register("PendingManualApproval")
    assert "its versions: 1" in penstock("approve", "--version", "7").err
    outcome = penstock("deploy")
    assert "has no version that is Approved" in outcome.err
    outcome = penstock("review", world.model[:-1] + "x")
    assert outcome.code == 1
    assert "the registry has no model" in outcome.err
    assert "did you mean" in outcome.err
    assert "is not the ARN of a model package" in penstock("deploy", "--model-package-arn", "arn:aws:s3:::x").err
    missing = f"arn:aws:sagemaker:us-east-1:000000000000:model-package/{world.model}-local/9"
    assert "the registry has no model package" in penstock("deploy", "--model-package-arn", missing).err
    assert penstock("deploy", "--model-package-arn", missing, "--version", "1").code == 2
    assert "this repository is" in penstock("rollback", "another").err


def test_the_champions_numbers_are_those_on_the_same_rows(world: World) -> None:
    first = world.register(auc=0.9)
    compared = {"champion": {"arn": first.arn, "metrics": {"auc": 0.65, "rows": 5}}}
    assert training.champion_numbers(world.target, compared, first) == {"auc": 0.65}
    assert training.champion_numbers(
        world.target, {"champion": {"arn": "another", "metrics": {"auc": 0.1}}}, first
    ) == {"auc": 0.9}
    assert training.champion_numbers(world.target, {"champion": {"arn": first.arn, "metrics": None}}, first) == {
        "auc": 0.9
    }
    assert training.champion_numbers(world.target, {}, None) == {}


def test_the_champion_is_the_live_version_else_the_newest_approved(world: World) -> None:
    assert training.champion(world.target, world.model) is None
    first, second, third = world.register(), world.register(), world.register("PendingManualApproval")
    chosen: Callable[..., Any] = training.champion
    assert chosen(world.target, world.model).arn == second.arn
    world.deploy(first)
    assert chosen(world.target, world.model, but=third.arn).arn == first.arn
    assert chosen(world.target, world.model, but=first.arn).arn == second.arn


def test_status_of_a_model(world: World, penstock: Penstock, monkeypatch: pytest.MonkeyPatch) -> None:
    from penstock_ci import overview

    monkeypatch.setattr(
        overview, "stacks", lambda target, repository: [{"project": "infra", "resources": 3, "state": "up"}]
    )
    world.deploy(world.register())
    document = penstock("status", "--json").document
    (model,) = document["models"]
    assert (model["model"], model["endpoint"]["version"], model["execution"]) == (world.model, 1, None)
    assert [(version["version"], version["live"]) for version in model["versions"]] == [(1, True)]
    shown = penstock("status", world.model).out
    assert "version 1 live" in shown
    assert "auc 0.7000" in shown
