"""The life of endpoints: create, update without downtime, roll back, delete, and come up again after a restart."""

from __future__ import annotations

import logging
import shutil
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from penstock_services.errors import ServiceError
from penstock_services.execution.images import UnknownImageError
from penstock_services.execution.images import find as find_image
from penstock_services.operations import Context, ContextFactory, check, contexts_with, on_start, on_stop, operation
from penstock_services.sagemaker import events, hooks, tags
from penstock_services.sagemaker.endpoints import plan as planning
from penstock_services.sagemaker.endpoints.capture import Capture
from penstock_services.sagemaker.endpoints.metrics import METRICS
from penstock_services.sagemaker.endpoints.plan import Plan
from penstock_services.sagemaker.endpoints.server import DeploymentFailedError, Fleet
from penstock_services.sagemaker.engine import find, now
from penstock_services.sagemaker.hooks import hook
from penstock_services.sagemaker.kinds import kinds
from penstock_services.store import Scope

_LOG = logging.getLogger(__name__)
Record = dict[str, Any]
_IN_PROGRESS = ("Creating", "Updating", "SystemUpdating", "RollingBack", "Deleting")
_REASON_LENGTH = 1024


@dataclass
class Live:
    """A running endpoint. ``lock`` is held by whoever changes it; requests only read ``fleet`` and ``capture``."""

    context: Context
    name: str
    fleet: Fleet | None = None
    capture: Capture | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)
    gone: bool = False


_LIVE: dict[tuple[Scope, str], Live] = {}
_live_lock = threading.Lock()
_stopped = threading.Event()


def live(scope: Scope, name: str) -> Live | None:
    """The running endpoint of that name."""
    return _LIVE.get((scope, name))


def _in_background(function: Callable[..., None], endpoint: Live, *arguments: Any) -> None:
    threading.Thread(target=_safely, args=(function, endpoint, *arguments), name=function.__name__, daemon=True).start()


def _safely(function: Callable[..., None], endpoint: Live, *arguments: Any) -> None:
    """Run a step of an endpoint; a fault of ours leaves it Failed with a reason, not waiting for ever."""
    try:
        function(endpoint, *arguments)
    except Exception as error:  # noqa: BLE001 (becomes the FailureReason)
        _LOG.exception("endpoint %s", endpoint.name)
        reason = f"InternalServerError: {type(error).__name__}: {error}"
        _change(endpoint, ("PendingDeploymentSummary",), EndpointStatus="Failed", FailureReason=reason)


def _folder(context: Context, name: str) -> Path:
    return context.settings.state_dir / "endpoints" / f"{context.scope.account}-{context.scope.region}" / name


@check("CreateEndpointConfig")
def _models_exist(context: Context, request: Record) -> None:
    for variant in request["ProductionVariants"]:
        if "ModelName" in variant:
            find(context, "Model", variant["ModelName"])


@check("CreateEndpoint")
def _all_at_once(_context: Context, request: Record) -> None:
    """Refuse by name the deployment strategies that are not run."""
    deployment = request.get("DeploymentConfig", {})
    if "RollingUpdatePolicy" in deployment:
        message = "Penstock's local SageMaker does not run DeploymentConfig.RollingUpdatePolicy."
        raise ServiceError("ValidationException", message)
    routing = deployment.get("BlueGreenUpdatePolicy", {}).get("TrafficRoutingConfiguration", {})
    if routing.get("Type", "ALL_AT_ONCE") != "ALL_AT_ONCE":
        message = f"Penstock's local SageMaker does not run the traffic routing {routing['Type']}, only ALL_AT_ONCE."
        raise ServiceError("ValidationException", message)


@hook("Endpoint", "prepare")
def _prepare(context: Context, record: Record) -> None:
    _, config = find(context, "EndpointConfig", record["EndpointConfigName"])
    record["_plan"] = planning.make(context, config).to_record()
    record["_deployment"] = uuid.uuid4().hex[:8]
    deployment = record.pop("DeploymentConfig", None)
    if deployment is not None:
        record["LastDeploymentConfig"] = deployment


@hook("Endpoint", "created")
def _created(context: Context, record: Record) -> None:
    announce(context, record)
    endpoint = Live(context, record["EndpointName"])
    with _live_lock:
        _LIVE[(context.scope, record["EndpointName"])] = endpoint
    _in_background(_bring_up, endpoint, record)


