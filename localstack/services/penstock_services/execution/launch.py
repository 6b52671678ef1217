"""The launcher of one job or serving process: a private ``/opt/ml``, a process tree that dies as one.

Run as ``python -I -S launch.py SPEC``: standard library only, so that it starts in a few milliseconds. SPEC is a JSON
file: ``mode`` ("root": new mount and PID namespaces; "user": inside a new user namespace as well; "none": no
namespaces), ``root`` (folder that becomes /opt/ml), ``command``, ``environment``, ``directory``, ``report`` (number of
an inherited pipe on which JSON lines tell how it ended).

Standard input is the lifeline: when its other end closes, because the services process has gone or wants it so, the
whole tree is killed. SIGTERM is passed on to the command.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import select
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

_MS_BIND, _MS_REC, _MS_PRIVATE = 4096, 16384, 1 << 18
_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36
_ML = "/opt/ml"


def _libc() -> Any:
    return ctypes.CDLL(None, use_errno=True)


def _mount(source: str, target: str, kind: str | None, flags: int, data: str | None = None) -> None:
    def text(value: str | None) -> bytes | None:
        return None if value is None else value.encode()

    if _libc().mount(text(source), text(target), text(kind), ctypes.c_ulong(flags), text(data)) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"mount on {target}: {os.strerror(number)}")


def _namespaces(mode: str) -> None:
    """Enter new namespaces; the next child is the first process of the new PID namespace."""
    uid, gid = os.getuid(), os.getgid()
    flags = os.CLONE_NEWNS | os.CLONE_NEWPID
    os.unshare(flags | os.CLONE_NEWUSER if mode == "user" else flags)
    if mode == "user":
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"0 {uid} 1")
        Path("/proc/self/gid_map").write_text(f"0 {gid} 1")
    _mount("none", "/", None, _MS_REC | _MS_PRIVATE)


def _private_ml(root: str) -> None:
    """Put ``root`` at /opt/ml; where that is no folder, on a small tmpfs over /opt that keeps what /opt holds."""
    if not Path(_ML).is_dir():
        before = os.open("/opt", os.O_RDONLY | os.O_DIRECTORY)
        names = os.listdir(before)  # noqa: PTH208 (of a descriptor, not a path)
        _mount("tmpfs", "/opt", "tmpfs", 0, "mode=755,size=1m")
        for name in names:
            old, new = f"/proc/self/fd/{before}/{name}", Path("/opt") / name
            if Path(old).is_symlink():
                new.symlink_to(Path(old).readlink())
                continue
            if Path(old).is_dir():
                new.mkdir()
            else:
                new.touch()
            _mount(old, str(new), None, _MS_BIND | _MS_REC)
        os.close(before)
        Path(_ML).mkdir()
    _mount(root, _ML, None, _MS_BIND | _MS_REC)


def _tell(report: int, **facts: object) -> None:
    with contextlib.suppress(OSError):
        os.write(report, (json.dumps(facts) + "\n").encode())


def _die_with_parent() -> None:
    if sys.platform == "linux":
        _libc().prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def _execute(spec: dict[str, Any], report: int) -> NoReturn:
    """Become the command."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGPIPE, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    signal.set_wakeup_fd(-1)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    command = spec["command"]
    try:
        os.chdir(spec["directory"])
        os.execvpe(command[0], command, spec["environment"])  # noqa: S606
    except OSError as error:
        where = spec["environment"].get("PATH", "")
        text = f"cannot run {command[0]!r}: {error.strerror} (PATH={where})"
        sys.stderr.write(text + "\n")
        sys.stderr.flush()
        _tell(report, error=text)
        os._exit(127)


def _descendants() -> list[int]:
    """Processes below this one, by /proc."""
    parents: dict[int, list[int]] = {}
    for name in (path.name for path in Path("/proc").iterdir()):
        if name.isdigit():
            with contextlib.suppress(OSError, IndexError, ValueError):
                fields = Path(f"/proc/{name}/stat").read_text().rpartition(")")[2].split()
                parents.setdefault(int(fields[1]), []).append(int(name))
    found: list[int] = []
    waiting = [os.getpid()]
    while waiting:
        children = parents.get(waiting.pop(), [])
        found.extend(children)
        waiting.extend(children)
    return found


