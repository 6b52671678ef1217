"""The watchdog of one job: memory, space and number of processes, looked at ten times a second.

A job that goes beyond a limit is killed, and the report says which one it was: "memory", "volume" or "processes".

Memory is what the processes hold for themselves and share among themselves (anonymous pages, each counted once, and
shared memory); pages of files are not counted, as the kernel can drop them. Space is what the job's folders occupy; they
are walked only when the file system has lost about as much as the job has left, or a few seconds have passed. Beside the
job's own limit the machine's disk is never filled to the last.
"""

from __future__ import annotations

import contextlib
import os
import time

from . import tree

_PAGE = os.sysconf("SC_PAGE_SIZE")
_WALK_SECONDS = 5.0
_RESERVE = 256 << 20


class Guard:
    """Limits in bytes (None: no limit), the folders that count for the space, the job's own file system for shared
    memory (None: it has none of its own)."""

    def __init__(
        self, memory: int | None, volume: int | None, processes: int | None, folders: list[str], shared: str | None
    ) -> None:
        self._memory = memory
        self._volume = volume
        self._processes = processes
        self._folders = folders
        self._shared = shared
        self._over = 0
        self._walked = 0.0
        self._cost = 0.0
        self._used = 0
        self._free_then = 0

    def exceeded(self, members: list[int]) -> str | None:
        """Which limit the processes ``members`` exceed."""
        if self._processes is not None and len(members) > self._processes:
            return "processes"
        if self._memory is not None:
            over = self._private(members) > self._memory and self._held(members) > self._memory
            # Twice in a row, for while processes end the shares of those that stay grow from one reading to the next.
            self._over = self._over + 1 if over else 0
            if self._over > 1:
                return "memory"
        return "volume" if self._full() else None

    def filled(self) -> bool:
        """Whether the job has used up its space, to the last percent: why it failed, when it failed."""
        self._walked = 0.0
        return self._full(0.99)

    def _private(self, members: list[int]) -> int:
        """An upper bound of what the processes hold, cheap: pages that parent and child share count twice."""
        total = 0
        for process in members:
            fields = tree.read(f"/proc/{process}/statm").split()
            if len(fields) > 2:
                total += int(fields[1]) - int(fields[2])
        return total * _PAGE + self._shared_memory()

    def _shared_memory(self) -> int:
        with contextlib.suppress(OSError):
            if self._shared is not None:
                state = os.statvfs(self._shared)
                return (state.f_blocks - state.f_bfree) * state.f_frsize
        return 0

    def _held(self, members: list[int]) -> int:
        """What the processes hold, each page once."""
        own = shared = 0
        for process in members:
            for line in tree.read(f"/proc/{process}/smaps_rollup").splitlines():
                if line.startswith((b"Pss_Anon:", b"Pss_Shmem:")):
                    amount = int(line.split()[1]) << 10
                    if line.startswith(b"Pss_Anon:"):
                        own += amount
                    else:
                        shared += amount
        return own + max(shared, self._shared_memory())

    def _full(self, part: float = 1.0) -> bool:
        if not self._folders:
            return False
        try:
            state = os.statvfs(self._folders[0])
        except OSError:
            return False
        free = state.f_bavail * state.f_frsize
        if free < _RESERVE:
            return True
        if self._volume is None:
            return False
        now = time.monotonic()
        left = self._volume - self._used
        due = now - self._walked > _WALK_SECONDS or self._free_then - free > left / 2
        # A folder with very many files takes long to walk: a tenth of the time at most goes into it.
        if not self._walked or (due and now - self._walked > 10 * self._cost):
            self._used = sum(_occupied(folder) for folder in self._folders)
            self._free_then = free
            self._walked = time.monotonic()
            self._cost = self._walked - now
        return self._used > self._volume * part


def _occupied(folder: str) -> int:
    total = 0
    waiting = [folder]
    while waiting:
        with contextlib.suppress(OSError), os.scandir(waiting.pop()) as entries:
            for entry in entries:
                with contextlib.suppress(OSError):
                    total += entry.stat(follow_symlinks=False).st_blocks * 512
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
    return total
