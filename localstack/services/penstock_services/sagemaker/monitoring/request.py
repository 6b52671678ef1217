"""The processing jobs of one execution, as Model Monitor starts them: the merge of ground truth, and the analysis.

The variables are those of the developer guide's "Container Contract Inputs"; the merge job is described in "Ingest
Ground Truth labels and merge them with predictions".
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from penstock_services.errors import ServiceError
from penstock_services.execution.aws_accounts import MODEL_MONITOR
from penstock_services.operations import Context
from penstock_services.sagemaker.monitoring import inputs
from penstock_services.sagemaker.monitoring.definition import DATA_QUALITY, MODEL_QUALITY, Definition
from penstock_services.sagemaker.monitoring.expressions import Window

Record = dict[str, Any]
_PROCESSING = "/opt/ml/processing"
_TRUTH, _INPUT, _OUTPUT = f"{_PROCESSING}/groundtruth", f"{_PROCESSING}/input_data", f"{_PROCESSING}/output"
_CONFIGURATION = f"{_PROCESSING}/input/config"
_MERGER = "sagemaker-model-monitor-groundtruth-merger"
_MERGER_ACCOUNT = "156813124566"
# Names of jobs as they are seen on AWS for the first two kinds; the others' follow them, within a name's 63 characters.
_PREFIXES = {
    "DataQuality": "model-monitoring",
    "ModelQuality": "model-quality-monitoring",
    "ModelBias": "model-bias-monitoring",
    "ModelExplainability": "model-explainability",
}
_ATTRIBUTES = {
    "FeaturesAttribute": "features_attribute",
    "InferenceAttribute": "inference_attribute",
    "ProbabilityAttribute": "probability_attribute",
    "ProbabilityThresholdAttribute": "probability_threshold_attribute",
    "ExcludeFeaturesAttribute": "exclude_features_attribute",
}
_SIDES = {
    "DataQuality": ["endpointInput", "endpointOutput"],
    "ModelQuality": ["endpointOutput"],
    "ModelBias": ["endpointInput", "endpointOutput"],
    "ModelExplainability": ["endpointInput"],
}


@dataclass(frozen=True)
class Run:
    """One execution: its schedule, when it was due, its window, and the id in the names of its jobs."""

    schedule: str
    scheduled: datetime
    window: Window
    identity: str

    def job_name(self, prefix: str) -> str:
        """A job's name, for example "model-monitoring-202105062300-de32d8acceeef6a1626b8fa6"."""
        return f"{prefix}-{self.scheduled:%Y%m%d%H%M}-{self.identity}"


def merge(context: Context, definition: Definition, run: Run) -> Record:
    """CreateProcessingJob's request for the merge. Raises NoDataError where nothing was captured, or no truth is there."""
    client = context.client("s3")
    truth = inputs.ground_truth(client, definition.ground_truth or "", run.window, _TRUTH)
    data = _captured(context, definition, run, _capture_uri(context, definition), _INPUT)
    return {
        **_common(definition, run.job_name("groundtruth-merge"), [*truth, *data], _merged_uri(definition), _OUTPUT),
        "AppSpecification": {"ImageUri": _merger_uri(context, definition)},
        "Environment": {
            "dataset_source": _INPUT,
            "ground_truth_source": _TRUTH,
            "output_path": _OUTPUT,
            "start_time": instant(run.window.start),
            "end_time": instant(run.window.end),
        },
    }


