"""What a configuration of an endpoint may say: what AWS refuses, and what the local cloud does not run.

Sources: https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints.html ("Feature exclusions"),
.../shadow-tests.html, .../APIReference/API_CreateEndpointConfig.html and, for variants without a model,
.../realtime-endpoints-deploy-models.html.
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


def hosting(config: Record) -> list[Record]:
    """The variants without a model, which host inference components."""
    return [variant for variant in variants(config) if "ModelName" not in variant]


def refused(config: Record) -> str | None:
    """What in a configuration the local cloud does not run, or None."""
    for variant in variants(config):
        name = variant["VariantName"]
        scaling = variant.get("ManagedInstanceScaling")
        if scaling and "ModelName" in variant:
            return f"ManagedInstanceScaling of variant {name}"
        if scaling and scaling.get("ScaleInPolicy", {}).get("Strategy") == "CONSOLIDATION":
            return f"ScaleInPolicy CONSOLIDATION of variant {name}"
        if "InstancePools" in variant:
            return f"InstancePools of variant {name}"
        strategy = variant.get("RoutingConfig", {}).get("RoutingStrategy", _ROUTED[0])
        if strategy not in _ROUTED:
            return f"RoutingConfig {strategy} of variant {name}"
    if hosting(config) and "AsyncInferenceConfig" in config:
        return "AsyncInferenceConfig with inference components"
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
def _hosts(_context: Context, request: Record) -> None:
    hosts = hosting(request)
    if not hosts:
        return
    name = hosts[0]["VariantName"]
    if len(hosts) < len(variants(request)):
        raise _invalid(f"Variant {name} has no ModelName: either all variants have a model, or none has.")
    if "ShadowProductionVariants" in request:
        raise _invalid("An endpoint for inference components does not support ShadowProductionVariants.")
    if "ExecutionRoleArn" not in request:
        raise _invalid(f"ExecutionRoleArn is required, because variant {name} has no ModelName (inference components).")
    for variant in hosts:
        _sized(variant)


def _sized(variant: Record) -> None:
    """Refuse a host of inference components whose instances are not said."""
    name = variant["VariantName"]
    if "ServerlessConfig" in variant:
        raise _invalid(f"Variant {name} is serverless and needs ModelName.")
    if "InstanceType" not in variant and "InstancePools" not in variant:
        raise _invalid(f"Variant {name} needs InstanceType.")
    scaling = variant.get("ManagedInstanceScaling", {})
    if "InitialInstanceCount" not in variant and scaling.get("Status") != "ENABLED":
        raise _invalid(f"Variant {name} needs InitialInstanceCount, or ManagedInstanceScaling that is enabled.")
    least, most = scaling.get("MinInstanceCount", 0), scaling.get("MaxInstanceCount")
    if most is not None and not least <= variant.get("InitialInstanceCount", least) <= most:
        raise _invalid(
            f"InitialInstanceCount of variant {name} must be between MinInstanceCount {least} and MaxInstanceCount "
            f"{most} of its ManagedInstanceScaling."
        )


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
