"""What goes wrong: failing steps and programs, kills, interrupts, locks."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from folder_stack import HERE, Stack

from penstock_deploy import DeploymentError


def deploy(stack: Stack, operation: str = "up") -> subprocess.Popen[str]:
    """An operation in a process of its own."""
    return subprocess.Popen(
        [sys.executable, str(HERE / "deploy_folder.py"), operation, str(stack.directory), stack.name, str(stack.cloud)],
        env=stack.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def test_a_failing_resource_keeps_the_others(stack: Stack) -> None:
    program = (
        'a = Item("a", name="a")\nb = Item("b", name="b", text=a.path, fail={})\nItem("c", name="c", text=b.path)\n'
    )
    result = stack.write(program.format('"create"')).run("up")
    assert not result.ok
    assert result.errors == [
        "urn:pulumi:dev::app::folder:index:Item::b: CreateItem: Denied: b may not be created",
    ]
    assert set(stack.items) == {"a"}
    assert "pending_operations" not in stack.state()
    failed = [event for event in stack.events if event.get("status") == "failed"]
    assert failed[0]["urn"].endswith("::b")
    mended = stack.up(program.format('"no"'))
    assert (mended.counts["create"], mended.counts["same"]) == (2, 2)


def test_steps_under_way_end_when_another_fails(stack: Stack) -> None:
    stack.write("""
    Item("slow", name="slow", seconds=0.3)
    Item("b", name="b", until=["create slow"], fail="create")
    """).run("up")
    assert set(stack.items) == {"slow"}
    assert stack.resource("slow")["id"] == "slow"


def test_a_resource_that_did_not_settle_is_kept_and_mended(stack: Stack) -> None:
    result = stack.write('Item("a", name="a", fail="init")\n').run("up")
    assert not result.ok
    assert stack.resource("a")["initErrors"]
    mended = stack.up('Item("a", name="a", text="now")\n')
    assert mended.counts["update"] == 1
    assert "initErrors" not in stack.resource("a")


def test_a_failed_deletion_stays_in_the_state(stack: Stack) -> None:
    stack.up('Item("a", name="a", fail="delete")\nItem("b", name="b")\n')
    result = stack.run("destroy")
    assert not result.ok
    assert "DeleteItem: Denied" in result.errors[0]
    assert stack.resource("a")["id"] == "a"
    assert "pending_operations" not in stack.state()


def test_a_failed_replacement_keeps_the_old_one(stack: Stack) -> None:
    stack.up('Item("a", fixed="1")\n')
    old = next(iter(stack.items))
    assert not stack.write('Item("a", fixed="2", fail="create")\n').run("up").ok
    assert set(stack.items) == {old}
    assert not stack.resource("a").get("delete")
    stack.up('Item("a", fixed="1", fail="none")\n')
    assert set(stack.items) == {old}


def test_a_program_that_raises_shows_its_own_frames(stack: Stack) -> None:
    result = stack.write("""
    def broken():
        return 1 / 0
    Item("a", name="a")
    broken()
    """).run("up")
    assert not result.ok
    message = result.errors[0]
    assert "ZeroDivisionError: division by zero" in message
    assert "in broken" in message
    assert message.count('File "') == 2
    assert "site-packages" not in message
    assert "launcher" not in message


def test_an_apply_that_raises(stack: Stack) -> None:
    result = stack.write('a = Item("a")\npulumi.export("x", a.path.apply(lambda p: {}["missing"]))\n').run("up")
    assert not result.ok
    assert any("KeyError" in error for error in result.errors)


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        ("import os\nos._exit(3)\n", "status 3"),
        ("import sys\nsys.exit('no luck')\n", "no luck"),
        ("def broken(:\n", "SyntaxError"),
        ("import not_there\n", "ModuleNotFoundError"),
        ('raise pulumi.RunError("the reason")\n', "the reason"),
        ('pulumi.log.error("bad")\n', "bad"),
    ],
)
def test_a_program_that_fails_in_other_ways(stack: Stack, program: str, expected: str) -> None:
    result = stack.write(program).run("preview")
    assert not result.ok
    assert expected in "\n".join(result.errors)


def test_what_a_program_prints_is_handed_on(stack: Stack) -> None:
    stack.write('print("hello")\npulumi.info("noted")\n').run("preview")
    assert {"kind": "output", "line": "hello"} in stack.events
    assert any(event["kind"] == "diagnostic" and event["message"] == "noted" for event in stack.events)


def test_an_unknown_property_is_named(stack: Stack) -> None:
    result = stack.write('Item("a", txt="x")\n').run("preview")
    assert "txt is not a property of folder:index:Item" in result.errors[0]
    assert "Item::a" in result.errors[0]


def test_a_wrong_passphrase(stack: Stack) -> None:
    stack.up('Item("a", hidden=pulumi.Output.secret("s"))\n')
    stack.environment["PULUMI_CONFIG_PASSPHRASE"] = "wrong"
    with pytest.raises(DeploymentError, match="incorrect passphrase"):
        stack.run("up")
    with pytest.raises(DeploymentError, match="incorrect passphrase"):
        stack.deployment().resources()


def test_killed_during_a_destroy(stack: Stack) -> None:
    stack.up('for n in range(6): Item(f"i{n}", name=f"i{n}", seconds=0.1)\n')
    process = deploy(stack, "destroy")
    stack.wait_for_line("deleted")
    process.kill()
    process.wait()
    process.stdout.close() if process.stdout else None
    assert stack.run("destroy").ok
    assert not stack.items
    assert stack.state()["resources"] == []


def test_an_interrupt_ends_gracefully(stack: Stack) -> None:
    stack.write("""
    previous = None
    for n in range(5):
        previous = Item(f"i{n}", name=f"i{n}", until=["go"] if n else [], text=previous.path if previous else "x")
    """)
    process = deploy(stack)
    stack.wait_for_line("create i1")
    process.send_signal(signal.SIGINT)
    stack.wait_for_line("told to cancel")
    stack.log_line("go")
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    result = json.loads(output)
    assert result["cancelled"]
    assert set(stack.items) == {"i0", "i1"}
    ids = {item["id"] for item in stack.state()["resources"] if item["type"] == "folder:index:Item"}
    assert ids == set(stack.items), "the step that had begun was finished and is in the state"
    assert "pending_operations" not in stack.state()
    assert not list(stack.state_path.parents[2].glob("locks/**/*.json"))
    stack.up()
    assert len(stack.items) == 5


def test_a_second_deployment_is_refused_while_one_runs(stack: Stack) -> None:
    stack.write('Item("a", until=["go"])\n')
    process = deploy(stack)
    stack.wait_for_line("create")
    try:
        with pytest.raises(DeploymentError, match=f"locked by process {process.pid} of .* on ") as refused:
            stack.run("up")
        assert "takes the lock away" in refused.value.fix
        assert stack.run("preview").ok, "a preview changes nothing and needs no lock"
    finally:
        process.kill()
        process.wait()
        process.stdout.close() if process.stdout else None
    stack.log_line("go")
    stack.up()


def test_a_lock_of_another_host_stays_until_it_is_taken_away(stack: Stack) -> None:
    stack.up('Item("a")\n')
    folder = stack.state_path.parents[2] / "locks/organization/app/dev"
    (folder / "other.json").write_text(json.dumps({"pid": 1, "hostname": "elsewhere", "username": "ann"}))
    with pytest.raises(DeploymentError, match="of ann on elsewhere"):
        stack.run("up")
    assert stack.deployment().unlock() == 1
    stack.up()


def test_a_stuck_program_does_not_outlive_a_cancelled_deployment(stack: Stack) -> None:
    stack.write("import time\nprint('begun', flush=True)\ntime.sleep(600)\n")
    deployment = stack.deployment()

    def cancel(event: dict[str, object]) -> None:
        if event.get("line") == "begun":
            deployment.cancel()

    result = deployment.up(cancel)
    assert result.cancelled
    mine = psutil.Process(os.getpid()).children(recursive=True)
    assert not [child for child in mine if "launcher.py" in " ".join(child.cmdline())]


def test_a_damaged_state_is_refused(stack: Stack) -> None:
    stack.up('Item("a")\n')
    stack.up('Item("a", text="x")\n')
    good = stack.state_path.read_text()
    stack.state_path.write_text(good[: len(good) // 2])
    with pytest.raises(DeploymentError, match="damaged") as refused:
        stack.run("up")
    assert ".bak" in refused.value.fix
    Path(str(stack.state_path) + ".bak").replace(stack.state_path)
    assert stack.run("refresh").ok
