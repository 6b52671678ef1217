"""One compilation job: the archive in, the compiler in its own environment, the compiled archive out."""

from __future__ import annotations

import hashlib
import json
from typing import Any, ClassVar

from penstock_services.execution import transfer
from penstock_services.execution.framework_images import Choice, FrameworkImage, Repository, Version
from penstock_services.execution.images import Image, prepared
from penstock_services.execution.sandbox import Outcome
from penstock_services.sagemaker.engine import now
from penstock_services.sagemaker.jobs.compilation import request
from penstock_services.sagemaker.jobs.runner import Job, JobFailedError, Record, job_kind

_COMPILED = "/opt/ml/output/compiled"
_LIBRARY = "ONNX Runtime 1.31"
_IMAGE = FrameworkImage(
    "penstock/compilation",
    Repository(frozenset(), (), module="penstock_services.containers.compilation"),
    Version("1", _LIBRARY, (Choice("compilation", _LIBRARY, ("3.13", "3.12")),)),
)


@job_kind
class CompilationJob(Job):
    """One compilation job. AWS documents no state-change event for it."""

    kind = "CompilationJob"
    end_member = "CompilationEndTime"
    log_group: ClassVar[str] = "/aws/sagemaker/CompilationJobs"

    @classmethod
    def spell(cls, status: str) -> str:
        """Statuses of compilation jobs are in upper case."""
        return status.upper()

    @classmethod
    def unfinished(cls, record: Record) -> bool:
        """Whether the job of this record has not ended."""
        return record[cls.status_member()] in ("STARTING", "INPROGRESS", "STOPPING")

    @property
    def image_uri(self) -> str:
        """The kit's own image."""
        return _IMAGE.uri

    def find_image(self) -> Image:
        """The compiler's environment, made on first use."""
        return prepared(self.context.settings.state_dir, _IMAGE, self.log.write)

    def prepare(self, image: Image) -> tuple[list[str], dict[str, str]]:
        """The model's files, and what to do with them."""
        self.continue_or_stop()
        place = self.layout.path
        for folder in ("input/model", "input/config", "output"):
            place(f"/opt/ml/{folder}").mkdir(parents=True, exist_ok=True)
        given = self.record["InputConfig"]
        archives = self.folder / "archive"
        transfer.download(self.context.client("s3"), given["S3Uri"], archives)
        for path in archives.iterdir():
            transfer.unpack(path, place("/opt/ml/input/model"))
            path.unlink()
        wanted = {
            "Framework": given["Framework"],
            "Features": request.features(given),
            "Target": request.target(self.record["OutputConfig"]),
        }
        place("/opt/ml/input/config/compilation.json").write_text(json.dumps(wanted))
        return list(image.entrypoint), {}

    def started(self) -> None:
        """The compiler starts."""
        self.change(CompilationJobStatus="INPROGRESS", CompilationStartTime=now())

    def change(self, **members: Any) -> Record:
        """Write members; a job that is asked to stop goes on being so."""
        if members.get("CompilationJobStatus") == "INPROGRESS" and self.asked_to_stop.is_set():
            del members["CompilationJobStatus"]
        return super().change(**members)

    def finish(self, outcome: Outcome | None) -> None:
        """The compiled archive to S3, the final status."""
        if outcome is None:
            message = (
                f"ClientError: Compilation took longer than MaxRuntimeInSeconds, {int(self.limit_seconds)} seconds"
            )
            raise JobFailedError(message)
        self.judge(outcome)
        self.continue_or_stop()
        compiled = self.layout.path(_COMPILED)
        archive = self.folder / "compiled.tar.gz"
        if not transfer.pack(compiled, archive):
            message = "InternalServerError: the compiler left no model"
            raise JobFailedError(message)
        output = self.record["OutputConfig"]
        where = self.record["ModelArtifacts"]["S3ModelArtifacts"]
        transfer.upload_file(self.context.client("s3"), archive, where, output.get("KmsKeyId") or None)
        with archive.open("rb") as file:
            digest = hashlib.file_digest(file, "blake2b").hexdigest()
        members: Record = {"ModelDigests": {"ArtifactDigest": digest}}
        if "DataInputConfig" not in self.record["InputConfig"]:
            manifest = json.loads((compiled / "manifest.json").read_text())
            derived = json.dumps({"features": [1, manifest["Features"]]})
            members["DerivedInformation"] = {"DerivedDataInputConfig": derived}
        archive.unlink()
        self.change(**members)
        self.end("Completed")

    def failure(self, outcome: Outcome) -> JobFailedError:
        """What the compiler says of a model that it cannot compile is the client's fault."""
        path = self.layout.path("/opt/ml/output/failure")
        if outcome.code is not None and path.is_file():
            return JobFailedError(f"ClientError: {path.read_text()[:1000]}")
        return super().failure(outcome)

    def end(self, status: str, reason: str | None = None) -> None:
        """Final status and time."""
        members = {self.status_member(): self.spell(status), "CompilationEndTime": now()}
        self.change(**members, **({"FailureReason": reason[:1024]} if reason else {}))
