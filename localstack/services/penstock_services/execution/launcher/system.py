"""The system calls that Python does not offer."""

from __future__ import annotations

import ctypes
import os
import sys
from typing import Any

MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = (
    1,
    2,
    4,
    8,
    32,
    4096,
    16384,
    1 << 18,
)
_PR_SET_PDEATHSIG, _PR_CAPBSET_DROP, _PR_SET_CHILD_SUBREAPER, _PR_SET_NO_NEW_PRIVS = 1, 24, 36, 38
_SIGKILL = 9
_SYS_MOUNT_SETATTR, _AT_FDCWD, _AT_RECURSIVE, _ATTR_RDONLY = 442, -100, 0x8000, 1
_FLAGS = {"nosuid": 2, "nodev": 4, "noexec": 8, "noatime": 1024, "nodiratime": 2048, "relatime": 1 << 21}


def _libc() -> Any:
    return ctypes.CDLL(None, use_errno=True)


def _checked(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def mount(source: str, target: str, kind: str | None, flags: int, data: str | None = None) -> None:
    """mount(2). Raises OSError."""

    def text(value: str | None) -> bytes | None:
        return None if value is None else value.encode()

    result = _libc().mount(text(source), text(target), text(kind), ctypes.c_ulong(flags), text(data))
    _checked(result, f"mount on {target}")


def bind(source: str, target: str) -> None:
    """Show ``source`` at ``target`` too, with what is mounted below it."""
    mount(source, target, None, MS_BIND | MS_REC)


def read_only(path: str, *, everything_below: bool = False, undo: bool = False) -> None:
    """Make the mount at ``path`` read-only, or writable again (``undo``); with all mounts below it if so wanted.

    mount_setattr(2) where the kernel has it (Linux 5.12), otherwise one remount after the other. Raises OSError.
    """
    values = (0, _ATTR_RDONLY, 0, 0) if undo else (_ATTR_RDONLY, 0, 0, 0)
    attributes = (ctypes.c_uint64 * 4)(*values)
    flags = _AT_RECURSIVE if everything_below else 0
    call = _libc().syscall
    result = call(
        ctypes.c_long(_SYS_MOUNT_SETATTR), ctypes.c_int(_AT_FDCWD), path.encode(), ctypes.c_uint(flags),
        ctypes.byref(attributes), ctypes.c_size_t(32),
    )  # fmt: skip
    if result == 0:
        return
    if ctypes.get_errno() != 38:  # ENOSYS
        _checked(result, f"mount_setattr on {path}")
    with open("/proc/self/mountinfo") as file:  # noqa: PTH123 (pathlib is slow to import)
        rows = [line.split(" ", 6) for line in file]
    for row in rows:
        target = row[4].encode().decode("unicode_escape")
        if target == path or (everything_below and (path == "/" or target.startswith(path + "/"))):
            kept = sum(_FLAGS.get(word, 0) for word in row[5].split(","))
            mount("none", target, None, MS_REMOUNT | MS_BIND | kept | (0 if undo else MS_RDONLY))


def die_with_parent() -> None:
    """Have the kernel kill this process when its parent ends."""
    if sys.platform == "linux":
        _libc().prctl(_PR_SET_PDEATHSIG, _SIGKILL, 0, 0, 0)


def adopt_orphans() -> None:
    """Become the parent of all descendants whose parent ends."""
    if sys.platform == "linux":
        _libc().prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def drop_privileges(kept: frozenset[int]) -> None:
    """After the next exec have no capability but ``kept``, for good."""
    libc = _libc()
    for number in range(64):
        if number not in kept:
            libc.prctl(_PR_CAPBSET_DROP, number, 0, 0, 0)
    no_new_privileges()


def no_new_privileges() -> None:
    """Have no exec of this process or its children gain privileges, by set-user-id programs for example."""
    _libc().prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
