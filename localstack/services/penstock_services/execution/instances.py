"""Instance types: what they have on AWS, and what a job may use of this machine.

The memory is that of the type on AWS, as far as this machine has as much. Sources: https://aws.amazon.com/sagemaker/pricing/
(instance details). It is computed from the family's ratio of memory to vCPUs; the few types that do not follow their
family's ratio are listed.
"""

from __future__ import annotations

import functools
import os
import re

_GIB = 1 << 30
# The part of this machine's memory that one job may take.
_PART = 0.8
_VCPUS = {"medium": 2, "large": 2, "xlarge": 4}
# The types whose vCPUs their size does not tell.
_LISTED_VCPUS = {"c4.8xlarge": 36, "p6e-gb200.36xlarge": 144}
_GIB_PER_VCPU = {"c": 2.0, "m": 4.0, "r": 8.0, "t": 4.0, "inf": 2.0, "trn": 4.0, "g": 4.0, "p": 7.625, "dl": 8.0}
_LISTED = {
    "t2.medium": 4.0, "t3.medium": 4.0, "t2.large": 8.0, "t3.large": 8.0, "t3.xlarge": 16.0, "t3.2xlarge": 32.0,
    "c5n.large": 5.25, "c5n.xlarge": 10.5, "c5n.2xlarge": 21.0, "c5n.4xlarge": 42.0, "c5n.9xlarge": 96.0,
    "c5n.18xlarge": 192.0, "c4.large": 3.75, "c4.xlarge": 7.5, "c4.2xlarge": 15.0, "c4.4xlarge": 30.0,
    "c4.8xlarge": 60.0, "p3dn.24xlarge": 768.0, "p4d.24xlarge": 1152.0, "p4de.24xlarge": 1152.0, "p5.48xlarge": 2048.0,
}  # fmt: skip
_TYPE = re.compile(r"^(?:ml\.)?(([a-z]+)\d[a-z0-9-]*)\.(?:(\d+)?(medium|large|xlarge)|metal.*)$")


def memory_on_aws(instance_type: str) -> int | None:
    """Memory of an instance type in bytes; None for one that is not known."""
    name = instance_type.removeprefix("ml.")
    if name in _LISTED:
        return int(_LISTED[name] * _GIB)
    found = _TYPE.match(instance_type)
    vcpus = vcpus_on_aws(instance_type)
    if found is None or vcpus is None or found[2] not in _GIB_PER_VCPU:
        return None
    return int(vcpus * _GIB_PER_VCPU[found[2]] * _GIB)


def vcpus_on_aws(instance_type: str) -> int | None:
    """vCPUs of an instance type; None for one that is not known."""
    name = instance_type.removeprefix("ml.")
    if name in _LISTED_VCPUS:
        return _LISTED_VCPUS[name]
    found = _TYPE.match(instance_type)
    if found is None or found[4] is None:
        return None
    # Only the t family's medium types have two.
    if found[4] == "medium" and found[2] != "t":
        return 1
    return _VCPUS[found[4]] * int(found[3] or 1)


@functools.cache
def _machine() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError):
        return None


def memory_here(instance_type: str) -> int | None:
    """What a job on that instance type may use on this machine, in bytes; None: no limit is known."""
    machine = _machine()
    there = memory_on_aws(instance_type)
    if machine is None:
        return there
    return int(machine * _PART) if there is None else min(there, int(machine * _PART))
