"""Training jobs under SageMaker's container contract.

https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo.html
"""

from __future__ import annotations

import json
import logging
import threading
import time
from pathlib import Path
from typing import Any, ClassVar

from penstock_services.execution import transfer
from penstock_services.execution.images import Image
from penstock_services.execution.sandbox import Outcome
from penstock_services.operations import Context
from penstock_services.sagemaker.engine import now
from penstock_services.sagemaker.jobs import channels, checkpoints, transitions, warm_pools
from penstock_services.sagemaker.jobs.checkpoints import Synchronization, Synchronized
from penstock_services.sagemaker.jobs.cluster import Instance, homogeneous
from penstock_services.sagemaker.jobs.pipes import PipeFeed
from penstock_services.sagemaker.jobs.runner import Host, Job, JobFailedError, Record, announce, job_kind
from penstock_services.sagemaker.jobs.training_metrics import Metrics
from penstock_services.sagemaker.jobs.transitions import enter

_LOG = logging.getLogger(__name__)
_CHECKPOINTS = "/opt/ml/checkpoints"
_FOLDERS = ("input/config", "input/data", "model", "output/data", "output/intermediate", "code", "checkpoints")
# Spot instances cost less; how much less is not ours to know: AWS speaks of up to 90 percent.
_SPOT_PRICE = 0.3