def _kill_tree(child: int) -> None:
    """Kill the child's process group and whatever else descends from this process, until nothing is left."""
    with contextlib.suppress(OSError):
        os.killpg(child, signal.SIGKILL)
    if not Path("/proc").is_dir():
        return
    for _ in range(100):
        left = _descendants()
        for process in left:
            with contextlib.suppress(OSError):
                os.kill(process, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        if not _descendants():
            return
        select.select([], [], [], 0.01)


class _Watch:
    """Waits for the child, for SIGTERM and for the lifeline at once."""

    def __init__(self, report: int | None) -> None:
        self._read, write = os.pipe()
        os.set_blocking(self._read, False)
        os.set_blocking(write, False)
        self.report = report
        self.child = 0
        self._terminated = False
        signal.set_wakeup_fd(write)
        signal.signal(signal.SIGCHLD, self._nothing)
        signal.signal(signal.SIGTERM, self._terminate)
        signal.signal(signal.SIGINT, signal.SIG_IGN)

    def _nothing(self, _number: int, _frame: FrameType | None) -> None:
        """SIGCHLD only wakes the loop."""

    def _terminate(self, _number: int, _frame: FrameType | None) -> None:
        self._terminated = True
        if self.report is not None:
            _tell(self.report, terminated=True)
        self._pass_on()

    def _pass_on(self) -> None:
        if self.child and self._terminated:
            with contextlib.suppress(OSError):
                os.kill(self.child, signal.SIGTERM)

    def wait(self, child: int, lifeline: int | None) -> int | None:
        """The child's wait status; None when the lifeline closed first. Reaps orphans on the way."""
        self.child = child
        self._pass_on()
        watched = [self._read] if lifeline is None else [self._read, lifeline]
        while True:
            with contextlib.suppress(ChildProcessError):
                while True:
                    process, status = os.waitpid(-1, os.WNOHANG)
                    if process == child:
                        return status
                    if process == 0:
                        break
            ready, _, _ = select.select(watched, [], [], 1.0)
            if self._read in ready:
                with contextlib.suppress(BlockingIOError):
                    os.read(self._read, 4096)
            if lifeline in ready and not os.read(lifeline or 0, 1):
                return None


def _tell_end(report: int, status: int) -> None:
    if os.WIFSIGNALED(status):
        _tell(report, signal=os.WTERMSIG(status))
    else:
        _tell(report, exit=os.WEXITSTATUS(status))


def _first_process(spec: dict[str, Any], report: int) -> NoReturn:
    """The first process of the PID namespace: runs the command, reaps orphans; when it exits, all the rest is killed."""
    _die_with_parent()
    with contextlib.suppress(OSError):
        _mount("proc", "/proc", "proc", 0)
    watch = _Watch(None)
    child = os.fork()
    if child == 0:
        _execute(spec, report)
    status = watch.wait(child, None)
    _tell_end(report, status or 0)
    os._exit(0)


def main(path: str) -> int:
    """Run the spec; how the command ended goes to the report pipe."""
    spec = json.loads(Path(path).read_text())
    report = int(spec["report"])
    os.set_inheritable(report, False)
    lifeline = os.dup(0)
    watch = _Watch(report)
    if spec["mode"] == "none":
        if sys.platform == "linux":
            _libc().prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        child = os.fork()
        if child == 0:
            os.setsid()
            _die_with_parent()
            _execute(spec, report)
        status = watch.wait(child, lifeline)
        _kill_tree(child)
        if status is not None:
            _tell_end(report, status)
        return 0
    try:
        _namespaces(spec["mode"])
        _private_ml(spec["root"])
    except (OSError, AttributeError) as error:
        _tell(report, error=f"no namespace for the job: {error}")
        return 1
    child = os.fork()
    if child == 0:
        _first_process(spec, report)
    status = watch.wait(child, lifeline)
    if status is None:
        with contextlib.suppress(OSError):
            os.kill(child, signal.SIGKILL)
    elif os.WIFSIGNALED(status):
        _tell_end(report, status)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1]))