def _bring_up(endpoint: Live, record: Record) -> None:
    """Start what the record plans; InService or Failed."""
    with endpoint.lock:
        context = endpoint.context
        plan = Plan.from_record(record["_plan"])
        fleet = Fleet(context, endpoint.name, plan, _folder(context, endpoint.name) / record["_deployment"])
        try:
            fleet.start()
        except DeploymentFailedError as error:
            if not endpoint.gone and not _stopped.is_set():
                _change(endpoint, EndpointStatus="Failed", FailureReason=str(error)[:_REASON_LENGTH])
            return
        if endpoint.gone or _stopped.is_set():
            fleet.stop(forget=endpoint.gone)
            return
        endpoint.fleet = fleet
        endpoint.capture = _capture(context, endpoint.name, plan)
        _change(endpoint, EndpointStatus="InService", **_described(context, fleet))


def _capture(context: Context, name: str, plan: Plan) -> Capture | None:
    if plan.capture is None or not plan.capture.get("EnableCapture"):
        return None
    return Capture(context, name, plan.capture)


def _described(context: Context, fleet: Fleet) -> Record:
    """Members of DescribeEndpoint that say what runs."""
    variants = []
    for variant in fleet.variants.values():
        image = variant.plan.image
        deployed = {"SpecifiedImage": image, "ResolutionTime": now()}
        digest = _resolved(context, image)
        if digest:
            deployed["ResolvedImage"] = digest
        variants.append(
            {
                "VariantName": variant.plan.name,
                "DeployedImages": [deployed],
                "CurrentWeight": variant.weight,
                "DesiredWeight": variant.weight,
                "CurrentInstanceCount": len(variant.instances),
                "DesiredInstanceCount": len(variant.instances),
            }
        )
    members: Record = {"ProductionVariants": variants}
    capture = fleet.plan.capture
    if capture is not None:
        enabled = bool(capture.get("EnableCapture"))
        members["DataCaptureConfig"] = {
            "EnableCapture": enabled,
            "CaptureStatus": "Started" if enabled else "Stopped",
            "CurrentSamplingPercentage": capture["InitialSamplingPercentage"],
            "DestinationS3Uri": capture["DestinationS3Uri"],
            "KmsKeyId": capture.get("KmsKeyId", ""),
        }
    return members


def _resolved(context: Context, uri: str) -> str | None:
    try:
        image = find_image(context.settings.state_dir, uri)
    except UnknownImageError:
        return None
    return f"{image.repository}@{image.digest}"


def _change(endpoint: Live, remove: tuple[str, ...] = (), **members: Any) -> Record | None:
    context = endpoint.context

    def apply(record: Record) -> None:
        record.update(members)
        for member in remove:
            record.pop(member, None)
        record["LastModifiedTime"] = now()

    record = context.store.update(context.scope, "Endpoint", endpoint.name, apply)
    if record is not None:
        announce(context, record)
    return record


def announce(context: Context, record: Record) -> None:
    """Run the ``updated`` hooks of endpoints, and send the state-change event; its status is in capitals there, as AWS
    documents."""
    hooks.run("Endpoint", "updated", context, record)
    detail = {
        "EndpointName": record["EndpointName"],
        "EndpointArn": record["EndpointArn"],
        "EndpointConfigName": record["EndpointConfigName"],
        "EndpointStatus": _capitals(record["EndpointStatus"]),
        "CreationTime": int(record["CreationTime"] * 1000),
        "LastModifiedTime": int(record["LastModifiedTime"] * 1000),
        "Tags": tags.of(context, record["EndpointArn"]),
    }
    if "FailureReason" in record:
        detail["FailureReason"] = record["FailureReason"]
    if "ProductionVariants" in record:
        detail["ProductionVariants"] = [
            {key: value for key, value in variant.items() if key != "DeployedImages"}
            for variant in record["ProductionVariants"]
        ]
    events.emit(context, "SageMaker Endpoint State Change", [record["EndpointArn"]], detail)


def _capitals(status: str) -> str:
    return "".join("_" + letter if letter.isupper() else letter for letter in status).lstrip("_").upper()


def _updatable(context: Context, name: str) -> tuple[Record, Live]:
    key, record = find(context, "Endpoint", name)
    status = record["EndpointStatus"]
    endpoint = live(context.scope, key)
    if status in _IN_PROGRESS:
        raise ServiceError("ValidationException", f'Cannot update in-progress endpoint "{record["EndpointArn"]}".')
    if status != "InService" or endpoint is None:
        message = f'Cannot update endpoint "{record["EndpointArn"]}" in status {status}; it can only be deleted.'
        raise ServiceError("ValidationException", message)
    return record, endpoint


