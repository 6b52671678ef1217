"""Resource options, with Pulumi's meaning."""

from __future__ import annotations

import pytest
from folder_stack import Stack

OPTS = "opts = pulumi.ResourceOptions\n"


def test_protected_resources_stop_a_destroy_before_its_first_step(stack: Stack) -> None:
    stack.up(OPTS + 'Item("a", name="a", opts=opts(protect=True))\nfor n in range(5): Item(f"i{n}", name=f"i{n}")\n')
    result = stack.run("destroy")
    assert not result.ok
    assert len(stack.items) == 6
    assert not any(line.startswith("delete") for line in stack.log)
    assert "protected" in result.errors[0]
    assert "Item::a" in result.errors[0]


def test_protected_resources_are_neither_left_out_nor_replaced(stack: Stack) -> None:
    stack.up(OPTS + 'Item("a", name="a", fixed="1", opts=opts(protect=True))\nItem("b", name="b")\n')
    left_out = stack.write("pass\n").run("up")
    assert not left_out.ok
    assert set(stack.items) == {"a", "b"}
    replaced = stack.write(OPTS + 'Item("a", name="a", fixed="2", opts=opts(protect=True))\nItem("b", name="b")\n').run(
        "up"
    )
    assert not replaced.ok
    assert "replaced" in replaced.errors[0]
    assert stack.items["a"]["fixed"] == "1"


@pytest.mark.parametrize("change", ['Item("b", name="b")', 'Item("a", name="a", fixed="2", opts=opts(protect=True))'])
def test_an_up_that_would_delete_what_is_protected_does_nothing(stack: Stack, change: str) -> None:
    stack.up(OPTS + 'Item("a", name="a", fixed="1", opts=opts(protect=True))\n')
    begun = len(stack.log)
    new = "".join(f'Item("new{n}", name="new{n}")\n' for n in range(3))
    result = stack.write(OPTS + new + change + "\n").run("up")
    assert not result.ok
    assert "protected resource" in result.errors[0]
    assert len(stack.log) == begun, "refused before the first step"
    assert result.changes == []
    assert not any(result.counts.values())
    assert [event["operation"] for event in stack.events if event["kind"] == "summary"] == ["up"]
    assert any(event["kind"] == "diagnostic" and event["severity"] == "error" for event in stack.events)
    kept = stack.up(OPTS + new + 'Item("a", name="a", fixed="1", opts=opts(protect=True))\n')
    assert kept.counts["create"] == 3, "what is kept is no obstacle"


def test_taking_protection_off_lets_it_go(stack: Stack) -> None:
    stack.up(OPTS + 'Item("a", name="a", opts=opts(protect=True))\n')
    stack.up('Item("a", name="a")\n')
    assert stack.run("destroy").ok


def test_retained_resources_stay_in_the_cloud(stack: Stack) -> None:
    stack.up(OPTS + 'Item("a", name="a", opts=opts(retain_on_delete=True))\n')
    assert stack.up("pass\n").counts["delete"] == 1
    assert set(stack.items) == {"a"}


def test_ignored_changes_at_any_depth(stack: Stack) -> None:
    program = (
        OPTS + 'Item("a", text="{0}", tags={{"x": "{0}", "y": "{0}"}}, opts=opts(ignore_changes=["text", "tags.x"]))\n'
    )
    stack.up(program.format("1"))
    result = stack.up(program.format("2"))
    assert result.changes[0]["diff"] == ["tags.y"]
    item = next(iter(stack.items.values()))
    assert (item["text"], item["tags"]) == ("1", {"x": "1", "y": "2"})


def test_replace_on_changes(stack: Stack) -> None:
    program = OPTS + 'Item("a", tags={{"x": "{0}"}}, opts=opts(replace_on_changes=["tags"]))\n'
    stack.up(program.format("1"))
    assert stack.up(program.format("2")).counts["replace"] == 1


def test_delete_before_replace(stack: Stack) -> None:
    program = OPTS + 'Item("a", fixed="{0}", opts=opts(delete_before_replace=True))\n'
    stack.up(program.format("1"))
    old = next(iter(stack.items))
    stack.up(program.format("2"))
    new = next(iter(stack.items))
    assert stack.log.index(f"delete {old}") < stack.log.index(f"create {new}")


