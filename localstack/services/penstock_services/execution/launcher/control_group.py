"""A control group (version 2) of the job's own, where the system has delegated that to us.

That is so for example below a systemd user session, or in a scope or service with ``Delegate=yes``. The kernel then keeps
the job to its memory and number of processes itself; the watchdog (guard.py) looks on as well, and is all there is
elsewhere. https://docs.kernel.org/admin-guide/cgroup-v2.html
"""

from __future__ import annotations

import contextlib
import os
import select

_ROOT = "/sys/fs/cgroup"
_REMOVALS = 50


class ControlGroup:
    """One group, held by descriptors, as the file system is read-only for us after a while."""

    def __init__(self, parent: int, name: str) -> None:
        self._parent = parent
        self._name = name
        self._group = os.open(name, os.O_RDONLY | os.O_DIRECTORY, dir_fd=parent)

    def _write(self, file: str, text: str) -> None:
        descriptor = os.open(file, os.O_WRONLY, dir_fd=self._group)
        try:
            os.write(descriptor, text.encode())
        finally:
            os.close(descriptor)

    def limit(self, memory: int | None, processes: int | None) -> None:
        """Set the limits; all of the group dies when its memory is used up. Raises OSError without that controller."""
        self._write("memory.max", "max" if memory is None else str(memory))
        for file, text in (("memory.swap.max", "0"), ("memory.oom.group", "1"), ("pids.max", str(processes or "max"))):
            with contextlib.suppress(OSError):
                self._write(file, text)

    def join(self) -> None:
        """Put this process into the group; what it starts from now on is in it too."""
        with contextlib.suppress(OSError):
            self._write("cgroup.procs", "0")

    def ran_out_of_memory(self) -> bool:
        """Whether the kernel has killed for lack of memory in the group."""
        with contextlib.suppress(OSError, ValueError):
            descriptor = os.open("memory.events", os.O_RDONLY, dir_fd=self._group)
            try:
                words = os.read(descriptor, 4096).decode().split()
            finally:
                os.close(descriptor)
            return int(words[words.index("oom_kill") + 1]) > 0
        return False

    def remove(self) -> None:
        """Remove the group, when all in it have gone."""
        os.close(self._group)
        for _ in range(_REMOVALS):
            with contextlib.suppress(OSError):
                os.rmdir(self._name, dir_fd=self._parent)
                break
            select.select([], [], [], 0.01)
        os.close(self._parent)


def make(memory: int | None, processes: int | None, root: str = _ROOT, own: str | None = None) -> ControlGroup | None:
    """A new group with these limits below our own group or beside it; None where nothing is delegated to us."""
    if memory is None or not os.path.exists(f"{root}/cgroup.controllers"):  # noqa: PTH110 (pathlib is slow to import)
        return None
    own = _own() if own is None else own
    if own is None:
        return None
    name = f"penstock-{os.getpid()}"
    for place in dict.fromkeys((own, os.path.dirname(own))):  # noqa: PTH120
        group = None
        try:
            parent = os.open(root + place, os.O_RDONLY | os.O_DIRECTORY)
            os.mkdir(name, dir_fd=parent)
            group = ControlGroup(parent, name)
            group.limit(memory, processes)
        except OSError:
            if group is not None:
                group.remove()
            continue
        return group
    return None


def _own() -> str | None:
    """The path of our group below the root; None for the root itself, which is nobody's to divide."""
    try:
        with open("/proc/self/cgroup") as file:  # noqa: PTH123 (pathlib is slow to import)
            found = next(line.rstrip("\n")[3:] for line in file if line.startswith("0::"))
    except (OSError, StopIteration):
        return None
    return None if found == "/" else found
