"""Where there are no namespaces: a command that can write to its own folders, /tmp and devices only.

By Landlock, which needs no privilege (Linux 6.2 and later, unless it is switched off). Reading is not restricted.
"""

from __future__ import annotations

import contextlib
import ctypes
import os

from . import system

_CREATE, _ADD_RULE, _RESTRICT = 444, 445, 446
_VERSION, _PATH_BENEATH = 1, 1
_NEEDED = 3
_WRITE_FILE = 1 << 1
# Writing, removing, making (of every kind of file), linking and renaming across folders, truncating.
_CHANGES = _WRITE_FILE | sum(1 << bit for bit in range(4, 15))


class _Rule(ctypes.Structure):
    _pack_ = 1
    _layout_ = "ms"
    _fields_ = (("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32))


def confine(folders: list[str]) -> bool:
    """From now on let this process and its children write below ``folders`` only; False where that is not to be had."""
    call = ctypes.CDLL(None, use_errno=True).syscall
    if call(_CREATE, None, ctypes.c_size_t(0), _VERSION) < _NEEDED:
        return False
    handled = ctypes.c_uint64(_CHANGES)
    rules = call(_CREATE, ctypes.byref(handled), ctypes.c_size_t(8), 0)
    if rules < 0:
        return False
    try:
        for folder in [*folders, "/tmp", "/var/tmp", "/dev/shm"]:  # noqa: S108
            _allow(call, rules, folder, _CHANGES)
        _allow(call, rules, "/dev", _WRITE_FILE)
        system.no_new_privileges()
        return bool(call(_RESTRICT, rules, 0) == 0)
    finally:
        os.close(rules)


def _allow(call: ctypes._NamedFuncPointer, rules: int, folder: str, changes: int) -> None:
    with contextlib.suppress(OSError):
        parent = os.open(folder, os.O_PATH | os.O_DIRECTORY)
        call(_ADD_RULE, rules, _PATH_BENEATH, ctypes.byref(_Rule(changes, parent)), 0)
        os.close(parent)
