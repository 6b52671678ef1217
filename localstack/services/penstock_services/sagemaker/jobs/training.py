"""Training jobs under SageMaker's container contract."""

from __future__ import annotations

import json
import logging
import re
import socket
from typing import Any, ClassVar

from botocore.exceptions import BotoCoreError, ClientError

from penstock_services.errors import ServiceError
from penstock_services.execution import transfer
from penstock_services.execution.images import Image
from penstock_services.execution.sandbox import Outcome
from penstock_services.operations import Context, check, operation
from penstock_services.sagemaker.engine import find, now
from penstock_services.sagemaker.hooks import hook
from penstock_services.sagemaker.jobs.runner import QUEUE, RUNNING, Job, Record, announce

_LOG = logging.getLogger(__name__)
_DEFAULT_SECONDS = 86400
_GROUP = "homogeneousCluster"
_MESSAGES = {
    "Starting": "Starting the training job",
    "Downloading": "Downloading input data",
    "Training": "Training image download completed. Training in progress.",
    "Uploading": "Uploading generated training model",
    "Stopping": "Stopping the training job",
    "Stopped": "Training job stopped",
    "Completed": "Training job completed",
    "MaxRuntimeExceeded": "Resource released due to max training runtime exceeded",
}


@check("CreateTrainingJob")
def _runnable(_context: Context, request: Record) -> None:
    """Refuse by name what would not run as on AWS."""
    algorithm = request.get("AlgorithmSpecification")
    if algorithm is None:
        raise _not_here("a training job without AlgorithmSpecification (serverless customization)")
    if "AlgorithmName" in algorithm:
        raise _not_here("AlgorithmSpecification.AlgorithmName")
    if "TrainingImage" not in algorithm:
        raise ServiceError("ValidationException", "AlgorithmSpecification.TrainingImage must be given.")
    resources = request.get("ResourceConfig", {})
    if resources.get("InstanceCount", 1) > 1 or resources.get("InstanceGroups"):
        raise _not_here("training on more than one instance (ResourceConfig.InstanceCount, InstanceGroups)")
    if algorithm["TrainingInputMode"] == "Pipe":
        raise _not_here("the input mode Pipe")
    names = set()
    for channel in request.get("InputDataConfig", []):
        if channel["ChannelName"] in names:
            raise ServiceError("ValidationException", f"Channel name {channel['ChannelName']} is there twice.")
        names.add(channel["ChannelName"])
        source = channel["DataSource"].get("S3DataSource")
        if source is None:
            raise _not_here("a channel that is not on S3")
        if channel.get("InputMode") == "Pipe":
            raise _not_here("the input mode Pipe")
        if source["S3DataType"] == "AugmentedManifestFile":
            raise _not_here("S3DataType AugmentedManifestFile")


def _not_here(what: str) -> ServiceError:
    return ServiceError("ValidationException", f"Penstock's local SageMaker does not run {what}.")


@hook("TrainingJob", "prepare")
def _prepare(_context: Context, record: Record) -> None:
    name = record["TrainingJobName"]
    stopping = record.setdefault("StoppingCondition", {})
    stopping.setdefault("MaxRuntimeInSeconds", _DEFAULT_SECONDS)
    record["SecondaryStatus"] = "Starting"
    record["SecondaryStatusTransitions"] = [
        {"Status": "Starting", "StartTime": record["CreationTime"], "StatusMessage": _MESSAGES["Starting"]}
    ]
    archive = "model" if record["OutputDataConfig"].get("CompressionType") == "NONE" else "model.tar.gz"
    output = f"{record['OutputDataConfig']['S3OutputPath'].rstrip('/')}/{name}/output/{archive}"
    record["ModelArtifacts"] = {"S3ModelArtifacts": output}


@hook("TrainingJob", "created")
def _start(context: Context, record: Record) -> None:
    announce(context, "TrainingJob", record)
    QUEUE.submit(record["TrainingJobArn"], TrainingJob(context, record))


