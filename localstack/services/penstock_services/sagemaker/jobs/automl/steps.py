"""The jobs of an Autopilot job, as requests: analysis, feature engineering, and the training of each candidate.

All run the XGBoost image of the Region, which has scikit-learn too, and so do the endpoints of the candidates.
"""

from __future__ import annotations

from typing import Any

from penstock_services.execution.aws_accounts import ALGORITHMS_BY_REGION
from penstock_services.sagemaker.jobs.automl.candidates import metric_definitions
from penstock_services.sagemaker.jobs.automl.request import Asked

Record = dict[str, Any]
_PROGRAM = ["python", "-m", "penstock_services.containers.autopilot"]
_ROOT = "/opt/ml/processing"
_INSTANCE = "ml.m5.4xlarge"
_VOLUME_GIGABYTES = 50
_TRAINING_SECONDS = 86400
_RESPONSE_KEYS = "predicted_label,probability,probabilities,labels"


def image(region: str) -> str:
    """The URI of the image in a Region; that of us-east-1 where AWS has none."""
    account = ALGORITHMS_BY_REGION.get(region)
    if account is None:
        region, account = "us-east-1", ALGORITHMS_BY_REGION["us-east-1"]
    domain = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    return f"{account}.dkr.ecr.{region}.{domain}/sagemaker-xgboost:3.2-0"


def analysis(asked: Asked, name: str, region: str, output: str) -> Record:
    """The processing job that reads the channels, and leaves both parts and what is known of the columns."""
    given = [_input("training", asked.training)]
    if asked.validation is not None:
        given.append(_input("validation", asked.validation))
    variables = {
        "TARGET": asked.target,
        "CONTENT_TYPE": asked.content_type,
        "MODE": asked.mode,
        "PROBLEM_TYPE": asked.problem_type or "",
        "VALIDATION_FRACTION": str(asked.fraction),
    }
    return {**_processing(asked, name, region, "analyze", given, output), "Environment": variables}


def feature_engineering(asked: Asked, name: str, region: str, prepared: str, output: str) -> Record:
    """The processing job that fits what encodes the columns, and leaves both parts encoded."""
    source = {"S3DataType": "S3Prefix", "S3Uri": f"{prepared}/"}
    return _processing(asked, name, region, "features", [_input("prepared", source)], output)


def training(
    asked: Asked, name: str, region: str, features: str, output: str, problem: str, settings: dict[str, str]
) -> Record:
    """The training job of a candidate."""
    criteria = asked.criteria
    source = {"S3DataType": "S3Prefix", "S3Uri": f"{features}/", "S3DataDistributionType": "FullyReplicated"}
    resources: Record = {"InstanceCount": 1, "InstanceType": _INSTANCE, "VolumeSizeInGB": _VOLUME_GIGABYTES}
    volume_key = asked.security.get("VolumeKmsKeyId")
    request: Record = {
        "TrainingJobName": name,
        "RoleArn": asked.role,
        "HyperParameters": settings,
        "AlgorithmSpecification": {
            "TrainingImage": image(region),
            "TrainingInputMode": "File",
            "ContainerEntrypoint": _PROGRAM,
            "ContainerArguments": ["train"],
            "MetricDefinitions": metric_definitions(problem),
        },
        "InputDataConfig": [{"ChannelName": "features", "DataSource": {"S3DataSource": source}}],
        "OutputDataConfig": {"S3OutputPath": output, **_key(asked)},
        "ResourceConfig": {**resources, **({"VolumeKmsKeyId": volume_key} if volume_key else {})},
        "StoppingCondition": {
            "MaxRuntimeInSeconds": criteria.get("MaxRuntimePerTrainingJobInSeconds", _TRAINING_SECONDS)
        },
    }
    for member in ("VpcConfig", "EnableInterContainerTrafficEncryption"):
        if member in asked.security:
            request[member] = asked.security[member]
    return request


def containers(region: str, artifact: str, problem: str) -> list[Record]:
    """InferenceContainers of a candidate: in ensembling mode there is one (developer guide, "Configure inference output in
    generated containers")."""
    variables = {"SAGEMAKER_PROGRAM": "inference.py", "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code"}
    if problem != "Regression":
        variables |= {"SAGEMAKER_INFERENCE_OUTPUT": "predicted_label", "SAGEMAKER_INFERENCE_SUPPORTED": _RESPONSE_KEYS}
    return [{"Image": image(region), "ModelDataUrl": artifact, "Environment": variables}]


def _key(asked: Asked) -> Record:
    key = asked.output.get("KmsKeyId")
    return {"KmsKeyId": key} if key else {}


def _input(name: str, source: Record) -> Record:
    where = {"S3Uri": source["S3Uri"], "S3DataType": source["S3DataType"]}
    return {"InputName": name, "S3Input": {**where, "LocalPath": f"{_ROOT}/input/{name}", "S3InputMode": "File"}}


def _processing(asked: Asked, name: str, region: str, command: str, given: list[Record], output: str) -> Record:
    cluster: Record = {"InstanceCount": 1, "InstanceType": _INSTANCE, "VolumeSizeInGB": _VOLUME_GIGABYTES}
    if asked.security.get("VolumeKmsKeyId"):
        cluster["VolumeKmsKeyId"] = asked.security["VolumeKmsKeyId"]
    left = {"S3Uri": output, "LocalPath": f"{_ROOT}/output", "S3UploadMode": "EndOfJob"}
    network = {
        member: asked.security[member]
        for member in ("VpcConfig", "EnableInterContainerTrafficEncryption")
        if member in asked.security
    }
    return {
        "ProcessingJobName": name,
        "RoleArn": asked.role,
        "AppSpecification": {
            "ImageUri": image(region), "ContainerEntrypoint": _PROGRAM, "ContainerArguments": [command],
        },
        "ProcessingInputs": given,
        "ProcessingOutputConfig": {"Outputs": [{"OutputName": "output", "S3Output": left}], **_key(asked)},
        "ProcessingResources": {"ClusterConfig": cluster},
        **({"NetworkConfig": network} if network else {}),
    }  # fmt: skip
