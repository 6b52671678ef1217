"""What a compilation job is to do, and what is refused by name.

API reference, CreateCompilationJob, InputConfig, OutputConfig. Here tree models of XGBoost and scikit-learn are
compiled, to ONNX; the graph does not depend on the device, so every target on which onnxruntime has a CPU build is taken:
the cloud's CPU instances, Lambda, and Linux on x86-64 and ARM64.
"""

from __future__ import annotations

import json
from typing import Any

from penstock_services.errors import ServiceError
from penstock_services.operations import Context

Record = dict[str, Any]
FRAMEWORKS = ("XGBOOST", "SKLEARN")
_DEVICES = ("lambda", "ml_m4", "ml_m5", "ml_m6g", "ml_c4", "ml_c5", "ml_c6g")
_ARCHITECTURES = ("X86_64", "ARM64")


def _invalid(message: str) -> ServiceError:
    return ServiceError("ValidationException", message)


def model(context: Context, request: Record) -> Record:
    """InputConfig: the request's own, or that of the model package which it names. Raises ServiceError."""
    own, package_arn = request.get("InputConfig"), request.get("ModelPackageVersionArn")
    if (own is None) == (package_arn is None):
        message = "Exactly one of InputConfig and ModelPackageVersionArn must be given."
        raise _invalid(message)
    if own is not None:
        return dict(own)
    package = context.call("DescribeModelPackage", {"ModelPackageName": package_arn})
    specified = package.get("InferenceSpecification", {}).get("Containers", [])
    if len(specified) != 1 or not specified[0].get("ModelDataUrl") or not specified[0].get("Framework"):
        message = f"Model package {package_arn} must have one container with ModelDataUrl and Framework to be compiled."
        raise _invalid(message)
    container = specified[0]
    given: Record = {"S3Uri": container["ModelDataUrl"], "Framework": container["Framework"].upper()}
    shape = container.get("ModelInput", {}).get("DataInputConfig")
    return {**given, **({"DataInputConfig": shape} if shape else {})}


def refuse(context: Context, request: Record) -> None:
    """Raise ServiceError for what is not compiled here."""
    given = model(context, request)
    if given["Framework"] not in FRAMEWORKS:
        message = (
            f"Penstock's local SageMaker compiles tree models of {' and '.join(FRAMEWORKS)}; it does not compile models of "
            f"{given['Framework']} (InputConfig.Framework)."
        )
        raise _invalid(message)
    if not given["S3Uri"].endswith(".tar.gz"):
        message = f"InputConfig.S3Uri must name a .tar.gz archive, not {given['S3Uri']!r}."
        raise _invalid(message)
    features(given)
    target(request["OutputConfig"])
    if request["OutputConfig"].get("CompilerOptions"):
        message = "OutputConfig.CompilerOptions do not apply to tree models."
        raise _invalid(message)


def target(output: Record) -> str:
    """The target as it is part of the artifact's name: "ml_m5", "LINUX_X86_64". Raises ServiceError."""
    device, platform = output.get("TargetDevice"), output.get("TargetPlatform")
    if (device is None) == (platform is None):
        message = "Exactly one of TargetDevice and TargetPlatform must be given in OutputConfig."
        raise _invalid(message)
    if device is not None:
        if device not in _DEVICES:
            message = (
                f"Penstock's local SageMaker does not compile for TargetDevice {device}; it compiles for "
                f"{', '.join(_DEVICES)} and, by TargetPlatform, for LINUX on {' and '.join(_ARCHITECTURES)}."
            )
            raise _invalid(message)
        return str(device)
    found = platform or {}
    if found["Os"] != "LINUX" or found["Arch"] not in _ARCHITECTURES or found.get("Accelerator"):
        names = " ".join(str(found[member]) for member in ("Os", "Arch", "Accelerator") if found.get(member))
        message = (
            f"Penstock's local SageMaker does not compile for TargetPlatform {names}; it compiles for LINUX on "
            f"{' and '.join(_ARCHITECTURES)} without an accelerator."
        )
        raise _invalid(message)
    return f"{found['Os']}_{found['Arch']}"


def features(given: Record) -> int | None:
    """The number of features that DataInputConfig states, if it does ({"features": [1, 6]}, [[1, 6]]). Raises
    ServiceError where it is not JSON."""
    text = given.get("DataInputConfig")
    if text is None:
        return None
    try:
        shapes = json.loads(text.replace("'", '"').replace("None", "null"))
    except ValueError:
        message = f"DataInputConfig is not JSON: {text}"
        raise _invalid(message) from None
    found = list(shapes.values()) if isinstance(shapes, dict) else shapes
    if not isinstance(found, list) or len(found) > 1:
        message = f"DataInputConfig of a tree model states one input, as {{'features': [1, 6]}}; it is {text}"
        raise _invalid(message)
    shape = found[0] if found else None
    if isinstance(shape, dict):
        shape = shape.get("shape")
    last = shape[-1] if isinstance(shape, list) and len(shape) > 1 else None
    return last if isinstance(last, int) and not isinstance(last, bool) else None


def artifact(input_config: Record, output: Record) -> str:
    """Where the compiled model goes: ``<S3OutputLocation>/<name of the archive>-<target>.tar.gz``."""
    name = input_config["S3Uri"].rsplit("/", 1)[-1].removesuffix(".tar.gz")
    return f"{output['S3OutputLocation'].rstrip('/')}/{name}-{target(output)}.tar.gz"
