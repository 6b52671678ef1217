"""`--target` and `--target-dependents`, with Pulumi's rules."""

from __future__ import annotations

import pytest
from folder_stack import Stack

from penstock_deploy import DeploymentError

A = "urn:pulumi:dev::app::folder:index:Item::a"
B = "urn:pulumi:dev::app::folder:index:Item::b"
C = "urn:pulumi:dev::app::folder:index:Item::c"
CHAIN = """
a = Item("a", name="a", text="{0}")
b = Item("b", name="b", text="{0}", of=a.path)
c = Item("c", name="c", text="{0}")
pulumi.export("text", "{0}")
"""


def texts(stack: Stack) -> dict[str, str]:
    return {name: item["text"] for name, item in stack.items.items()}


@pytest.mark.parametrize("target", [A, "urn:pulumi:dev::app::folder:index:*::a", "**::a"])
def test_only_targets_get_a_step(stack: Stack, target: str) -> None:
    stack.up(CHAIN.format("1"))
    preview = stack.write(CHAIN.format("2")).deployment().preview(target=[target])
    assert [change["urn"] for change in preview.changes] == [A]
    result = stack.deployment().up(target=[target])
    assert result.ok, result.errors
    assert texts(stack) == {"a": "2", "b": "1", "c": "1"}
    assert result.counts == {"create": 0, "update": 1, "replace": 0, "delete": 0, "same": 3}
    assert stack.deployment().outputs() == {"text": "1"}, "a part of the stack does not tell its outputs"
    assert stack.up().counts["update"] == 2
    assert stack.deployment().outputs() == {"text": "2"}


def test_dependents_of_targets_are_targets_when_asked_for(stack: Stack) -> None:
    stack.up(CHAIN.format("1"))
    result = stack.write(CHAIN.format("2")).deployment().up(target=[A], target_dependents=True)
    assert result.ok, result.errors
    assert texts(stack) == {"a": "2", "b": "2", "c": "1"}


def test_what_is_not_a_target_is_not_made(stack: Stack) -> None:
    result = stack.write(CHAIN.format("1")).deployment().up(target=[C])
    assert result.ok, result.errors
    assert set(stack.items) == {"c"}
    assert A not in [item["urn"] for item in stack.state()["resources"]]


def test_a_target_that_needs_what_is_not_there(stack: Stack) -> None:
    result = stack.write(CHAIN.format("1")).deployment().up(target=[B])
    assert not result.ok
    assert f"{B}: depends on {A}, which does not exist yet and is not among the targets" in result.errors[0]
    assert f"--target '{A}'" in result.errors[0]
    assert not stack.items


def test_what_the_program_leaves_out_goes_only_if_it_is_a_target(stack: Stack) -> None:
    stack.up(CHAIN.format("1"))
    stack.write('c = Item("c", name="c", text="1")\n')
    kept = stack.deployment().up(target=[C])
    assert kept.ok, kept.errors
    assert set(stack.items) == {"a", "b", "c"}
    refused = stack.deployment().up(target=[A])
    assert not refused.ok
    assert f"{B}: would have to be deleted with {A}, but is not among the targets" in refused.errors[0]
    assert "--target-dependents" in refused.errors[0]
    assert set(stack.items) == {"a", "b", "c"}
    assert stack.deployment().up(target=[B]).ok
    assert set(stack.items) == {"a", "c"}


def test_what_the_program_still_has_is_not_left_behind(stack: Stack) -> None:
    stack.up(CHAIN.format("1"))
    stack.write('b = Item("b", name="b", text="1")\n')
    result = stack.deployment().up(target=[A])
    assert f"{B}: would have to be deleted with {A}" in result.errors[0]
    assert set(stack.items) == {"a", "b", "c"}
    both = stack.deployment().up(target=[A, B])
    assert both.ok, both.errors
    assert set(stack.items) == {"b", "c"}


def test_destroying_targets(stack: Stack) -> None:
    stack.up(CHAIN.format("1"))
    refused = stack.deployment().destroy(target=[A])
    assert not refused.ok
    assert B in refused.errors[0]
    assert not any(line.startswith("delete") for line in stack.log)
    result = stack.deployment().destroy(target=[A], target_dependents=True)
    assert result.ok, result.errors
    assert result.counts["delete"] == 2
    assert set(stack.items) == {"c"}
    assert stack.run("destroy").ok
    assert stack.state()["resources"] == []


def test_a_component_takes_its_children_along(stack: Stack) -> None:
    stack.up("""
    class Group(pulumi.ComponentResource):
        def __init__(self, name):
            super().__init__("test:index:Group", name)
            Item(f"{name}-inner", name="inner", opts=pulumi.ResourceOptions(parent=self))
    Group("g")
    Item("a", name="a")
    """)
    group = "urn:pulumi:dev::app::test:index:Group::g"
    assert "g-inner" in stack.deployment().destroy(target=[group]).errors[0]
    assert stack.deployment().destroy(target=[group], target_dependents=True).ok
    assert set(stack.items) == {"a"}


def test_refreshing_targets(stack: Stack) -> None:
    stack.up(CHAIN.format("1"))
    for name in "ac":
        (stack.cloud / f"{name}.json").write_text(f'{{"name": "{name}", "text": "drifted"}}')
    result = stack.deployment().refresh(target=[A])
    assert [change["urn"] for change in result.changes] == [A]
    assert stack.resource("c")["outputs"]["text"] == "1"


def test_a_replacement_that_takes_along_what_is_no_target(stack: Stack) -> None:
    program = 'a = Item("a", name="a", fixed="{0}")\nb = Item("b", name="b", fixed=a.path)\n'
    stack.up(program.format("1"))
    stack.write(program.format("2"))
    refused = stack.deployment().up(target=[A])
    assert f"{B}: would have to be deleted" in refused.errors[0]
    assert set(stack.items) == {"a", "b"}
    result = stack.deployment().up(target=[A], target_dependents=True)
    assert result.ok, result.errors
    assert result.counts["replace"] == 2
    assert not stack.up().has_changes


def test_a_renamed_resource_that_is_no_target_keeps_its_state(stack: Stack) -> None:
    stack.up('Item("a", name="a", text="1")\nItem("c", name="c", text="1")\n')
    stack.write(
        'Item("b", name="a", text="2", opts=pulumi.ResourceOptions(aliases=[pulumi.Alias(name="a")]))\n'
        'Item("c", name="c", text="2")\n'
    )
    result = stack.deployment().up(target=[C])
    assert result.ok, result.errors
    assert texts(stack) == {"a": "1", "c": "2"}
    assert stack.resource("b")["id"] == "a"


@pytest.mark.parametrize("operation", ["up", "refresh", "destroy"])
def test_a_target_that_names_nothing(stack: Stack, operation: str) -> None:
    stack.up('Item("a", name="a")\n')
    result = getattr(stack.deployment(), operation)(target=["**::nowhere"])
    assert not result.ok
    assert "no resource named **::nowhere found" in result.errors[0]
    assert set(stack.items) == {"a"}


def test_targets_are_urns(stack: Stack) -> None:
    with pytest.raises(DeploymentError, match="--target a: not a URN"):
        stack.deployment().up(target=["a"])
    with pytest.raises(DeploymentError, match="needs a --target"):
        stack.deployment().up(target_dependents=True)
