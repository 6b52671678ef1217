"""Which version is live, how it came there, and the way back.

The truth is one SSM parameter per model and stack, which the model repository's Pulumi program reads; the history
beside it is a stack: a deployment pushes, a rollback pops.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from penstock_ci import registry
from penstock_ci.errors import Failure, UserError, explain
from penstock_ci.projects import Project
from penstock_ci.stacks import OnEvent, open_stack, up_when_free

if TYPE_CHECKING:
    from penstock_ci.registry import Version
    from penstock_ci.repository import Repository
    from penstock_ci.target import Target

HISTORY_LENGTH = 20
"""Entries kept: an SSM parameter of the standard tier holds 4 KiB."""


SMOKE_TOLERANCE = 1e-5
"""How far a served score may be from the registered one: the smoke test's rows are written as text."""


@dataclass(frozen=True)
class Entry:
    """One change of the live version. `at` is ISO 8601, UTC."""

    action: Literal["deploy", "rollback"]
    version: int
    at: str


@dataclass(frozen=True)
class Release:
    """What a deployment did."""

    version: Version
    previous: str
    endpoint: str
    up: dict[str, Any]
    smoke: dict[str, Any]

    def summary(self) -> dict[str, Any]:
        """What `--json` shows."""
        return {
            "ok": True,
            "model": self.version.model,
            "version": self.version.number,
            "model_package_arn": self.version.arn,
            "previous_model_package_arn": self.previous or None,
            "endpoint": self.endpoint,
            "counts": self.up.get("counts", {}),
            "smoke_test": self.smoke,
        }


def parameter(target: Target, model: str) -> str:
    """Name of the SSM parameter that holds the live version's ARN."""
    return f"/penstock/{target.stack}/{model}/model-package-arn"


def live(target: Target, model: str) -> str:
    """ARN of the version that is (to be) on the endpoint; empty when there is none."""
    return _read(target, parameter(target, model))


def history(target: Target, model: str) -> list[Entry]:
    """Changes of the live version, oldest first."""
    text = _read(target, _history_parameter(target, model))
    return [Entry(**entry) for entry in json.loads(text)] if text else []


def deployed_stack(entries: list[Entry]) -> list[int]:
    """Versions that a rollback can return to, newest (the live one) last.

    A rollback to a version that is not among them (named by hand) counts as a deployment.
    """
    stack: list[int] = []
    for entry in entries:
        if entry.action == "rollback" and entry.version in stack:
            while stack[-1] != entry.version:
                stack.pop()
        elif not stack or stack[-1] != entry.version:
            stack.append(entry.version)
    return stack


def verify(target: Target, version: Version) -> None:
    """Refuse what must not be served: a version that is not Approved, or whose artifact is not the registered one.

    Raises:
        Failure: with what is wrong.
    """
    if version.approval != "Approved":
        raise Failure(
            f"version {version.number} of {version.model} is {version.approval}, not Approved: it is not deployed",
            f"look at it: penstock review {version.model} --version {version.number}; then penstock approve",
        )
    expected = version.properties.get("model_digest", "").removeprefix("sha256:")
    if not expected:
        raise Failure(
            f"version {version.number} of {version.model} was registered without the digest of its artifact (model_digest)",
            "register it by the pipeline: penstock train",
        )
    found = digest(target, version.artifact)
    if found != expected:
        raise Failure(
            f"the artifact of version {version.number} is not the one that was registered: {version.artifact} has "
            f"sha256 {found[:16]}..., registered was {expected[:16]}...",
            "find out who changed it; do not deploy it. Train again: penstock train",
        )


def digest(target: Target, uri: str) -> str:
    """SHA-256 of an object, read in pieces.

    Raises:
        Failure: it cannot be read.
    """
    client = target.client("s3")
    parts = urlsplit(uri)
    try:
        body = client.get_object(Bucket=parts.netloc, Key=parts.path.lstrip("/"))["Body"]
    except client.exceptions.ClientError as error:
        raise Failure(f"the artifact {uri} cannot be read: {error.response['Error'].get('Code')}") from error
    found = hashlib.sha256()
    for piece in body.iter_chunks(1 << 20):
        found.update(piece)
    return found.hexdigest()


def deploy(
    target: Target,
    repository: Repository,
    version: Version,
    on_event: OnEvent,
    on_progress: Callable[[str], None],
    action: Literal["deploy", "rollback"] = "deploy",
) -> Release:
    """Make a version the live one: check it, point the parameter at it, bring the endpoint up, ask it something.

    When bringing up or the smoke test fails, the version before is put back.

    Raises:
        Failure: what failed, and what is live now.
    """
    model = repository.name
    if version.model != model:
        raise UserError(f"{version.arn} is a version of '{version.model}', but this repository is '{model}'")
    on_progress(f"checking version {version.number}: approval and artifact digest")
    verify(target, version)
    previous = live(target, model)
    name = parameter(target, model)
    if previous != version.arn:
        _write(target, name, version.arn)
    try:
        up = _up(target, repository, on_event, on_progress)
        endpoint = str(up.get("outputs", {}).get("endpointName") or model)
        on_progress("smoke test")
        smoke = smoke_test(target, version, endpoint)
    except KeyboardInterrupt:
        if previous != version.arn:
            _restore(target, name, previous)
        raise
    except Exception as error:
        cause = explain(error)
        if cause is None or previous == version.arn:
            if previous != version.arn:
                _restore(target, name, previous)
            raise
        on_progress(f"it failed; putting back {_label(previous)}")
        _restore(target, name, previous)
        try:
            _up(target, repository, on_event, on_progress)
        except Exception as second:
            worse = explain(second)
            if worse is None:
                raise
            raise Failure(
                f"version {version.number} failed ({cause.message}), and {_label(previous)} could not be put back: "
                f"{worse.message}",
                "mend the cause, then: penstock up infra",
                detail=cause.detail or worse.detail,
            ) from error
        raise Failure(
            f"version {version.number} was not deployed: {cause.message}",
            f"live is {_label(previous)}. {cause.fix}".strip(),
            detail=cause.detail,
        ) from error
    if previous != version.arn or not history(target, model):
        _append(target, model, Entry(action, version.number, datetime.now(UTC).isoformat(timespec="seconds")))
    return Release(version, previous if previous != version.arn else "", endpoint, up, smoke)