def test_depends_on_orders_steps(stack: Stack) -> None:
    stack.up(OPTS + 'a = Item("a", name="a", seconds=0.3)\nItem("b", name="b", opts=opts(depends_on=[a]))\n')
    assert stack.log.index("created a") < stack.log.index("create b")
    stack.run("destroy")
    assert stack.log.index("deleted b") < stack.log.index("delete a")


def test_deleted_with_skips_the_deletion(stack: Stack) -> None:
    stack.up("""
    a = Item("a", name="a")
    Item("b", name="b", fail="delete", opts=pulumi.ResourceOptions(deleted_with=a, depends_on=[a]))
    """)
    result = stack.run("destroy")
    assert result.ok, result.errors
    assert result.counts["delete"] == 3
    assert "delete a" in stack.log


def test_custom_timeouts_reach_the_state(stack: Stack) -> None:
    stack.up(OPTS + 'Item("a", opts=opts(custom_timeouts=pulumi.CustomTimeouts(create="1m30s")))\n')
    assert stack.resource("a")["customTimeouts"] == {"create": 90}


def test_custom_timeouts_limit_the_provider(stack: Stack) -> None:
    program = """
limits = pulumi.CustomTimeouts("10s", "2m", "1h")
Item("a", name="a", text="{0}", opts=opts(custom_timeouts=limits))
"""
    stack.up(OPTS + program.format("1"))
    stack.up(OPTS + program.format("2"))
    assert stack.run("destroy").ok
    assert [line for line in stack.log if "within" in line] == [
        "create-within 10",
        "update-within 120",
        "delete-within 3600",
    ]


def test_aliases_rename_without_a_new_resource(stack: Stack) -> None:
    group = """
    class Group(pulumi.ComponentResource):
        def __init__(self, name, opts=None):
            super().__init__("test:index:Group", name, None, opts)
            Item(f"{name}-inner", text="x", opts=pulumi.ResourceOptions(parent=self))
    """
    stack.up(group + '    \nGroup("old")\nItem("a", text="x")\n'.replace("\n", "\n    ") + "\n")
    before = set(stack.items)
    result = stack.up(
        group
        + """
    Group("new", opts=pulumi.ResourceOptions(aliases=[pulumi.Alias(name="old")]))
    Item("b", text="x", opts=pulumi.ResourceOptions(aliases=[pulumi.Alias(name="a")]))
    """
    )
    assert set(stack.items) == before
    assert (result.counts["create"], result.counts["delete"]) == (0, 0)


GROUP = """
class Group(pulumi.ComponentResource):
    def __init__(self, name):
        super().__init__("test:index:Group", name)
class Thing(pulumi.CustomResource):
    def __init__(self, name, opts=None, **properties):
        super().__init__("folder:index:Thing", name, properties, opts)
group = Group("g")
alias = pulumi.Alias
"""


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            'Item("a", text="x")',
            'Item("b", text="x", opts=opts(aliases=["urn:pulumi:dev::app::folder:index:Item::a"]))',
        ),
        ('Item("a", text="x")', 'Thing("a", text="x", opts=opts(aliases=[alias(type_="folder:index:Item")]))'),
        (
            'Item("a", text="x")',
            'Item("a", text="x", opts=opts(parent=group, aliases=[alias(parent=pulumi.ROOT_STACK_RESOURCE)]))',
        ),
        (
            'Item("a", text="x", opts=opts(parent=group))',
            'Item("a", text="x", opts=opts(aliases=[alias(parent=group)]))',
        ),
        (
            'Item("a", text="x")',
            'Item("b", text="x", opts=opts(aliases=[alias(name="never"), alias(name="a"), alias(name="later")]))',
        ),
    ],
)
def test_aliases_of_every_form(stack: Stack, before: str, after: str) -> None:
    stack.up(OPTS + GROUP + before + "\n")
    items = stack.items
    result = stack.up(OPTS + GROUP + after + "\n")
    assert stack.items == items
    assert {op: result.counts[op] for op in ("create", "replace", "delete")} == {"create": 0, "replace": 0, "delete": 0}
    assert not stack.up().has_changes
    assert stack.run("destroy").ok
    assert not stack.items


