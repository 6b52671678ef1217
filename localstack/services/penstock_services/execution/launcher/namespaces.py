"""The job's own view of the machine: namespaces, a private /opt/ml, /tmp, /dev and home; all else read-only.

Three steps, in three processes: ``enter`` (the launcher: namespaces and mounts), ``first`` (the first process of the PID
namespace: its /proc) and ``confine`` (the command's own process: a second user and mount namespace in which the
read-only mounts are locked, no further namespaces, the capabilities of an ordinary container).
"""

from __future__ import annotations

import contextlib
import os
from typing import Any

from . import system

ML = "/opt/ml"
# chown, dac_override, fowner, fsetid, kill, setgid, setuid, setpcap, net_bind_service, net_raw, sys_chroot, setfcap
_CAPABILITIES = frozenset((0, 1, 3, 4, 5, 6, 7, 8, 10, 13, 18, 31))
_DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
_ACCELERATORS = ("nvidia", "kfd", "dri", "neuron", "fuse")
# Where processes talk to the machine's services: a job sees none of it but the way to name servers.
_RUN = "/run"
_RUN_KEPT = ("systemd/resolve", "resolvconf", "NetworkManager", "nscd")
_PROC_READ_ONLY = ("sys", "sysrq-trigger", "irq", "bus")
_PID_MAX_KERNEL = (6, 14)


def enter(spec: dict[str, Any]) -> None:
    """Enter the namespaces and lay out the mounts; the next child is the first process of the PID namespace.

    Raises OSError (or AttributeError, on a Python without unshare) where that is denied.
    """
    uid, gid = os.getuid(), os.getgid()
    flags = os.CLONE_NEWNS | os.CLONE_NEWPID
    if spec.get("peer"):
        _join_network(spec["mode"], int(spec["peer"]))
        os.unshare(flags)
    else:
        flags |= os.CLONE_NEWNET if spec.get("isolated") else 0
        os.unshare(flags | os.CLONE_NEWUSER if spec["mode"] == "user" else flags)
        if spec["mode"] == "user":
            _map_self("self", uid, gid)
        if spec.get("isolated"):
            _loopback_up()
    system.mount("none", "/", None, system.MS_REC | system.MS_PRIVATE)
    _mounts(spec)


def _join_network(mode: str, peer: int) -> None:
    """Enter the network namespace of another host of the same job (and the user namespace that owns it)."""
    for kind in ("user", "net") if mode == "user" else ("net",):
        descriptor = os.open(f"/proc/{peer}/ns/{kind}", os.O_RDONLY)
        os.setns(descriptor, os.CLONE_NEWUSER if kind == "user" else os.CLONE_NEWNET)
        os.close(descriptor)


def _write(path: str, text: str) -> None:
    with open(path, "w") as file:  # noqa: PTH123 (pathlib is slow to import)
        file.write(text)


def _map_self(process: str, uid: int, gid: int) -> None:
    _write(f"/proc/{process}/setgroups", "deny")
    _write(f"/proc/{process}/uid_map", f"0 {uid} 1")
    _write(f"/proc/{process}/gid_map", f"0 {gid} 1")


def _loopback_up() -> None:
    import fcntl
    import socket
    import struct

    with socket.socket() as any_socket:
        request = struct.pack("16sh", b"lo", 1)  # IFF_UP
        fcntl.ioctl(any_socket, 0x8914, request)  # SIOCSIFFLAGS


def _mounts(spec: dict[str, Any]) -> None:
    """Private places, bound from the job's folder; everything else read-only."""
    folder = str(spec["folder"])
    temporary, home = os.path.join(folder, "tmp"), os.path.join(folder, "home")  # noqa: PTH118
    for path in (temporary, home):
        os.makedirs(path, exist_ok=True)  # noqa: PTH103
    os.chmod(temporary, 0o1777)  # noqa: PTH101, S103 (as /tmp is)
    writable = [home, ML]
    system.bind(home, home)
    _private_ml(str(spec["root"]))
    for number, path in enumerate(spec.get("overlays", ())):
        with contextlib.suppress(OSError):  # an old kernel: the path stays read-only
            _overlay(path, os.path.join(folder, "overlay", str(number)), spec["mode"])  # noqa: PTH118
            writable.append(path)
    if spec.get("hosts") and os.path.isfile("/etc/hosts"):  # noqa: PTH113
        own = os.path.join(folder, "hosts")  # noqa: PTH118
        _write(own, spec["hosts"])
        system.bind(own, "/etc/hosts")
    visible = [str(path) for path in spec.get("visible", ())]
    with contextlib.suppress(OSError):
        writable += _private_dev(int(spec.get("shared_memory") or 0))
    for place in ("/var/tmp", "/tmp"):  # noqa: S108
        if os.path.isdir(place) and not os.path.islink(place):  # noqa: PTH112, PTH114
            _replace(place, temporary, _top(place, visible))
            writable.append(place)
    if os.path.isdir(_RUN) and not os.path.islink(_RUN):  # noqa: PTH112, PTH114
        with contextlib.suppress(OSError):
            _replace(_RUN, None, [*_RUN_KEPT, *_top(_RUN, visible)])
    system.read_only("/", everything_below=True)
    for path in writable:
        system.read_only(path, undo=True)


def _top(place: str, visible: list[str]) -> list[str]:
    """The entries of ``place`` below which something lies that the job must see."""
    inside = [path[len(place) + 1 :] for path in visible if path.startswith(place + "/")]
    return sorted({path.split("/", 1)[0] for path in inside})


