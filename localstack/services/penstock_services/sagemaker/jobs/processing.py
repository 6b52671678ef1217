"""Processing jobs under SageMaker's container contract.

Developer guide, "How Amazon SageMaker Processing Runs Your Processing Container Image" and "How Amazon SageMaker Processing
Configures Your Processing Container": inputs and outputs at their local paths below /opt/ml/processing, the configuration
in /opt/ml/config, the exit message in /opt/ml/output/message.
"""

from __future__ import annotations

import json
from typing import Any, ClassVar

from penstock_services.execution import transfer
from penstock_services.execution.images import Image
from penstock_services.execution.sandbox import Outcome
from penstock_services.operations import Context, check, operation
from penstock_services.sagemaker.engine import now
from penstock_services.sagemaker.hooks import hook
from penstock_services.sagemaker.jobs import metric_files, processing_request
from penstock_services.sagemaker.jobs.cluster import Instance, homogeneous
from penstock_services.sagemaker.jobs.continuous_upload import ContinuousUpload, UploadedFolder
from penstock_services.sagemaker.jobs.runner import (
    QUEUE,
    Job,
    JobFailedError,
    Record,
    announce,
    job_kind,
    refuse_delete,
    stop,
)

_DEFAULT_SECONDS = 86400
_MESSAGE_LENGTH = 1024
_CONFIGURATION = (
    "ProcessingJobArn", "ProcessingJobName", "AppSpecification", "Environment", "ExperimentConfig", "NetworkConfig",
    "ProcessingInputs", "ProcessingOutputConfig", "ProcessingResources", "RoleArn", "StoppingCondition",
)  # fmt: skip


@check("CreateProcessingJob")
def _runnable(_context: Context, request: Record) -> None:
    processing_request.refuse(request)


@hook("ProcessingJob", "prepare")
def _prepare(_context: Context, record: Record) -> None:
    record.setdefault("StoppingCondition", {"MaxRuntimeInSeconds": _DEFAULT_SECONDS})
    cluster = record["ProcessingResources"]["ClusterConfig"]
    preferred = cluster.get("InstancePreferences")
    if preferred:
        cluster["SelectedInstanceType"] = preferred[0]["InstanceType"]
        cluster["SelectedInstanceCount"] = processing_request.count(cluster)


@hook("ProcessingJob", "created")
def _start(context: Context, record: Record) -> None:
    announce(context, "ProcessingJob", record)
    QUEUE.submit(record["ProcessingJobArn"], ProcessingJob(context, record))


