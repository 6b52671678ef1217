"""The provider over gRPC, as Pulumi's engines call it."""

from __future__ import annotations

import json
import sys
import traceback
from collections.abc import Callable, Mapping
from concurrent import futures
from typing import Any, TypeVar, cast

import grpc
from google.protobuf import any_pb2, empty_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc, status_pb2

from penstock_deploy import target as targets
from penstock_deploy.errors import DeploymentError
from penstock_deploy.plugins.channel import OPTIONS
from penstock_deploy.plugins.interface import InitializationError, Naming, Subject
from penstock_deploy.provider import VERSION
from penstock_deploy.provider.core import AwsProvider
from penstock_deploy.values import from_struct, plain, to_struct

T = TypeVar("T")
_THREADS = 32
_DETAILS = "grpc-status-details-bin"
FIND = "aws:penstock/find:find"


def _naming(request: Any) -> Naming | None:
    """What a CheckRequest says about the resource's name."""
    if not request.HasField("autonaming"):
        return None
    kinds = provider_pb2.CheckRequest.AutonamingOptions
    options = request.autonaming
    disabled = options.mode == kinds.DISABLE
    return Naming("" if disabled else options.proposed_name, enforced=options.mode != kinds.PROPOSE)


def _subject(request: Any, naming: Naming | None = None) -> Subject:
    type_ = request.type or request.urn.split("::")[2].rsplit("$", 1)[-1]
    return Subject(
        request.urn, type_, request.name or request.urn.rsplit("::", 1)[-1], getattr(request, "timeout", 0.0),
        naming,
    )  # fmt: skip