def test_an_alias_for_a_parent_that_is_gone(stack: Stack) -> None:
    stack.up("""
    class Group(pulumi.ComponentResource):
        def __init__(self, name):
            super().__init__("test:index:Group", name)
            Item("inner", text="x", opts=pulumi.ResourceOptions(parent=self))
    Group("g")
    """)
    before = set(stack.items)
    stack.up("""
    old = "urn:pulumi:dev::app::test:index:Group::g"
    Item("inner", text="x", opts=pulumi.ResourceOptions(aliases=[pulumi.Alias(parent=old)]))
    """)
    assert set(stack.items) == before


def test_additional_secret_outputs(stack: Stack) -> None:
    result = stack.up(
        OPTS
        + 'a = Item("a", text="plain", opts=opts(additional_secret_outputs=["path"]))\npulumi.export("path", a.path)\n'
    )
    assert result.outputs["path"] == "[secret]"
    assert str(stack.cloud) not in stack.state_path.read_text()


def test_transforms_of_a_resource_and_of_the_stack(stack: Stack) -> None:
    stack.up("""
    def tag(args):
        if args.type_ == "folder:index:Item":
            return pulumi.ResourceTransformResult(props={**args.props, "tags": {"by": "stack"}}, opts=args.opts)
    def text(args):
        return pulumi.ResourceTransformResult(props={**args.props, "text": "own"}, opts=args.opts)
    pulumi.runtime.register_resource_transform(tag)
    Item("a", name="a", opts=pulumi.ResourceOptions(transforms=[text]))
    """)
    assert stack.items["a"]["tags"] == {"by": "stack"}
    assert stack.items["a"]["text"] == "own"


def test_an_explicit_provider(stack: Stack) -> None:
    program = """
    p = Provider("p", where="west")
    Item("a", name="a", opts=pulumi.ResourceOptions(provider=p))
    """
    stack.up(program)
    provider = stack.resource("p")
    assert provider["inputs"]["where"] == "west"
    assert stack.resource("a")["provider"] == f"{provider['urn']}::{provider['id']}"
    assert stack.up().counts["same"] == 3
    assert stack.run("destroy").counts["delete"] == 3


@pytest.mark.parametrize(
    ("option", "named"),
    [
        ('Item("a", opts=opts(import_="x"))', "the option `import`"),
        ('Item("a", text=first.path, opts=opts(import_="x"))', "the option `import`"),
        (
            'Item("a", opts=opts(hooks=pulumi.ResourceHookBinding(before_create=[lambda args: None])))',
            "a resource hook",
        ),
        ('Item("a", opts=opts(replace_with=[first]))', "the option `replace_with`"),
        ('Item("a", opts=opts(replacement_trigger="1"))', "the option `replacement_trigger`"),
        ('Item("a", text=pulumi.RemoteAsset("https://example.com/x"))', "the asset at https://example.com/x"),
        ('pulumi.Resource("folder:index:Remote", "r", False, {}, opts(), True)', "a remote component"),
        ("pulumi.runtime.register_invoke_transform(lambda args: None)", "a transform of invokes"),
        ('pulumi.runtime.invoke("pulumi:pulumi:getResource", {"urn": "x"})', "the function pulumi:pulumi:getResource"),
    ],
)
def test_what_is_not_supported_is_refused_by_name_before_any_step(stack: Stack, option: str, named: str) -> None:
    result = stack.write(OPTS + 'first = Item("first")\nItem("second", text=first.path)\n' + option + "\n").run("up")
    assert not result.ok
    assert any(named in error and "not supported" in error for error in result.errors), result.errors
    if named.startswith(
        ("the option", "a re")
    ):  # the rest is found when it is read or called; in a preview before any step
        assert stack.log == []
    else:
        assert not stack.run("preview").ok


def test_options_that_were_merged_ask_for_nothing(stack: Stack) -> None:
    stack.up(OPTS + 'Item("a", name="a", opts=opts.merge(opts(protect=False), opts(retain_on_delete=True)))\n')
    assert set(stack.items) == {"a"}


