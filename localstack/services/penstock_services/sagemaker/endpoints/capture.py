"""Data capture: requests and answers as JSON lines on S3, in AWS's form.

``<DestinationS3Uri>/<endpoint>/<variant>/yyyy/mm/dd/hh/mm-ss-mmm-<id>.jsonl``; a content type that the configuration
lists as CSV or JSON is kept as text, everything else in base64.
"""

from __future__ import annotations

import base64
import json
import logging
import random
import threading
import uuid
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from penstock_services.execution.transfer import split
from penstock_services.operations import Context

_LOG = logging.getLogger(__name__)
_LINES = 500
_KEPT_LINES = 100_000


class Capture:
    """The capture of one endpoint: a buffer for each variant, flushed every few seconds, when full, and at the end."""

    def __init__(self, context: Context, endpoint: str, config: dict[str, Any]) -> None:
        self._context = context
        self._endpoint = endpoint
        self._config = config
        options = {option["CaptureMode"] for option in config["CaptureOptions"]}
        self._input = bool(options & {"Input", "InputAndOutput"})
        self._output = bool(options & {"Output", "InputAndOutput"})
        header = config.get("CaptureContentTypeHeader", {})
        self._csv = {each.lower() for each in header.get("CsvContentTypes", [])}
        self._json = {each.lower() for each in header.get("JsonContentTypes", [])}
        self._share = config["InitialSamplingPercentage"] / 100
        self._lines: dict[str, list[str]] = {}
        self._wake = threading.Condition()
        self._sending = threading.Lock()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name=f"capture-{endpoint}", daemon=True)
        self._thread.start()

    def add(
        self, variant: str, sent: bytes, sent_type: str, received: bytes, received_type: str, inference_id: str | None
    ) -> None:
        """Capture one invocation, if it falls into the sample."""
        if random.random() >= self._share:  # noqa: S311 (a sample, no secret)
            return
        data: dict[str, Any] = {}
        if self._input:
            data["endpointInput"] = self._part(sent, sent_type, "INPUT")
        if self._output:
            data["endpointOutput"] = self._part(received, received_type, "OUTPUT")
        metadata = {"eventId": str(uuid.uuid4())}
        if inference_id:
            metadata["inferenceId"] = inference_id
        metadata["inferenceTime"] = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        line = json.dumps({"captureData": data, "eventMetadata": metadata, "eventVersion": "0"})
        with self._wake:
            lines = self._lines.setdefault(variant, [])
            lines.append(line)
            if len(lines) >= _LINES:
                self._wake.notify()

    def _part(self, body: bytes, content_type: str, mode: str) -> dict[str, str]:
        plain = content_type.split(";")[0].strip().lower()
        encoding = "CSV" if plain in self._csv else "JSON" if plain in self._json else "BASE64"
        data = base64.b64encode(body).decode() if encoding == "BASE64" else body.decode(errors="replace")
        return {"observedContentType": content_type, "mode": mode, "data": data, "encoding": encoding}

    def close(self) -> None:
        """Send what is left."""
        with self._wake:
            self._closed = True
            self._wake.notify()
        self._thread.join(15)

    def _run(self) -> None:
        while True:
            with self._wake:
                if not self._closed:
                    self._wake.wait(self._context.settings.capture_seconds)
                closed = self._closed
            self.flush()
            if closed:
                return

    def flush(self) -> None:
        """Send all buffers; what cannot be sent stays for the next time."""
        with self._sending:
            with self._wake:
                waiting, self._lines = self._lines, {}
            for variant, lines in waiting.items():
                try:
                    self._send(variant, lines)
                except (BotoCoreError, ClientError) as error:
                    _LOG.warning("captured data of %s was not written: %s", self._endpoint, error)
                    with self._wake:
                        kept = lines + self._lines.get(variant, [])
                        self._lines[variant] = kept[-_KEPT_LINES:]

    def _send(self, variant: str, lines: list[str]) -> None:
        bucket, prefix = split(self._config["DestinationS3Uri"])
        now = datetime.now(UTC)
        name = f"{now:%M-%S}-{now.microsecond // 1000:03d}-{uuid.uuid4()}.jsonl"
        parts = [prefix.rstrip("/"), self._endpoint, variant, f"{now:%Y/%m/%d/%H}", name]
        extra = {}
        if self._config.get("KmsKeyId"):
            extra = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": self._config["KmsKeyId"]}
        body = ("\n".join(lines) + "\n").encode()
        key = "/".join(part for part in parts if part)
        self._context.client("s3").put_object(Bucket=bucket, Key=key, Body=body, **extra)
