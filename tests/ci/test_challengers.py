"""Versions beside the live one (shadow, ab), and the smoke test of each way of answering. Pulumi and endpoints are stand-ins."""

from __future__ import annotations

import io
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.ci.conftest import CONFIGURATION
from tests.ci.test_releases import BUCKET, World, world  # noqa: F401 - a fixture

from penstock_ci import platform, releases, smoke
from penstock_ci.errors import Failure, UserError
from penstock_ci.repository import find
from penstock_pipelines.serving import EndpointSection

pytestmark = [pytest.mark.cloud]


def strategy(world: World, name: str) -> None:  # noqa: F811
    """Let the repository ask for a strategy."""
    text = f"{CONFIGURATION}endpoint:\n  strategy: {name}\n".replace("name: tides", f"name: {world.model}")
    Path("penstock.yaml").write_text(text)
    world.repository = find()


@pytest.mark.parametrize("name", ["shadow", "ab"])
def test_a_second_version_is_compared_then_promoted(world: World, name: str) -> None:  # noqa: F811
    strategy(world, name)
    first, second = world.register(), world.register()
    assert not world.deploy(first).challenger, "nothing is live: it goes live at once"
    done = world.deploy(second)
    assert done.challenger
    assert world.live() == 1
    assert releases.challenger(world.target, world.model) == second.arn
    assert [entry.version for entry in releases.history(world.target, world.model)] == [1]

    chosen = releases.promoted(world.target, world.model)
    quiet: Any = lambda item: None  # noqa: E731
    releases.deploy(world.target, world.repository, chosen, quiet, quiet, promote=True)
    assert world.live() == 2
    assert releases.challenger(world.target, world.model) == ""
    assert [entry.version for entry in releases.history(world.target, world.model)] == [1, 2]


def test_rollback_takes_the_challenger_away_first(world: World) -> None:  # noqa: F811
    strategy(world, "ab")
    first, second, third = world.register(), world.register(), world.register()
    world.deploy(first)
    strategy(world, "all_at_once")
    world.deploy(second)
    strategy(world, "ab")
    world.deploy(third)
    back = releases.rollback_version(world.target, world.model, None)
    assert back.number == 2
    world.deploy(back, "rollback")
    assert (world.live(), releases.challenger(world.target, world.model)) == (2, "")
    assert releases.rollback_version(world.target, world.model, None).number == 1


def test_a_challenger_that_fails_leaves_the_live_version_alone(world: World) -> None:  # noqa: F811
    strategy(world, "ab")
    first, second = world.register(), world.register()
    world.deploy(first)
    world.endpoint.answer = "9\n9\n"
    with pytest.raises(Failure, match="version 2 was not deployed"):
        world.deploy(second)
    assert (world.live(), releases.challenger(world.target, world.model)) == (1, "")


def test_other_strategies_need_no_promotion(world: World) -> None:  # noqa: F811
    for number in (1, 2):
        assert not world.deploy(world.register()).challenger
        assert world.live() == number
    with pytest.raises(UserError, match=r"no version of .* is compared"):
        releases.promoted(world.target, world.model)


def test_rollback_to_any_earlier_approved_version(world: World) -> None:  # noqa: F811
    versions = [world.register() for _ in range(4)]
    for version in versions:
        world.deploy(version)
    for number in (1, 3, 2):
        world.deploy(releases.rollback_version(world.target, world.model, number), "rollback")
        assert world.live() == number
    rejected = world.register("Rejected")
    with pytest.raises(Failure, match="is Rejected, not Approved"):
        world.deploy(releases.rollback_version(world.target, world.model, rejected.number), "rollback")
    assert world.live() == 2


