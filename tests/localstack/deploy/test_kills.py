"""`kill -9` at random moments: the next `up` reaches the goal, with nothing orphaned or doubled."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from folder_stack import HERE, Stack

from penstock_deploy import interchange

FIRST = """
opts = pulumi.ResourceOptions
previous = None
for n in range(10):
    previous = Item(f"i{n}", seconds=0.04, fixed="1", text=previous.path if previous and n % 5 else "x",
                    hidden=pulumi.Output.secret(f"top-secret-{n}"))
Item("named", name="named", seconds=0.03, fixed="1", opts=opts(delete_before_replace=True))
Item("after", name="after", seconds=0.03, fixed=previous.path)
"""
SECOND = """
opts = pulumi.ResourceOptions
previous = None
for n in range(2, 12):
    previous = Item(f"i{n}", seconds=0.04, fixed="2" if n % 3 == 0 else "1",
                    text=previous.path if previous and n % 5 else "y",
                    hidden=pulumi.Output.secret(f"top-secret-{n}"))
Item("named", name="named", seconds=0.03, fixed="2", opts=opts(delete_before_replace=True))
renamed = opts(aliases=[pulumi.Alias(name="after")])
Item("later", name="after", seconds=0.03, fixed=previous.path, opts=renamed)
"""
"""What the second up does: creates, updates, replaces in both orders, renames and deletes."""


def kill_during(stack: Stack, operation: str, moment: random.Random) -> None:
    """Run an operation in a process of its own and kill it: soon after it took its lock, or after its first change."""
    begun = len(stack.log)
    process = subprocess.Popen(
        [sys.executable, str(HERE / "deploy_folder.py"), operation, str(stack.directory), stack.name, str(stack.cloud)],
        env=stack.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    locks = stack.state_path.parents[2] / f"locks/organization/{stack.directory.name}/{stack.name}"
    at_lock = moment.random() < 0.2
    limit = time.monotonic() + 60
    while process.poll() is None and not (list(locks.glob("*.json")) if at_lock else len(stack.log) > begun):
        assert time.monotonic() < limit, "the operation never began"
        time.sleep(0.005)
    time.sleep(moment.uniform(0.0, 0.4))
    children = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
    process.kill()
    process.wait()
    _, alive = psutil.wait_procs(children, timeout=60)
    assert not [child for child in alive if child.status() != psutil.STATUS_ZOMBIE], "children outlive the engine"


def stems(names: list[str]) -> list[str]:
    """Logical names of items, which end in random digits where the provider named them."""
    return sorted(name.rsplit("-", 1)[0] for name in names)


def check_state(stack: Stack) -> None:
    """The state is sound as Pulumi sees it, names what is in the cloud and nothing else, and holds no secret in clear."""
    latest = stack.state()
    assert interchange.integrity_error(latest) == ""
    assert "pending_operations" not in latest
    ids = [item["id"] for item in latest["resources"] if item["type"] == "folder:index:Item"]
    assert sorted(ids) == sorted(stack.items), "nothing is orphaned or doubled"
    for path in stack.state_path.parent.iterdir():
        assert "top-secret" not in path.read_text()


def kill_and_mend(stack: Stack, seed: int) -> None:
    moment = random.Random(seed)
    stack.write(FIRST)
    for _ in range(moment.choice([1, 1, 2])):
        kill_during(stack, "up", moment)
    mine = dict(stack.items)
    stack.up()
    assert stems(list(stack.items)) == sorted(["after", *(f"i{n}" for n in range(10)), "named"])
    assert set(mine) <= set(stack.items), "what was there was adopted"
    check_state(stack)
    assert not stack.up().has_changes

    stack.write(SECOND)
    for _ in range(moment.choice([1, 1, 2])):
        kill_during(stack, "up", moment)
    stack.up()
    assert stems(list(stack.items)) == sorted(["after", *(f"i{n}" for n in range(2, 12)), "named"])
    check_state(stack)
    assert not stack.up().has_changes
    drift = stack.run("refresh")
    assert drift.ok
    assert not drift.has_changes

    kill_during(stack, "destroy", moment)
    assert stack.run("destroy").ok
    assert not stack.items
    assert stack.state()["resources"] == []


@pytest.mark.parametrize("seed", range(8))
def test_killed_at_a_random_moment_then_up_again(stack: Stack, seed: int) -> None:
    kill_and_mend(stack, seed)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(8, 108))
def test_a_hundred_more_kills(stack: Stack, seed: int) -> None:
    kill_and_mend(stack, seed)


def test_an_export_of_a_killed_deployment_is_what_was_done(stack: Stack) -> None:
    stack.write(FIRST)
    kill_during(stack, "up", random.Random(0))
    backend = Path(stack.environment["PULUMI_BACKEND_URL"].removeprefix("file://"))
    assert backend.is_dir()
    document = stack.deployment().export_stack()
    assert document["version"] == 3
    assert interchange.integrity_error(document["deployment"]) == ""
    known = {item["id"] for item in document["deployment"]["resources"] if item["type"] == "folder:index:Item"}
    pending = {item["resource"]["urn"] for item in document["deployment"].get("pending_operations", [])}
    unknown = [name for name in stack.items if name not in known]
    assert all(any(urn.endswith("::" + name.rsplit("-", 1)[0]) for urn in pending) for name in unknown)