@job_kind
class TrainingJob(Job):
    """One training job."""

    kind = "TrainingJob"
    title = "Training Job"
    end_member = "TrainingEndTime"
    log_group: ClassVar[str] = "/aws/sagemaker/TrainingJobs"

    def __init__(self, context: Context, record: Record) -> None:
        super().__init__(context, record)
        algorithm = record["AlgorithmSpecification"]
        self._metrics = Metrics([*record.get("_MetricDefinitions", []), *algorithm.get("MetricDefinitions", [])])
        self._interruption = threading.Event()
        self._feeds: list[PipeFeed] = []
        self._synchronization = Synchronization([])
        self._began = 0.0
        self._used = 0.0
        self._retries = 0

    @classmethod
    def mark_failed(cls, record: Record, reason: str, moment: float) -> None:
        """Failed, with a transition to it."""
        super().mark_failed(record, reason, moment)
        enter(record, "Failed", reason, moment)
        record["SecondaryStatusTransitions"][-1]["EndTime"] = moment

    @classmethod
    def mark_stopping(cls, record: Record) -> None:
        """Stopping, with a transition to it."""
        super().mark_stopping(record)
        enter(record, "Stopping")

    @property
    def image_uri(self) -> str:
        """The training image: the job's own, or that of its algorithm."""
        uri: str = self.record["AlgorithmSpecification"].get("TrainingImage") or self.record["_TrainingImage"]
        return uri

    @property
    def instances(self) -> list[Instance]:
        """ResourceConfig's instances, group by group."""
        resources = self.record.get("ResourceConfig", {})
        groups = resources.get("InstanceGroups")
        if groups:
            return [
                Instance(group["InstanceType"], group["InstanceGroupName"])
                for group in groups
                for _ in range(group["InstanceCount"])
            ]
        return homogeneous(resources.get("InstanceType", "ml.m5.large"), resources.get("InstanceCount", 1))

    @property
    def volume_gigabytes(self) -> int | None:
        """ResourceConfig.VolumeSizeInGB."""
        size: int | None = self.record.get("ResourceConfig", {}).get("VolumeSizeInGB")
        return size

    @property
    def isolated(self) -> bool:
        """EnableNetworkIsolation."""
        return bool(self.record.get("EnableNetworkIsolation"))

    @property
    def limit_seconds(self) -> float:
        """What is left of MaxRuntimeInSeconds, and for managed spot training of MaxWaitTimeInSeconds."""
        left = super().limit_seconds - self._used
        return max(0.0, min(left, self._wait_left()))

    def _wait_left(self) -> float:
        wait = self.record["StoppingCondition"].get("MaxWaitTimeInSeconds")
        return float("inf") if wait is None else self.record["CreationTime"] + wait - now()

    @property
    def interrupted(self) -> bool:
        """Whether the spot capacity is reclaimed."""
        return self._interruption.is_set()

    def interrupt(self) -> None:
        """Reclaim the spot capacity: the job ends as by Stop, and starts again from its checkpoints."""
        self._interruption.set()

    @property
    def _kms_key(self) -> str | None:
        return self.record["OutputDataConfig"].get("KmsKeyId") or None

    @property
    def _output(self) -> str:
        return f"{self.record['OutputDataConfig']['S3OutputPath'].rstrip('/')}/{self.name}/output"

    def waits(self) -> None:
        """Pending, until there is a place."""
        self._enter("Pending")

    def _enter(self, secondary: str, message: str | None = None, **members: Any) -> None:
        def apply(record: Record) -> None:
            if record["TrainingJobStatus"] != "Stopping":
                enter(record, secondary, message)
            record["LastModifiedTime"] = now()
            record.update(members)

        self.record = self.context.store.update(self.context.scope, self.kind, self.name, apply) or self.record
        announce(self.context, self.kind, self.record)

    def tell_of_image(self, text: str) -> None:
        """In the status message too, where it takes time or is not what AWS has."""
        super().tell_of_image(text)
        if text.startswith("Preparing") or "in place of" in text:
            self.record = (
                self.context.store.update(
                    self.context.scope, self.kind, self.name, lambda record: transitions.say(record, text)
                )
                or self.record
            )

    def prepare(self, image: Image) -> tuple[list[str], dict[str, str]]:
        """Channels, configuration files, folders of one host."""
        first = self.host is self.hosts[0]
        if first:
            self._enter("Downloading", TrainingStartTime=self.record.get("TrainingStartTime") or now())
        place = self.layout.path
        for folder in _FOLDERS:
            place(f"/opt/ml/{folder}").mkdir(parents=True, exist_ok=True)
        files: dict[str, Any] = {
            "hyperparameters": {**self.record.get("_HyperParameters", {}), **self.record.get("HyperParameters", {})},
            "inputdataconfig": self._fill_channels(),
            "resourceconfig": self.resource_config(),
        }
        configuration = self.record.get("CheckpointConfig")
        if configuration:
            path = configuration.get("LocalPath", _CHECKPOINTS)
            checkpoints.restore(self.context.client("s3"), configuration["S3Uri"], place(path))
            files["checkpointconfig"] = {"LocalPath": path, "S3Uri": configuration["S3Uri"]}
        if "DebugHookConfig" in self.record:
            files["debughookconfig"] = self.record["DebugHookConfig"]
        for name, content in files.items():
            text = self.layout.text(json.dumps(content))
            place(f"/opt/ml/input/config/{name}.json").write_text(text)
        return self._command(image), {
            **self.record.get("Environment", {}),
            "TRAINING_JOB_NAME": self.name,
            "TRAINING_JOB_ARN": self.record["TrainingJobArn"],
        }

    def _command(self, image: Image) -> list[str]:
        algorithm = self.record["AlgorithmSpecification"]
        if "ContainerEntrypoint" in algorithm:
            return [*algorithm["ContainerEntrypoint"], *algorithm.get("ContainerArguments", [])]
        return [*image.entrypoint, *(algorithm.get("ContainerArguments") or ["train"])]

    def _fill_channels(self) -> Record:
        """Fetch the channels of the host at hand, or lay their pipes; ``inputdataconfig.json``."""
        client = self.context.client("s3")
        data = self.layout.path("/opt/ml/input/data")
        described = {}
        for channel in channels.of_host(self.record, self.instances, self.hosts.index(self.host)):
            self.continue_or_stop()
            described[channel.name] = channel.configuration()
            if channel.mode == "Pipe":
                if channel.source["S3DataType"] != "AugmentedManifestFile":
                    channel.items(client)  # none at all fails the job now
                self._feeds.append(PipeFeed(client, channel, data))
                continue
            folder = data / channel.name
            folder.mkdir(parents=True, exist_ok=True)
            transfer.fetch(client, channel.items(client), folder, decompress=channel.compressed)
        return described

    def started(self) -> None:
        """The command starts."""
        self._synchronization = Synchronization([each for host in self.hosts for each in self._synchronized(host)])
        self._enter("Training")
        self._began = time.monotonic()

    def _synchronized(self, host: Host) -> list[Synchronized]:
        """The folders of a host that are copied to S3 while it runs."""
        client = self.context.client("s3")
        found = []
        for member, folder, below in (
            ("CheckpointConfig", _CHECKPOINTS, ""),
            ("TensorBoardOutputConfig", "/opt/ml/output/tensorboard", f"/{self.name}/tensorboard-output"),
            ("DebugHookConfig", "/opt/ml/output/tensors", f"/{self.name}/debug-output"),
        ):
            configuration = self.record.get(member)
            if configuration:
                uri = configuration.get("S3Uri") or configuration["S3OutputPath"]
                place = host.layout.path(configuration.get("LocalPath", folder))
                found.append(Synchronized(client, place, uri.rstrip("/") + below, self._kms_key))
        return found

    def on_line_of(self, host: Host, line: str) -> None:
        """Logs, and the metrics that the job's definitions find in them."""
        super().on_line_of(host, line)
        self._metrics.read(f"algo-{self.hosts.index(host) + 1}" if host in self.hosts else host.name, line)

    def series(self, metric: str) -> list[float]:
        """Every value of a metric so far, in order."""
        return self._metrics.series(metric)

    def goes_on(self, outcome: Outcome) -> bool:
        """After an interruption, or after an internal error as often as RetryStrategy says."""
        done = outcome.ok and not outcome.terminated
        if self.abandoned or self.asked_to_stop.is_set() or done:
            return False
        retries = self.record.get("RetryStrategy", {}).get("MaximumRetryAttempts", 0)
        internal = outcome.lost or outcome.terminated or (outcome.error or "").startswith("no namespace")
        if self.interrupted:
            secondary = "Interrupted"
        elif internal and self._retries < retries:
            self._retries += 1
            secondary = "Restarting"
        else:
            return False
        self._rest()
        self._enter(secondary)
        self.clear_hosts()
        self.asked_to_stop.wait(max(0.0, min(self.context.settings.step_seconds, self._wait_left())))
        self._interruption.clear()
        self.place_hosts(int(now()))
        self._enter("Starting", transitions.PREPARING)
        return True

    def _rest(self) -> None:
        """The command has ended: feed no more, copy the last checkpoints, count the time."""
        if self._began:
            self._used += time.monotonic() - self._began
            self._began = 0.0
        for feed in self._feeds:
            feed.stop()
        problems = [feed.problem for feed in self._feeds if feed.problem]
        self._feeds = []
        synchronization, self._synchronization = self._synchronization, Synchronization([])
        synchronization.stop()
        if problems:
            message = f"ClientError: {problems[0]}"
            raise JobFailedError(message)

    def finish(self, outcome: Outcome | None) -> None:
        """Artifacts to S3, then the final status."""
        try:
            self._rest()
            if outcome is not None:
                self.judge(outcome)
        except Exception:
            self._upload_output()
            raise
        self._enter("Uploading")
        self._upload_model()
        self._upload_output()
        if outcome is None:
            self._end("Stopped", "MaxWaitTimeExceeded" if self._wait_left() <= 0 else "MaxRuntimeExceeded")
        elif self.asked_to_stop.is_set():
            self.end("Stopped")
        else:
            self.end("Completed")

    def _places(self, path: str) -> list[Path]:
        return [host.layout.path(path) for host in self.hosts]

    def _upload_model(self) -> None:
        """What all hosts left in /opt/ml/model, as one; where names clash the first host's file wins."""
        client = self.context.client("s3")
        models = self._places("/opt/ml/model")
        archive = self.folder / "model.tar.gz"
        if self.record["OutputDataConfig"].get("CompressionType") == "NONE":
            for model in reversed(models):
                transfer.upload_folder(client, model, f"{self._output}/model", self._kms_key)
        elif transfer.pack(models[0], archive, *models[1:]):
            transfer.upload_file(client, archive, f"{self._output}/model.tar.gz", self._kms_key)
            archive.unlink()

    def _upload_output(self) -> None:
        data = self._places("/opt/ml/output/data")
        archive = self.folder / "output.tar.gz"
        if transfer.pack(data[0], archive, *data[1:]):
            where = f"{self._output}/output.tar.gz"
            transfer.upload_file(self.context.client("s3"), archive, where, self._kms_key)
            archive.unlink()

    def end(self, status: str, reason: str | None = None) -> None:
        """Final status and times."""
        self._end(status, status, reason)

    def _end(self, status: str, secondary: str, reason: str | None = None) -> None:
        for feed in self._feeds:
            feed.stop()
        moment = now()
        found = self._metrics.final()

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
                price = _SPOT_PRICE if record.get("EnableManagedSpotTraining") else 1.0
                record["TrainingTimeInSeconds"] = seconds
                record["BillableTimeInSeconds"] = max(1, int(seconds * price))
                warm_pools.keep(record, moment)
            if found:
                record["FinalMetricDataList"] = found

        self.record = self.context.store.update(self.context.scope, self.kind, self.name, apply) or self.record
        announce(self.context, self.kind, self.record)
        warm_pools.plan(self.context, self.record)
        self._metrics.publish(self.context, self.name)
