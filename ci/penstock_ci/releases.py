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

from penstock_ci import guard, judged, registry, smoke
from penstock_ci.errors import Failure, UserError, explain
from penstock_ci.projects import Project
from penstock_ci.stacks import OnEvent, open_stack, up_when_free

if TYPE_CHECKING:
    from penstock_ci.registry import Version
    from penstock_ci.repository import Repository
    from penstock_ci.target import Target

COMPARING = ("shadow", "ab")
"""Strategies under which a new version first runs beside the live one."""
HISTORY_LENGTH = 20
"""Entries kept: they must fit into one parameter."""
LONGEST_PARAMETER = 4096
"""Characters that an SSM parameter of the standard tier holds."""


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
    challenger: bool = False

    def summary(self) -> dict[str, Any]:
        """What `--json` shows."""
        return {
            "ok": True,
            "model": self.version.model,
            "version": self.version.number,
            "model_package_arn": self.version.arn,
            "previous_model_package_arn": self.previous or None,
            "endpoint": self.endpoint,
            "challenger": self.challenger,
            "counts": self.up.get("counts", {}),
            "smoke_test": self.smoke,
        }


def parameter(target: Target, model: str) -> str:
    """Name of the SSM parameter that holds the live version's ARN."""
    return f"{_folder(target, model)}/model-package-arn"


def challenger_parameter(target: Target, model: str) -> str:
    """Name of the SSM parameter that holds the ARN of the version that is compared with the live one."""
    return f"{_folder(target, model)}/challenger-model-package-arn"


def evaluation_parameter(target: Target, model: str) -> str:
    """Name of the SSM parameter that holds the live version's numbers, for the model's card."""
    return f"{_folder(target, model)}/evaluation"


def challenger(target: Target, model: str) -> str:
    """ARN of the version that runs beside the live one (strategies shadow and ab); empty when there is none."""
    return _read(target, challenger_parameter(target, model))


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
    *,
    yes_production: bool = False,
    promote: bool = False,
) -> Release:
    """Make a version the live one: check it, point the parameter at it, bring the endpoint up, ask it something.

    Under shadow and ab a version that is deployed beside a live one becomes its challenger; `promote` makes it the live
    one. Whatever becomes live, or is rolled back to, serves alone.

    What the policies refuse is refused before any step. When bringing up or the smoke test fails, the version before is
    put back, whatever the policies say: the way back is always open.

    Raises:
        Failure: what failed, and what is live now.
        UserError: the stack is production, and neither CI's environment nor `yes_production` says that it is meant.
    """
    model = repository.name
    infrastructure = Project("infra", repository.infrastructure)
    guard.production(target, infrastructure, meant=yes_production, action=action)
    if version.model != model:
        raise UserError(f"{version.arn} is a version of '{version.model}', but this repository is '{model}'")
    on_progress(f"checking version {version.number}: approval and artifact digest")
    verify(target, version)
    previous = live(target, model)
    compared = repository.configuration.endpoint.strategy in COMPARING and action == "deploy" and not promote
    challenges = compared and previous not in ("", version.arn)
    wanted = (
        {challenger_parameter(target, model): version.arn}
        if challenges
        else {
            parameter(target, model): version.arn,
            challenger_parameter(target, model): "",
            evaluation_parameter(target, model): _evaluation(target, version),
        }
    )
    before = {name: _read(target, name) for name in wanted}
    changed = any(before[name] != wanted[name] for name in wanted)
    _set(target, before, wanted)
    try:
        judged.check(open_stack(infrastructure, target), infrastructure, target, on_progress)
        up = _up(target, repository, on_event, on_progress)
        answers = smoke.deployed(repository.configuration.endpoint, up.get("outputs", {}), challenger=challenges)
        asked = _ask(target, version, answers, previous if challenges else "", on_progress)
    except (KeyboardInterrupt, judged.Refused):
        _set(target, wanted, before)
        raise
    except Exception as error:
        cause = explain(error)
        if cause is None or not changed:
            _set(target, wanted, before)
            raise
        on_progress(f"it failed; putting back {_label(previous)}")
        _set(target, wanted, before)
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
    if not challenges and (previous != version.arn or not history(target, model)):
        _append(target, model, Entry(action, version.number, datetime.now(UTC).isoformat(timespec="seconds")))
    place = (answers.endpoint or answers.model) if answers is not None else ""
    return Release(version, previous if previous != version.arn else "", place, up, asked, challenges)


