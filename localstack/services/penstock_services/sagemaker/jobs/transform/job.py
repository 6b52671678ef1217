"""Transform jobs: a model's containers in batch mode, over every object below a prefix.

API reference, CreateTransformJob and TransformOutput: an object of several records has an output only if all of them
were transformed; the job goes on with the other objects and is Failed in the end; a stopped job leaves no output.
"""

from __future__ import annotations

import logging
import shutil
import threading
import uuid
from collections import deque
from collections.abc import Generator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, ClassVar

from penstock_services.errors import ServiceError
from penstock_services.execution import sandbox, transfer
from penstock_services.execution.images import UnknownImageError
from penstock_services.execution.instances import memory_here
from penstock_services.execution.logs import LogStream
from penstock_services.execution.sandbox import Layout
from penstock_services.operations import Context
from penstock_services.sagemaker.engine import now
from penstock_services.sagemaker.jobs.runner import (
    BaseJob,
    JobFailedError,
    JobStoppedError,
    Record,
    folder_for,
    job_kind,
)
from penstock_services.sagemaker.jobs.transform import capture
from penstock_services.sagemaker.jobs.transform.containers import containers
from penstock_services.sagemaker.jobs.transform.inputs import InputObject, listed, opened
from penstock_services.sagemaker.jobs.transform.jsonpath import FilterError
from penstock_services.sagemaker.jobs.transform.records import RecordError, batches, split
from penstock_services.sagemaker.jobs.transform.server import InvocationError, Server, fetch
from penstock_services.sagemaker.jobs.transform.settings import TransformSettings

_LOG = logging.getLogger(__name__)
_ATTEMPT_PAUSE = 0.5


class _Instance:
    """One instance of the job: a chain of servers, and how many payloads it takes at once."""

    def __init__(self, number: int, servers: list[Server], log: LogStream, data_log: LogStream) -> None:
        self.number = number
        self.servers = servers
        self.log = log
        self.data_log = data_log


