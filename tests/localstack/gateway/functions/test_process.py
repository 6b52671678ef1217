"""One Lambda process without LocalStack around it: answers, errors in AWS's form, time-outs, and its end."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from penstock_gateway.functions import runtime
from penstock_gateway.functions.process import EndedError, Process

Start = Callable[..., Process]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start a process that serves a module's text."""
    made: list[Process] = []

    def make(code: str, handler: str = "index.handler", **environment: str) -> Process:
        folder = tmp_path / f"code{len(made)}"
        folder.mkdir()
        (folder / "index.py").write_text(code)
        program = str(Path(runtime.__file__).resolve())
        variables = {"_HANDLER": handler, runtime.PATHS_VARIABLE: str(folder), **environment}
        variables = {"PATH": os.environ["PATH"], "AWS_LAMBDA_FUNCTION_TIMEOUT": "3", **variables}
        process = Process([sys.executable, "-S", "-P", program], variables, tmp_path / f"run{len(made)}", folder)
        made.append(process)
        return process

    yield make
    for process in made:
        process.end()


def invoke(process: Process, event: Any = None, seconds: float = 60) -> dict[str, Any]:
    process.initialize()
    payload = {"invoke-id": "id-1", "invoked-function-arn": "arn:f", "payload": json.dumps(event), "trace-id": "Root=1"}
    return process.invoke(payload, time.monotonic() + seconds)


def test_answers_and_logs(start: Start) -> None:
    process = start(
        "import os, sys\n"
        "print('loaded')\n"
        "state = []\n"
        "def handler(event, context):\n"
        "    state.append(event)\n"
        "    os.system('echo from a child')\n"
        "    print('seen', len(state), file=sys.stderr)\n"
        "    left = context.get_remaining_time_in_millis()\n"
        "    return {'event': event, 'id': context.aws_request_id, 'enough': 1000 < left <= 3000}\n"
    )
    answer = invoke(process, {"a": 1})
    assert json.loads(answer["payload"]) == {"event": {"a": 1}, "id": "id-1", "enough": True}
    assert answer["failed"] is False
    assert 1 <= answer["peak"] < 200
    assert process.take_log() == "loaded\nfrom a child\nseen 1\n"
    invoke(process)
    assert process.take_log() == "from a child\nseen 2\n"


def test_standard_input_and_output_are_the_functions_own(start: Start) -> None:
    process = start("import sys\ndef handler(event, context):\n    print('{}')\n    return sys.stdin.read()\n")
    assert json.loads(invoke(process)["payload"]) == ""
    assert process.take_log() == "{}\n"


@pytest.mark.parametrize(
    ("code", "handler", "kind", "message"),
    [
        ("import nothing_of_that_name\n", "index.handler", "Runtime.ImportModuleError",
         "Unable to import module 'index': No module named 'nothing_of_that_name'"),
        ("x = 1\n", "index.handler", "Runtime.HandlerNotFound", "Handler 'handler' missing on module 'index'"),
        ("x = 1\n", "handler", "Runtime.MalformedHandlerName",
         "Bad handler 'handler': not enough values to unpack (expected 2, got 1)"),
        ("def handler(:\n", "index.handler", "Runtime.UserCodeSyntaxError", "Syntax error in module 'index'"),
        ("raise KeyError('at import')\n", "index.handler", "KeyError", "'at import'"),
        ("def handler(e, c):\n    return {1}\n", "index.handler", "Runtime.MarshalError",
         "Unable to marshal response: Object of type set is not JSON serializable"),
    ],
)  # fmt: skip
def test_errors_of_the_runtime(start: Start, code: str, handler: str, kind: str, message: str) -> None:
    process = start(code, handler)
    answer = invoke(process)
    error = json.loads(answer["payload"])
    assert answer["failed"] is True
    assert error["errorType"] == kind
    assert error["errorMessage"].startswith(message)
    assert f"[ERROR] {kind}: {message}" in process.take_log()


def test_errors_of_the_handler_show_its_own_frames(start: Start) -> None:
    process = start(
        "class Broken(Exception): pass\ndef inner(): raise Broken('why')\ndef handler(event, context):\n    inner()\n"
    )
    error = json.loads(invoke(process)["payload"])
    assert (error["errorType"], error["errorMessage"], error["requestId"]) == ("Broken", "why", "id-1")
    assert [frame.split(", ")[2].split("\n")[0] for frame in error["stackTrace"]] == ["in handler", "in inner"]


@pytest.mark.parametrize(("body", "code"), [("os._exit(3)", 3), ("sys.exit(4)", 4), ("os.kill(os.getpid(), 9)", -9)])
def test_a_process_that_ends_itself(start: Start, body: str, code: int) -> None:
    process = start(f"import os, sys\ndef handler(event, context):\n    {body}\n")
    with pytest.raises(EndedError) as ended:
        invoke(process)
    assert ended.value.timed_out is False
    assert process.end() == code


def test_a_time_out_ends_the_whole_group(start: Start) -> None:
    process = start(
        "import subprocess, time\n"
        "def handler(event, context):\n"
        "    print(subprocess.Popen(['sleep', '60']).pid, flush=True)\n"
        "    time.sleep(60)\n"
    )
    with pytest.raises(EndedError) as ended:
        invoke(process, seconds=3)
    assert ended.value.timed_out is True
    child = int(process.take_log())
    assert process.end() == -9
    wait_until(lambda: is_gone(child))


def test_nothing_outlives_who_started_it(tmp_path: Path) -> None:
    """The gateway may be killed in the middle of an invocation."""
    (tmp_path / "index.py").write_text("import time\ndef handler(e, c):\n    time.sleep(60)\n")
    program = (
        "import sys, time, json; from pathlib import Path\n"
        "from penstock_gateway.functions import runtime; from penstock_gateway.functions.process import Process\n"
        f"folder = Path({str(tmp_path)!r})\n"
        "variables = {'_HANDLER': 'index.handler', runtime.PATHS_VARIABLE: str(folder)}\n"
        "command = [sys.executable, '-S', '-P', runtime.__file__]\n"
        "process = Process(command, variables, folder / 'run', folder)\n"
        "process.initialize()\n"
        "process.send({'invoke-id': '1', 'invoked-function-arn': '', 'payload': '{}'})\n"
        "print(process.process.pid, flush=True); time.sleep(60)\n"
    )
    import subprocess

    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout
        child = int(parent.stdout.readline())
        assert not is_gone(child)
        parent.kill()
    wait_until(lambda: is_gone(child))


def is_gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def wait_until(condition: Callable[[], bool], seconds: float = 60) -> None:
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit
        time.sleep(0.05)
