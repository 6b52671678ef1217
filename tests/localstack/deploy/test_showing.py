"""What an operation tells of its changes: values, drift, expectations; and what it never tells."""

from __future__ import annotations

import io

import pytest
from folder_stack import Stack

from penstock_deploy.display import Display
from penstock_deploy.engine.details import details
from penstock_deploy.values import UNKNOWN, Secret


def shown(stack: Stack, operation: str = "preview", **options: object) -> str:
    """What a terminal without colours shows."""
    stream = io.StringIO()
    result = getattr(stack.deployment(), operation)(Display(operation, stream, diff=True), **options)
    assert result.ok, result.errors
    return stream.getvalue()


def test_values_before_and_after() -> None:
    old = {"text": "1", "tags": {"a": "x", "b": "y"}, "rules": [{"id": 1}], "hidden": Secret({"deep": "s3cret"})}
    new = {"text": UNKNOWN, "tags": {"a": "z"}, "rules": [{"id": 2}], "hidden": Secret({"deep": "other"}), "more": 1}
    found = details(old, new, ["text", "tags.a", "tags.b", "rules[0].id", "hidden.deep", "more"])
    assert found == {
        "text": {"kind": "update", "old": "1", "new": "[unknown]"},
        "tags.a": {"kind": "update", "old": "x", "new": "z"},
        "tags.b": {"kind": "delete", "old": "y"},
        "rules[0].id": {"kind": "update", "old": 1, "new": 2},
        "hidden.deep": {"kind": "update", "old": "[secret]", "new": "[secret]"},
        "more": {"kind": "add", "new": 1},
    }
    assert details({}, {"a": 1, "__defaults": []}) == {"a": {"kind": "add", "new": 1}}


def test_a_diff_shows_values_and_no_secret(stack: Stack) -> None:
    program = 'Item("a", name="a", text="{0}", tags={{"x": "{0}"}}, hidden=pulumi.Output.secret("hush{0}"))\n'
    stack.write(program.format("one"))
    assert '     + text: "one"\n' in shown(stack)
    stack.up()
    text = shown(stack.write(program.format("two")))
    assert '     ~ text: "one" => "two"\n' in text
    assert '     ~ tags.x: "one" => "two"\n' in text
    assert '     ~ hidden: "[secret]" => "[secret]"\n' in text
    assert "hush" not in text
    change = stack.run("preview").changes[0]
    assert change["detailed_diff"]["text"] == {"kind": "update", "old": "one", "new": "two"}
    assert "hush" not in str(stack.events)


def test_a_refresh_ahead_tells_drift_apart_from_changes(stack: Stack) -> None:
    stack.up('Item("a", name="a", text="x")\nItem("b", name="b")\nItem("c", name="c")\n')
    (stack.cloud / "a.json").write_text('{"name": "a", "text": "drifted"}')
    (stack.cloud / "b.json").unlink()
    before = stack.state_path.read_text()
    assert not stack.run("preview").has_changes
    preview = stack.deployment().preview(refresh=True)
    assert preview.counts == {"create": 1, "update": 1, "replace": 0, "delete": 0, "same": 2}
    assert sorted((drift["name"], drift["op"]) for drift in preview.drift) == [("a", "update"), ("b", "delete")]
    assert stack.state_path.read_text() == before
    text = shown(stack, refresh=True)
    assert ' < folder:index:Item a has drifted [text]\n     ~ text: "x" => "drifted"\n' in text
    assert " < folder:index:Item b is gone\n" in text
    result = stack.deployment().up(refresh=True)
    assert result.ok
    assert stack.items["a"]["text"] == "x"
    assert set(stack.items) == {"a", "b", "c"}
    assert not stack.deployment().up(refresh=True).drift


def test_a_refresh_ahead_of_a_destroy(stack: Stack) -> None:
    stack.up('Item("a", name="a", fail="delete")\nItem("b", name="b")\n')
    (stack.cloud / "a.json").unlink()
    result = stack.deployment().destroy(refresh=True)
    assert result.ok, result.errors
    assert result.counts["delete"] == 2


@pytest.mark.parametrize("operation", ["preview", "up", "refresh"])
def test_changes_that_were_not_expected(stack: Stack, operation: str) -> None:
    stack.up('Item("a", name="a", text="x")\n')
    run = getattr(stack.deployment(), operation)
    assert run(expect_no_changes=True).ok
    (stack.cloud / "a.json").write_text('{"name": "a", "text": "drifted"}')
    stack.write('Item("a", name="a", text="y")\n')
    result = run(expect_no_changes=True)
    assert not result.ok
    assert result.errors == ["there are changes, and none were expected"]
    assert stack.items["a"]["text"] == ("y" if operation == "up" else "drifted")


def test_secrets_are_not_told_by_whatever_says_them(stack: Stack) -> None:
    result = stack.write("""
    print("the word is correct-battery", flush=True)
    word = pulumi.Output.secret("correct-battery")
    Item("a", name=word, hidden="x", fail="create")
    """).run("up")
    assert not result.ok
    assert "CreateItem: Denied: [secret] may not be created" in result.errors[0]
    assert "correct-battery" not in str(result.to_json())
    assert "correct-battery" not in str([event for event in stack.events if event["kind"] != "output"])


def test_a_secret_of_the_configuration_is_not_even_printed(stack: Stack) -> None:
    from penstock_deploy.state.secrets import PassphraseSecrets

    secrets = PassphraseSecrets("correct horse")
    stack.configure(f"encryptionsalt: {secrets.salt}\nconfig:\n  app:word: {{secure: {secrets.encrypt('xyzzy')}}}\n")
    result = stack.write("""
    word = pulumi.Config().require("word")
    print("it is", word)
    raise ValueError(word)
    """).run("preview")
    assert {"kind": "output", "line": "it is [secret]"} in stack.events
    assert "ValueError: [secret]" in result.errors[0]
    assert "xyzzy" not in str(stack.events)
