"""What an endpoint configuration means to run: variants with image, model data, variables, counts and weights, or
without a model, as hosts of inference components."""

from __future__ import annotations

import uuid
from dataclasses import asdict, dataclass
from typing import Any

from penstock_services.errors import ServiceError
from penstock_services.operations import Context
from penstock_services.sagemaker.endpoints.configuration import refused
from penstock_services.sagemaker.engine import find
from penstock_services.sagemaker.registry import package_of

Record = dict[str, Any]
INSTANCE_LIMIT = 8
LEAST_OUTSTANDING = "LEAST_OUTSTANDING_REQUESTS"
_STARTUP_SECONDS = 240


@dataclass(frozen=True)
class VariantPlan:
    """One variant; everything needed to run it again after a restart.

    ``serverless`` is its ServerlessConfig; ``instances`` then is the number that is kept warm. ``routing`` is AWS's
    RoutingStrategy, ``memory`` the most that a server may use, in bytes (None: no limit).
    """

    name: str
    image: str
    model_data: str | None
    archive: bool
    environment: dict[str, str]
    instances: int
    weight: float
    startup_seconds: int
    serverless: Record | None = None
    routing: str = "RANDOM"
    memory: int | None = None


@dataclass(frozen=True)
class HostPlan:
    """One variant without a model, whose instances host the copies of inference components.

    ``instances`` are the ids of those that are there, between ``least`` and ``most``, which differ where
    ManagedInstanceScaling is enabled; ``scaling`` is that member as it was asked for.
    """

    name: str
    instance_type: str
    instances: tuple[str, ...]
    least: int
    most: int
    weight: float
    routing: str
    scaling: Record | None = None


@dataclass(frozen=True)
class Plan:
    """All variants of an endpoint, its data capture configuration, and for an asynchronous one where answers go.

    An endpoint for inference components has ``hosts`` instead of variants.
    """

    config: str
    variants: tuple[VariantPlan, ...]
    capture: Record | None
    shadows: tuple[VariantPlan, ...] = ()
    asynchronous: Record | None = None
    hosts: tuple[HostPlan, ...] = ()

    def to_record(self) -> Record:
        """As JSON."""
        return asdict(self)

    @classmethod
    def from_record(cls, record: Record) -> Plan:
        """From JSON."""
        variants = tuple(VariantPlan(**each) for each in record["variants"])
        shadows = tuple(VariantPlan(**each) for each in record.get("shadows", ()))
        hosts = tuple(HostPlan(**{**each, "instances": tuple(each["instances"])}) for each in record.get("hosts", ()))
        return cls(record["config"], variants, record["capture"], shadows, record.get("asynchronous"), hosts)


def make(context: Context, config: Record, keep: dict[str, Record] | None = None) -> Plan:
    """The plan of a configuration; ``keep`` has weights and counts of running variants that are to stay."""
    unsupported = refused(config)
    if unsupported:
        message = f"Penstock's local SageMaker does not run {unsupported}."
        raise ServiceError("ValidationException", message)
    kept = keep or {}
    return Plan(
        config["EndpointConfigName"],
        tuple(_variant(context, each, kept) for each in config["ProductionVariants"] if "ModelName" in each),
        config.get("DataCaptureConfig"),
        tuple(_variant(context, each, kept) for each in config.get("ShadowProductionVariants", [])),
        config.get("AsyncInferenceConfig"),
        tuple(_host(each) for each in config["ProductionVariants"] if "ModelName" not in each),
    )