def analysis(context: Context, definition: Definition, run: Run) -> Record:
    """CreateProcessingJob's request for the analysis; after the merge where there is ground truth. Raises NoDataError."""
    source = definition.source
    path = source["LocalPath"]
    output = definition.output["MonitoringOutputs"][0]["S3Output"]
    application = definition.application
    environment = {
        "dataset_format": json.dumps(_dataset_format(definition), separators=(",", ":")),
        "dataset_source": path,
        "output_path": output["LocalPath"],
        "start_time": instant(run.window.start),
        "end_time": instant(run.window.end),
        "metric_time": instant(run.window.start),
        "publish_cloudwatch_metrics": "Enabled",
        "sagemaker_monitoring_schedule_name": run.schedule,
    }
    if definition.kind == MODEL_QUALITY:
        environment["analysis_type"] = "MODEL_QUALITY"
        if "ProblemType" in application:
            environment["problem_type"] = application["ProblemType"]
    if definition.endpoint is not None:
        environment["sagemaker_endpoint_name"] = definition.endpoint
    environment |= {name: str(source[member]) for member, name in _ATTRIBUTES.items() if member in source}
    given: list[Record] = []
    _add_baseline(context, definition, environment, given)
    _add_scripts(application, environment, given)
    if "ConfigUri" in application:
        given.append(inputs.processing("analysis_config", application["ConfigUri"], _CONFIGURATION))
    given += _data(context, definition, run, path)
    request = _common(definition, run.job_name(_PREFIXES[definition.kind]), given, *_result(definition, run))
    request["AppSpecification"] = {
        member: application[member]
        for member in ("ImageUri", "ContainerEntrypoint", "ContainerArguments")
        if member in application
    }
    request["Environment"] = {**environment, **definition.environment}
    request["ProcessingOutputConfig"]["Outputs"][0]["S3Output"]["S3UploadMode"] = output.get(
        "S3UploadMode", "Continuous"
    )
    return request


def instant(moment: datetime) -> str:
    """A moment as the containers get it: ISO 8601, UTC, to the second."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _common(definition: Definition, name: str, given: list[Record], output: str, path: str) -> Record:
    configured: Record = {
        "Outputs": [
            {"OutputName": "result", "S3Output": {"S3Uri": output, "LocalPath": path, "S3UploadMode": "EndOfJob"}}
        ]
    }
    if "KmsKeyId" in definition.output:
        configured["KmsKeyId"] = definition.output["KmsKeyId"]
    request: Record = {
        "ProcessingJobName": name,
        "RoleArn": definition.role,
        "ProcessingInputs": given,
        "ProcessingOutputConfig": configured,
        "ProcessingResources": {"ClusterConfig": definition.resources["ClusterConfig"]},
    }
    if definition.stopping is not None:
        request["StoppingCondition"] = definition.stopping
    if definition.network is not None:
        request["NetworkConfig"] = definition.network
    return request


def _result(definition: Definition, run: Run) -> tuple[str, str]:
    """Where an analysis puts its reports: ``<output>/<endpoint>/<schedule>/yyyy/mm/dd/hh``, and the path inside."""
    output = definition.output["MonitoringOutputs"][0]["S3Output"]
    parts = [output["S3Uri"].rstrip("/"), definition.endpoint, run.schedule, f"{run.scheduled:%Y/%m/%d/%H}"]
    return "/".join(part for part in parts if part), output["LocalPath"]


def _dataset_format(definition: Definition) -> Record:
    if definition.endpoint is not None:
        form = "sagemakerMergeJson" if definition.needs_truth else "sagemakerCaptureJson"
        return {form: {"captureIndexNames": _SIDES[definition.kind]}}
    ((name, options),) = definition.source["DatasetFormat"].items()
    return {name.lower(): {member.lower(): value for member, value in (options or {}).items()}}


def _data(context: Context, definition: Definition, run: Run, path: str) -> list[Record]:
    if definition.endpoint is None:
        destination = definition.source["DataCapturedDestinationS3Uri"]
        return inputs.batches(context.client("s3"), destination, run.window, path)
    if definition.needs_truth:
        return _captured(context, definition, run, f"{_merged_uri(definition)}/{definition.endpoint}", path)
    return _captured(context, definition, run, _capture_uri(context, definition), path)


def _captured(context: Context, definition: Definition, run: Run, base: str, path: str) -> list[Record]:
    distribution = definition.source.get("S3DataDistributionType")
    return inputs.captured(context.client("s3"), base, run.window, path, distribution)


def _capture_uri(context: Context, definition: Definition) -> str:
    """The endpoint's folder in the destination of its data capture. Raises ServiceError."""
    return capture_uri(context, definition.endpoint or "")


