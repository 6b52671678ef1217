"""Interrupts: once lets what has begun end, twice waits for nothing; and what the next `up` makes of it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time

import psutil
import pytest
from folder_stack import HERE, Stack

from penstock_deploy.engine.stopping import Stopping
from penstock_deploy.engine.workers import Workers, ended


def begin(stack: Stack, operation: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(HERE / "deploy_folder.py"), operation, str(stack.directory), stack.name, str(stack.cloud)],
        env=stack.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


@pytest.mark.parametrize("operation", ["up", "destroy"])
def test_a_second_interrupt_waits_for_no_step(stack: Stack, operation: str) -> None:
    stack.write('Item("slow", name="slow", seconds=600)\nItem("b", name="b")\n')
    if operation == "destroy":
        stack.up('Item("slow", name="slow")\nItem("b", name="b")\n')
        state = stack.cloud / "slow.json"
        state.write_text(json.dumps({"name": "slow"}))
        document = json.loads(stack.state_path.read_text())
        for item in document["checkpoint"]["latest"]["resources"]:
            if item["urn"].endswith("::slow"):
                item["inputs"]["seconds"] = 600
        stack.state_path.write_text(json.dumps(document))
    process = begin(stack, operation)
    stack.wait_for_line("create slow" if operation == "up" else "delete slow")
    children = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGINT)
    stack.wait_for_line("told to cancel")
    time.sleep(0.5)
    assert process.poll() is None, "the first interrupt lets the step end"
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert json.loads(output)["cancelled"]
    assert not [child for child in children if child.is_running() and child.status() != psutil.STATUS_ZOMBIE]
    pending = stack.state()["pending_operations"]
    assert [item["type"] for item in pending] == ["creating" if operation == "up" else "deleting"]
    assert not list(stack.state_path.parents[2].glob("locks/**/*.json"))

    result = stack.up('Item("slow", name="slow")\nItem("b", name="b")\n')
    assert set(stack.items) == {"slow", "b"}
    assert any("cut off" in line for line in result.diagnostics)
    assert "pending_operations" not in stack.state()


def test_workers_do_what_they_are_given_and_tell_errors() -> None:
    pool = Workers(2, "test")
    with pool:
        futures = [pool.submit(lambda n=n: 10 // n) for n in (5, 2, 1, 0)]
        assert sorted(future.result() for future in ended(futures[:3], threading.Event())) == [2, 5, 10]
        assert isinstance(futures[3].exception(timeout=60), ZeroDivisionError)
    with pytest.raises(RuntimeError, match="after shutdown"):
        pool.submit(print)


def test_at_most_so_many_workers_at_once() -> None:
    running, most, lock = [0], [0], threading.Lock()
    together = threading.Barrier(3)

    def step() -> None:
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        together.wait(30)
        with lock:
            running[0] -= 1

    with Workers(3, "test") as pool:
        for future in [pool.submit(step) for _ in range(12)]:
            future.result(60)
    assert most[0] == 3


def test_nobody_waits_for_an_abandoned_step() -> None:
    stopping = Stopping(1)
    let_go = threading.Event()

    def step() -> None:
        with stopping.slot():
            let_go.wait(60)

    thread = threading.Thread(target=step, daemon=True)
    thread.start()
    while stopping.wait_idle(0.01):
        time.sleep(0.01)
    threading.Timer(0.1, stopping.abandoned.set).start()
    assert not stopping.wait_idle()
    let_go.set()
    thread.join(60)