def _private_ml(root: str) -> None:
    """Put ``root`` at /opt/ml; where that is no folder, on a small tmpfs over /opt that keeps what /opt holds."""
    if not os.path.isdir(ML):  # noqa: PTH112
        _replace("/opt", None, os.listdir("/opt"))  # noqa: PTH208
        os.mkdir(ML)  # noqa: PTH102
    system.bind(root, ML)


def _replace(place: str, source: str | None, kept: list[str]) -> None:
    """Put ``source`` (or a small new tmpfs) at ``place``, with the entries ``kept`` of what was there."""
    before = os.open(place, os.O_RDONLY | os.O_DIRECTORY)
    try:
        if source is None:
            system.mount("tmpfs", place, "tmpfs", system.MS_NOSUID | system.MS_NODEV, "mode=755,size=1m")
        else:
            system.bind(source, place)
        for name in kept:
            _carry_over(f"/proc/self/fd/{before}/{name}", f"{place}/{name}")
    finally:
        os.close(before)


def _carry_over(old: str, new: str) -> None:
    if os.path.islink(old):  # noqa: PTH114
        os.symlink(os.readlink(old), new)  # noqa: PTH211, PTH115
    elif os.path.isdir(old):  # noqa: PTH112
        os.makedirs(new, exist_ok=True)  # noqa: PTH103
        system.bind(old, new)
    elif os.path.exists(old):  # noqa: PTH110
        os.makedirs(os.path.dirname(new), exist_ok=True)  # noqa: PTH103, PTH120
        os.close(os.open(new, os.O_WRONLY | os.O_CREAT, 0o600))
        system.bind(old, new)


def _private_dev(shared_memory: int) -> list[str]:
    """A /dev with the harmless devices, terminals of its own and /dev/shm; what of it is to be writable."""
    accelerators = [name for name in os.listdir("/dev") if name.startswith(_ACCELERATORS)]  # noqa: PTH208
    _replace("/dev", None, [*_DEVICES, *accelerators])
    for name, target in (("fd", "self/fd"), ("stdin", "self/fd/0"), ("stdout", "self/fd/1"), ("stderr", "self/fd/2")):
        os.symlink(f"/proc/{target}", f"/dev/{name}")  # noqa: PTH211
    os.mkdir("/dev/shm")  # noqa: PTH102, S108
    size = f",size={shared_memory}" if shared_memory else ""
    flags = system.MS_NOSUID | system.MS_NODEV
    system.mount("tmpfs", "/dev/shm", "tmpfs", flags, f"mode=1777{size}")  # noqa: S108
    writable = ["/dev/shm"]  # noqa: S108
    os.mkdir("/dev/pts")  # noqa: PTH102
    with contextlib.suppress(OSError):
        system.mount("devpts", "/dev/pts", "devpts", system.MS_NOSUID | system.MS_NOEXEC, "newinstance,ptmxmode=0666")
        os.symlink("pts/ptmx", "/dev/ptmx")  # noqa: PTH211
        writable.append("/dev/pts")
    return writable


def _overlay(path: str, folder: str, mode: str) -> None:
    """Have the job write to ``path`` without changing it: what it writes lies in its folder."""
    upper, work = (os.path.join(folder, name) for name in ("upper", "work"))  # noqa: PTH118
    for each in (upper, work):
        os.makedirs(each, exist_ok=True)  # noqa: PTH103
    extra = ",userxattr" if mode == "user" else ""
    system.mount("overlay", path, "overlay", 0, f"lowerdir={path},upperdir={upper},workdir={work}{extra}")


def first(processes: int | None) -> None:
    """In the first process of the PID namespace: a /proc that shows its processes only, and how many there can be."""
    with contextlib.suppress(OSError):
        system.mount("proc", "/proc", "proc", system.MS_NOSUID | system.MS_NODEV | system.MS_NOEXEC)
        release = tuple(int(part) for part in os.uname().release.split(".")[:2])
        if processes is not None and release >= _PID_MAX_KERNEL:  # before, this number was the whole machine's
            _write("/proc/sys/kernel/pid_max", str(max(processes, 512)))


def confine(ready: int, go: int) -> None:
    """In the command's process: lock all of the above. ``ready`` and ``go`` are pipes to ``map_confined``'s process.

    Where no second user namespace is to be had, dropping capabilities has to do. Raises OSError.
    """
    try:
        os.unshare(os.CLONE_NEWUSER | os.CLONE_NEWNS)
    except OSError:
        os.write(ready, b"-")
    else:
        os.write(ready, b"+")
        if os.read(go, 1) != b"+":
            message = "the user ids of the job's namespace cannot be set"
            raise PermissionError(message)
    with contextlib.suppress(OSError):
        _write("/proc/sys/user/max_user_namespaces", "0")
    for name in _PROC_READ_ONLY:
        path = f"/proc/{name}"
        with contextlib.suppress(OSError):
            system.bind(path, path)
            system.read_only(path)
    system.drop_privileges(_CAPABILITIES)


def map_confined(child: int, ready: int, go: int, mode: str) -> None:
    """In the first process: give the command's process the same user and group ids in its own user namespace."""
    if os.read(ready, 1) != b"+":
        return
    answer = b"+"
    try:
        if mode == "root":
            for name in ("uid_map", "gid_map"):
                _write(f"/proc/{child}/{name}", _identity(name))
        else:
            _map_self(str(child), 0, 0)
    except OSError:
        answer = b"-"
    with contextlib.suppress(OSError):
        os.write(go, answer)


def _identity(name: str) -> str:
    """Every id that this process's user namespace has, as itself."""
    with open(f"/proc/self/{name}") as file:  # noqa: PTH123 (pathlib is slow to import)
        rows = [line.split() for line in file]
    return "".join(f"{inside} {inside} {count}\n" for inside, _, count in rows)
