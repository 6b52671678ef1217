"""Property values and paths."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock_deploy import paths, urns
from penstock_deploy.engine.goal import Goal, _seconds
from penstock_deploy.engine.planner import Op, decide
from penstock_deploy.plugins.interface import UPDATE, UPDATE_REPLACE, Diff
from penstock_deploy.state.resource import ResourceState
from penstock_deploy.values import UNKNOWN, Secret, from_struct, has_secret, has_unknown, hide, plain, to_struct

LEAVES = st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.floats(allow_nan=False) | st.text(max_size=8)
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3) | inner.map(Secret)
    ),
    max_leaves=8,
)
TREES = st.recursive(
    st.integers(0, 3) | st.text("ab", max_size=2),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("xyz.", min_size=1, max_size=2), inner, max_size=3)
    ),
    max_leaves=10,
)


@given(st.dictionaries(st.text(min_size=1, max_size=5), VALUES, max_size=4))
def test_values_survive_the_protocol(properties: dict[str, Any]) -> None:
    assert from_struct(to_struct(properties)) == properties


def test_unknown_and_secret_values() -> None:
    value = from_struct(to_struct({"a": [Secret({"b": UNKNOWN})], "c": 1}))
    assert has_unknown(value)
    assert has_secret(value)
    assert plain(value) == {"a": [{"b": UNKNOWN}], "c": 1}
    assert hide(value) == {"a": ["[secret]"], "c": 1}
    assert "b" not in repr(value["a"])


@pytest.mark.parametrize("path", ["a", "a.b", "a[0].b", 'a["b.c"].d', "a[12]"])
def test_paths_are_written_as_they_are_read(path: str) -> None:
    assert paths.write(paths.parse(path)) == path


@pytest.mark.parametrize(
    ("pattern", "path", "covered"),
    [
        ("a", "a.b", True),
        ("a.b", "a", True),
        ("a.*", "a.c", True),
        ("*", "x", True),
        ("a.b", "a.c", False),
        ("a", "ab", False),
    ],
)
def test_patterns(pattern: str, path: str, covered: bool) -> None:
    assert paths.covers(pattern, path) is covered


@given(TREES, TREES)
def test_differences_are_empty_only_for_equal_values(old: Any, new: Any) -> None:
    assert (paths.differences(old, new) == []) == (old == new)


@given(
    st.dictionaries(st.text("xyz", min_size=1, max_size=1), TREES, max_size=3),
    st.dictionaries(st.text("xyz", min_size=1, max_size=1), TREES, max_size=3),
)
def test_ignoring_everything_changes_nothing(old: dict[str, Any], new: dict[str, Any]) -> None:
    assert paths.ignore(old, new, list("xyz")) == old
    assert paths.ignore(old, new, []) == new


def test_ignoring_below_what_is_gone() -> None:
    assert paths.ignore({"a": {"b": 1}}, {"c": 2}, ["a.b"]) == {"c": 2}
    assert paths.ignore({"a": [{"b": 1}]}, {"a": [{"b": 2, "c": 3}]}, ["a[*].b"]) == {"a": [{"b": 1, "c": 3}]}
    assert paths.ignore({"a": 1}, {"a": Secret(2)}, ["a"]) == {"a": 1}


def test_urns() -> None:
    stack = urns.make("dev", "app", "", urns.STACK_TYPE, "app-dev")
    group = urns.make("dev", "app", stack, "test:index:Group", "g")
    inner = urns.make("dev", "app", group, "aws:s3/bucket:Bucket", "a::b")
    assert inner == "urn:pulumi:dev::app::test:index:Group$aws:s3/bucket:Bucket::a::b"
    assert urns.name(inner) == "a::b"
    assert urns.type_of(inner) == "aws:s3/bucket:Bucket"


@pytest.mark.parametrize(("text", "seconds"), [("1h30m", 5400.0), ("90s", 90.0), ("500ms", 0.5), ("", 0.0)])
def test_durations(text: str, seconds: float) -> None:
    assert _seconds(text) == seconds


def goal(**fields: Any) -> Goal:
    return Goal(urn="u", type="t:t:T", name="n", custom=True, parent="", inputs={}, **fields)


def old(**fields: Any) -> ResourceState:
    return ResourceState(urn="u", type="t:t:T", custom=True, **fields)


PROVIDER = "urn:pulumi:s::p::pulumi:providers:aws::{0}::id-of-{0}"


@pytest.mark.parametrize(
    ("wanted", "present", "diff", "op", "first"),
    [
        (goal(), old(), Diff(), Op.SAME, False),
        (goal(), old(), Diff(changes=True, detailed={"a.b": UPDATE}), Op.UPDATE, False),
        (goal(), old(), Diff(changes=True, replaces=["a"], detailed={"a": UPDATE_REPLACE}), Op.REPLACE, False),
        (goal(), old(), Diff(changes=True, replaces=["a"], delete_before_replace=True), Op.REPLACE, True),
        (
            goal(delete_before_replace=False), old(),
            Diff(changes=True, replaces=["a"], delete_before_replace=True), Op.REPLACE, False,
        ),
        (goal(replace_on_changes=["a"]), old(), Diff(changes=True, detailed={"a.b": UPDATE}), Op.REPLACE, False),
        (goal(), old(init_errors=["x"]), Diff(), Op.UPDATE, False),
        (goal(provider=PROVIDER.format("west")), old(provider=PROVIDER.format("east")), Diff(), Op.REPLACE, False),
        (goal(provider=PROVIDER.format("default_2")), old(provider=PROVIDER.format("default_1")), Diff(), Op.SAME, False),
    ],
)  # fmt: skip
def test_decisions(wanted: Goal, present: ResourceState, diff: Diff, op: Op, first: bool) -> None:
    decision = decide(wanted, present, diff)
    assert (decision.op, decision.delete_first) == (op, first)
