"""What an inference component's Specification says: the model, the room of a copy, and how copies are placed.

Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_InferenceComponentSpecification.html
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from penstock_services.errors import ServiceError
from penstock_services.operations import Context
from penstock_services.sagemaker.endpoints.components.placement import Need
from penstock_services.sagemaker.endpoints.description import deployed_image
from penstock_services.sagemaker.endpoints.plan import HostPlan, VariantPlan, container_of, startup_seconds
from penstock_services.sagemaker.engine import find

Record = dict[str, Any]
COPY_LIMIT = 8
_REQUIREMENTS = "ComputeResourceRequirements"


@dataclass(frozen=True)
class Specification:
    """A Specification, ready to run: ``plan`` is one copy's server, ``need`` its room, ``pack`` the strategy BINPACK."""

    plan: VariantPlan
    need: Need
    pack: bool

    def to_record(self) -> Record:
        """As JSON."""
        return asdict(self)

    @classmethod
    def from_record(cls, record: Record) -> Specification:
        """From JSON."""
        return cls(VariantPlan(**record["plan"]), Need(**record["need"]), record["pack"])


def unserved(request: Record) -> str | None:
    """What in a request for a component the local cloud does not run, or None."""
    if "Specifications" in request:
        return "Specifications (one for each instance type)"
    specification: Record = request.get("Specification", {})
    if "BaseInferenceComponentName" in specification:
        return "adapter inference components (BaseInferenceComponentName)"
    if "ContainerMetricsConfig" in specification.get("Container", {}):
        return "ContainerMetricsConfig"
    requirements = specification.get(_REQUIREMENTS, {})
    for member in ("NumberOfAcceleratorDevicesRequired", "AcceleratorPartitionType"):
        if member in requirements:
            return f"{member} (accelerators)"
    return None


def check(context: Context, specification: Record, host: HostPlan) -> None:
    """Refuse what AWS refuses. Raises ServiceError (ValidationException)."""
    if ("ModelName" in specification) == ("Container" in specification):
        raise invalid("Specification needs either ModelName or Container.")
    if "ModelName" in specification:
        find(context, "Model", specification["ModelName"])
    elif "Image" not in specification["Container"]:
        raise invalid("Specification.Container needs Image.")
    if _REQUIREMENTS not in specification:
        raise invalid(f"Specification needs {_REQUIREMENTS}.")
    requirements = specification[_REQUIREMENTS]
    least, most = requirements["MinMemoryRequiredInMb"], requirements.get("MaxMemoryRequiredInMb")
    if most is not None and most < least:
        raise invalid(f"MaxMemoryRequiredInMb {most} must not be less than MinMemoryRequiredInMb {least}.")
    stated = specification.get("InstanceType", host.instance_type)
    if stated != host.instance_type:
        raise invalid(f"InstanceType {stated} is not that of variant {host.name}, {host.instance_type}.")


def limited(count: int) -> None:
    """Refuse more copies than this machine runs, as an account's quota does."""
    if count > COPY_LIMIT:
        message = f"The local cloud runs at most {COPY_LIMIT} copies of an inference component, not {count}."
        raise ServiceError("ResourceLimitExceeded", message)


def read(context: Context, specification: Record, host: HostPlan) -> Specification:
    """A checked Specification for copies on ``host``. Raises ServiceError for a model that cannot be run here."""
    if "ModelName" in specification:
        image, data, archive, environment = container_of(context, specification["ModelName"])
    else:
        container = specification["Container"]
        image, data, archive = container["Image"], container.get("ArtifactUrl"), True
        environment = container.get("Environment", {})
    requirements = specification[_REQUIREMENTS]
    most = requirements.get("MaxMemoryRequiredInMb")
    plan = VariantPlan(
        name=host.name,
        image=image,
        model_data=data,
        archive=archive,
        environment=environment,
        instances=0,
        weight=host.weight,
        startup_seconds=startup_seconds(specification.get("StartupParameters", {})),
        routing=host.routing,
        memory=most << 20 if most else None,
    )
    need = Need(float(requirements.get("NumberOfCpuCoresRequired", 0.0)), requirements["MinMemoryRequiredInMb"])
    pack = specification.get("SchedulingConfig", {}).get("PlacementStrategy") == "BINPACK"
    return Specification(plan, need, pack)


def summary(context: Context, specification: Record) -> Record:
    """The same as Describe shows it."""
    shown = dict(specification)
    if "Container" in specification:
        container = dict(specification["Container"])
        shown["Container"] = {"DeployedImage": deployed_image(context, container.pop("Image")), **container}
    return shown


def invalid(message: str) -> ServiceError:
    """AWS's refusal of a request that does not make sense."""
    return ServiceError("ValidationException", message)
