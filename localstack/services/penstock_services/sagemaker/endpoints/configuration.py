"""What a configuration of an endpoint may say: what AWS refuses, and what the local cloud does not run.

Sources: https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints.html ("Feature exclusions"),
.../shadow-tests.html and .../APIReference/API_CreateEndpointConfig.html.
"""

from __future__ import annotations

from typing import Any

from penstock_services.errors import ServiceError
from penstock_services.operations import Context, check
from penstock_services.sagemaker.engine import find

Record = dict[str, Any]
_ROUTED = ("RANDOM", "LEAST_OUTSTANDING_REQUESTS")
_MEMORY_STEP = 1024


def variants(config: Record) -> list[Record]:
    """All variants of a configuration, production and shadow."""
    return [*config["ProductionVariants"], *config.get("ShadowProductionVariants", [])]


def refused(config: Record) -> str | None:
    """What in a configuration the local cloud does not run, or None."""
    for variant in variants(config):
        name = variant["VariantName"]
        if "ManagedInstanceScaling" in variant:
            return f"ManagedInstanceScaling of variant {name}"
        if "InstancePools" in variant:
            return f"InstancePools of variant {name}"
        strategy = variant.get("RoutingConfig", {}).get("RoutingStrategy", _ROUTED[0])
        if strategy not in _ROUTED:
            return f"RoutingConfig {strategy} of variant {name}"
        if "ModelName" not in variant:
            return f"variant {name} without ModelName (inference components)"
    if "ExplainerConfig" in config:
        return "ExplainerConfig"
    return None


@check("CreateEndpointConfig")
def _models_exist(context: Context, request: Record) -> None:
    for variant in variants(request):
        if "ModelName" in variant:
            find(context, "Model", variant["ModelName"])


@check("CreateEndpointConfig")
def _named_once(_context: Context, request: Record) -> None:
    names = [variant["VariantName"] for variant in variants(request)]
    for name in names:
        if names.count(name) > 1:
            raise _invalid(f"Production variant names must be unique; {name} is there more than once.")


@check("CreateEndpointConfig")
def _serverless(_context: Context, request: Record) -> None:
    every = variants(request)
    serverless = [variant for variant in every if "ServerlessConfig" in variant]
    if not serverless:
        return
    name = serverless[0]["VariantName"]
    if len(every) > 1:
        raise _invalid(f"Variant {name} is serverless: a serverless endpoint has one production variant and no shadow.")
    for member in ("InstanceType", "InitialInstanceCount", "AcceleratorType"):
        if member in serverless[0]:
            raise _invalid(f"Variant {name} is serverless and cannot have {member}.")
    for member in ("DataCaptureConfig", "AsyncInferenceConfig", "VpcConfig", "KmsKeyId"):
        if member in request:
            raise _invalid(f"Variant {name} is serverless, which does not support {member}.")
    capacity = serverless[0]["ServerlessConfig"]
    if capacity["MemorySizeInMB"] % _MEMORY_STEP:
        raise _invalid(f"MemorySizeInMB of variant {name} must be 1024, 2048, 3072, 4096, 5120 or 6144.")
    concurrency(name, capacity)


def concurrency(name: str, capacity: Record) -> None:
    """Refuse provisioned concurrency above the most that there may be."""
    provisioned, most = capacity.get("ProvisionedConcurrency", 0), capacity["MaxConcurrency"]
    if provisioned > most:
        raise _invalid(f"ProvisionedConcurrency {provisioned} of variant {name} is above its MaxConcurrency {most}.")


@check("CreateEndpointConfig")
def _shadow(_context: Context, request: Record) -> None:
    shadows = request.get("ShadowProductionVariants", [])
    if not shadows:
        return
    if len(shadows) > 1 or len(request["ProductionVariants"]) > 1:
        raise _invalid("With ShadowProductionVariants there is one production variant and one shadow variant.")
    if "AsyncInferenceConfig" in request:
        raise _invalid("An asynchronous endpoint does not support ShadowProductionVariants.")


@check("CreateEndpointConfig")
def _asynchronous(_context: Context, request: Record) -> None:
    config = request.get("AsyncInferenceConfig")
    if config is not None and not config["OutputConfig"].get("S3OutputPath"):
        raise _invalid("AsyncInferenceConfig.OutputConfig needs S3OutputPath, where answers are written to.")


def _invalid(message: str) -> ServiceError:
    return ServiceError("ValidationException", message)
