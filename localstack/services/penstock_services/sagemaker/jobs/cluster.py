"""The hosts of one job on this machine: their names, addresses and ``resourceconfig.json``.

Every host has a loopback address of its own (algo-1 is 127.0.0.1, algo-2 is 127.0.0.2...), which its /etc/hosts names.
Without namespaces there is no /etc/hosts of one's own: the hosts of a job with several are named by their addresses then.
"""

from __future__ import annotations

import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any

GROUP = "homogeneousCluster"


@dataclass(frozen=True)
class Instance:
    """An instance that a job asks for: its type, and the name of its instance group."""

    instance_type: str
    group: str = GROUP


def homogeneous(instance_type: str, count: int) -> list[Instance]:
    """``count`` instances of one type."""
    return [Instance(instance_type)] * count


def address(number: int) -> str:
    """The loopback address of the host of that number, from 1."""
    return f"127.0.{number // 250}.{number % 250}"


def host_names(count: int, mode: str) -> list[str]:
    """The names by which the hosts find one another."""
    if mode == "none" and count > 1:
        return [address(number) for number in range(1, count + 1)]
    return [f"algo-{number}" for number in range(1, count + 1)]


def hosts_file(count: int) -> str:
    """The text of a host's /etc/hosts: the machine's own, and the job's hosts."""
    path = Path("/etc/hosts")
    own = path.read_text(errors="replace").rstrip("\n") if path.is_file() else "127.0.0.1\tlocalhost"
    rows = [f"{address(number)}\talgo-{number}" for number in range(1, count + 1)]
    return "\n".join([own, *rows, ""])


def resource_config(instances: list[Instance], names: list[str], current: str, *, isolated: bool) -> dict[str, Any]:
    """``resourceconfig.json`` of the host ``current``; every member is read by some toolkit.

    https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo-running-container.html
    """
    groups: dict[str, dict[str, Any]] = {}
    for instance, name in zip(instances, names, strict=True):
        made = {"instance_group_name": instance.group, "instance_type": instance.instance_type, "hosts": []}
        groups.setdefault(instance.group, made)["hosts"].append(name)
    own = instances[names.index(current)]
    return {
        "current_host": current,
        "current_instance_type": own.instance_type,
        "current_group_name": own.group,
        "hosts": names,
        "instance_groups": list(groups.values()),
        "network_interface_name": "lo" if isolated or len(names) > 1 else _interface(),
    }


def _interface() -> str:
    """A network interface of this machine other than loopback, if it has one."""
    names = [name for _, name in socket.if_nameindex()]
    return next((name for name in names if name != "lo"), "lo")
