"""A question to what was just deployed: a few of the version's own evaluation rows must get the registered scores.

Each way of answering is asked in its own way: an endpoint by InvokeEndpoint (a challenger by its variant), an asynchronous
one through S3, a model without an endpoint by a small transform job.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from penstock_ci import platform
from penstock_ci.errors import Failure

if TYPE_CHECKING:
    from penstock_ci.registry import Version
    from penstock_ci.target import Target
    from penstock_pipelines.serving import EndpointSection

TOLERANCE = 1e-5
"""How far a served score may be from the registered one: the smoke test's rows are written as text."""
POLL_SECONDS = 1.0
ASYNC_PATIENCE_SECONDS = 600
TRANSFORM_PATIENCE_SECONDS = 1800
CHALLENGER = "Challenger"
CSV = "text/csv"

type Report = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Deployed:
    """What is asked: an endpoint, or a model where there is none, under the strategy that was deployed.

    `variant` is the challenger's, when that is to be asked.
    """

    strategy: str
    endpoint: str
    model: str
    instance_type: str
    variant: str = ""


def deployed(settings: EndpointSection, outputs: dict[str, Any], *, challenger: bool) -> Deployed | None:
    """What the stack's outputs say was deployed; None when the endpoint is switched off."""
    batch = settings.strategy == "batch"
    endpoint = str(outputs.get("endpointName", ""))
    sagemaker_model = str(outputs.get("modelName", ""))
    if not (sagemaker_model if batch else endpoint):
        return None
    return Deployed(
        strategy=settings.strategy,
        endpoint="" if batch else endpoint,
        model=sagemaker_model,
        instance_type=settings.instance_type,
        variant=CHALLENGER if challenger and settings.strategy == "ab" else "",
    )


def test(target: Target, version: Version, what: Deployed) -> Report:
    """Ask about the version's smoke rows; the answer must be its registered scores.

    Raises:
        Failure: there is no answer, or another.
    """
    folder = version.evaluation.rsplit("/", 1)[0]
    rows = _text(target, f"{folder}/smoke.csv", version)
    expected = scores(_text(target, f"{folder}/smoke.expected.csv", version))
    place = what.endpoint or what.model
    ask = {"async": _ask_through_s3, "batch": _ask_by_transform}.get(what.strategy, _ask_endpoint)
    answer, variant = ask(target, version, what, rows)
    predictions = scores(answer)
    if len(predictions) != len(expected):
        raise Failure(f"the endpoint {place} answered {len(predictions)} predictions for {len(expected)} rows")
    furthest = max((abs(mine - theirs) for mine, theirs in zip(predictions, expected, strict=True)), default=0.0)
    if furthest > TOLERANCE:
        raise Failure(
            f"the endpoint {place} does not give the scores registered with version {version.number}: "
            f"they differ by up to {furthest:.6f}",
            f"its log: penstock logs {place}",
        )
    return {"rows": len(expected), "predictions": predictions, "largest_difference": furthest, "variant": variant}


def scores(body: str) -> list[float]:
    """The numbers of an answer. Raises Failure when it holds anything else."""
    try:
        return [float(value) for value in body.replace("\n", ",").split(",") if value.strip()]
    except ValueError:
        raise Failure(f"these are not scores: {body[:200]!r}") from None


def _ask_endpoint(target: Target, version: Version, what: Deployed, rows: str) -> tuple[str, str | None]:  # noqa: ARG001
    client = target.client("sagemaker-runtime")
    request: dict[str, Any] = {"EndpointName": what.endpoint, "ContentType": CSV, "Accept": CSV, "Body": rows.encode()}
    if what.variant:
        request["TargetVariant"] = what.variant
    try:
        answer = client.invoke_endpoint(**request)
    except client.exceptions.ClientError as error:
        raise _refused(what.endpoint, error) from error
    return answer["Body"].read().decode(), answer.get("InvokedProductionVariant")


