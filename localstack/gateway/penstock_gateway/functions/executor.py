"""Lambda functions as processes of this machine, for want of Docker.

LocalStack decides what runs (versions, concurrency, asynchronous invocations, event sources, log streams); this is the
execution environment that it starts, keeps warm and stops: one process, in a group of its own, in which
``runtime`` serves. Time-outs end the whole group. Memory is advisory: it is reported, not limited.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import threading
import time
from pathlib import Path
from typing import Any

from localstack.services.lambda_.invocation.lambda_models import InvocationResult
from localstack.services.lambda_.invocation.plugins import RuntimeExecutorPlugin
from localstack.services.lambda_.invocation.runtime_executor import RuntimeExecutor

from penstock_gateway import settings
from penstock_gateway.functions import runtime, unpacked
from penstock_gateway.functions.interpreters import interpreter, sdk
from penstock_gateway.functions.process import EndedError, Process


class ProcessExecutor(RuntimeExecutor):
    """An execution environment of one function version. Invocations come one at a time."""

    def __init__(self, id: str, function_version: Any) -> None:
        super().__init__(id, function_version)
        self._folder = settings.from_environment().volume_dir / "lambda" / id
        self._environment: dict[str, str] = {}
        self._process: Process | None = None
        self._code: Path | None = None
        self._lock = threading.Lock()
        self._stopped = False

    def start(self, env_vars: dict[str, str]) -> None:
        """Start the process; its handler is loaded meanwhile."""
        self._environment = {name: str(value) for name, value in env_vars.items() if value is not None}
        with self._lock:
            self._process = self._start()

    def stop(self) -> None:
        """End the process and what it left."""
        self._stopped = True
        if process := self._process:
            process.kill()
        with self._lock:
            if self._process:
                self._process.end()
                self._process = None
            if self._code:
                unpacked.give_back(self.function_version.config.code)
                self._code = None
        shutil.rmtree(self._folder, ignore_errors=True)

    def invoke(self, payload: dict[str, str]) -> InvocationResult:
        """Run the handler once. Errors of the function are results; AWS's form of them is in the answer's payload."""
        with self._lock:
            return self._invoke(payload)

    def _invoke(self, payload: dict[str, str]) -> InvocationResult:
        request_id, config = payload["invoke-id"], self.function_version.config
        process = self._process = self._process or self._start()
        initialization = process.initialize()
        begin = time.monotonic()
        try:
            answer = process.invoke(payload, begin + config.timeout)
        except EndedError as ended:
            seconds = time.monotonic() - begin
            body, reason = failure(request_id, ended, process.end(), config.timeout)
            failed, peak, log = True, 0, process.take_log() + reason
            self._process = None
        else:
            seconds = time.monotonic() - begin
            body, failed, peak, log = answer["payload"], answer["failed"], answer["peak"], process.take_log()
            if not answer["reusable"]:
                process.end()
                self._process = None
        lines = [
            self._initialization_line() if initialization else "",
            f"START RequestId: {request_id} Version: {self.function_version.id.qualifier}\n",
            log,
            f"END RequestId: {request_id}\n",
            report(request_id, seconds, config.memory_size, peak, initialization),
        ]
        return InvocationResult(request_id, body.encode(), is_error=failed, logs="".join(lines))

    def _initialization_line(self) -> str:
        """What AWS writes when an environment starts; here it also tells when another Python than asked for runs."""
        wanted = str(self.function_version.config.runtime)
        _, version = interpreter(wanted)
        instead = "" if wanted.endswith(version) else f" ({wanted} was asked for, which this machine does not have)"
        return f"INIT_START Runtime Version: python:{version}{instead}\n"

    def _start(self) -> Process:
        if self._stopped:
            raise RuntimeError(f"the execution environment {self.id} was stopped")
        config = self.function_version.config
        code = self._code = self._code or unpacked.take(config.code)
        python, version = interpreter(str(config.runtime))
        scratch = self._folder / "tmp"
        scratch.mkdir(parents=True, exist_ok=True)
        layers = self._layers()
        places = [str(code), *(str(layers / part) for part in ("python", f"python/lib/python{version}/site-packages"))]
        environment = {
            "PATH": f"{layers / 'bin'}:{os.environ.get('PATH', os.defpath)}",
            "LANG": "en_US.UTF-8",
            "HOME": str(scratch),
            "TMPDIR": str(scratch),
            "PYTHONUNBUFFERED": "1",
            **self._environment,
            "LAMBDA_TASK_ROOT": str(code),
            "AWS_EXECUTION_ENV": f"AWS_Lambda_{config.runtime}",
            "_HANDLER": config.handler,
            runtime.PATHS_VARIABLE: os.pathsep.join(
                [*places, str(sdk(settings.from_environment().volume_dir / "lambda"))]
            ),
        }
        program = str(Path(runtime.__file__).resolve())
        return Process([python, "-S", "-P", program], environment, self._folder, code)

    def _layers(self) -> Path:
        """The function's layers, one over the other as AWS extracts them to /opt."""
        merged = self._folder / "opt"
        if not merged.exists():
            merged.mkdir(parents=True)
            for layer in self.function_version.config.layers or []:
                layer.code.prepare_for_execution()
                shutil.copytree(layer.code.get_unzipped_code_location(), merged, dirs_exist_ok=True)
        return merged

    def get_address(self) -> str:
        return "127.0.0.1"

    def get_endpoint_from_executor(self) -> str:
        """Where the function finds the gateway: it becomes AWS_ENDPOINT_URL."""
        return "127.0.0.1"

    def get_runtime_endpoint(self) -> str:
        return f"http://127.0.0.1:{settings.from_environment().port}/_localstack_lambda/{self.id}"

    def get_logs(self) -> str:
        return self._process.take_log() if self._process else ""

    @classmethod
    def prepare_version(cls, function_version: Any) -> None:
        """Unpack the code before the first invocation."""
        function_version.config.code.prepare_for_execution()

    @classmethod
    def cleanup_version(cls, function_version: Any) -> None:
        """Remove the unpacked code."""
        function_version.config.code.destroy_cached()