@operation("UpdateEndpoint")
def _update(context: Context, request: Record) -> Record:
    record, endpoint = _updatable(context, request["EndpointName"])
    _all_at_once(context, request)
    _, config = find(context, "EndpointConfig", request["EndpointConfigName"])
    keep: dict[str, Record] = {}
    if request.get("RetainAllVariantProperties") and endpoint.fleet is not None:
        excluded = {each["VariantPropertyType"] for each in request.get("ExcludeRetainedVariantProperties", [])}
        for variant in endpoint.fleet.variants.values():
            kept: Record = {}
            if "DesiredInstanceCount" not in excluded:
                kept["instances"] = len(variant.instances)
            if "DesiredWeight" not in excluded:
                kept["weight"] = variant.weight
            keep[variant.plan.name] = kept
    plan = planning.make(context, config, keep)
    deployment = request.get("DeploymentConfig")
    if deployment is None and request.get("RetainDeploymentConfig"):
        deployment = record.get("LastDeploymentConfig")
    pending = {
        "EndpointConfigName": plan.config,
        "ProductionVariants": [{"VariantName": variant.name} for variant in plan.variants],
        "StartTime": now(),
    }
    _change(endpoint, ("FailureReason",), EndpointStatus="Updating", PendingDeploymentSummary=pending)
    _in_background(_replace, endpoint, plan, deployment)
    return {"EndpointArn": record["EndpointArn"]}


def _replace(endpoint: Live, plan: Plan, deployment: Record | None) -> None:
    """Bring the new fleet up beside the old one, switch, let the old one end; or keep the old one."""
    with endpoint.lock:
        context = endpoint.context
        number = uuid.uuid4().hex[:8]
        old_fleet, old_capture = endpoint.fleet, endpoint.capture
        fleet = Fleet(context, endpoint.name, plan, _folder(context, endpoint.name) / number)
        pending = ("PendingDeploymentSummary",)
        try:
            fleet.start()
        except DeploymentFailedError as error:
            if not endpoint.gone and not _stopped.is_set():
                _change(endpoint, EndpointStatus="RollingBack")
                _change(endpoint, pending, EndpointStatus="InService", FailureReason=str(error)[:_REASON_LENGTH])
            return
        if endpoint.gone or _stopped.is_set():
            fleet.stop()
            return
        endpoint.fleet, endpoint.capture = fleet, _capture(context, endpoint.name, plan)
        alarm = _bake(context, endpoint, deployment or {})
        if alarm is not None and old_fleet is not None:
            _change(endpoint, EndpointStatus="RollingBack")
            new_capture = endpoint.capture
            endpoint.fleet, endpoint.capture = old_fleet, old_capture
            fleet.stop()
            if new_capture is not None:
                new_capture.close()
            reason = f"The deployment was rolled back: alarm {alarm} is in state ALARM."
            _change(endpoint, pending, EndpointStatus="InService", FailureReason=reason)
            return
        extra = {"LastDeploymentConfig": deployment} if deployment else {}
        _change(
            endpoint,
            pending,
            EndpointStatus="InService",
            EndpointConfigName=plan.config,
            _plan=plan.to_record(),
            _deployment=number,
            **_described(context, fleet),
            **extra,
        )
        if old_fleet is not None:
            old_fleet.stop()
        if old_capture is not None:
            old_capture.close()


def _bake(context: Context, endpoint: Live, deployment: Record) -> str | None:
    """Watch the alarms of an all-at-once deployment for its waiting time; the alarm that went off."""
    policy = deployment.get("BlueGreenUpdatePolicy", {})
    wait = policy.get("TrafficRoutingConfiguration", {}).get("WaitIntervalInSeconds", 0)
    names = [each["AlarmName"] for each in deployment.get("AutoRollbackConfiguration", {}).get("Alarms", [])]
    deadline = time.monotonic() + wait
    while not endpoint.gone and not _stopped.is_set():
        if names:
            try:
                found = context.client("cloudwatch").describe_alarms(AlarmNames=names, StateValue="ALARM")
            except (BotoCoreError, ClientError) as error:
                _LOG.warning("alarms of %s cannot be read: %s", endpoint.name, error)
            else:
                firing: list[Record] = found["MetricAlarms"] + found.get("CompositeAlarms", [])
                if firing:
                    return str(firing[0]["AlarmName"])
        if time.monotonic() >= deadline:
            break
        _stopped.wait(min(1.0, max(0.05, deadline - time.monotonic())))
    return None


