"""Processing jobs under SageMaker's container contract."""

from __future__ import annotations

import json
import posixpath
from typing import Any, ClassVar

from penstock_services.errors import ServiceError
from penstock_services.execution import transfer
from penstock_services.execution.images import Image
from penstock_services.execution.sandbox import Outcome
from penstock_services.operations import Context, check, operation
from penstock_services.sagemaker.engine import find, now
from penstock_services.sagemaker.hooks import hook
from penstock_services.sagemaker.jobs.runner import QUEUE, RUNNING, Job, JobFailedError, Record, announce
from penstock_services.sagemaker.jobs.training import resource_config

_DEFAULT_SECONDS = 86400
_ROOT = "/opt/ml/processing"
_MESSAGE_LENGTH = 1024


@check("CreateProcessingJob")
def _runnable(_context: Context, request: Record) -> None:
    """Refuse by name what would not run as on AWS."""
    if request["ProcessingResources"]["ClusterConfig"]["InstanceCount"] > 1:
        raise _not_here("processing on more than one instance (ClusterConfig.InstanceCount)")
    for given in request.get("ProcessingInputs", []):
        if given.get("AppManaged"):
            continue
        if "S3Input" not in given:
            raise _not_here("an input that is not on S3")
        if given["S3Input"].get("S3InputMode") == "Pipe":
            raise _not_here("the input mode Pipe")
        _path(given["S3Input"].get("LocalPath"), given["InputName"])
    for output in request.get("ProcessingOutputConfig", {}).get("Outputs", []):
        if output.get("AppManaged"):
            continue
        if "S3Output" not in output:
            raise _not_here("an output that is not on S3")
        _path(output["S3Output"].get("LocalPath"), output["OutputName"])


def _not_here(what: str) -> ServiceError:
    return ServiceError("ValidationException", f"Penstock's local SageMaker does not run {what}.")


def _path(path: str | None, name: str) -> None:
    normal = posixpath.normpath(path or "")
    if not (normal == _ROOT or normal.startswith(_ROOT + "/")):
        message = f"LocalPath of {name!r} must be below {_ROOT}, not {path!r}."
        raise ServiceError("ValidationException", message)


@hook("ProcessingJob", "prepare")
def _prepare(_context: Context, record: Record) -> None:
    record.setdefault("StoppingCondition", {"MaxRuntimeInSeconds": _DEFAULT_SECONDS})


@hook("ProcessingJob", "created")
def _start(context: Context, record: Record) -> None:
    announce(context, "ProcessingJob", record)
    QUEUE.submit(record["ProcessingJobArn"], ProcessingJob(context, record))


@operation("StopProcessingJob")
def _stop(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    name, record = find(context, "ProcessingJob", request["ProcessingJobName"])
    if record["ProcessingJobStatus"] not in RUNNING:
        message = f"The request was rejected because the processing job is in status {record['ProcessingJobStatus']}."
        raise ServiceError("ValidationException", message)

    def change(found: Record) -> None:
        if found["ProcessingJobStatus"] == "InProgress":
            found["ProcessingJobStatus"] = "Stopping"

    context.store.update(context.scope, "ProcessingJob", name, change)
    QUEUE.stop(record["ProcessingJobArn"])
    return {}


@check("DeleteProcessingJob")
def _deletable(context: Context, request: dict[str, Any]) -> None:
    _, record = find(context, "ProcessingJob", request["ProcessingJobName"])
    if record["ProcessingJobStatus"] in RUNNING:
        status = record["ProcessingJobStatus"]
        message = f"Processing job {record['ProcessingJobName']} is {status} and cannot be deleted."
        raise ServiceError("ResourceInUse", message)


class ProcessingJob(Job):
    """One processing job."""

    kind = "ProcessingJob"
    log_group: ClassVar[str] = "/aws/sagemaker/ProcessingJobs"

    @property
    def image_uri(self) -> str:
        """The processing image."""
        uri: str = self.record["AppSpecification"]["ImageUri"]
        return uri

    def prepare(self, image: Image) -> tuple[list[str], dict[str, str]]:
        """Inputs, configuration files, output folders."""
        place = self.layout.path
        for folder in ("config", "processing", "output"):
            place(f"/opt/ml/{folder}").mkdir(parents=True, exist_ok=True)
        client = self.context.client("s3")
        for given in self.record.get("ProcessingInputs", []):
            if given.get("AppManaged"):
                continue
            self.continue_or_stop()
            source = given["S3Input"]
            transfer.download(
                client,
                source["S3Uri"],
                place(source["LocalPath"]),
                manifest=source.get("S3DataType") == "ManifestFile",
                decompress=source.get("S3CompressionType") == "Gzip",
            )
        for output in self._outputs():
            place(output["LocalPath"]).mkdir(parents=True, exist_ok=True)
        members = (
            "ProcessingJobArn", "ProcessingJobName", "AppSpecification", "Environment", "ExperimentConfig",
            "NetworkConfig", "ProcessingInputs", "ProcessingOutputConfig", "ProcessingResources", "RoleArn",
            "StoppingCondition",
        )  # fmt: skip
        configuration = {member: self.record.get(member) for member in members}
        instance = self.record["ProcessingResources"]["ClusterConfig"]["InstanceType"]
        for name, content in (("processingjobconfig", configuration), ("resourceconfig", resource_config(instance))):
            place(f"/opt/ml/config/{name}.json").write_text(self.layout.text(json.dumps(content)))
        application = self.record["AppSpecification"]
        entrypoint = application.get("ContainerEntrypoint") or list(image.entrypoint)
        command = [*entrypoint, *application.get("ContainerArguments", [])]
        if not command:
            message = (
                "ClientError: neither the job nor the image names a command (AppSpecification.ContainerEntrypoint)"
            )
            raise JobFailedError(message)
        return command, dict(self.record.get("Environment", {}))

    def _outputs(self) -> list[Record]:
        outputs = self.record.get("ProcessingOutputConfig", {}).get("Outputs", [])
        return [output["S3Output"] for output in outputs if not output.get("AppManaged")]

    def started(self) -> None:
        """The command starts."""
        self.change(ProcessingStartTime=now())

    def finish(self, outcome: Outcome | None) -> None:
        """Outputs to S3 if all went well, the exit message, the final status."""
        message = self.layout.path("/opt/ml/output/message")
        if message.is_file():
            text = message.read_text(errors="replace")[:_MESSAGE_LENGTH]
            self.change(ExitMessage=text)
        if outcome is None:
            seconds = int(self.limit_seconds)
            reason = f"ClientError: the job ran longer than its MaxRuntimeInSeconds of {seconds} seconds"
            raise JobFailedError(reason)
        try:
            self.judge(outcome)
        except JobFailedError:
            self._upload(("Continuous",))
            raise
        if self.asked_to_stop.is_set():
            self._upload(("Continuous",))
            self.end("Stopped")
            return
        self._upload(("Continuous", "EndOfJob"))
        self.end("Completed")

    def _upload(self, modes: tuple[str, ...]) -> None:
        """Outputs with one of the upload modes; Continuous ones are taken at the end too, however the job ended."""
        client = self.context.client("s3")
        key = self.record.get("ProcessingOutputConfig", {}).get("KmsKeyId") or None
        for output in self._outputs():
            if output["S3UploadMode"] in modes:
                transfer.upload_folder(client, self.layout.path(output["LocalPath"]), output["S3Uri"], key)

    def end(self, status: str, reason: str | None = None) -> None:
        """Final status and time."""
        members = {"ProcessingJobStatus": status, "ProcessingEndTime": now()}
        self.change(**members, **({"FailureReason": reason} if reason else {}))