def failure(request_id: str, ended: EndedError, code: int, timeout: int) -> tuple[str, str]:
    """The payload and the line of the log for a process that did not answer."""
    if ended.timed_out:
        kind, reason = "Sandbox.Timedout", f"Task timed out after {timeout:.2f} seconds"
        line = f"{time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())} {request_id} {reason}\n"
    else:
        kind = "Runtime.ExitError"
        how = f"signal: {signal.Signals(-code).name}" if code < 0 else f"exit status {code}"
        reason = f"Runtime exited with error: {how}" if code else "Runtime exited without providing a reason"
        line = f"RequestId: {request_id} Error: {reason}\n"
    return json.dumps({"errorType": kind, "errorMessage": f"RequestId: {request_id} Error: {reason}"}), line


def report(request_id: str, seconds: float, memory: int, peak: int, initialized: float) -> str:
    """The last line of an invocation's log, as AWS writes it."""
    milliseconds = seconds * 1000
    parts = [
        f"REPORT RequestId: {request_id}",
        f"Duration: {milliseconds:.2f} ms",
        f"Billed Duration: {int(milliseconds) + 1} ms",
        f"Memory Size: {memory} MB",
        f"Max Memory Used: {peak or memory} MB",
    ]
    if initialized:
        parts.append(f"Init Duration: {initialized * 1000:.2f} ms")
    return "\t".join(parts) + "\t\n"


class ProcessExecutorPlugin(RuntimeExecutorPlugin):
    """LocalStack's name for this executor: LAMBDA_RUNTIME_EXECUTOR=process."""

    name = "process"

    def load(self, *_arguments: Any, **_options: Any) -> type[ProcessExecutor]:
        """The executor's class."""
        return ProcessExecutor