@job_kind
class TransformJob(BaseJob):
    """One transform job. Until ``run`` it has no folder and no log."""

    kind = "TransformJob"
    title = "Transform Job"
    end_member = "TransformEndTime"
    log_group: ClassVar[str] = "/aws/sagemaker/TransformJobs"
    folder: Path

    def __init__(self, context: Context, record: Record) -> None:
        super().__init__(context, record)
        self._settings = TransformSettings.of(record)
        self._instances: list[_Instance] = []
        self._lock = threading.Lock()

    def run(self) -> None:
        """The whole life of the job; never raises."""
        self.folder = folder_for(self.context.settings.state_dir, self.name)
        try:
            self._run()
        except JobStoppedError:
            self.end("Stopped")
        except ServiceError as error:
            self.end("Failed", f"ClientError: {error.message}")
        except JobFailedError as error:
            self.end("Failed", str(error))
        except (transfer.TransferError, UnknownImageError) as error:
            self.end("Failed", f"ClientError: {error}")
        except Exception as error:  # noqa: BLE001 (becomes the FailureReason)
            _LOG.exception("job %s", self.name)
            self.end("Failed", f"InternalServerError: {type(error).__name__}: {error}")
        finally:
            self._clear()

    def _clear(self) -> None:
        """Remove the job's files, but for the logs."""
        for path in self.folder.iterdir():
            if not path.name.startswith("instance-"):
                shutil.rmtree(path, ignore_errors=True)
        for home in self.folder.glob("instance-*/*/home"):
            shutil.rmtree(home, ignore_errors=True)

    def _run(self) -> None:
        """Start the servers, send everything, take the output to S3."""
        self.continue_or_stop()
        found = containers(self.context, self.record["ModelName"])
        self.change(TransformStartTime=now())
        objects = listed(self.context.client("s3"), self.record["TransformInput"]["DataSource"]["S3DataSource"])
        count = min(self._settings.instances, len(objects))
        try:
            self._start(found, count)
            for server in (server for instance in self._instances for server in instance.servers):
                server.until_healthy(self.asked_to_stop)
            self._settings = self._settings.asked_by(self._instances[0].servers[0].execution_parameters())
            for instance in self._instances:
                instance.data_log.write(self._settings.line())
            self._transform(objects)
        finally:
            for instance in self._instances:
                for server in instance.servers:
                    server.stop(at_once=self.asked_to_stop.is_set())
        self.continue_or_stop()
        self._finish(objects)

    @property
    def _isolated(self) -> bool:
        """Whether the model's containers may not use the network."""
        model = self.context.store.get(self.context.scope, "Model", self.record["ModelName"]) or {}
        return bool(model.get("EnableNetworkIsolation"))

    @property
    def _memory(self) -> int | None:
        """What a container may use, in bytes."""
        return memory_here(self.record["TransformResources"]["InstanceType"])

    def _start(self, found: tuple[Any, ...], count: int) -> None:
        layouts = []
        for container in found:
            self.continue_or_stop()
            folder = self.folder / container.name
            folder.mkdir()
            layout = Layout(sandbox.mode(), folder / "ml")
            fetch(self.context, container, folder, layout)
            layouts.append(layout)
        for number in range(count):
            stream = f"{self.name}/i-{uuid.uuid4().hex[:17]}-{int(now())}"
            folder = self.folder / f"instance-{number + 1}"
            log = LogStream(self.context, self.log_group, stream, folder / "log.txt")
            data_log = LogStream(self.context, self.log_group, f"{stream}/data-log", folder / "data-log.txt")
            if self._isolated:
                log.write(
                    "EnableNetworkIsolation of the model is not enforced here: its servers are reached over loopback"
                )
            instance = _Instance(number, [], log, data_log)
            self._instances.append(instance)
            for container, layout in zip(found, layouts, strict=True):
                place = folder / container.name
                place.mkdir()
                variables = {**self.record.get("Environment", {}), **self._settings.variables()}
                server = Server(self.context, container, layout, place, log, variables, self._memory)
                instance.servers.append(server)
                server.start()

    def _transform(self, objects: list[InputObject]) -> None:
        problems: list[BaseException] = []

        def work(instance: _Instance) -> None:
            try:
                self._work(instance, objects[instance.number :: len(self._instances)])
            except Exception as error:  # noqa: BLE001 (raised again in the job's thread)
                problems.append(error)

        threads = [threading.Thread(target=work, args=(each,), daemon=True) for each in self._instances]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            for thread in threads:
                thread.join(0.1)
            if self.asked_to_stop.is_set():
                # What is being invoked is not waited for: a stopped job has no output.
                for server in (server for instance in self._instances for server in instance.servers):
                    server.stop(at_once=True)
        if problems and not self.asked_to_stop.is_set():
            raise problems[0]

    def _work(self, instance: _Instance, objects: list[InputObject]) -> None:
        """Payload after payload, several under way, answers in order."""
        under_way: deque[tuple[InputObject, Future[list[bytes]]]] = deque()

        def take() -> None:
            owner, future = under_way.popleft()
            try:
                parts = future.result()
            except InvocationError as error:
                self._fail(instance, owner, str(error), client=error.client)
            except FilterError as error:
                self._fail(instance, owner, str(error), client=True)
            else:
                if owner.failure is None:
                    with owner.output.open("ab") as file:
                        file.writelines(parts)

        with ThreadPoolExecutor(self._settings.concurrency, thread_name_prefix="transform") as pool:
            for owner in objects:
                owner.output = self.folder / "output" / uuid.uuid4().hex
                owner.output.parent.mkdir(exist_ok=True)
                owner.output.touch()
                payloads = self._payloads(instance, owner)
                for payload in payloads:
                    if owner.failure is not None or self.asked_to_stop.is_set():
                        payloads.close()
                        break
                    while len(under_way) >= self._settings.concurrency:
                        take()
                    under_way.append((owner, pool.submit(self._answer, instance, payload)))
                if self.asked_to_stop.is_set():
                    break
            while under_way:
                take()

    def _payloads(self, instance: _Instance, owner: InputObject) -> Generator[bytes]:
        path = self.folder / "output" / f"{owner.output.name}.in"
        settings = self._settings
        try:
            owner.fetch(self.context.client("s3"), path)
            with opened(path, settings.compression) as file:
                for batch in batches(split(file, settings.split), settings.payload_bytes, single=settings.single):
                    yield b"".join(batch)
        except (RecordError, transfer.TransferError, OSError, EOFError) as error:
            self._fail(instance, owner, str(error), client=True)
        finally:
            path.unlink(missing_ok=True)

    def _answer(self, instance: _Instance, payload: bytes) -> list[bytes]:
        """What the chain of containers makes of a payload, as it goes into the output."""
        settings = self._settings
        association = settings.association(self.record)
        body = association.outgoing(payload) if association else payload
        content_type = settings.content_type
        for position, server in enumerate(instance.servers):
            last = position == len(instance.servers) - 1
            headers = {"Content-Type": content_type or "application/octet-stream"}
            headers["Accept"] = settings.accept if last and settings.accept else "*/*"
            body, content_type = self._invoke(server, body, headers)
        if association:
            end = b"\n"
            return [record + end for record in association.incoming(payload, body)]
        return [settings.assembled(body)]

    def _invoke(self, server: Server, body: bytes, headers: dict[str, str]) -> tuple[bytes, str]:
        """One invocation, again where the model was at fault (ModelClientConfig)."""
        attempt = 0
        while True:
            try:
                answer = server.invoke(body, headers, self._settings.timeout)
            except InvocationError as error:
                if error.client or attempt >= self._settings.retries or self.asked_to_stop.is_set():
                    raise
                attempt += 1
                self.asked_to_stop.wait(_ATTEMPT_PAUSE * attempt)
            else:
                return answer.content, answer.headers.get("content-type", "")

    def _fail(self, instance: _Instance, owner: InputObject, reason: str, *, client: bool) -> None:
        with self._lock:
            first = owner.failure is None
            owner.fail(reason, client=client)
        if first and not self.asked_to_stop.is_set():
            instance.data_log.write(f"{owner.bucket}/{owner.key}: {reason}")

    def _finish(self, objects: list[InputObject]) -> None:
        """Upload what was transformed; the final status."""
        output = self.record["TransformOutput"]
        base = output["S3OutputPath"].rstrip("/")
        client, key = self.context.client("s3"), output.get("KmsKeyId") or None
        done = [each for each in objects if each.failure is None]
        for each in done:
            transfer.upload_file(client, each.output, f"{base}/{each.relative}.out", key)
        if self.record.get("DataCaptureConfig"):
            capture.write(client, self.record, done)
        failed = [each for each in objects if each.failure is not None]
        if failed:
            kind = "ClientError" if all(each.client_fault for each in failed) else "AlgorithmError"
            first = failed[0]
            message = f"{kind}: See job logs for more information ({first.bucket}/{first.key}: {first.failure})"
            raise JobFailedError(message)
        self.end("Completed")

    def end(self, status: str, reason: str | None = None) -> None:
        """Final status and time."""
        for instance in self._instances:
            instance.log.close()
            instance.data_log.close()
        if self.abandoned:
            status, reason = "Failed", "InternalServerError: the local cloud was stopped while this job was running"
        members = {"TransformJobStatus": status, "TransformEndTime": now()}
        self.change(**members, **({"FailureReason": reason[:1024]} if reason else {}))