def capture_uri(context: Context, endpoint: str) -> str:
    """Where an endpoint's captured data lie. Raises ServiceError for an endpoint that is not there or captures nothing."""
    described = context.call("DescribeEndpoint", {"EndpointName": endpoint})
    settings = described.get("DataCaptureConfig")
    if settings is None:
        config = context.call("DescribeEndpointConfig", {"EndpointConfigName": described["EndpointConfigName"]})
        settings = config.get("DataCaptureConfig")
    if settings is None:
        message = f"Endpoint {endpoint} does not have DataCaptureConfig enabled."
        raise ServiceError("ValidationException", message)
    return f"{settings['DestinationS3Uri'].rstrip('/')}/{endpoint}"


def _merged_uri(definition: Definition) -> str:
    uri: str = definition.output["MonitoringOutputs"][0]["S3Output"]["S3Uri"]
    return f"{uri.rstrip('/')}/merge"


def _merger_uri(context: Context, definition: Definition) -> str:
    """The merge image in the registry of the analyzer's image; for Clarify's images, in one of Model Monitor's."""
    image: str = definition.application["ImageUri"]
    found = re.match(r"(\d{12})(\.dkr\.ecr\.[^/]+)/", image)
    if found is not None and found.group(1) in MODEL_MONITOR:
        return f"{found.group(0)}{_MERGER}"
    return f"{_MERGER_ACCOUNT}.dkr.ecr.{context.scope.region}.amazonaws.com/{_MERGER}"


def _add_baseline(context: Context, definition: Definition, environment: dict[str, str], given: list[Record]) -> None:
    """The baseline's files, and the variables by which the container finds them."""
    places = {"Constraints": ("constraints", "constraints"), "Statistics": ("baseline", "stats")}
    for what, uri in _baseline(context, definition).items():
        name, folder = places[what]
        path = f"{_PROCESSING}/baseline/{folder}"
        given.append(inputs.processing(name, uri, path))
        environment[f"baseline_{what.lower()}"] = f"{path}/{uri.rpartition('/')[2]}"


def _baseline(context: Context, definition: Definition) -> dict[str, str]:
    """The URIs of the baseline's files: those given, otherwise what the baselining job left. Raises ServiceError."""
    config = definition.baseline
    found = {
        what: str(config[f"{what}Resource"]["S3Uri"])
        for what in ("Constraints", "Statistics")
        if "S3Uri" in config.get(f"{what}Resource", {})
    }
    if not found and "BaseliningJobName" in config:
        job = context.call("DescribeProcessingJob", {"ProcessingJobName": config["BaseliningJobName"]})
        folder = job["ProcessingOutputConfig"]["Outputs"][0]["S3Output"]["S3Uri"].rstrip("/")
        found["Constraints"] = f"{folder}/{'analysis' if definition.by_clarify else 'constraints'}.json"
        if definition.kind == DATA_QUALITY:
            found["Statistics"] = f"{folder}/statistics.json"
    return found


def _add_scripts(application: Record, environment: dict[str, str], given: list[Record]) -> None:
    scripts = {
        "RecordPreprocessorSourceUri": ("pre_processor_script", "preprocessing", "record_preprocessor_script"),
        "PostAnalyticsProcessorSourceUri": (
            "post_processor_script",
            "postprocessing",
            "post_analytics_processor_script",
        ),
    }
    for member, (name, folder, variable) in scripts.items():
        uri = application.get(member)
        if uri:
            path = f"{_PROCESSING}/code/{folder}"
            given.append(inputs.processing(name, uri, path))
            environment[variable] = f"{path}/{uri.rpartition('/')[2]}"