class Servicer(provider_pb2_grpc.ResourceProviderServicer):
    """Pulumi's provider service over one `AwsProvider`."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._target = targets.from_environment(environment)
        self._provider = AwsProvider(self._target, {})

    def _answer(self, context: Any, call: Callable[[], T]) -> T:
        try:
            return call()
        except InitializationError as error:
            detail = provider_pb2.ErrorResourceInitFailed(
                id=error.id, properties=to_struct(error.outputs), reasons=[str(error)]
            )
            packed = any_pb2.Any()
            packed.Pack(detail)
            status = status_pb2.Status(code=grpc.StatusCode.UNKNOWN.value[0], message=str(error), details=[packed])
            context.set_trailing_metadata(((_DETAILS, status.SerializeToString()),))
            context.abort(grpc.StatusCode.UNKNOWN, str(error))
            raise
        except DeploymentError as error:
            context.abort(grpc.StatusCode.UNKNOWN, str(error))
            raise
        except Exception as error:  # a defect: its trace goes to the log
            traceback.print_exc(file=sys.stderr)
            context.abort(grpc.StatusCode.INTERNAL, f"{type(error).__name__}: {error}")
            raise

    # -- the plugin

    def GetPluginInfo(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        return plugin_pb2.PluginInfo(version=VERSION)

    def Handshake(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        return provider_pb2.ProviderHandshakeResponse(
            accept_secrets=True, accept_resources=False, accept_outputs=False, supports_autonaming_configuration=True
        )

    def Attach(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        return empty_pb2.Empty()

    def GetSchema(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        return provider_pb2.GetSchemaResponse(schema=json.dumps({"name": "aws", "version": VERSION}))

    def CheckConfig(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        return provider_pb2.CheckResponse(inputs=request.news)

    def DiffConfig(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        old, new = plain(from_struct(request.olds)), plain(from_struct(request.news))
        changed = [name for name in sorted({*old, *new}) if old.get(name) != new.get(name) and name != "version"]
        some = provider_pb2.DiffResponse.DIFF_SOME if changed else provider_pb2.DiffResponse.DIFF_NONE
        return provider_pb2.DiffResponse(
            changes=some, diffs=changed, replaces=[name for name in changed if name == "region"]
        )

    def Configure(self, request: Any, context: Any) -> Any:  # noqa: N802
        def call() -> Any:
            self._provider = AwsProvider(self._target, from_struct(request.args))
            return provider_pb2.ConfigureResponse(
                acceptSecrets=True, supportsPreview=True, acceptResources=False, acceptOutputs=False,
                supports_autonaming_configuration=True,
            )  # fmt: skip

        return self._answer(context, call)

    def Cancel(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        self._provider.cancel()
        return empty_pb2.Empty()

    # -- resources

    def Check(self, request: Any, context: Any) -> Any:  # noqa: N802
        def call() -> Any:
            inputs = self._provider.check(
                _subject(request, _naming(request)),
                from_struct(request.olds),
                from_struct(request.news),
                request.randomSeed,
            )
            return provider_pb2.CheckResponse(inputs=to_struct(inputs))

        return self._answer(context, call)

    def Diff(self, request: Any, context: Any) -> Any:  # noqa: N802
        def call() -> Any:
            diff = self._provider.diff(
                _subject(request), request.id, from_struct(request.old_inputs), from_struct(request.olds),
                from_struct(request.news), list(request.ignoreChanges),
            )  # fmt: skip
            kinds = {
                path: provider_pb2.PropertyDiff(kind=cast(Any, kind), inputDiff=True)
                for path, kind in diff.detailed.items()
            }
            some = provider_pb2.DiffResponse.DIFF_SOME if diff.changes else provider_pb2.DiffResponse.DIFF_NONE
            return provider_pb2.DiffResponse(
                changes=some,
                diffs=sorted({path.split(".")[0].split("[")[0] for path in diff.detailed}),
                replaces=diff.replaces,
                detailedDiff=kinds,
                hasDetailedDiff=True,
                deleteBeforeReplace=diff.delete_before_replace,
            )

        return self._answer(context, call)

    def Create(self, request: Any, context: Any) -> Any:  # noqa: N802
        def call() -> Any:
            id_, outputs = self._provider.create(
                _subject(request), from_struct(request.properties), preview=request.preview
            )
            return provider_pb2.CreateResponse(id=id_, properties=to_struct(outputs))

        return self._answer(context, call)

    def Read(self, request: Any, context: Any) -> Any:  # noqa: N802
        def call() -> Any:
            reading = self._provider.read(
                _subject(request), request.id, from_struct(request.inputs), from_struct(request.properties)
            )
            if reading is None:
                return provider_pb2.ReadResponse()
            return provider_pb2.ReadResponse(
                id=reading.id, inputs=to_struct(reading.inputs), properties=to_struct(reading.outputs)
            )

        return self._answer(context, call)

    def Update(self, request: Any, context: Any) -> Any:  # noqa: N802
        def call() -> Any:
            outputs = self._provider.update(
                _subject(request), request.id, from_struct(request.old_inputs), from_struct(request.olds),
                from_struct(request.news), list(request.ignoreChanges), preview=request.preview,
            )  # fmt: skip
            return provider_pb2.UpdateResponse(properties=to_struct(outputs))

        return self._answer(context, call)

    def Delete(self, request: Any, context: Any) -> Any:  # noqa: N802
        def call() -> Any:
            self._provider.delete(
                _subject(request), request.id, from_struct(request.old_inputs), from_struct(request.properties)
            )
            return empty_pb2.Empty()

        return self._answer(context, call)

    def Invoke(self, request: Any, context: Any) -> Any:  # noqa: N802
        def call() -> Any:
            arguments = from_struct(request.args)
            if request.tok == FIND:
                subject = Subject(arguments["urn"], arguments["type"], arguments["name"])
                reading = self._provider.find(subject, arguments["inputs"])
                found = (
                    {} if reading is None else {"id": reading.id, "inputs": reading.inputs, "outputs": reading.outputs}
                )
                return provider_pb2.InvokeResponse(**{"return": to_struct(found)})
            answer = self._provider.invoke(request.tok, arguments, preview=request.preview)
            return provider_pb2.InvokeResponse(**{"return": to_struct(answer)})

        return self._answer(context, call)


def serve(environment: Mapping[str, str]) -> None:
    """Serve on a free port of the loopback interface, and print it as the first line."""
    server = grpc.server(futures.ThreadPoolExecutor(_THREADS), options=OPTIONS)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(Servicer(environment), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    server.wait_for_termination()
