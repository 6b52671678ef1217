"""How a transform job sends its data: what the request says, else the container, else AWS's defaults."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from penstock_services.sagemaker.jobs.transform.association import Association, format_of

_DEFAULT_PAYLOAD_MB = 6
_DEFAULT_TIMEOUT = 600
_DEFAULT_RETRIES = 3
_MEGABYTE = 1024 * 1024


@dataclass(frozen=True)
class TransformSettings:
    """Settings of one job; None: not stated by the request, so that the container may choose."""

    split: str
    compression: str
    content_type: str
    accept: str
    assemble: str
    strategy: str | None
    payload_mb: int | None
    transforms: int | None
    timeout: float
    retries: int
    instances: int

    @classmethod
    def of(cls, record: dict[str, Any]) -> TransformSettings:
        """What a record says."""
        given, output = record["TransformInput"], record["TransformOutput"]
        client = record.get("ModelClientConfig", {})
        return cls(
            split=given.get("SplitType", "None"),
            compression=given.get("CompressionType", "None"),
            content_type=given.get("ContentType", ""),
            accept=output.get("Accept", ""),
            assemble=output.get("AssembleWith", "None"),
            strategy=record.get("BatchStrategy"),
            payload_mb=record.get("MaxPayloadInMB"),
            transforms=record.get("MaxConcurrentTransforms") or None,
            timeout=float(client.get("InvocationsTimeoutInSeconds", _DEFAULT_TIMEOUT)),
            retries=int(client.get("InvocationsMaxRetries", _DEFAULT_RETRIES)),
            instances=record["TransformResources"]["InstanceCount"],
        )

    def asked_by(self, parameters: dict[str, Any]) -> TransformSettings:
        """With the container's answer to ``/execution-parameters`` where the request does not say."""
        strategies = {"SINGLE_RECORD": "SingleRecord", "MULTI_RECORD": "MultiRecord"}
        return replace(
            self,
            strategy=self.strategy or strategies.get(str(parameters.get("BatchStrategy")).upper()),
            payload_mb=self.payload_mb if self.payload_mb is not None else _positive(parameters.get("MaxPayloadInMB")),
            transforms=self.transforms or _positive(parameters.get("MaxConcurrentTransforms")),
        )

    @property
    def single(self) -> bool:
        """Whether each record is sent by itself."""
        return self.strategy == "SingleRecord"

    @property
    def payload_bytes(self) -> int:
        """The largest payload; 0: no limit."""
        return (_DEFAULT_PAYLOAD_MB if self.payload_mb is None else self.payload_mb) * _MEGABYTE

    @property
    def concurrency(self) -> int:
        """Payloads under way at once, on one instance."""
        return self.transforms or 1

    def variables(self) -> dict[str, str]:
        """What containers are told; the last three only where the request states them."""
        stated = {
            "SAGEMAKER_BATCH_STRATEGY": {"SingleRecord": "SINGLE_RECORD", "MultiRecord": "MULTI_RECORD"}.get(
                self.strategy or ""
            ),
            "SAGEMAKER_MAX_PAYLOAD_IN_MB": None if self.payload_mb is None else str(self.payload_mb),
            "SAGEMAKER_MAX_CONCURRENT_TRANSFORMS": None if self.transforms is None else str(self.transforms),
        }
        return {"SAGEMAKER_BATCH": "true", **{name: value for name, value in stated.items() if value is not None}}

    def line(self) -> str:
        """The first line of the data log."""
        strategy = "SINGLE_RECORD" if self.single else "MULTI_RECORD"
        payload = self.payload_bytes // _MEGABYTE
        return f"MaxConcurrentTransforms={self.concurrency}, MaxPayloadInMB={payload}, BatchStrategy={strategy}"

    def association(self, record: dict[str, Any]) -> Association | None:
        """The data processing of the job, if it has any."""
        processing = record.get("DataProcessing", {})
        identified = record.get("DataCaptureConfig", {}).get("GenerateInferenceId", False)
        needed = any(processing.get(name, "$") != "$" for name in ("InputFilter", "OutputFilter"))
        if not (needed or identified or processing.get("JoinSource") == "Input"):
            return None
        sent = format_of(self.content_type)
        received = format_of(self.accept) or sent
        if sent is None or received is None:
            return None
        moment = datetime.fromtimestamp(record["TransformStartTime"], UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return Association(processing, sent, received, moment if identified else None, lines=self.split == "Line")

    def assembled(self, answer: bytes) -> bytes:
        """An answer as it goes into the output object."""
        if self.assemble != "Line":
            return answer
        return answer if answer.endswith(b"\n") else answer + b"\n"


def _positive(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None
