"""What an endpoint configuration means to run: variants with image, model data, variables, counts and weights."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from penstock_services.errors import ServiceError
from penstock_services.operations import Context
from penstock_services.sagemaker.engine import find

Record = dict[str, Any]
INSTANCE_LIMIT = 8
_STARTUP_SECONDS = 240


@dataclass(frozen=True)
class VariantPlan:
    """One production variant; everything needed to run it again after a restart."""

    name: str
    image: str
    model_data: str | None
    archive: bool
    environment: dict[str, str]
    instances: int
    weight: float
    startup_seconds: int


@dataclass(frozen=True)
class Plan:
    """All variants of an endpoint, and its data capture configuration."""

    config: str
    variants: tuple[VariantPlan, ...]
    capture: Record | None

    def to_record(self) -> Record:
        """As JSON."""
        return asdict(self)

    @classmethod
    def from_record(cls, record: Record) -> Plan:
        """From JSON."""
        variants = tuple(VariantPlan(**each) for each in record["variants"])
        return cls(record["config"], variants, record["capture"])


def refused(config: Record) -> str | None:
    """What in a configuration the local cloud does not run, or None."""
    if config.get("AsyncInferenceConfig"):
        return "AsyncInferenceConfig"
    if config.get("ShadowProductionVariants"):
        return "ShadowProductionVariants"
    for variant in config["ProductionVariants"]:
        for member in ("ServerlessConfig", "RoutingConfig", "ManagedInstanceScaling"):
            if member in variant:
                return f"{member} of variant {variant['VariantName']}"
        if "ModelName" not in variant:
            return f"variant {variant['VariantName']} without ModelName (inference components)"
    return None


def make(context: Context, config: Record, keep: dict[str, Record] | None = None) -> Plan:
    """The plan of a configuration; ``keep`` has weights and counts of running variants that are to stay."""
    unsupported = refused(config)
    if unsupported:
        message = f"Penstock's local SageMaker does not run {unsupported}."
        raise ServiceError("ValidationException", message)
    variants = []
    for variant in config["ProductionVariants"]:
        image, model_data, archive, environment = _container(context, variant["ModelName"])
        kept = (keep or {}).get(variant["VariantName"], {})
        instances = int(kept.get("instances", variant.get("InitialInstanceCount", 1)))
        if instances > INSTANCE_LIMIT:
            message = (
                f"The account-level service limit '{variant.get('InstanceType')} for endpoint usage' is "
                f"{INSTANCE_LIMIT} Instances, with a request delta of {instances} Instances."
            )
            raise ServiceError("ResourceLimitExceeded", message)
        variants.append(
            VariantPlan(
                name=variant["VariantName"],
                image=image,
                model_data=model_data,
                archive=archive,
                environment=environment,
                instances=instances,
                weight=float(kept.get("weight", variant.get("InitialVariantWeight", 1.0))),
                startup_seconds=int(
                    variant.get("ContainerStartupHealthCheckTimeoutInSeconds")
                    or variant.get("ModelDataDownloadTimeoutInSeconds")
                    or _STARTUP_SECONDS
                ),
            )
        )
    return Plan(config["EndpointConfigName"], tuple(variants), config.get("DataCaptureConfig"))


def _container(context: Context, model_name: str) -> tuple[str, str | None, bool, dict[str, str]]:
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
        package = context.call("DescribeModelPackage", {"ModelPackageName": container["ModelPackageName"]})
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
