"""Pulumi's resource monitor and engine services, as the program's SDK calls them over gRPC."""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable
from typing import Any, TypeVar

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc, resource_pb2, resource_pb2_grpc

from penstock_deploy.engine.events import Events
from penstock_deploy.engine.registrar import Registrar
from penstock_deploy.engine.stopping import Stopping
from penstock_deploy.engine.workers import Workers
from penstock_deploy.errors import CancelledError, DeploymentError, UnsupportedError
from penstock_deploy.plugins.channel import OPTIONS
from penstock_deploy.project import Configuration
from penstock_deploy.values import from_struct, to_struct

T = TypeVar("T")
_THREADS = 128
_SEVERITIES = ("debug", "info", "warning", "error")
_FEATURES = (
    "SECRETS", "ALIAS_SPECS", "DELETED_WITH", "TRANSFORMS",
    # announced so that the engine, not the SDK's "please upgrade", refuses them by name
    "RESOURCE_HOOKS", "INVOKE_TRANSFORMS", "REPLACE_WITH", "STATE_MIGRATIONS", "PARAMETERIZATION",
)  # fmt: skip


class Monitor(resource_pb2_grpc.ResourceMonitorServicer, engine_pb2_grpc.EngineServicer):
    """Serves one program. `signalled` is set when the program has registered everything."""

    def __init__(
        self, registrar: Registrar, events: Events, stopping: Stopping, *,
        project: str, stack: str, configuration: Configuration, preview: bool, parallel: int,
    ) -> None:  # fmt: skip
        self._registrar = registrar
        self._events = events
        self._stopping = stopping
        self._project = project
        self._stack = stack
        self._configuration = configuration
        self._preview = preview
        self._parallel = parallel
        self.signalled = threading.Event()
        self.complete = threading.Event()
        self.released = threading.Event()

    def _answer(self, context: Any, call: Callable[[], T]) -> T:
        """Run a call; a failure ends the deployment, and reaches the program as UNAVAILABLE, which it takes quietly."""
        try:
            return call()
        except CancelledError as error:
            context.abort(grpc.StatusCode.UNAVAILABLE, str(error))
            raise
        except DeploymentError as error:
            self._stopping.failed.set()
            self._events.diagnostic("error", str(error), getattr(error, "urn", ""))
            context.abort(grpc.StatusCode.UNAVAILABLE, str(error))
            raise
        except Exception as error:  # a defect of this engine: said so, with its trace
            self._stopping.failed.set()
            trace = "".join(traceback.format_exception(error))
            self._events.diagnostic("error", f"the local engine failed (please report this):\n{trace}")
            context.abort(grpc.StatusCode.UNAVAILABLE, repr(error))
            raise

    # -- resource monitor

    def GetDeploymentInfo(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        return resource_pb2.DeploymentInfo(
            project=self._project,
            stack=self._stack,
            organization="organization",
            config=self._configuration.values,
            configSecretKeys=self._configuration.secret_keys,
            dryRun=self._preview,
            parallel=self._parallel,
            supportedFeatures=[getattr(resource_pb2, f"RESOURCE_MONITOR_FEATURE_{name}") for name in _FEATURES],
        )

    def RegisterResource(self, request: Any, context: Any) -> Any:  # noqa: N802
        def call() -> Any:
            done = self._registrar.register(request)
            return resource_pb2.RegisterResourceResponse(
                urn=done.urn, id=done.id, object=to_struct(done.outputs), unknown=done.skipped
            )

        return self._answer(context, call)

    def RegisterResourceOutputs(self, request: Any, context: Any) -> Any:  # noqa: N802
        def call() -> Any:
            self._registrar.register_outputs(request.urn, from_struct(request.outputs))
            return empty_pb2.Empty()

        return self._answer(context, call)

    def ReadResource(self, request: Any, context: Any) -> Any:  # noqa: N802
        def call() -> Any:
            done = self._registrar.read(request)
            return resource_pb2.ReadResourceResponse(urn=done.urn, id=done.id, properties=to_struct(done.outputs))

        return self._answer(context, call)

    def Invoke(self, request: Any, context: Any) -> Any:  # noqa: N802
        def call() -> Any:
            answer = self._registrar.invoke(request)
            return resource_pb2.ResourceInvokeResponse(**{"return": to_struct(answer)})

        return self._answer(context, call)

    def Call(self, request: Any, context: Any) -> Any:  # noqa: N802
        return self._refuse(context, f"the method {request.tok} of a remote component")

    def RegisterStackTransform(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        self._registrar.transforms.register_for_stack(request)
        return empty_pb2.Empty()

    def RegisterStackInvokeTransform(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        return self._refuse(context, "a transform of invokes")

    def RegisterResourceHook(self, request: Any, context: Any) -> Any:  # noqa: N802
        return self._refuse(context, f"the resource hook {request.name!r}")

    def RegisterErrorHook(self, request: Any, context: Any) -> Any:  # noqa: N802
        return self._refuse(context, f"the error hook {request.name!r}")

    def RegisterPackage(self, request: Any, context: Any) -> Any:  # noqa: N802
        return self._refuse(context, f"the parameterized package {request.name!r}")

    def ExistsResource(self, request: Any, context: Any) -> Any:  # noqa: N802
        return self._refuse(context, f"the test whether a {request.type} exists")

    def _refuse(self, context: Any, what: str) -> Any:
        def call() -> Any:
            raise UnsupportedError(what)

        return self._answer(context, call)

    def SignalAndWaitForShutdown(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        self.complete.set()
        self.signalled.set()
        self.released.wait()
        return empty_pb2.Empty()

    # -- engine

    def Log(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        message = request.message.rstrip()
        if message and not request.ephemeral and "Resource monitor has terminated" not in message:
            severity = _SEVERITIES[request.severity]
            if severity == "error":
                self._stopping.failed.set()
            self._events.diagnostic(severity, message, request.urn)
        return empty_pb2.Empty()

    def GetRootResource(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        return engine_pb2.GetRootResourceResponse(urn=self._registrar.root)

    def SetRootResource(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        return engine_pb2.SetRootResourceResponse()

    def RequirePulumiVersion(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        return engine_pb2.RequirePulumiVersionResponse()

    def StartDebugging(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        return empty_pb2.Empty()


def serve(monitor: Monitor) -> tuple[Any, str]:
    """Serve on a free port of the loopback interface: the server and its address."""
    server = grpc.server(Workers(_THREADS, "monitor"), options=OPTIONS)
    resource_pb2_grpc.add_ResourceMonitorServicer_to_server(monitor, server)
    engine_pb2_grpc.add_EngineServicer_to_server(monitor, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    return server, f"127.0.0.1:{port}"