@operation("StopProcessingJob")
def _stop(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    stop(context, "ProcessingJob", request["ProcessingJobName"])
    return {}


@check("DeleteProcessingJob")
def _deletable(context: Context, request: dict[str, Any]) -> None:
    refuse_delete(context, "ProcessingJob", request["ProcessingJobName"])


@job_kind
class ProcessingJob(Job):
    """One processing job."""

    kind = "ProcessingJob"
    title = "Processing Job"
    end_member = "ProcessingEndTime"
    log_group: ClassVar[str] = "/aws/sagemaker/ProcessingJobs"

    def __init__(self, context: Context, record: Record) -> None:
        super().__init__(context, record)
        self._continuous = ContinuousUpload(lambda: None, [])

    @property
    def image_uri(self) -> str:
        """The processing image."""
        uri: str = self.record["AppSpecification"]["ImageUri"]
        return uri

    @property
    def _cluster(self) -> Record:
        cluster: Record = self.record["ProcessingResources"]["ClusterConfig"]
        return cluster

    @property
    def instances(self) -> list[Instance]:
        """The cluster's instances."""
        return homogeneous(processing_request.instance_type(self._cluster), processing_request.count(self._cluster))

    @property
    def volume_gigabytes(self) -> int | None:
        """The volume of each instance."""
        size: int | None = self._cluster.get("VolumeSizeInGB")
        return size

    @property
    def isolated(self) -> bool:
        """NetworkConfig.EnableNetworkIsolation."""
        return bool(self.record.get("NetworkConfig", {}).get("EnableNetworkIsolation"))

    def prepare(self, image: Image) -> tuple[list[str], dict[str, str]]:
        """Inputs, configuration files, output folders."""
        place = self.layout.path
        for folder in ("config", "processing", "output"):
            place(f"/opt/ml/{folder}").mkdir(parents=True, exist_ok=True)
        for given in self.record.get("ProcessingInputs", []):
            if not given.get("AppManaged"):
                self.continue_or_stop()
                self._fetch(given["S3Input"])
        for output in self._outputs():
            place(output["LocalPath"]).mkdir(parents=True, exist_ok=True)
        configuration = {member: self.record.get(member) for member in _CONFIGURATION}
        for name, content in (("processingjobconfig", configuration), ("resourceconfig", self.resource_config())):
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

    def _fetch(self, source: Record) -> None:
        """An input at its local path, or this host's part of it."""
        client = self.context.client("s3")
        found = transfer.items(client, source["S3Uri"], manifest=source["S3DataType"] == "ManifestFile")
        if source.get("S3DataDistributionType") == "ShardedByS3Key":
            found = transfer.part(found, self.hosts.index(self.host), len(self.hosts))
        folder = self.layout.path(source["LocalPath"])
        folder.mkdir(parents=True, exist_ok=True)
        transfer.fetch(client, found, folder, decompress=source.get("S3CompressionType") == "Gzip")

    def _outputs(self, mode: str | None = None) -> list[Record]:
        """The outputs that go to S3, or those of one upload mode."""
        outputs = self.record.get("ProcessingOutputConfig", {}).get("Outputs", [])
        found = [output["S3Output"] for output in outputs if not output.get("AppManaged")]
        return [output for output in found if mode in (None, output["S3UploadMode"])]

    def started(self) -> None:
        """The command starts, and with it the upload of what it leaves on the way."""
        self.change(ProcessingStartTime=now())
        key = self.record.get("ProcessingOutputConfig", {}).get("KmsKeyId") or None
        folders = [
            UploadedFolder(host.layout.path(output["LocalPath"]), output["S3Uri"], key)
            for host in self.hosts
            for output in self._outputs("Continuous")
        ]
        self._continuous = ContinuousUpload(lambda: self.context.client("s3"), folders)
        self._continuous.start()

    def finish(self, outcome: Outcome | None) -> None:
        """Outputs to S3, the exit message, the final status; without success only continuous outputs are uploaded."""
        self._take_message()
        if outcome is None:
            self._continuous.finish()
            seconds = int(self.limit_seconds)
            reason = f"ClientError: the job ran longer than its MaxRuntimeInSeconds of {seconds} seconds"
            raise JobFailedError(reason)
        try:
            self.judge(outcome)
        except JobFailedError:
            if not self.abandoned:
                self._continuous.finish()
            raise
        self._continuous.finish()
        if not self.asked_to_stop.is_set():
            self._upload()
            for host in self.hosts:
                metric_files.hand_over(self.context, self.record, host.layout.path("/opt/ml/output"))
        self.end("Stopped" if self.asked_to_stop.is_set() else "Completed")

    def _take_message(self) -> None:
        for host in self.hosts:
            message = host.layout.path("/opt/ml/output/message")
            if message.is_file() and not message.is_symlink():
                with message.open("rb") as file:
                    text = file.read(_MESSAGE_LENGTH).decode(errors="replace")
                self.change(ExitMessage=text[:_MESSAGE_LENGTH])
                return

    def _upload(self) -> None:
        """The outputs of the end of the job, of every host."""
        client = self.context.client("s3")
        key = self.record.get("ProcessingOutputConfig", {}).get("KmsKeyId") or None
        for host in self.hosts:
            for output in self._outputs("EndOfJob"):
                if self.asked_to_stop.is_set():
                    return
                transfer.upload_folder(client, host.layout.path(output["LocalPath"]), output["S3Uri"], key)

    def clear_hosts(self) -> None:
        """No more uploads before the files go."""
        self._continuous.stop()
        super().clear_hosts()

    def end(self, status: str, reason: str | None = None) -> None:
        """Final status and time."""
        members = {"ProcessingJobStatus": status, "ProcessingEndTime": now()}
        self.change(**members, **({"FailureReason": reason} if reason else {}))
