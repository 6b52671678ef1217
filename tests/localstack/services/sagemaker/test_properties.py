"""Properties of the control plane over everything that the model allows, and over what it does not."""

from __future__ import annotations

import copy
import time
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.localstack.services.sagemaker.conftest import ControlPlane
from tests.localstack.services.sagemaker.inputs import minimal, unique, values

from penstock_services.errors import ServiceError
from penstock_services.operations import CHECKS, OPERATIONS
from penstock_services.sagemaker.hooks import hooked
from penstock_services.sagemaker.kinds import Kind, kinds
from penstock_services.sagemaker.model import load
from penstock_services.sagemaker.service import served

MODEL = load("sagemaker")
RECORDS = sorted(
    name
    for name, kind in kinds().by_name.items()
    if kind.overlay.answers == "record" and name not in ("ModelPackage", "ImageVersion", "Artifact")
)
BOUNDED = settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
Request = dict[str, Any]


def settled(plane: ControlPlane, kind: Kind, key: str) -> Request | None:
    """The record once no step of its life cycle is left."""
    deadline = time.monotonic() + 60
    while True:
        record = plane.store.get(plane.context().scope, kind.name, key)
        if record is None or "_next" not in record:
            return record
        assert time.monotonic() < deadline, record
        time.sleep(0.001)


def attempt(plane: ControlPlane, operation: str, request: Request) -> tuple[Request, ServiceError | None]:
    """The answer, or the error that a client would see."""
    try:
        return plane.context().call(operation, request), None
    except ServiceError as error:
        return {}, error


def parents(plane: ControlPlane, kind: Kind, request: Request) -> None:
    """Make what the resource is part of."""
    for member, parent_name in kind.overlay.parents:
        if member not in MODEL.required(MODEL.input_shape(f"Create{kind.name}")):
            request.pop(member, None)
            continue
        parent = kinds().by_name[parent_name]
        asked = minimal(MODEL.input_shape(f"Create{parent_name}"))
        asked[parent.name_member] = unique()
        parents(plane, parent, asked)
        answer = plane.call(f"Create{parent_name}", **asked)
        key = answer[parent.arn_member].split(":", 5)[5].removeprefix(f"{parent.overlay.arn_type}/")
        settled(plane, parent, key)
        request[member] = key


def shown(kind: Kind, plane: ControlPlane, identity: Request) -> Request:
    described = plane.call(f"Describe{kind.name}", **identity)
    return described[kind.overlay.nested] if kind.overlay.nested else described


def assert_echoed(kind: Kind, request: Request, described: Request) -> None:
    """Describe says what was asked, where it has a member for it."""
    for member, value in request.items():
        name = kind.overlay.renamed.get(member, member)
        if name in kind.described and name not in kind.overlay.stated and name != kind.overlay.nested:
            if kind.overlay.nested:
                shape = MODEL.outputs(f"Describe{kind.name}")[kind.overlay.nested]["shape"]
                if name not in MODEL.members(shape):
                    continue
                value = MODEL.project(MODEL.members(shape)[name]["shape"], value)
            assert described.get(name) == value, name


@pytest.mark.parametrize("name", RECORDS)
def test_any_valid_create_makes_the_round_trip(name: str, control_plane: ControlPlane) -> None:
    kind = kinds().by_name[name]
    plane = control_plane

    @BOUNDED
    @given(st.data())
    def round_trip(data: st.DataObject) -> None:
        request = data.draw(values(MODEL.input_shape(f"Create{name}") or ""), label="Create")
        request.pop("Tags", None)
        if kind.name_member in MODEL.inputs(f"Create{name}"):
            request[kind.name_member] = unique()
        parents(plane, kind, request)
        answer, error = attempt(plane, f"Create{name}", request)
        if error is not None:
            # What the model cannot say: a module's own check of what belongs together.
            own = f"Create{name}" in CHECKS or f"Create{name}" in OPERATIONS or hooked(name, "prepare")
            assert own, error
            assert 400 <= error.status < 500 or error.code == "NotImplementedException", error
            return
        key = answer[kind.arn_member].split(":", 5)[5].removeprefix(f"{kind.overlay.arn_type}/")
        settled(plane, kind, key)
        record = plane.store.get(plane.context().scope, name, key) or {}
        identity = {member: record[member] for member in kind.keys if member in record}
        described = shown(kind, plane, identity)
        assert_echoed(kind, request, described)
        for member in MODEL.required(MODEL.output_shape(f"Describe{name}")):
            assert member in described or kind.overlay.nested or member == "NextToken", member
        if kind.list_operation:
            everything = {"MaxResults": 100} if "MaxResults" in MODEL.inputs(kind.list_operation) else {}
            rows = plane.call(kind.list_operation, **everything)[kind.list_member]
            shown_in_list = kind.arn_member if kind.arn_member in kind.summary else kind.name_member
            shown_in_list = shown_in_list if shown_in_list in kind.summary else f"Monitoring{shown_in_list}"
            assert record[kind.name_member if "Name" in shown_in_list else kind.arn_member] in [
                row.get(shown_in_list) for row in rows
            ]
        if f"Update{name}" in MODEL.operations:
            change = data.draw(values(MODEL.input_shape(f"Update{name}") or ""), label="Update")
            removed = [member for member in change if member.endswith(("ToRemove", "Properties")) or member == "Tags"]
            change = {member: value for member, value in change.items() if member not in removed}
            _, error = attempt(plane, f"Update{name}", {**change, **identity})
            if error is not None:
                assert f"Update{name}" in CHECKS or f"Update{name}" in OPERATIONS, error
            else:
                settled(plane, kind, key)
                if not kind.overlay.merged and f"Update{name}" not in OPERATIONS:
                    assert_echoed(kind, {**change, **identity}, shown(kind, plane, identity))
        plane.call(f"Delete{name}", **{**minimal(MODEL.input_shape(f"Delete{name}")), **identity})
        assert settled(plane, kind, key) is None
        with pytest.raises(ServiceError) as raised:
            plane.call(f"Describe{name}", **identity)
        assert raised.value.code == kind.missing.code

    round_trip()


