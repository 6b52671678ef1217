"""How each operation of each API is answered: real, record or refused."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from penstock_services.operations import ANSWERS
from penstock_services.sagemaker.kinds import kinds
from penstock_services.sagemaker.model import load
from penstock_services.sagemaker.service import creatable, reason, served


def coverage(rest_operations: Iterable[str]) -> dict[str, Any]:
    """The table of ``penstock cloud coverage``; ``rest_operations`` are the names of the REST routes that are there."""
    rest = set(rest_operations)
    control: dict[str, str] = {}
    for operation in sorted(load("sagemaker").operations):
        control[operation] = answers(operation)
    table = {"sagemaker": _counted(control)}
    for service in ("sagemaker-runtime", "sagemaker-featurestore-runtime", "sagemaker-metrics"):
        names = sorted(load(service).operations)
        table[service] = _counted({name: "real" if name in rest else "refused" for name in names})
    return table


def answers(operation: str) -> str:
    """ "real", "record" or "refused", for one operation of the control plane."""
    if not served(operation):
        return "refused"
    _, kind = kinds().by_operation.get(operation, ("", None))
    if kind is None:
        return ANSWERS[operation]
    return kind.overlay.answers if creatable(kind) else "record"


def _counted(names: dict[str, str]) -> dict[str, Any]:
    counts = {answer: sum(1 for each in names.values() if each == answer) for answer in ("real", "record", "refused")}
    return {"operations": len(names), **counts, "names": names}


_VERBS = ("Create", "Describe", "List", "Update", "Delete", "Stop", "Start")
_ABOUT = """# What the local SageMaker answers

Every operation of the newest botocore model is one of three: **real** (it does what AWS does), a **record** (on AWS too
it only keeps or reads metadata), or **refused** by name with a `NotImplementedException` (HTTP 501). Nothing that would
run something on AWS reports success without running it. `penstock cloud coverage` prints the same numbers; a test calls
every operation, checks its class and compares this page (`PENSTOCK_WRITE_DOCS=1` writes it anew).
"""
_NONE = """{number} of the records belong to kinds of which none can be made here, because their Create is refused: their
Describe, List and so on say truthfully that there is none (marked `none`).
"""


def document(table: dict[str, Any]) -> str:
    """The page of the documentation that shows a table of ``coverage``."""
    names = table["sagemaker"]["names"]
    none = [operation for operation in names if _of_none(operation)]
    lines = [_ABOUT, "| API | operations | real | record | refused |", "|---|---:|---:|---:|---:|"]
    for service, entry in table.items():
        lines.append(
            f"| {service} | {entry['operations']} | {entry['real']} | {entry['record']} | {entry['refused']} |"
        )
    lines += ["", _NONE.format(number=len(none)), "## Kinds of resources", ""]
    lines += [f"| kind | {' | '.join(_VERBS)} | on AWS |", "|---|" + "---|" * (len(_VERBS) + 1)]
    lines += _kind_rows(names)
    others = [name for name in names if name not in kinds().by_operation]
    for title, answer in (("Other operations that are real", "real"), ("Other operations that are records", "record")):
        lines += ["", f"## {title}", ""]
        lines += [f"- {name}" for name in others if names[name] == answer] or ["None."]
    lines += ["", "## Other operations that are refused", "", "| operation | why |", "|---|---|"]
    lines += [f"| {name} | {reason(name) or 'not there yet'} |" for name in others if names[name] == "refused"]
    for service, entry in table.items():
        if service != "sagemaker":
            lines += ["", f"## {service}", "", "| operation | answer |", "|---|---|"]
            lines += [f"| {name} | {answer} |" for name, answer in entry["names"].items()]
    return "\n".join(lines) + "\n"


def _of_none(operation: str) -> bool:
    """Whether an operation that is served is of a kind whose Create is refused."""
    _, kind = kinds().by_operation.get(operation, ("", None))
    return kind is not None and not creatable(kind) and served(operation)


def _kind_rows(names: dict[str, str]) -> Iterator[str]:
    by_kind: dict[str, dict[str, str]] = {}
    for operation, (verb, kind) in kinds().by_operation.items():
        by_kind.setdefault(kind.name, {})[verb] = "none" if _of_none(operation) else names[operation]
    for name in sorted(by_kind):
        cells = " | ".join(by_kind[name].get(verb, "") for verb in _VERBS)
        yield f"| {name} | {cells} | {kinds().by_name[name].overlay.why} |"
