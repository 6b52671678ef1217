"""What a preview remembers of every resource that a provider manages."""

from __future__ import annotations

from typing import Any

import pytest

from penstock_deploy.engine.planner import Op
from penstock_deploy.planned import PlannedEvents
from penstock_deploy.state.resource import ResourceState
from penstock_deploy.values import Secret

TYPE = "aws:s3/bucket:Bucket"
URN = f"urn:pulumi:dev::p::{TYPE}::raw"


def state(urn: str = URN, type_: str = TYPE, custom: bool = True, **inputs: Any) -> ResourceState:
    return ResourceState(urn=urn, type=type_, custom=custom, inputs=inputs, protect=True)


def test_inputs_options_and_operation() -> None:
    told: list[dict[str, Any]] = []
    events = PlannedEvents(told.append)
    events.step(Op.UPDATE, state(bucket="raw", password=Secret("hush")), ["bucket"]).done()
    assert events.resources() == [
        {
            "op": "update",
            "urn": URN,
            "type": TYPE,
            "name": "raw",
            "protect": True,
            "inputs": {"bucket": "raw", "password": "[secret]"},
            "diff": ["bucket"],
        }
    ]
    assert [event["status"] for event in told] == ["started", "done"], "events are told as ever"


@pytest.mark.parametrize(
    ("steps", "operation", "bucket"),
    [
        ([(Op.DELETE, "old")], "delete", "old"),
        ([(Op.DELETE, "old"), (Op.REPLACE, "new")], "replace", "new"),
        ([(Op.REPLACE, "new"), (Op.DELETE, "old")], "replace", "new"),
        ([(Op.SAME, "same")], "same", "same"),
    ],
)
def test_of_several_steps_the_goal_counts(steps: list[tuple[Op, str]], operation: str, bucket: str) -> None:
    events = PlannedEvents(None)
    for op, name in steps:
        events.step(op, state(bucket=name)).done()
    (found,) = events.resources()
    assert (found["op"], found["inputs"]["bucket"]) == (operation, bucket)


def test_only_what_a_provider_manages() -> None:
    events = PlannedEvents(None)
    events.step(Op.CREATE, state(custom=False)).done()
    events.step(Op.CREATE, state(type_="pulumi:providers:aws")).done()
    events.step(Op.READ, state()).done()
    events.refreshing = True
    events.step(Op.UPDATE, state()).done()
    assert events.resources() == []
