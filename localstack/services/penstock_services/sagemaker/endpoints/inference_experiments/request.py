"""What AWS refuses in requests of inference experiments, and what does not run here.

Sources: https://docs.aws.amazon.com/sagemaker/latest/dg/shadow-tests-create.html ("Prerequisites": endpoints that shadow
tests are not for), .../shadow-tests-view-monitor-edit-individual.html (what can be changed), and the API reference.
"""

from __future__ import annotations

from typing import Any

from penstock_services.errors import ServiceError
from penstock_services.operations import Context
from penstock_services.sagemaker.endpoints import plan
from penstock_services.sagemaker.endpoints.inference_experiments import variants
from penstock_services.sagemaker.engine import find

Record = dict[str, Any]


def consistent(record: Record) -> None:
    """Raise ServiceError for variants that do not fit together."""
    source, shadow = variants.names(record)
    if source == shadow:
        raise _invalid(f"Variant {source} cannot be the source and the shadow of an inference experiment.")
    given = [each["VariantName"] for each in record["ModelVariants"]]
    if sorted(given) != sorted((source, shadow)):
        raise _invalid(
            f"ModelVariants must have the variants of ShadowModeConfig, {source} and {shadow}, once each; it has "
            f"{', '.join(given)}."
        )
    percentage = record["ShadowModeConfig"]["ShadowModelVariants"][0]["SamplingPercentage"]
    if percentage < 0:
        raise _invalid(f"SamplingPercentage must be between 0 and 100, not {percentage}.")
    for each in record["ModelVariants"]:
        _infrastructure(each)


def _infrastructure(variant: Record) -> None:
    wanted = variant["InfrastructureConfig"]["RealTimeInferenceConfig"]
    if wanted["InstanceCount"] < 1:
        raise _invalid(f"InstanceCount of variant {variant['VariantName']} must be at least 1.")
    if wanted["InstanceType"].startswith("ml.inf1."):
        raise _invalid(f"Variant {variant['VariantName']}: shadow tests do not support Inf1 instances.")


def suited(context: Context, record: Record) -> Record:
    """What the experiment's endpoint runs now, ``Body`` and the name of its ``Config``, if the experiment can run on it.

    Raises ServiceError where it cannot.
    """
    name, endpoint = find(context, "Endpoint", record["EndpointName"])
    if endpoint["EndpointStatus"] != "InService":
        raise _invalid(
            f'Endpoint "{endpoint["EndpointArn"]}" is in status {endpoint["EndpointStatus"]}; an inference experiment '
            "needs one that is InService."
        )
    was = variants.before(context, endpoint)
    if "AsyncInferenceConfig" in was:
        raise _invalid(f"Endpoint {name} is asynchronous, which shadow tests do not support.")
    production = was["ProductionVariants"]
    if any("ServerlessConfig" in each for each in production):
        raise _invalid(f"Endpoint {name} is serverless, which shadow tests do not support.")
    if any("ModelName" not in each for each in production):
        raise _invalid(f"Endpoint {name} is for inference components; its variants have no model to shadow.")
    source, _ = variants.names(record)
    if [each["VariantName"] for each in production] != [source]:
        raise _invalid(
            f"Endpoint {name} must have {source} as its one production variant; it has "
            f"{', '.join(each['VariantName'] for each in production)}."
        )
    config = endpoint["EndpointConfigName"]
    plan.make(context, {"EndpointConfigName": config, **variants.during(was, record)})
    return {"Config": config, "Body": was}


def changed(record: Record, request: Record) -> Record:
    """An experiment's variants, share and storage as an Update asks for them; raises ServiceError as AWS does.

    ``ModelVariants`` has those variants only whose infrastructure is to change.
    """
    new: Record = {**record}
    for member in ("ShadowModeConfig", "DataStorageConfig"):
        if member in request:
            new[member] = request[member]
    given = _by_name(request)
    wanted = variants.names(new)
    for name in given:
        if name not in wanted:
            raise _invalid(f"Variant {name} is not one of the inference experiment's: {', '.join(wanted)}.")
    merged: Record = {**_by_name(record), **given}
    new["ModelVariants"] = [merged[name] for name in wanted if name in merged]
    consistent(new)
    if record["Status"] == "Running":
        _only_share(record, new)
    return new


def _by_name(record: Record) -> Record:
    return {each["VariantName"]: each for each in record.get("ModelVariants", [])}


def _only_share(record: Record, new: Record) -> None:
    fixed = {
        "ModelVariants": _by_name(record) == _by_name(new),
        "the names in ShadowModeConfig": variants.names(record) == variants.names(new),
        "DataStorageConfig": record.get("DataStorageConfig") == new.get("DataStorageConfig"),
    }
    for what, same in fixed.items():
        if not same:
            raise _conflict(
                f"Inference experiment {record['Name']} is Running: its description, sampling percentage and end can be "
                f"changed, but not {what}."
            )


def actions(record: Record, request: Record) -> Record:
    """The action for each variant when an experiment is stopped; raises ServiceError for what cannot be done.

    A variant without an action is retained; but the production variant gives way to a promoted shadow, which then answers
    all requests (developer guide, "Promote a shadow variant").
    """
    source, shadow = variants.names(record)
    given = request["ModelVariantActions"]
    for name in given:
        if name not in (source, shadow):
            raise _invalid(f"Variant {name} is not one of the inference experiment's: {source}, {shadow}.")
    promoted = given.get(shadow) == "Promote"
    found = {shadow: given.get(shadow, "Retain"), source: given.get(source, "Remove" if promoted else "Retain")}
    if found[source] == "Promote":
        raise _invalid(f"Variant {source} is the production variant: only a shadow variant can be promoted.")
    if found[source] == "Remove" and not promoted:
        raise _invalid(f"Variant {source} can only be removed where {shadow} is promoted: an endpoint needs one.")
    if found[source] == "Retain" and promoted:
        message = (
            f"StopInferenceExperiment: Penstock's local SageMaker does not Retain the production variant {source} beside "
            f"the promoted {shadow}; Remove it."
        )
        raise ServiceError("NotImplementedException", message, 501)
    left = [name for name in (source, shadow) if found[name] != "Remove"]
    for each in request.get("DesiredModelVariants", []):
        if each["VariantName"] not in left:
            raise _invalid(
                f"DesiredModelVariants has {each['VariantName']}, which does not stay: {', '.join(left)} does."
            )
        _infrastructure(each)
    return found


def _invalid(message: str) -> ServiceError:
    return ServiceError("ValidationException", message)


def _conflict(message: str) -> ServiceError:
    return ServiceError("ConflictException", message)
