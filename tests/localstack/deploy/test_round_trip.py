"""The engine from an empty stack to an empty stack again."""

from __future__ import annotations

from folder_stack import Stack

BASE = """
config = pulumi.Config()
first = Item("first", text="one")
second = Item("second", text=first.path)
class Group(pulumi.ComponentResource):
    def __init__(self, name):
        super().__init__("test:index:Group", name)
        self.inner = Item(f"{name}-inner", text="inner", opts=pulumi.ResourceOptions(parent=self))
        self.register_outputs({"inner": self.inner.name})
group = Group("group")
pulumi.export("path", first.path)
pulumi.export("name", second.name)
"""


def test_up_no_change_update_and_destroy(stack: Stack) -> None:
    preview = stack.write(BASE).run("preview")
    assert preview.ok, preview.errors
    assert preview.counts == {"create": 5, "update": 0, "replace": 0, "delete": 0, "same": 0}
    assert preview.outputs["path"] == "[unknown]"
    assert preview.outputs["name"].startswith("second-")
    assert not stack.items
    assert not stack.state_path.exists()

    created = stack.up()
    assert created.counts["create"] == 5
    assert {change["op"] for change in created.changes} == {"create"}
    first = created.outputs["path"]
    assert stack.items[created.outputs["name"]]["text"] == first

    again = stack.up()
    assert again.counts == {"create": 0, "update": 0, "replace": 0, "delete": 0, "same": 5}
    assert not again.has_changes
    assert not stack.run("preview").has_changes
    assert stack.log.count(f"create {created.outputs['name']}") == 1

    stack.write(BASE.replace('text="one"', 'text="two"'))
    assert stack.run("preview").counts["update"] == 1
    updated = stack.up()
    assert updated.counts == {"create": 0, "update": 1, "replace": 0, "delete": 0, "same": 4}
    assert updated.changes[0]["diff"] == ["text"]
    assert updated.changes[0]["type"] == "folder:index:Item"

    gone = stack.run("destroy")
    assert gone.ok
    assert gone.counts["delete"] == 5
    assert not stack.items
    assert stack.state()["resources"] == []


def test_state_lists_what_a_resource_needs_before_it(stack: Stack) -> None:
    stack.up(BASE)
    seen: set[str] = set()
    for item in stack.state()["resources"]:
        needed = {item.get("parent"), *item.get("dependencies", [])} - {None, ""}
        needed |= {urn for urns in item.get("propertyDependencies", {}).values() for urn in urns}
        if item.get("provider"):
            needed.add(item["provider"].rsplit("::", 1)[0])
        assert needed <= seen
        seen.add(item["urn"])
    second = stack.resource("second")
    assert second["propertyDependencies"]["text"] == [stack.resource("first")["urn"]]
    assert second["provider"].startswith("urn:pulumi:dev::app::pulumi:providers:folder::default::")


def test_a_replacement_is_made_before_the_old_one_goes(stack: Stack) -> None:
    program = 'a = Item("a", fixed="1")\nb = Item("b", text=a.name)\n'
    stack.up(program)
    old = next(name for name in stack.items if name.startswith("a-"))
    result = stack.up(program.replace('"1"', '"2"'))
    assert result.counts == {"create": 0, "update": 1, "replace": 1, "delete": 0, "same": 1}
    new = next(name for name in stack.items if name.startswith("a-"))
    assert new != old
    log = stack.log
    assert log.index(f"create {new}") < log.index(f"update {stack.resource('b')['id']}") < log.index(f"delete {old}")
    assert not any(item.get("delete") for item in stack.state()["resources"])


def test_a_fixed_name_is_deleted_before_it_is_made_again(stack: Stack) -> None:
    program = """
    a = Item("a", name="a", fixed="1")
    b = Item("b", name="b", fixed=a.path)
    c = Item("c", name="c", text=a.path)
    """
    stack.up(program)
    before = len(stack.log)
    result = stack.up(program.replace('"1"', '"2"'))
    assert result.counts["replace"] == 2
    log = stack.log[before:]
    assert log.index("delete b") < log.index("delete a") < log.index("create a") < log.index("create b")
    assert "delete c" not in log
    assert set(stack.items) == {"a", "b", "c"}


def test_what_the_program_leaves_out_goes_dependents_first(stack: Stack) -> None:
    stack.up('a = Item("a", name="a")\nb = Item("b", name="b", text=a.path)\nItem("c", name="c")\n')
    before = len(stack.log)
    result = stack.up('Item("c", name="c")\n')
    assert result.counts["delete"] == 2
    assert [line for line in stack.log[before:] if line.startswith("delete ")] == ["delete b", "delete a"]


def test_steps_run_at_once_where_the_graph_allows(stack: Stack) -> None:
    begun = [f"create i{n}" for n in range(8)]
    stack.up(f"for n in range(8): Item(f'i{{n}}', name=f'i{{n}}', until={begun})\n")
    assert set(stack.log[:8]) == set(begun)


def test_refresh_takes_drift_and_up_mends_it(stack: Stack) -> None:
    stack.up('Item("a", name="a", text="x")\nItem("b", name="b")\n')
    (stack.cloud / "a.json").write_text('{"name": "a", "text": "drifted"}')
    (stack.cloud / "b.json").unlink()
    result = stack.run("refresh")
    assert result.ok
    assert (result.counts["update"], result.counts["delete"]) == (1, 1)
    assert stack.resource("a")["outputs"]["text"] == "drifted"
    mended = stack.up()
    assert (mended.counts["update"], mended.counts["create"]) == (1, 1)
    assert stack.items["a"]["text"] == "x"


def test_what_was_deleted_by_hand_is_made_again_by_an_up_that_looks_first(stack: Stack) -> None:
    program = 'a = Item("a", name="a")\nItem("b", name="b", text=a.path)\nItem("c", name="c", text=a.path)\n'
    stack.up(program)
    for name in ("a", "b"):
        (stack.cloud / f"{name}.json").unlink()
    assert not stack.up().has_changes, "nobody has looked"
    assert not stack.items.keys() & {"a", "b"}
    result = stack.deployment().up(refresh=True)
    assert result.ok, result.errors
    assert (result.counts["create"], result.counts["same"]) == (2, 2)
    assert {change["name"] for change in result.drift if change["op"] == "delete"} == {"a", "b"}
    assert set(stack.items) == {"a", "b", "c"}
    for name in ("a", "c"):
        (stack.cloud / f"{name}.json").unlink()
    assert stack.run("destroy").ok, "what is gone is deleted"
    assert not stack.items


def test_a_function_of_the_provider(stack: Stack) -> None:
    program = """
    Item("a")
    pulumi.export("count", pulumi.runtime.invoke("folder:index:count", {}).value["count"])
    """
    assert stack.up(program).outputs["count"] == 0
    assert stack.up().outputs["count"] == 1