def test_an_endpoint_that_is_switched_off_is_not_asked(world: World, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    done = {"ok": True, "outputs": {"endpointName": "", "modelName": ""}}
    monkeypatch.setattr(world.stack, "run", lambda action, on_event: done)
    released = world.deploy(world.register())
    assert (released.endpoint, released.smoke) == ("", {})
    assert world.live() == 1


# -- what is asked, and how


def settings(name: str) -> EndpointSection:
    return EndpointSection.model_validate({"strategy": name})


def test_what_the_outputs_say_was_deployed() -> None:
    outputs = {"endpointName": "sea", "modelName": "sea-1"}
    found = smoke.deployed(settings("ab"), outputs, challenger=True)
    assert found is not None
    assert (found.endpoint, found.variant) == ("sea", "Challenger")
    shadow = smoke.deployed(settings("shadow"), outputs, challenger=True)
    assert shadow is not None
    assert shadow.variant == ""
    batch = smoke.deployed(settings("batch"), {"endpointName": "", "modelName": "sea-1"}, challenger=False)
    assert batch is not None
    assert (batch.endpoint, batch.model) == ("", "sea-1")
    assert smoke.deployed(settings("ab"), {"endpointName": "", "modelName": ""}, challenger=False) is None


@pytest.fixture
def own_bucket(monkeypatch: pytest.MonkeyPatch) -> None:
    """The stack's own bucket of artifacts: the version's may be another stack's, to be read only."""
    monkeypatch.setattr(platform, "outputs", lambda _target: {"artifactBucket": BUCKET})


@pytest.mark.usefixtures("own_bucket")
def test_an_asynchronous_endpoint_is_asked_through_s3(world: World) -> None:  # noqa: F811
    version = world.register()
    s3 = world.target.client("s3")
    asked: list[str] = []

    def invoke(**request: Any) -> dict[str, Any]:
        asked.append(request["InputLocation"])
        s3.put_object(Bucket=BUCKET, Key="answer", Body=b"0.25\n0.5\n")
        return {"OutputLocation": f"s3://{BUCKET}/answer", "FailureLocation": f"s3://{BUCKET}/failure"}

    runtime = SimpleNamespace(invoke_endpoint_async=invoke, exceptions=world.endpoint.exceptions)
    world.target._clients["sagemaker-runtime"] = runtime
    what = smoke.Deployed(strategy="async", endpoint="sea-async", model="", instance_type="ml.m5.large")
    assert smoke.test(world.target, version, what)["rows"] == 2
    assert asked[0].startswith(f"s3://{BUCKET}/async/input/{world.model}/smoke-")
    s3.put_object(Bucket=BUCKET, Key="failure", Body=b"no such column")
    with pytest.raises(Failure, match="failed its smoke test: no such column"):
        smoke.test(world.target, version, what)
    s3.delete_object(Bucket=BUCKET, Key="failure")


@pytest.mark.usefixtures("own_bucket")
def test_a_model_without_an_endpoint_is_asked_by_a_transform_job(
    world: World,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    version = world.register()
    real = world.target.client("sagemaker")
    jobs: dict[str, dict[str, Any]] = {}
    outcome = {"TransformJobStatus": "Completed"}

    def create(**request: Any) -> None:
        jobs[request["TransformJobName"]] = request
        place = request["TransformOutput"]["S3OutputPath"].removeprefix(f"s3://{BUCKET}/")
        world.target.client("s3").put_object(Bucket=BUCKET, Key=f"{place}rows.csv.out", Body=b"0.25\n0.5\n")

    fake = SimpleNamespace(create_transform_job=create, describe_transform_job=lambda **_: outcome)
    monkeypatch.setitem(world.target._clients, "sagemaker", fake)
    what = smoke.Deployed(strategy="batch", endpoint="", model="sea-1", instance_type="ml.m5.large")
    assert smoke.test(world.target, version, what)["predictions"] == [0.25, 0.5]
    (job,) = jobs.values()
    assert job["ModelName"] == "sea-1"
    shape = real.meta.service_model.operation_model("CreateTransformJob").input_shape
    assert set(job) <= set(shape.members)
    outcome.update(TransformJobStatus="Failed", FailureReason="no memory")
    with pytest.raises(Failure, match="failed its smoke test: no memory"):
        smoke.test(world.target, version, what)


def test_answers_that_are_no_scores() -> None:
    with pytest.raises(Failure, match="these are not scores"):
        smoke.scores(json.dumps({"error": "x"}))
    assert smoke.scores(io.StringIO("1\n2,3\n").read()) == [1.0, 2.0, 3.0]