def _variant(context: Context, variant: Record, keep: dict[str, Record]) -> VariantPlan:
    image, model_data, archive, environment = container_of(context, variant["ModelName"])
    stated = {"instances": variant.get("InitialInstanceCount", 1), "weight": variant.get("InitialVariantWeight", 1.0)}
    wanted: Record = {**stated, **keep.get(variant["VariantName"], {})}
    serverless: Record | None = variant.get("ServerlessConfig")
    if serverless:
        wanted["instances"] = serverless.get("ProvisionedConcurrency", 0)
    instances = int(wanted["instances"])
    limited(instances, variant.get("InstanceType"))
    return VariantPlan(
        name=variant["VariantName"],
        image=image,
        model_data=model_data,
        archive=archive,
        environment=environment,
        instances=instances,
        weight=float(wanted["weight"]),
        startup_seconds=startup_seconds(variant),
        serverless=serverless,
        routing=variant.get("RoutingConfig", {}).get("RoutingStrategy", "RANDOM"),
    )


def _host(variant: Record) -> HostPlan:
    scaling = variant.get("ManagedInstanceScaling")
    count = least = most = variant.get("InitialInstanceCount", 1)
    if scaling and scaling.get("Status") == "ENABLED":
        least = scaling.get("MinInstanceCount", 1)
        count = variant.get("InitialInstanceCount", least)
        most = min(scaling.get("MaxInstanceCount", INSTANCE_LIMIT), INSTANCE_LIMIT)
    limited(count, variant.get("InstanceType"))
    return HostPlan(
        name=variant["VariantName"],
        instance_type=variant["InstanceType"],
        instances=tuple(new_instance() for _ in range(count)),
        least=least,
        most=max(count, most),
        weight=float(variant.get("InitialVariantWeight", 1.0)),
        routing=variant.get("RoutingConfig", {}).get("RoutingStrategy", "RANDOM"),
        scaling=scaling,
    )


def new_instance() -> str:
    """The id of an instance that was not there before."""
    return f"i-{uuid.uuid4().hex[:17]}"


def startup_seconds(stated: Record) -> int:
    """How long a container may take to start: what a variant's or component's parameters say, in seconds."""
    startup = stated.get("ContainerStartupHealthCheckTimeoutInSeconds")
    return int(startup or stated.get("ModelDataDownloadTimeoutInSeconds") or _STARTUP_SECONDS)


def limited(instances: int, instance_type: str | None) -> None:
    """Refuse more instances than this machine runs, as an account's quota does."""
    if instances > INSTANCE_LIMIT:
        message = (
            f"The account-level service limit '{instance_type} for endpoint usage' is {INSTANCE_LIMIT} Instances, "
            f"with a request delta of {instances} Instances."
        )
        raise ServiceError("ResourceLimitExceeded", message)


def container_of(context: Context, model_name: str) -> tuple[str, str | None, bool, dict[str, str]]:
    """Image, model data, whether that is an archive, and variables of a model's one container."""
    _, model = find(context, "Model", model_name)
    containers = [model["PrimaryContainer"]] if "PrimaryContainer" in model else model.get("Containers", [])
    if len(containers) != 1:
        message = (
            f"Penstock's local SageMaker runs models with one container; model {model_name} has {len(containers)}."
        )
        raise ServiceError("ValidationException", message)
    container = containers[0]
    environment = dict(container.get("Environment", {}))
    if "ModelPackageName" in container:
        package = package_of(context, container)
        specified = package.get("InferenceSpecification", {}).get("Containers", [])
        if len(specified) != 1:
            message = f"Model package {container['ModelPackageName']} must have one container to be deployed here."
            raise ServiceError("ValidationException", message)
        container = specified[0]
        environment = {**container.get("Environment", {}), **environment}
    if container.get("Mode") == "MultiModel":
        message = "Penstock's local SageMaker does not run multi-model endpoints (Mode MultiModel)."
        raise ServiceError("ValidationException", message)
    if "Image" not in container:
        message = f"Model {model_name} names no image."
        raise ServiceError("ValidationException", message)
    source = container.get("ModelDataSource", {}).get("S3DataSource")
    if source:
        return container["Image"], source["S3Uri"], source["CompressionType"] == "Gzip", environment
    return container["Image"], container.get("ModelDataUrl") or None, True, environment
