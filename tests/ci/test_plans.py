"""What a preview by the Pulumi CLI hands over of each resource."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from pulumi.automation.events import OpType

from penstock_ci.plans import PLANNED, Plan
from penstock_ci.stacks import _PulumiSteps

TYPE = "aws:s3/bucket:Bucket"
URN = f"urn:pulumi:dev::p::{TYPE}::raw"
SECRET = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "ciphertext": "[secret]"}


def state(custom: bool = True, protect: bool | None = True, **inputs: Any) -> SimpleNamespace:
    return SimpleNamespace(custom=custom, protect=protect, inputs=inputs)


def planned(
    *steps: tuple[OpType, SimpleNamespace | None, SimpleNamespace | None], urn: str = URN, type_: str = TYPE
) -> Any:
    """What the steps of one resource come to; each is its operation, its new and its old state."""
    taken = _PulumiSteps(lambda event: None)
    for operation, new, old in steps:
        metadata = SimpleNamespace(
            op=operation, urn=urn, type=type_, new=new, old=old, detailed_diff=None, diffs=["bucket"]
        )
        parts = dict.fromkeys(("res_outputs_event", "res_op_failed_event", "diagnostic_event"))
        taken.receive(SimpleNamespace(resource_pre_event=SimpleNamespace(metadata=metadata), **parts))
    plan = Plan()
    for resource in taken.planned.values():
        plan({"kind": PLANNED, **resource})
    return plan.resources[0] if plan.resources else None


def test_a_resource_as_it_is_to_be() -> None:
    found = planned((OpType.UPDATE, state(bucket="new", password=SECRET, rules=[{"key": SECRET}]), state(bucket="old")))
    assert (found.operation, found.protect, found.name, found.changed) == ("update", True, "raw", ("bucket",))
    assert found.inputs == {"bucket": "new", "password": "[secret]", "rules": [{"key": "[secret]"}]}


def test_a_replacement_in_either_order() -> None:
    old, new = state(bucket="old"), state(bucket="new")
    first = planned(
        (OpType.DELETE_REPLACED, None, old), (OpType.REPLACE, new, old), (OpType.CREATE_REPLACEMENT, new, None)
    )
    last = planned(
        (OpType.CREATE_REPLACEMENT, new, None), (OpType.REPLACE, new, old), (OpType.DELETE_REPLACED, None, old)
    )
    for found in (first, last):
        assert (found.operation, found.inputs) == ("replace", {"bucket": "new"})


def test_what_goes_and_what_plans_nothing() -> None:
    assert planned((OpType.DELETE, None, state(bucket="old"))).operation == "delete"
    assert planned((OpType.SAME, state(bucket="a", protect=None), None)).operation == "same"
    assert planned((OpType.READ, state(), None)) is None
    assert planned((OpType.CREATE, state(custom=False), None)) is None
    assert planned((OpType.CREATE, state(), None), type_="pulumi:providers:aws") is None