def places(shape: str, value: Any, path: tuple[Any, ...] = ()) -> list[tuple[tuple[Any, ...], str]]:
    """Every place in a value, with the shape of what is there."""
    found = [(path, shape)]
    described = MODEL.shapes[shape]
    if described["type"] == "structure":
        for member, inner in value.items():
            found += places(described["members"][member]["shape"], inner, (*path, member))
    elif described["type"] == "list":
        for index, inner in enumerate(value):
            found += places(described["member"]["shape"], inner, (*path, index))
    elif described["type"] == "map":
        for key, inner in value.items():
            found += places(described["value"]["shape"], inner, (*path, key))
    return found


def wrong(shape: str) -> list[Any]:
    """Values that a shape does not allow."""
    described = MODEL.shapes[shape]
    kind = described["type"]
    of_type: dict[str, list[Any]] = {
        "string": [1, True, [], {}],
        "integer": ["text", 1.5, True, {}],
        "long": ["text", 1.5, [], True],
        "float": ["text", [], {}],
        "double": ["text", [], {}],
        "boolean": ["true", 1, {}],
        "timestamp": [True, "yesterday", {}],
        "blob": [1, "!", []],
        "list": ["text", 1, {}],
        "map": ["text", 1, []],
        "structure": ["text", 1, [], True],
    }
    found = list(of_type[str(kind)])
    if "enum" in described:
        found.append("NoSuchValue")
    if kind == "string" and "max" in described and described["max"] < 5000:
        found.append("a" * (described["max"] + 1))
    if kind in ("integer", "long") and "max" in described:
        found.append(described["max"] + 1)
    if "min" in described and kind in ("integer", "long"):
        found.append(described["min"] - 1)
    return found


def put(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    changed = copy.deepcopy(value)
    inner = changed
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = new
    return changed


SERVED = sorted(name for name in MODEL.operations if MODEL.inputs(name))


@settings(max_examples=600, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(data=st.data())
def test_any_invalid_input_is_refused_as_aws_does(data: st.DataObject, control_plane: ControlPlane) -> None:
    operation = data.draw(st.sampled_from(SERVED))
    shape = MODEL.input_shape(operation) or ""
    request = data.draw(values(shape))
    path, inner = data.draw(st.sampled_from(places(shape, request)))
    if not path:
        required = MODEL.required(shape)
        if not required:
            return
        request.pop(data.draw(st.sampled_from(required)))
    else:
        request = put(request, path, data.draw(st.sampled_from(wrong(inner))))
    with pytest.raises(ServiceError) as raised:
        control_plane.context().call(operation, request)
    if served(operation):
        assert raised.value.code in ("ValidationException", "SerializationException"), raised.value
        assert raised.value.status == 400
        if raised.value.code == "ValidationException":
            assert "validation error" in raised.value.message
    else:
        assert raised.value.status == 501


READING = [name for name in SERVED if name.startswith(("Describe", "List", "Get", "Search", "Query", "BatchDescribe"))]


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(data=st.data())
def test_any_valid_question_has_an_answer(data: st.DataObject, control_plane: ControlPlane) -> None:
    operation = data.draw(st.sampled_from(READING))
    request = data.draw(values(MODEL.input_shape(operation) or ""))
    answer, error = attempt(control_plane, operation, request)
    if error is not None:
        assert error.status == (400 if served(operation) else 501), error
    assert set(answer) <= set(MODEL.outputs(operation))