TRANSFORMED = """
def imported(args):
    return pulumi.ResourceTransformResult(args.props, pulumi.ResourceOptions.merge(args.opts, opts(import_="x")))

pulumi.runtime.register_resource_transform(imported)
Item("a")
"""


def test_an_import_that_a_transform_asks_for_is_refused_too(stack: Stack) -> None:
    result = stack.write(OPTS + TRANSFORMED).run("up")
    assert not result.ok
    assert any("the option `import` is not supported" in error for error in result.errors), result.errors
    assert stack.log == []


def test_two_resources_of_one_name(stack: Stack) -> None:
    result = stack.write('Item("a")\nItem("a")\n').run("preview")
    assert not result.ok
    assert "two resources have this URN" in result.errors[0]


def test_a_renamed_provider_keeps_its_resources(stack: Stack) -> None:
    program = 'p = Provider("{0}", where="w", opts=opts({1}))\nItem("a", name="a", opts=opts(provider=p))\n'
    stack.up(OPTS + program.format("p", ""))
    id_ = stack.resource("p")["id"]
    result = stack.up(OPTS + program.format("q", 'aliases=[pulumi.Alias(name="p")]'))
    assert not result.has_changes, result.changes
    assert stack.resource("q")["id"] == id_
    assert stack.resource("a")["provider"] == f"{stack.resource('q')['urn']}::{id_}"
    assert not [item for item in stack.state()["resources"] if item["urn"].endswith("::p")]


def test_another_provider_replaces(stack: Stack) -> None:
    program = (
        'p = Provider("p", where="w")\nq = Provider("q", where="e")\nItem("a", fixed="1", opts=opts(provider={0}))\n'
    )
    stack.up(OPTS + program.format("p"))
    result = stack.up(OPTS + program.format("q"))
    assert result.counts["replace"] == 1
    assert result.changes[0]["diff"] == ["provider"]


def test_the_version_of_a_default_provider(stack: Stack) -> None:
    stack.up(OPTS + 'Item("a", name="a", opts=opts(version="1.2.3"))\nItem("b", name="b")\n')
    assert "::pulumi:providers:folder::default_1_2_3::" in stack.resource("a")["provider"]
    assert stack.resource("default_1_2_3")["inputs"]["version"] == "1.2.3"
    result = stack.up(OPTS + 'Item("a", name="a", opts=opts(version="1.3.0"))\nItem("b", name="b")\n')
    assert (result.counts["replace"], result.counts["create"], result.counts["delete"]) == (0, 0, 0)


def test_default_providers_that_are_disabled(stack: Stack) -> None:
    stack.configure('config:\n  pulumi:disable-default-providers: ["folder"]\n')
    result = stack.write('Item("a")\n').run("preview")
    assert "default providers are disabled for folder" in result.errors[0]


GET = """
class Known(pulumi.CustomResource):
    def __init__(self, name, id):
        super().__init__("folder:index:Item", name, {"text": None}, pulumi.ResourceOptions(id=id))
"""


def test_get_reads_what_someone_else_manages(stack: Stack) -> None:
    stack.cloud.mkdir(exist_ok=True)
    (stack.cloud / "theirs.json").write_text('{"name": "theirs", "text": "hello"}')
    program = GET + 'known = Known("k", "theirs")\npulumi.export("text", known.text)\n'
    result = stack.up(program)
    assert result.outputs["text"] == "hello"
    assert stack.resource("k")["external"] is True
    assert not stack.up().has_changes
    absent = stack.write(program.replace("theirs", "nowhere")).run("preview")
    assert "the resource 'nowhere' does not exist" in absent.errors[0]
    assert stack.run("destroy").ok
    assert set(stack.items) == {"theirs"}


def test_from_managed_to_read(stack: Stack) -> None:
    stack.up('Item("k", name="mine", text="x")\nItem("other", name="other", text="o")\n')
    result = stack.up(GET + 'Known("k", "mine")\nItem("other", name="other", text="o")\n')
    assert result.ok
    assert set(stack.items) == {"mine", "other"}, "what is read under its own id is let go of"
    assert stack.resource("k")["external"] is True
    stack.up('Item("m", name="second")\n')
    stack.up(GET + 'Known("m", "mine")\n')
    assert set(stack.items) == {"mine"}, "what is read is another one: the managed one goes"