@operation("UpdateEndpointWeightsAndCapacities")
def _weights(context: Context, request: Record) -> Record:
    record, endpoint = _updatable(context, request["EndpointName"])
    wanted = {each["VariantName"]: each for each in request["DesiredWeightsAndCapacities"]}
    fleet = endpoint.fleet
    for name, change in wanted.items():
        if fleet is None or name not in fleet.variants:
            message = f'The variant name(s) "{name}" do not exist in endpoint "{record["EndpointArn"]}".'
            raise ServiceError("ValidationException", message)
        if change.get("DesiredInstanceCount", 1) > planning.INSTANCE_LIMIT:
            message = f"The account-level service limit for endpoint instances is {planning.INSTANCE_LIMIT}."
            raise ServiceError("ResourceLimitExceeded", message)
    _change(endpoint, ("FailureReason",), EndpointStatus="Updating")
    _in_background(_scale, endpoint, wanted)
    return {"EndpointArn": record["EndpointArn"]}


def _scale(endpoint: Live, wanted: dict[str, Record]) -> None:
    with endpoint.lock:
        fleet = endpoint.fleet
        if fleet is None:
            return
        problem: str | None = None
        for name, change in wanted.items():
            variant = fleet.variants[name]
            variant.weight = float(change.get("DesiredWeight", variant.weight))
            count = change.get("DesiredInstanceCount", len(variant.instances))
            try:
                variant.start(count)
            except DeploymentFailedError as error:
                problem = str(error)[:_REASON_LENGTH]
            variant.shrink(count)
        described = _described(endpoint.context, fleet)
        plan = fleet.plan.to_record()
        for each in plan["variants"]:
            variant = fleet.variants[each["name"]]
            each["weight"], each["instances"] = variant.weight, max(1, len(variant.instances))
        members: Record = {**described, **({"FailureReason": problem} if problem else {})}
        _change(endpoint, (), EndpointStatus="InService", _plan=plan, **members)


@operation("DeleteEndpoint")
def _delete(context: Context, request: Record) -> Record:
    name, record = find(context, "Endpoint", request["EndpointName"])
    if record["EndpointStatus"] == "Deleting":
        return {}
    endpoint = live(context.scope, name) or Live(context, name)
    endpoint.gone = True
    _change(endpoint, EndpointStatus="Deleting")
    _in_background(_take_down, endpoint)
    return {}


def _take_down(endpoint: Live) -> None:
    context, name = endpoint.context, endpoint.name
    with endpoint.lock:
        if endpoint.fleet is not None:
            endpoint.fleet.stop()
        if endpoint.capture is not None:
            endpoint.capture.close()
        with _live_lock:
            if _LIVE.get((context.scope, name)) is endpoint:
                del _LIVE[(context.scope, name)]
        record = context.store.get(context.scope, "Endpoint", name)
        shutil.rmtree(_folder(context, name), ignore_errors=True)
        tags.remove(context, kinds().by_name["Endpoint"].arn(context.scope, name))
        context.store.delete(context.scope, "Endpoint", name)
        if record is not None:
            hooks.run("Endpoint", "deleted", context, record)


@on_start
def _restore(factory: ContextFactory) -> None:
    """Bring up again what was there when the last process ended."""
    for context in contexts_with(factory, "Endpoint"):
        for name, record in context.store.scan(context.scope, "Endpoint"):
            status = record["EndpointStatus"]
            endpoint = Live(context, name)
            if status == "Deleting":
                endpoint.gone = True
                _in_background(_take_down, endpoint)
            elif status != "Failed":
                _LIVE[(context.scope, name)] = endpoint
                if status in ("Updating", "RollingBack"):
                    reason = (
                        "The local cloud stopped while the endpoint was being updated; it serves what it served before."
                    )
                    _change(endpoint, ("PendingDeploymentSummary",), EndpointStatus="InService", FailureReason=reason)
                _in_background(_bring_up, endpoint, record)


@on_stop
def _stop(_factory: ContextFactory) -> None:
    """Stop the servers and write the captured data; the records stay, to come up again."""
    _stopped.set()
    with _live_lock:
        endpoints = list(_LIVE.values())

    def end(endpoint: Live) -> None:
        if endpoint.capture is not None:
            endpoint.capture.close()
        if endpoint.fleet is not None:
            endpoint.fleet.stop(forget=False)

    threads = [threading.Thread(target=end, args=(endpoint,), daemon=True) for endpoint in endpoints]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    METRICS.flush()
