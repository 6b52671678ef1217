"""What runs inside a Lambda execution environment: loads the handler once, then answers invocations one by one.

It is started as a script by an interpreter without site-packages, so it imports nothing but the standard library.
Invocations arrive as lines of JSON on what was standard input, answers leave on the descriptor in
``PENSTOCK_LAMBDA_ANSWERS``; standard output and error are the function's log. When the gateway goes away, so does
this process with all that it started. Errors have the form of AWS's Python runtime (AWS Lambda developer guide,
"Lambda function handler in Python", "Python exceptions").
"""

from __future__ import annotations

import importlib
import json
import os
import queue
import resource
import signal
import sys
import threading
import time
import traceback
from typing import Any

ANSWERS_VARIABLE = "PENSTOCK_LAMBDA_ANSWERS"
PATHS_VARIABLE = "PENSTOCK_LAMBDA_PATHS"


class LambdaContext:
    """The second argument of a handler (developer guide, "Using the Lambda context object in Python")."""

    def __init__(self, invocation: dict[str, Any], deadline: float) -> None:
        self.aws_request_id = invocation["invoke-id"]
        self.invoked_function_arn = invocation["invoked-function-arn"]
        self.function_name = os.environ.get("AWS_LAMBDA_FUNCTION_NAME")
        self.function_version = os.environ.get("AWS_LAMBDA_FUNCTION_VERSION")
        self.memory_limit_in_mb = os.environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")
        self.log_group_name = os.environ.get("AWS_LAMBDA_LOG_GROUP_NAME")
        self.log_stream_name = os.environ.get("AWS_LAMBDA_LOG_STREAM_NAME")
        self.client_context = None
        self.identity = None
        self._deadline = deadline

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the function is ended."""
        return max(0, int((self._deadline - time.time()) * 1000))

    def log(self, message: str) -> None:
        """Write to the log."""
        sys.stdout.write(str(message))


class InitializationError(Exception):
    """The handler could not be loaded; ``kind`` is AWS's error type."""

    def __init__(self, kind: str, message: str, stack: list[str] | None = None) -> None:
        super().__init__(message)
        self.kind = kind
        self.stack = stack or []


def load(handler: str) -> Any:
    """The function that ``module.function`` names; raises InitializationError as AWS's runtime reports it."""
    module_name, dot, name = handler.rpartition(".")
    if not dot:
        message = f"Bad handler '{handler}': not enough values to unpack (expected 2, got 1)"
        raise InitializationError("Runtime.MalformedHandlerName", message)
    try:
        module = importlib.import_module(module_name.replace("/", "."))
    except ImportError as error:
        message = f"Unable to import module '{module_name}': {error}"
        raise InitializationError("Runtime.ImportModuleError", message) from error
    except SyntaxError as error:
        message = f"Syntax error in module '{module_name}': {error}"
        place = f'  File "{error.filename}" Line {error.lineno}\n    {error.text}\n'
        raise InitializationError("Runtime.UserCodeSyntaxError", message, [place]) from error
    try:
        return getattr(module, name)
    except AttributeError:
        message = f"Handler '{name}' missing on module '{module_name}'"
        raise InitializationError("Runtime.HandlerNotFound", message) from None


def failure(message: str, kind: str, request_id: str, stack: list[str]) -> str:
    """The payload of a failed invocation; it is also written to the log."""
    sys.stderr.write(f"[ERROR] {kind}: {message}\n")
    if stack:
        sys.stderr.write("Traceback (most recent call last):\n" + "".join(stack))
    return json.dumps({"errorMessage": message, "errorType": kind, "requestId": request_id, "stackTrace": stack})


def handle(function: Any, invocation: dict[str, Any]) -> tuple[str, bool]:
    """Run the handler once: its answer as JSON, and whether it is an error."""
    request_id = invocation["invoke-id"]
    os.environ["_X_AMZN_TRACE_ID"] = invocation.get("trace-id", "")
    deadline = time.time() + float(os.environ.get("AWS_LAMBDA_FUNCTION_TIMEOUT", "3"))
    try:
        try:
            event = json.loads(invocation["payload"] or "{}")
        except ValueError as error:
            return failure(f"Unable to unmarshal input: {error}", "Runtime.UnmarshalError", request_id, []), True
        answer = function(event, LambdaContext(invocation, deadline))
    except Exception as error:  # noqa: BLE001 - whatever the handler raises is the invocation's error
        # The first frame is ours.
        frames = traceback.extract_tb(error.__traceback__)[1:]
        return failure(str(error), type(error).__name__, request_id, traceback.format_list(frames)), True
    try:
        return json.dumps(answer), False
    except (TypeError, ValueError) as error:
        return failure(f"Unable to marshal response: {error}", "Runtime.MarshalError", request_id, []), True


def peak_megabytes() -> int:
    """The most memory that this process has held, since it is this program."""
    try:
        with open("/proc/self/status") as status:  # noqa: PTH123 - see main
            return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) // 1024
    except (OSError, StopIteration):
        pass
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak // (1 << 20 if sys.platform == "darwin" else 1 << 10)


def read(invocations: queue.SimpleQueue[dict[str, Any]], descriptor: int) -> None:
    """Queue what the gateway sends; end the whole process group when the gateway is gone."""
    with os.fdopen(descriptor) as stream:
        for line in stream:
            invocations.put(json.loads(line))
    os.killpg(0, signal.SIGKILL)


def main() -> None:
    """Serve until the gateway ends this process."""
    commands = os.dup(0)
    with open(os.devnull) as nothing:  # noqa: PTH123 - this process starts often: pathlib would cost a few milliseconds
        os.dup2(nothing.fileno(), 0)
    answers = os.fdopen(int(os.environ.pop(ANSWERS_VARIABLE)), "w")
    os.set_inheritable(answers.fileno(), False)
    sys.path[:0] = [path for path in os.environ.pop(PATHS_VARIABLE).split(os.pathsep) if path]
    invocations: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
    threading.Thread(target=read, args=[invocations, commands], daemon=True).start()
    sys.argv[:] = [""]

    def answer(**members: Any) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        answers.write(json.dumps(members) + "\n")
        answers.flush()

    function, refused = None, None
    try:
        function = load(os.environ["_HANDLER"])
    except InitializationError as error:
        refused = error
    except Exception as error:  # noqa: BLE001 - whatever the module raises while it is imported
        refused = InitializationError(type(error).__name__, str(error), traceback.format_tb(error.__traceback__)[1:])
    answer(ready=True)
    while True:
        invocation = invocations.get()
        if refused is None:
            payload, failed = handle(function, invocation)
        else:
            payload = failure(str(refused), refused.kind, invocation["invoke-id"], refused.stack)
            failed = True
        answer(payload=payload, failed=failed, peak=peak_megabytes(), reusable=refused is None)


if __name__ == "__main__":
    main()
