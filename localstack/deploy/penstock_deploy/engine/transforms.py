"""Transforms: functions of the program that may change a resource's inputs and options before it is registered."""

from __future__ import annotations

import threading
from typing import Any

import grpc
from pulumi.runtime.proto import callback_pb2, callback_pb2_grpc, resource_pb2

from penstock_deploy.errors import DeploymentError
from penstock_deploy.plugins.channel import OPTIONS

_LISTS = (
    ("depends_on", "dependencies"),
    ("ignore_changes", "ignoreChanges"),
    ("replace_on_changes", "replaceOnChanges"),
    ("aliases", "aliases"),
    ("additional_secret_outputs", "additionalSecretOutputs"),
)


class Transforms:
    """Applies a resource's own transforms, then the stack's, in the order they were registered."""

    def __init__(self) -> None:
        self._stack: list[Any] = []
        self._stubs: dict[str, Any] = {}
        self._channels: list[Any] = []
        self._lock = threading.Lock()

    def register_for_stack(self, callback: Any) -> None:
        """Add a transform that applies to every resource from now on."""
        with self._lock:
            self._stack.append(callback)

    def apply(self, request: Any) -> None:
        """Change a RegisterResourceRequest in place as its transforms say."""
        with self._lock:
            callbacks = [*request.transforms, *self._stack]
        for callback in callbacks:
            answer = resource_pb2.TransformResponse.FromString(self._call(callback, _question(request)))
            if answer.HasField("properties"):
                request.object.CopyFrom(answer.properties)
            if answer.HasField("options"):
                _take_options(request, answer.options)

    def _call(self, callback: Any, message: Any) -> bytes:
        with self._lock:
            if callback.target not in self._stubs:
                channel = grpc.insecure_channel(callback.target, options=OPTIONS)
                self._channels.append(channel)
                self._stubs[callback.target] = callback_pb2_grpc.CallbacksStub(channel)
            stub = self._stubs[callback.target]
        question = callback_pb2.CallbackInvokeRequest(token=callback.token, request=message.SerializeToString())
        try:
            return bytes(stub.Invoke(question).response)
        except grpc.RpcError as error:
            raise DeploymentError(f"a transform failed: {error.details()}") from error

    def close(self) -> None:
        """Close the channels to the program."""
        with self._lock:
            for channel in self._channels:
                channel.close()


def _question(request: Any) -> Any:
    options = resource_pb2.TransformResourceOptions(
        version=request.version,
        provider=request.provider,
        deleted_with=request.deletedWith,
        plugin_download_url=request.pluginDownloadURL,
        providers=request.providers,
    )
    for theirs, ours in _LISTS:
        getattr(options, theirs).extend(getattr(request, ours))
    if request.HasField("protect"):
        options.protect = request.protect
    if request.HasField("retainOnDelete"):
        options.retain_on_delete = request.retainOnDelete
    if request.deleteBeforeReplaceDefined:
        options.delete_before_replace = request.deleteBeforeReplace
    if request.HasField("customTimeouts"):
        options.custom_timeouts.CopyFrom(request.customTimeouts)
    return resource_pb2.TransformRequest(
        type=request.type,
        name=request.name,
        custom=request.custom,
        parent=request.parent,
        properties=request.object,
        options=options,
    )


def _take_options(request: Any, options: Any) -> None:
    for theirs, ours in _LISTS:
        del getattr(request, ours)[:]
        getattr(request, ours).extend(getattr(options, theirs))
    request.version = options.version
    request.provider = options.provider
    request.deletedWith = options.deleted_with
    for theirs, ours in (("protect", "protect"), ("retain_on_delete", "retainOnDelete")):
        if options.HasField(theirs):
            setattr(request, ours, getattr(options, theirs))
        else:
            request.ClearField(ours)
    if options.HasField("delete_before_replace"):
        request.deleteBeforeReplace = options.delete_before_replace
        request.deleteBeforeReplaceDefined = True
    if options.HasField("custom_timeouts"):
        request.customTimeouts.CopyFrom(options.custom_timeouts)
    if options.HasField("hooks"):
        request.hooks.CopyFrom(options.hooks)
    if getattr(options, "import"):
        request.importId = getattr(options, "import")
