"""Full disks, damaged and older states, dependencies that are missing or go in a circle."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from folder_stack import HERE, Stack

from penstock_deploy import DeploymentError
from penstock_deploy.engine.deletion import _order
from penstock_deploy.state import journal as journals
from penstock_deploy.state.order import in_order, rename
from penstock_deploy.state.resource import ResourceState

LIMITED = """
import resource, runpy, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv.pop(1)), resource.RLIM_INFINITY))
sys.argv.pop(0)
runpy.run_path(sys.argv[0], run_name="__main__")
"""
MANY = 'for n in range(12): Item(f"i{n}", text="x" * 300, seconds=0.02)\n'


def up_with_room(stack: Stack, room: int) -> dict[str, Any]:
    """An up in a process of its own that can write no file of more than `room` bytes: a disk that gets full."""
    script = HERE / "deploy_folder.py"
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(room), str(script), "up", str(stack.directory), stack.name, str(stack.cloud)],
        env={**stack.environment, "PYTHONDONTWRITEBYTECODE": "1"}, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert "Traceback" not in done.stdout + done.stderr, done.stderr
    assert done.returncode in (1, 2), done.stdout
    return dict(json.loads(done.stdout)) if done.returncode == 1 else {"errors": [done.stdout]}


@pytest.mark.parametrize("room", [10, 3000, 6000, 9000])
def test_a_disk_that_gets_full(stack: Stack, room: int) -> None:
    stack.write(MANY)
    result = up_with_room(stack, room)
    assert any("the state cannot be written to" in error for error in result["errors"]), result["errors"]
    assert any("Make room" in error for error in result["errors"])
    assert not any("please report" in error for error in result["errors"])
    made = set(stack.items)
    stack.up()
    assert len(stack.items) == 12, "nothing is doubled"
    assert made <= set(stack.items), "nothing is orphaned"
    assert not stack.up().has_changes


def test_a_line_that_did_not_fit_leaves_no_half(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "dev.journal"
    journal = journals.Journal(path, "base", "salt")
    journal.append([{"end": 1}])
    before = path.read_bytes()
    write = os.write
    told = [5]

    def full(file: int, data: Any) -> int:
        if not told:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(file, bytes(data)[: told.pop()])

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(DeploymentError, match=r"cannot be written to .*dev\.journal: No space left on device"):
        journal.append([{"end": 2}])
    monkeypatch.undo()
    assert path.read_bytes() == before
    journal.append([{"end": 3}])
    assert path.read_bytes() == before + b'[{"end":3}]\n'
    journal.close(remove=True)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b'{"base": "", "salt": ""}\n[{"no": 1\n[{"end": 1}]\n', "damaged in line 2"),
        (b'{"base": "", "salt": ""}\n[{"supersede": 7}, {"else": 1}]\n', "damaged in line 2.*unknown change"),
        (b"\x00\x00\x00\n", "damaged in line 1"),
    ],
)
def test_a_damaged_journal_is_refused(stack: Stack, text: bytes, message: str) -> None:
    path = stack.write("pass\n").state_path.with_suffix(".journal")
    path.parent.mkdir(parents=True)
    path.write_bytes(text)
    with pytest.raises(DeploymentError, match=message) as refused:
        stack.run("up")
    assert "refresh" in refused.value.fix
    assert path.read_bytes() == text


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d["checkpoint"]["latest"]["resources"].append({"type": "x"}), "damaged"),
        (lambda d: d["checkpoint"]["latest"]["resources"].append("x"), "damaged"),
        (lambda d: d["checkpoint"].update(latest=[1]), "damaged"),
        (lambda d: d.update(version=2), "version 2 of the state"),
        (lambda d: d.pop("version"), "damaged"),
    ],
)
def test_a_state_of_another_shape_is_refused(stack: Stack, change: Any, message: str) -> None:
    stack.up('Item("a")\n')
    document = json.loads(stack.state_path.read_text())
    change(document)
    stack.state_path.write_text(json.dumps(document))
    before = stack.state_path.read_text()
    for operation in ("preview", "up", "refresh", "destroy"):
        with pytest.raises(DeploymentError, match=message):
            stack.run(operation)
    assert stack.state_path.read_text() == before
    assert len(stack.items) == 1


def test_a_state_that_is_no_text(stack: Stack) -> None:
    stack.up('Item("a")\n')
    stack.state_path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DeploymentError, match="damaged"):
        stack.run("preview")


def test_dependencies_in_a_circle_stop_a_destroy_before_its_first_step(stack: Stack) -> None:
    stack.up('a = Item("a", name="a")\nb = Item("b", name="b", of=a.path)\nItem("c", name="c")\n')
    document = json.loads(stack.state_path.read_text())
    resources = {item["urn"].rsplit("::", 1)[1]: item for item in document["checkpoint"]["latest"]["resources"]}
    resources["a"]["dependencies"] = [resources["b"]["urn"]]
    stack.state_path.write_text(json.dumps(document))
    result = stack.run("destroy")
    assert "go in a circle; nothing was deleted" in result.errors[0]
    assert "Item::a\n" in result.errors[0]
    assert "Item::c" not in result.errors[0]
    assert set(stack.items) == {"a", "b", "c"}


def test_a_dependency_that_is_not_in_the_program(stack: Stack) -> None:
    result = stack.write("""
    gone = pulumi.resource.DependencyResource("urn:pulumi:dev::app::folder:index:Item::gone")
    Item("a", opts=pulumi.ResourceOptions(deleted_with=gone))
    """).run("preview")
    assert not result.ok
    assert (
        "Item::a: depends on urn:pulumi:dev::app::folder:index:Item::gone, which is not in the program"
        in (result.errors[0])
    )


def test_a_dependency_that_is_missing_in_the_state(stack: Stack) -> None:
    stack.up('a = Item("a", name="a")\nItem("b", name="b", of=a.path)\n')
    document = json.loads(stack.state_path.read_text())
    latest = document["checkpoint"]["latest"]
    latest["resources"] = [item for item in latest["resources"] if not item["urn"].endswith("Item::a")]
    stack.state_path.write_text(json.dumps(document))
    assert stack.run("destroy").counts["delete"] == 2
    assert set(stack.items) == {"a"}


def one(name: str, *needs: str, delete: bool = False) -> ResourceState:
    return ResourceState(urn=name, type="t", custom=True, dependencies=list(needs), delete=delete)


def test_states_in_order() -> None:
    a, b, c, old = one("a"), one("b", "a"), one("c", "b"), one("a", delete=True)
    assert in_order([c, b, a]) == [a, b, c]
    assert in_order([a, b, c]) == [a, b, c]
    assert in_order([old, b, a]) == [a, old, b]
    circle = [one("x", "y"), one("y", "x")]
    assert sorted(item.urn for item in in_order(circle)) == ["x", "y"]
    rename([b], {"a": "new"})
    assert b.dependencies == ["new"]


def test_two_generations_that_depend_on_one_another_the_other_way_round() -> None:
    old_a, old_b = one("a", "b", delete=True), one("b", delete=True)
    new_a, new_b = one("a"), one("b", "a")
    needs = _order([new_a, new_b, old_a, old_b])
    assert needs[id(old_a)] == {id(old_b)}
    assert needs[id(new_b)] == {id(new_a), id(old_a)}
