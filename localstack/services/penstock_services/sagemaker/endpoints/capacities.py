"""UpdateEndpointWeightsAndCapacities: weights, instance counts and concurrency of running variants."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from penstock_services.errors import ServiceError
from penstock_services.operations import Context, operation
from penstock_services.sagemaker.endpoints import configuration
from penstock_services.sagemaker.endpoints.components.placement import Host, NoCapacityError
from penstock_services.sagemaker.endpoints.description import described
from penstock_services.sagemaker.endpoints.live import REASON_LENGTH, Live, change, in_background, updatable
from penstock_services.sagemaker.endpoints.plan import limited
from penstock_services.sagemaker.endpoints.serving.fleet import Fleet
from penstock_services.sagemaker.endpoints.serving.serverless import ServerlessVariant
from penstock_services.sagemaker.endpoints.serving.variant import DeploymentFailedError, Variant

Record = dict[str, Any]


@operation("UpdateEndpointWeightsAndCapacities")
def _update(context: Context, request: Record) -> Record:
    record, endpoint = updatable(context, request["EndpointName"])
    wanted = {each["VariantName"]: each for each in request["DesiredWeightsAndCapacities"]}
    fleet = endpoint.main.fleet if endpoint.main is not None else None
    for name, asked in wanted.items():
        if fleet is not None and name in fleet.hosts:
            _hosts_possible(fleet.hosts[name], asked)
        elif fleet is not None and name in fleet.every:
            _possible(fleet, fleet.every[name], asked)
        else:
            raise _invalid(f'The variant name(s) "{name}" do not exist in endpoint "{record["EndpointArn"]}".')
    change(endpoint, ("FailureReason",), EndpointStatus="Updating")
    in_background(_apply, endpoint, wanted)
    return {"EndpointArn": record["EndpointArn"]}


def _possible(fleet: Fleet, variant: Variant, asked: Record) -> None:
    name = variant.plan.name
    if isinstance(variant, ServerlessVariant):
        if "DesiredInstanceCount" in asked:
            raise _invalid(f"Variant {name} is serverless and has no instances; use ServerlessUpdateConfig.")
        configuration.concurrency(name, _capacity(variant, asked))
        return
    if "ServerlessUpdateConfig" in asked:
        raise _invalid(f"Variant {name} is not serverless; use DesiredInstanceCount.")
    count = asked.get("DesiredInstanceCount", 1)
    if count < 1 and fleet.plan.asynchronous is None:
        raise _invalid(
            f"DesiredInstanceCount of variant {name} must be at least 1; only asynchronous endpoints can have 0."
        )
    limited(count, "instances")


def _hosts_possible(host: Host, asked: Record) -> None:
    name = host.plan.name
    if "ServerlessUpdateConfig" in asked:
        raise _invalid(f"Variant {name} is not serverless; use DesiredInstanceCount.")
    if "DesiredInstanceCount" not in asked:
        return
    if host.plan.least < host.plan.most:
        message = (
            f"Penstock's local SageMaker does not run DesiredInstanceCount beside ManagedInstanceScaling ({name})."
        )
        raise ServiceError("NotImplementedException", message, 501)
    if asked["DesiredInstanceCount"] < 1:
        raise _invalid(f"DesiredInstanceCount of variant {name} must be at least 1.")
    limited(asked["DesiredInstanceCount"], host.plan.instance_type)


def _capacity(variant: ServerlessVariant, asked: Record) -> Record:
    now = {"MaxConcurrency": variant.concurrency, "ProvisionedConcurrency": variant.provisioned}
    return {**now, **asked.get("ServerlessUpdateConfig", {})}


def _apply(endpoint: Live, wanted: dict[str, Record]) -> None:
    with endpoint.lock:
        if endpoint.main is None:
            return
        fleet = endpoint.main.fleet
        problems: list[str] = []
        for name, asked in wanted.items():
            try:
                if name in fleet.hosts:
                    _resize_host(fleet.hosts[name], asked)
                else:
                    _resize(fleet.every[name], asked)
            except (DeploymentFailedError, NoCapacityError) as error:
                problems.append(str(error)[:REASON_LENGTH])
        members: Record = described(endpoint.context, fleet)
        if problems:
            members["FailureReason"] = problems[0]
        change(endpoint, EndpointStatus="InService", _plan=_planned(fleet), **members)


def _resize(variant: Variant, asked: Record) -> None:
    variant.weight = float(asked.get("DesiredWeight", variant.weight))
    if isinstance(variant, ServerlessVariant):
        capacity = _capacity(variant, asked)
        variant.resize(capacity["MaxConcurrency"], capacity["ProvisionedConcurrency"])
        return
    count = asked.get("DesiredInstanceCount", len(variant.instances))
    variant.start(count)
    variant.shrink(count)


def _resize_host(host: Host, asked: Record) -> None:
    host.weigh(float(asked.get("DesiredWeight", host.plan.weight)))
    if "DesiredInstanceCount" in asked:
        host.resize(asked["DesiredInstanceCount"])


def _planned(fleet: Fleet) -> Record:
    """The plan as it is now, to come up so after a restart."""
    plan = replace(fleet.plan, hosts=tuple(each.plan for each in fleet.hosts.values())).to_record()
    for each in (*plan["variants"], *plan["shadows"]):
        variant = fleet.every[each["name"]]
        each["weight"] = variant.weight
        if isinstance(variant, ServerlessVariant):
            each["instances"] = variant.provisioned
            each["serverless"] = {
                **each["serverless"],
                "MaxConcurrency": variant.concurrency,
                "ProvisionedConcurrency": variant.provisioned,
            }
        else:
            each["instances"] = len(variant.instances)
    return plan


def _invalid(message: str) -> ServiceError:
    return ServiceError("ValidationException", message)
