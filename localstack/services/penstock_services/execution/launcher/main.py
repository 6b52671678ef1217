"""What the launcher does: the command in its sandbox, watched, and nothing of it left when it ends.

The argument is a JSON file: ``mode`` ("root": new mount, PID and user namespaces, set up with root's rights; "user": the
same with an ordinary user's rights; "none": no namespaces), ``folder`` (the job's, with its tmp and home), ``root``
(folder that becomes /opt/ml), ``command``, ``environment``, ``directory``, ``report`` (number of an inherited pipe on which
JSON lines tell how it ended), and, all optional: ``hosts`` (text of /etc/hosts), ``isolated`` (no network but loopback),
``peer`` (process whose network namespace to share), ``memory`` and ``volume`` (limits in bytes), ``processes`` (their
number), ``visible`` (paths that must stay visible though they are below /tmp or /run), ``overlays`` (paths that the job
may write to without changing them).

Standard input is the lifeline: when its other end closes, because the services process has gone or wants it so, the
whole tree is killed. SIGTERM is passed on to the command.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import sys
from typing import Any, NoReturn

from . import control_group, landlock, namespaces, system, tree
from .control_group import ControlGroup
from .guard import Guard
from .watch import Watch, tell, tell_end


def _execute(spec: dict[str, Any], report: int) -> NoReturn:
    """Become the command."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGPIPE, signal.SIGCHLD, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)
    signal.set_wakeup_fd(-1)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    if spec.get("volume"):
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(spec["volume"]), int(spec["volume"])))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    command = spec["command"]
    try:
        os.chdir(spec["directory"])
        os.execvpe(command[0], command, spec["environment"])  # noqa: S606
    except OSError as error:
        where = spec["environment"].get("PATH", "")
        text = f"cannot run {command[0]!r}: {error.strerror} (PATH={where})"
        sys.stderr.write(text + "\n")
        sys.stderr.flush()
        tell(report, error=text)
        os._exit(127)


def _folders(spec: dict[str, Any]) -> list[str]:
    """The folders of the command: /opt/ml, its home, its /tmp, what it has written over others."""
    folder = str(spec["folder"])
    return [str(spec["root"]), *(os.path.join(folder, name) for name in ("home", "tmp", "overlay"))]  # noqa: PTH118


def _guard(spec: dict[str, Any], shared: str | None) -> Guard:
    return Guard(spec.get("memory"), spec.get("volume"), spec.get("processes"), _folders(spec), shared)


def _first_process(spec: dict[str, Any], report: int, group: ControlGroup | None) -> NoReturn:
    """The first process of the PID namespace: runs the command, reaps orphans; when it exits, all the rest is killed."""
    system.die_with_parent()
    namespaces.first(spec.get("processes"))
    watch = Watch(None)
    ready, ready_end = os.pipe()
    go_end, go = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            if group is not None:
                group.join()
            namespaces.confine(ready_end, go_end)
        except OSError as error:
            tell(report, error=f"no namespace for the job: {error}")
            os._exit(127)
        _execute(spec, report)
    os.close(ready_end)
    namespaces.map_confined(child, ready, go, spec["mode"])
    os.close(go)
    status = watch.wait(child, None)
    tell_end(report, status or 0)
    os._exit(0)


def _in_namespaces(spec: dict[str, Any], report: int, watch: Watch, lifeline: int, group: ControlGroup | None) -> int:
    try:
        namespaces.enter(spec)
    except (OSError, AttributeError) as error:
        tell(report, error=f"no namespace for the job: {error}")
        return 1
    tell(report, entered=True)
    child = os.fork()
    if child == 0:
        _first_process(spec, report, group)
    guard = _guard(spec, "/dev/shm")  # noqa: S108

    def look() -> bool:
        limit = guard.exceeded(tree.descendants(child) if tree.own_proc() else tree.processes())
        tell(report, limit=limit) if limit else None
        return limit is not None

    status = watch.wait(child, lifeline, look)
    if status is None:
        with contextlib.suppress(OSError):
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
    elif os.WIFSIGNALED(status):
        tell_end(report, status)
    if guard.filled():
        tell(report, filled=True)
    return 0


def _without_namespaces(
    spec: dict[str, Any], report: int, watch: Watch, lifeline: int, group: ControlGroup | None
) -> int:
    """Two processes watch over the command: each kills all that descends from it when the other one has gone."""
    system.adopt_orphans()
    alive, held = os.pipe()
    keeper = os.fork()
    if keeper == 0:
        os.close(held)
        os.close(lifeline)
        _keeper(spec, report, alive, group)
    os.close(alive)
    guard = _guard(spec, None)

    def look() -> bool:
        limit = guard.exceeded(tree.descendants(keeper))
        tell(report, limit=limit) if limit else None
        return limit is not None

    status = watch.wait(keeper, lifeline, look)
    tree.kill_descendants()
    if status is not None and os.WIFSIGNALED(status):
        tell(report, signal=os.WTERMSIG(status))
    if guard.filled():
        tell(report, filled=True)
    return 0


def _keeper(spec: dict[str, Any], report: int, alive: int, group: ControlGroup | None) -> NoReturn:
    os.setsid()
    system.adopt_orphans()
    watch = Watch(None)
    child = os.fork()
    if child == 0:
        os.setsid()
        system.die_with_parent()
        if group is not None:
            group.join()
        if sys.platform == "linux":
            landlock.confine(_folders(spec))
        _execute(spec, report)
    status = watch.wait(child, alive)
    tree.kill_descendants(child)
    if status is not None:
        tell_end(report, status)
    os._exit(0)


def main(path: str) -> int:
    """Run the spec; how the command ended goes to the report pipe."""
    with open(path) as file:  # noqa: PTH123 (pathlib is slow to import)
        spec = json.load(file)
    report = int(spec["report"])
    os.set_inheritable(report, False)
    lifeline = os.dup(0)
    watch = Watch(report)
    run = _without_namespaces if spec["mode"] == "none" else _in_namespaces
    group = control_group.make(spec.get("memory"), spec.get("processes"))
    try:
        return run(spec, report, watch, lifeline, group)
    finally:
        if group is not None:
            if group.ran_out_of_memory():
                tell(report, limit="memory")
            group.remove()