def rollback_version(target: Target, model: str, number: int | None) -> Version:
    """The version to return to: the one named, else the newest one deployed before the live one that is still Approved.

    Raises:
        UserError: nothing is live, or there is nothing to return to.
    """
    current = live(target, model)
    if not current:
        raise UserError(f"nothing of {model} is deployed on the stack '{target.stack}'", "penstock deploy", exit_code=1)
    current_number = int(current.rsplit("/", 1)[-1])
    if number is not None:
        if number == current_number:
            raise UserError(f"version {number} of {model} is live already", "name another one", exit_code=1)
        return registry.pick(target, model, number)
    for candidate in reversed(deployed_stack(history(target, model))):
        if candidate != current_number:
            version = registry.pick(target, model, candidate)
            if version.approval == "Approved":
                return version
    raise UserError(
        f"version {current_number} of {model} is the first that was deployed: there is nothing to roll back to",
        f"name a version: penstock rollback {model} --version N",
        exit_code=1,
    )


def smoke_test(target: Target, version: Version, endpoint: str) -> dict[str, Any]:
    """Ask the endpoint about a few of the version's own evaluation rows; it must give the registered scores.

    Raises:
        Failure: it does not answer, or answers something else.
    """
    folder = version.evaluation.rsplit("/", 1)[0]
    rows = _text(target, f"{folder}/smoke.csv", version)
    expected = _predictions(_text(target, f"{folder}/smoke.expected.csv", version))
    client = target.client("sagemaker-runtime")
    try:
        answer = client.invoke_endpoint(
            EndpointName=endpoint, ContentType="text/csv", Accept="text/csv", Body=rows.encode()
        )
    except client.exceptions.ClientError as error:
        problem = error.response["Error"]
        raise Failure(
            f"the endpoint {endpoint} failed its smoke test: {problem.get('Message') or problem.get('Code')}",
            f"its log: penstock logs {endpoint}",
        ) from error
    predictions = _predictions(answer["Body"].read().decode())
    if len(predictions) != len(expected):
        raise Failure(f"the endpoint {endpoint} answered {len(predictions)} predictions for {len(expected)} rows")
    furthest = max((abs(mine - theirs) for mine, theirs in zip(predictions, expected, strict=True)), default=0.0)
    if furthest > SMOKE_TOLERANCE:
        raise Failure(
            f"the endpoint {endpoint} does not give the scores registered with version {version.number}: "
            f"they differ by up to {furthest:.6f}",
            f"its log: penstock logs {endpoint}",
        )
    return {
        "rows": len(expected),
        "predictions": predictions,
        "largest_difference": furthest,
        "variant": answer.get("InvokedProductionVariant"),
    }


def _predictions(body: str) -> list[float]:
    try:
        return [float(value) for value in body.replace("\n", ",").split(",") if value.strip()]
    except ValueError:
        raise Failure(f"these are not scores: {body[:200]!r}") from None


def _text(target: Target, uri: str, version: Version) -> str:
    parts = urlsplit(uri)
    client = target.client("s3")
    try:
        text: str = client.get_object(Bucket=parts.netloc, Key=parts.path.lstrip("/"))["Body"].read().decode()
    except client.exceptions.ClientError as error:
        raise Failure(
            f"version {version.number} has no rows for a smoke test ({uri})", "its pipeline's Evaluate step writes them"
        ) from error
    return text


def _up(
    target: Target, repository: Repository, on_event: OnEvent, on_progress: Callable[[str], None]
) -> dict[str, Any]:
    done = up_when_free(open_stack(Project("infra", repository.infrastructure), target), on_event, on_progress)
    if not done.get("ok"):
        raise Failure(
            "penstock up infra failed",
            "penstock logs NAME shows the endpoint's log",
            detail="\n".join(done.get("errors") or done.get("diagnostics") or []),
        )
    return done


def _label(arn: str) -> str:
    return f"version {arn.rsplit('/', 1)[-1]}" if arn else "no version (the endpoint is taken away)"


def _history_parameter(target: Target, model: str) -> str:
    return f"/penstock/{target.stack}/{model}/history"


def _read(target: Target, name: str) -> str:
    client = target.client("ssm")
    try:
        return str(client.get_parameter(Name=name)["Parameter"]["Value"])
    except client.exceptions.ParameterNotFound:
        return ""


def _write(target: Target, name: str, value: str) -> None:
    target.client("ssm").put_parameter(Name=name, Value=value, Type="String", Overwrite=True)


def _restore(target: Target, name: str, value: str) -> None:
    if value:
        _write(target, name, value)
    else:
        target.client("ssm").delete_parameter(Name=name)


def forget(target: Target, model: str) -> None:
    """Remove the live version's parameter and its history, when the model is taken away."""
    client = target.client("ssm")
    client.delete_parameters(Names=[parameter(target, model), _history_parameter(target, model)])


def _append(target: Target, model: str, entry: Entry) -> None:
    entries = [*history(target, model), entry][-HISTORY_LENGTH:]
    _write(target, _history_parameter(target, model), json.dumps([asdict(item) for item in entries]))
