"""A provider in a process of its own, over Pulumi's gRPC protocol."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc, status_pb2

from penstock_deploy.plugins.channel import OPTIONS
from penstock_deploy.plugins.interface import Diff, InitializationError, ProviderError, Reading, Subject
from penstock_deploy.target import Target
from penstock_deploy.values import Properties, from_struct, to_struct

T = TypeVar("T")
_GRACE_SECONDS = 5.0
_FIND = "aws:penstock/find:find"


class ProviderProcess:
    """Starts, configures and calls one provider process. It dies with this process."""

    def __init__(
        self,
        target: Target,
        environment: Mapping[str, str],
        configuration: Properties,
        folder: Path | None = None,
    ) -> None:
        process = subprocess.Popen(
            [sys.executable, "-m", "penstock_deploy.provider"],
            env={**environment, "AWS_ENDPOINT_URL": target.endpoint, "PENSTOCK_PROVIDER_WATCHED": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=folder,
            start_new_session=True,
        )
        self._connect(process, "the AWS provider's process", configuration)

    def _connect(self, process: subprocess.Popen[bytes], what: str, configuration: Properties) -> None:
        """Read the process's port, open the channel and configure the provider."""
        self._process = process
        assert process.stdout is not None
        line = process.stdout.readline().decode().strip()
        if not line.isdigit():
            process.kill()
            raise ProviderError(f"{what} did not start (status {process.wait()})")
        self._channel = grpc.insecure_channel(f"127.0.0.1:{line}", options=OPTIONS)
        self._stub = provider_pb2_grpc.ResourceProviderStub(self._channel)
        request = provider_pb2.ConfigureRequest(
            args=to_struct(configuration), acceptSecrets=True, sends_old_inputs=True, sends_old_inputs_to_delete=True
        )
        self._call(lambda: self._stub.Configure(request))

    @staticmethod
    def _call(call: Callable[[], T]) -> T:
        try:
            return call()
        except grpc.RpcError as error:
            failed = _initialization(error)
            if failed is not None:
                raise InitializationError(error.details(), failed.id, from_struct(failed.properties)) from error
            raise ProviderError(error.details() or str(error.code())) from error

    def check(self, subject: Subject, olds: Properties, news: Properties, seed: bytes) -> Properties:
        request = provider_pb2.CheckRequest(
            **_identity(subject), olds=to_struct(olds), news=to_struct(news), randomSeed=seed
        )
        if subject.naming is not None:
            kinds = provider_pb2.CheckRequest.AutonamingOptions
            named = subject.naming
            mode = kinds.ENFORCE if named.enforced else kinds.PROPOSE
            request.autonaming.CopyFrom(
                kinds(proposed_name=named.proposed, mode=mode if named.proposed else kinds.DISABLE)
            )
        answer = self._call(lambda: self._stub.Check(request))
        if answer.failures:
            raise ProviderError("; ".join(f"{item.property} {item.reason}" for item in answer.failures))
        return from_struct(answer.inputs)

    def diff(
        self, subject: Subject, id_: str, old_inputs: Properties, old_outputs: Properties, news: Properties,
        ignore_changes: list[str],
    ) -> Diff:  # fmt: skip
        request = provider_pb2.DiffRequest(
            **_identity(subject), id=id_, olds=to_struct(old_outputs), old_inputs=to_struct(old_inputs),
            news=to_struct(news), ignoreChanges=ignore_changes,
        )  # fmt: skip
        answer = self._call(lambda: self._stub.Diff(request))
        return Diff(
            changes=answer.changes == provider_pb2.DiffResponse.DIFF_SOME,
            replaces=list(answer.replaces),
            detailed={path: item.kind for path, item in answer.detailedDiff.items()},
            delete_before_replace=answer.deleteBeforeReplace,
        )

    def create(self, subject: Subject, inputs: Properties, *, preview: bool) -> tuple[str, Properties]:
        request = provider_pb2.CreateRequest(
            **_identity(subject), properties=to_struct(inputs), preview=preview, timeout=subject.timeout
        )
        answer = self._call(lambda: self._stub.Create(request))
        return answer.id, from_struct(answer.properties)

    def read(self, subject: Subject, id_: str, inputs: Properties, outputs: Properties) -> Reading | None:
        request = provider_pb2.ReadRequest(
            **_identity(subject), id=id_, inputs=to_struct(inputs), properties=to_struct(outputs)
        )
        answer = self._call(lambda: self._stub.Read(request))
        if not answer.id:
            return None
        return Reading(answer.id, from_struct(answer.inputs), from_struct(answer.properties))

    def find(self, subject: Subject, inputs: Properties) -> Reading | None:
        found = self.invoke(
            _FIND, {"urn": subject.urn, "type": subject.type, "name": subject.name, "inputs": inputs}, preview=False
        )
        return Reading(found["id"], found["inputs"], found["outputs"]) if found else None

    def update(
        self, subject: Subject, id_: str, old_inputs: Properties, old_outputs: Properties, news: Properties,
        ignore_changes: list[str], *, preview: bool,
    ) -> Properties:  # fmt: skip
        request = provider_pb2.UpdateRequest(
            **_identity(subject), id=id_, olds=to_struct(old_outputs), old_inputs=to_struct(old_inputs),
            news=to_struct(news), ignoreChanges=ignore_changes, preview=preview, timeout=subject.timeout,
        )  # fmt: skip
        return from_struct(self._call(lambda: self._stub.Update(request)).properties)

    def delete(self, subject: Subject, id_: str, inputs: Properties, outputs: Properties) -> None:
        request = provider_pb2.DeleteRequest(
            **_identity(subject), id=id_, old_inputs=to_struct(inputs), properties=to_struct(outputs),
            timeout=subject.timeout,
        )  # fmt: skip
        self._call(lambda: self._stub.Delete(request))

    def invoke(self, token: str, arguments: Properties, *, preview: bool) -> Properties:
        request = provider_pb2.InvokeRequest(tok=token, args=to_struct(arguments), preview=preview)
        return from_struct(getattr(self._call(lambda: self._stub.Invoke(request)), "return"))

    def cancel(self) -> None:
        with contextlib.suppress(grpc.RpcError):
            self._stub.Cancel(empty_pb2.Empty(), timeout=_GRACE_SECONDS)

    def close(self) -> None:
        self._channel.close()
        self._process.terminate()
        try:
            self._process.wait(_GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()


def _identity(subject: Subject) -> dict[str, Any]:
    return {"urn": subject.urn, "type": subject.type, "name": subject.name}


def _initialization(error: Any) -> Any | None:
    for key, value in error.trailing_metadata() or ():
        if key == "grpc-status-details-bin":
            for detail in status_pb2.Status.FromString(value).details:
                failed = provider_pb2.ErrorResourceInitFailed()
                if detail.Unpack(failed):
                    return failed
    return None