@operation("StopTrainingJob")
def _stop(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    name, record = find(context, "TrainingJob", request["TrainingJobName"])
    if record["TrainingJobStatus"] not in RUNNING:
        message = f"The request was rejected because the training job is in status {record['TrainingJobStatus']}."
        raise ServiceError("ValidationException", message)

    def change(found: Record) -> None:
        if found["TrainingJobStatus"] == "InProgress":
            found["TrainingJobStatus"] = "Stopping"
            enter(found, "Stopping")

    context.store.update(context.scope, "TrainingJob", name, change)
    QUEUE.stop(record["TrainingJobArn"])
    return {}


@check("DeleteTrainingJob")
def _deletable(context: Context, request: dict[str, Any]) -> None:
    _, record = find(context, "TrainingJob", request["TrainingJobName"])
    if record["TrainingJobStatus"] in RUNNING:
        message = f"Training job {record['TrainingJobName']} is {record['TrainingJobStatus']} and cannot be deleted."
        raise ServiceError("ResourceInUse", message)


def enter(record: Record, secondary: str, message: str | None = None, moment: float | None = None) -> None:
    """Enter a secondary status at `moment` (now): the transition before it ends, a new one begins."""
    moment = now() if moment is None else moment
    transitions = record["SecondaryStatusTransitions"]
    transitions[-1].setdefault("EndTime", moment)
    text = message or _MESSAGES.get(secondary, secondary)
    transitions.append({"Status": secondary, "StartTime": moment, "StatusMessage": text})
    record["SecondaryStatus"] = secondary


class TrainingJob(Job):
    """One training job."""

    kind = "TrainingJob"
    log_group: ClassVar[str] = "/aws/sagemaker/TrainingJobs"

    def __init__(self, context: Context, record: Record) -> None:
        super().__init__(context, record)
        definitions = record["AlgorithmSpecification"].get("MetricDefinitions", [])
        self._metrics = [(each["Name"], _compile(each["Regex"])) for each in definitions]
        self._values: dict[str, tuple[float, float]] = {}

    @property
    def image_uri(self) -> str:
        """The training image."""
        uri: str = self.record["AlgorithmSpecification"]["TrainingImage"]
        return uri

    @property
    def _kms_key(self) -> str | None:
        return self.record["OutputDataConfig"].get("KmsKeyId") or None

    @property
    def _output(self) -> str:
        return f"{self.record['OutputDataConfig']['S3OutputPath'].rstrip('/')}/{self.name}/output"

    def _enter(self, secondary: str, **members: Any) -> None:
        def apply(record: Record) -> None:
            if record["TrainingJobStatus"] != "Stopping":
                enter(record, secondary)
            record["LastModifiedTime"] = now()
            record.update(members)

        self.record = self.context.store.update(self.context.scope, self.kind, self.name, apply) or self.record
        announce(self.context, self.kind, self.record)

    def prepare(self, image: Image) -> tuple[list[str], dict[str, str]]:
        """Channels, configuration files, folders."""
        self._enter("Downloading", TrainingStartTime=now())
        place = self.layout.path
        for folder in (
            "input/config",
            "input/data",
            "model",
            "output/data",
            "output/intermediate",
            "code",
            "checkpoints",
        ):
            place(f"/opt/ml/{folder}").mkdir(parents=True, exist_ok=True)
        client = self.context.client("s3")
        channels: dict[str, Any] = {}
        for channel in self.record.get("InputDataConfig", []):
            self.continue_or_stop()
            name = channel["ChannelName"]
            source = channel["DataSource"]["S3DataSource"]
            transfer.download(
                client,
                source["S3Uri"],
                place(f"/opt/ml/input/data/{name}"),
                manifest=source["S3DataType"] == "ManifestFile",
                decompress=channel.get("CompressionType") == "Gzip",
            )
            channels[name] = {
                "TrainingInputMode": channel.get("InputMode", "File"),
                "S3DistributionType": source.get("S3DataDistributionType", "FullyReplicated"),
                "RecordWrapperType": channel.get("RecordWrapperType", "None"),
                **({"ContentType": channel["ContentType"]} if "ContentType" in channel else {}),
            }
        checkpoints = self.record.get("CheckpointConfig")
        if checkpoints:
            self._restore(checkpoints)
        instance = self.record.get("ResourceConfig", {}).get("InstanceType", "ml.m5.large")
        files = {
            "hyperparameters": self.record.get("HyperParameters", {}),
            "inputdataconfig": channels,
            "resourceconfig": resource_config(instance),
        }
        for name, content in files.items():
            text = self.layout.text(json.dumps(content))
            place(f"/opt/ml/input/config/{name}.json").write_text(text)
        algorithm = self.record["AlgorithmSpecification"]
        if "ContainerEntrypoint" in algorithm:
            command = [*algorithm["ContainerEntrypoint"], *algorithm.get("ContainerArguments", [])]
        else:
            command = [*image.entrypoint, *(algorithm.get("ContainerArguments") or ["train"])]
        return command, {
            **self.record.get("Environment", {}),
            "TRAINING_JOB_NAME": self.name,
            "TRAINING_JOB_ARN": self.record["TrainingJobArn"],
        }

    def _restore(self, checkpoints: Record) -> None:
        folder = self.layout.path(checkpoints.get("LocalPath", "/opt/ml/checkpoints"))
        try:
            transfer.download(self.context.client("s3"), checkpoints["S3Uri"], folder)
        except transfer.TransferError as error:
            _LOG.info("%s starts without checkpoints: %s", self.name, error)

    def started(self) -> None:
        """The command starts."""
        self._enter("Training")

    def on_line(self, line: str) -> None:
        """Logs, and the metrics that the job's definitions find in them."""
        super().on_line(line)
        for name, pattern in self._metrics:
            found = pattern.search(line) if pattern else None
            if found:
                try:
                    self._values[name] = (
                        float(found.group(1) if pattern and pattern.groups else found.group(0)),
                        now(),
                    )
                except ValueError:
                    continue

    def finish(self, outcome: Outcome | None) -> None:
        """Artifacts to S3, then the final status."""
        late = outcome is None
        if outcome is not None:
            try:
                self.judge(outcome)
            except Exception:
                self._upload_output()
                raise
        self._enter("Uploading")
        client = self.context.client("s3")
        model = self.layout.path("/opt/ml/model")
        if self.record["OutputDataConfig"].get("CompressionType") == "NONE":
            transfer.upload_folder(client, model, f"{self._output}/model", self._kms_key)
        elif transfer.pack(model, self.folder / "model.tar.gz"):
            transfer.upload_file(client, self.folder / "model.tar.gz", f"{self._output}/model.tar.gz", self._kms_key)
        self._upload_output()
        checkpoints = self.record.get("CheckpointConfig")
        if checkpoints:
            folder = self.layout.path(checkpoints.get("LocalPath", "/opt/ml/checkpoints"))
            transfer.upload_folder(client, folder, checkpoints["S3Uri"], self._kms_key)
        if late:
            self._end("Stopped", "MaxRuntimeExceeded")
        elif self.asked_to_stop.is_set():
            self.end("Stopped")
        else:
            self.end("Completed")
        for name in ("model.tar.gz", "output.tar.gz"):
            (self.folder / name).unlink(missing_ok=True)

    def _upload_output(self) -> None:
        if transfer.pack(self.layout.path("/opt/ml/output/data"), self.folder / "output.tar.gz"):
            where = f"{self._output}/output.tar.gz"
            transfer.upload_file(self.context.client("s3"), self.folder / "output.tar.gz", where, self._kms_key)

    def end(self, status: str, reason: str | None = None) -> None:
        """Final status and times."""
        self._end(status, status, reason)

    def _end(self, status: str, secondary: str, reason: str | None = None) -> None:
        moment = now()

        def apply(record: Record) -> None:
            enter(record, secondary, reason, moment)
            record["SecondaryStatusTransitions"][-1]["EndTime"] = moment
            record["TrainingJobStatus"] = status
            record["TrainingEndTime"] = moment
            record["LastModifiedTime"] = moment
            if reason:
                record["FailureReason"] = reason
            if "TrainingStartTime" in record:
                seconds = max(1, round(moment - record["TrainingStartTime"]))
                record["TrainingTimeInSeconds"] = record["BillableTimeInSeconds"] = seconds
            if self._values:
                record["FinalMetricDataList"] = [
                    {"MetricName": name, "Value": value, "Timestamp": stamp}
                    for name, (value, stamp) in self._values.items()
                ]

        self.record = self.context.store.update(self.context.scope, self.kind, self.name, apply) or self.record
        announce(self.context, self.kind, self.record)
        self._publish()

    def _publish(self) -> None:
        """The final metrics, in CloudWatch."""
        data = [
            {
                "MetricName": name,
                "Dimensions": [{"Name": "TrainingJobName", "Value": self.name}],
                "Value": value,
                "Timestamp": stamp,
            }
            for name, (value, stamp) in self._values.items()
        ]
        if not data:
            return
        try:
            client = self.context.client("cloudwatch")
            client.put_metric_data(Namespace="/aws/sagemaker/TrainingJobs", MetricData=data)
        except (BotoCoreError, ClientError) as error:
            _LOG.warning("metrics of %s were not sent: %s", self.name, error)


def resource_config(instance_type: str) -> dict[str, Any]:
    """``resourceconfig.json`` of a job on one instance; every member is read by some toolkit."""
    return {
        "current_host": "algo-1",
        "current_instance_type": instance_type,
        "current_group_name": _GROUP,
        "hosts": ["algo-1"],
        "instance_groups": [
            {"instance_group_name": _GROUP, "instance_type": instance_type, "hosts": ["algo-1"]},
        ],
        "network_interface_name": _interface(),
    }


def _interface() -> str:
    """A network interface of this machine other than loopback, if it has one."""
    names = [name for _, name in socket.if_nameindex()]
    return next((name for name in names if name != "lo"), "lo")


def _compile(pattern: str) -> re.Pattern[str] | None:
    try:
        return re.compile(pattern)
    except re.error:
        _LOG.warning("the metric pattern %r is not a regular expression", pattern)
        return None