def _ask(
    target: Target, version: Version, answers: smoke.Deployed | None, live_arn: str, on_progress: Callable[[str], None]
) -> dict[str, Any]:
    """The smoke test; empty where nothing answers. A shadow answers nobody: beside it the live version is asked."""
    if answers is None:
        on_progress("the endpoint is switched off: nothing to ask")
        return {}
    on_progress("smoke test")
    if live_arn and not answers.variant:
        return smoke.test(target, registry.by_arn(target, live_arn), answers)
    return smoke.test(target, version, answers)


def rollback_version(target: Target, model: str, number: int | None) -> Version:
    """The version to return to: the one named, else the newest one deployed before the live one that is still Approved.

    While a challenger runs beside the live version, the way back is the live version alone.

    Raises:
        UserError: nothing is live, or there is nothing to return to.
    """
    current = live(target, model)
    if not current:
        raise UserError(f"nothing of {model} is deployed on the stack '{target.stack}'", "penstock deploy", exit_code=1)
    current_number = int(current.rsplit("/", 1)[-1])
    if number in (None, current_number) and challenger(target, model):
        return registry.pick(target, model, current_number)
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


def _evaluation(target: Target, version: Version) -> str:
    """What the card says of the version: its report and as many of its numbers as a parameter holds; empty without any."""
    try:
        numbers = registry.metrics(target, version)
    except Failure:
        return ""  # an old version's report may have gone: what can be served is served all the same
    metrics: dict[str, float] = {}
    for name in sorted(numbers):
        longer = metrics | {name: numbers[name]}
        if len(json.dumps({"report": version.evaluation, "metrics": longer})) > LONGEST_PARAMETER:
            break
        metrics = longer
    return json.dumps({"report": version.evaluation, "metrics": metrics}) if metrics else ""


def _label(arn: str) -> str:
    return f"version {arn.rsplit('/', 1)[-1]}" if arn else "no version (the endpoint is taken away)"


def _folder(target: Target, model: str) -> str:
    return f"/penstock/{target.stack}/{target.model_name(model)}"


def _history_parameter(target: Target, model: str) -> str:
    return f"{_folder(target, model)}/history"


def _read(target: Target, name: str) -> str:
    client = target.client("ssm")
    try:
        return str(client.get_parameter(Name=name)["Parameter"]["Value"])
    except client.exceptions.ParameterNotFound:
        return ""


def _write(target: Target, name: str, value: str) -> None:
    target.client("ssm").put_parameter(Name=name, Value=value, Type="String", Overwrite=True)


def _set(target: Target, before: dict[str, str], wanted: dict[str, str]) -> None:
    """Bring parameters from what they were to what they shall be; an empty value takes one away."""
    for name, value in wanted.items():
        if value and value != before[name]:
            _write(target, name, value)
        elif not value and before[name]:
            target.client("ssm").delete_parameter(Name=name)


def promoted(target: Target, model: str) -> Version:
    """The challenger, to be made the live version.

    Raises:
        UserError: there is none.
    """
    arn = challenger(target, model)
    if not arn:
        raise UserError(
            f"no version of {model} is compared with the live one on the stack '{target.stack}'",
            "penstock deploy puts one beside it, under the strategies shadow and ab",
            exit_code=1,
        )
    return registry.by_arn(target, arn)


def forget(target: Target, model: str) -> None:
    """Remove the live version's parameter and its history, when the model is taken away."""
    client = target.client("ssm")
    names = [parameter, challenger_parameter, evaluation_parameter, _history_parameter]
    client.delete_parameters(Names=[name(target, model) for name in names])


def _append(target: Target, model: str, entry: Entry) -> None:
    entries = [*history(target, model), entry][-HISTORY_LENGTH:]
    _write(target, _history_parameter(target, model), json.dumps([asdict(item) for item in entries]))
