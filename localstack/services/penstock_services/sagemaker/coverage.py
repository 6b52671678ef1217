"""How each operation of each API is answered: real, record or refused."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from penstock_services.operations import OPERATIONS
from penstock_services.sagemaker.kinds import kinds
from penstock_services.sagemaker.model import load

_RECORDS = {
    "AddTags", "ListTags", "DeleteTags",
    "PutModelPackageGroupPolicy", "GetModelPackageGroupPolicy", "DeleteModelPackageGroupPolicy",
    "ListAliases",
}  # fmt: skip


def coverage(rest_operations: Iterable[str]) -> dict[str, Any]:
    """The table of ``penstock cloud coverage``; ``rest_operations`` are the names of the REST routes that are there."""
    rest = set(rest_operations)
    control: dict[str, str] = {}
    for operation in sorted(load("sagemaker").operations):
        if operation in OPERATIONS:
            control[operation] = "record" if operation in _RECORDS else "real"
        elif operation in kinds().by_operation:
            control[operation] = kinds().by_operation[operation][1].overlay.answers
        else:
            control[operation] = "refused"
    table = {"sagemaker": _counted(control)}
    for service in ("sagemaker-runtime", "sagemaker-featurestore-runtime", "sagemaker-metrics"):
        names = sorted(load(service).operations)
        table[service] = _counted({name: "real" if name in rest else "refused" for name in names})
    return table


def _counted(names: dict[str, str]) -> dict[str, Any]:
    counts = {answer: sum(1 for each in names.values() if each == answer) for answer in ("real", "record", "refused")}
    return {"operations": len(names), **counts, "names": names}