def _ask_through_s3(target: Target, version: Version, what: Deployed, rows: str) -> tuple[str, str | None]:
    client, bucket = target.client("sagemaker-runtime"), str(platform.outputs(target)["artifactBucket"])
    key = f"async/input/{version.model}/smoke-{uuid.uuid4().hex}.csv"
    target.client("s3").put_object(Bucket=bucket, Key=key, Body=rows.encode(), ContentType=CSV)
    try:
        accepted = client.invoke_endpoint_async(
            EndpointName=what.endpoint, InputLocation=f"s3://{bucket}/{key}", ContentType=CSV, Accept=CSV
        )
    except client.exceptions.ClientError as error:
        raise _refused(what.endpoint, error) from error

    def arrived() -> str | None:
        failed = _object(target, accepted["FailureLocation"]) if accepted.get("FailureLocation") else None
        if failed is not None:
            raise Failure(
                f"the endpoint {what.endpoint} failed its smoke test: {failed[:300]}",
                f"its log: penstock logs {what.endpoint}",
            )
        return _object(target, accepted["OutputLocation"])

    answer = _wait(arrived, ASYNC_PATIENCE_SECONDS, f"the endpoint {what.endpoint} put no answer in S3")
    return answer, None


def _ask_by_transform(target: Target, version: Version, what: Deployed, rows: str) -> tuple[str, str | None]:
    client, bucket = target.client("sagemaker"), str(platform.outputs(target)["artifactBucket"])
    name = f"{version.model}-smoke-{uuid.uuid4().hex[:12]}"
    folder = f"batch/{version.model}/smoke/{name}"
    target.client("s3").put_object(Bucket=bucket, Key=f"{folder}/input/rows.csv", Body=rows.encode())
    source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{bucket}/{folder}/input/"}}
    client.create_transform_job(
        TransformJobName=name,
        ModelName=what.model,
        TransformInput={"DataSource": source, "ContentType": CSV, "SplitType": "Line"},
        TransformOutput={"S3OutputPath": f"s3://{bucket}/{folder}/output/", "Accept": CSV, "AssembleWith": "Line"},
        TransformResources={"InstanceType": what.instance_type, "InstanceCount": 1},
    )

    def ended() -> str | None:
        found = client.describe_transform_job(TransformJobName=name)
        if found["TransformJobStatus"] in ("Failed", "Stopped"):
            raise Failure(
                f"the model {what.model} failed its smoke test: {found.get('FailureReason', 'the job was stopped')}",
                f"its log: penstock logs {name}",
            )
        done = found["TransformJobStatus"] == "Completed"
        return _object(target, f"s3://{bucket}/{folder}/output/rows.csv.out") if done else None

    return _wait(ended, TRANSFORM_PATIENCE_SECONDS, f"the transform job {name} did not end"), None


def _wait(look: Callable[[], str | None], patience: float, otherwise: str) -> str:
    limit = time.monotonic() + patience
    while time.monotonic() < limit:
        found = look()
        if found is not None:
            return found
        time.sleep(POLL_SECONDS)
    raise Failure(f"{otherwise} within {patience:.0f} s")


def _refused(endpoint: str, error: Any) -> Failure:
    problem = error.response["Error"]
    return Failure(
        f"the endpoint {endpoint} failed its smoke test: {problem.get('Message') or problem.get('Code')}",
        f"its log: penstock logs {endpoint}",
    )


def _object(target: Target, uri: str) -> str | None:
    """An object's text; None while it is not there."""
    parts = urlsplit(uri)
    client = target.client("s3")
    try:
        body: str = client.get_object(Bucket=parts.netloc, Key=parts.path.lstrip("/"))["Body"].read().decode()
    except client.exceptions.ClientError as error:
        if error.response["Error"].get("Code") in ("NoSuchKey", "404"):
            return None
        raise
    return body


def _text(target: Target, uri: str, version: Version) -> str:
    """A text that was registered with the version."""
    parts = urlsplit(uri)
    client = target.client("s3")
    try:
        text: str = client.get_object(Bucket=parts.netloc, Key=parts.path.lstrip("/"))["Body"].read().decode()
    except client.exceptions.ClientError as error:
        raise Failure(
            f"version {version.number} has no rows for a smoke test ({uri})", "its pipeline's Evaluate step writes them"
        ) from error
    return text
