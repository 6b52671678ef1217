"""`penstock refresh`, and Pulumi's flags: --target, --target-dependents, --refresh, --diff, --expect-no-changes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pulumi import automation
from pulumi.automation.events import OpType
from tests.ci.conftest import Penstock

from penstock_ci.errors import UserError
from penstock_ci.flags import Flags, flags
from penstock_ci.projects import Project
from penstock_ci.stacks import PulumiStack
from penstock_ci.target import Target

PROGRAM = """\
import pulumi, pulumi_aws as aws
word = "WORD"
first = aws.ssm.Parameter("first", name="/flags/first", type="String", value="x", description=word)
second = first.description.apply(lambda text: text + "!")
aws.ssm.Parameter("second", name="/flags/second", type="String", value="x", description=second)
aws.ssm.Parameter("third", name="/flags/third", type="String", value="x", description=word)
"""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"target": ["urn:pulumi:x"], "everything": True}, "--target and --all contradict each other"),
        ({"target": None, "everything": False, "target_dependents": True}, "--target-dependents needs a --target"),
        ({"target": ["first"], "everything": False}, "--target first: not a URN"),
    ],
)
def test_flags_that_contradict_each_other(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        flags(**arguments)


@pytest.fixture
def words(tmp_path: Path) -> Path:
    """A Pulumi project with three parameters."""
    folder = tmp_path / "words"
    folder.mkdir()
    (folder / "Pulumi.yaml").write_text("name: words\nruntime: python\n")
    (folder / "Pulumi.local.yaml").write_text("config:\n  policy:levels: {required_tags: disabled}\n")
    (folder / "__main__.py").write_text(PROGRAM.replace("WORD", "one"))
    return folder


@pytest.mark.cloud
@pytest.mark.slow
def test_a_project_with_every_flag(penstock: Penstock, words: Path, target: Target) -> None:
    ssm = target.client("ssm")

    def words_there() -> list[str]:
        found = ssm.describe_parameters(
            ParameterFilters=[{"Key": "Name", "Option": "BeginsWith", "Values": ["/flags/"]}]
        )
        return [one["Description"] for one in sorted(found["Parameters"], key=lambda one: one["Name"])]

    assert penstock("up", words, "--expect-no-changes").code == 1
    assert words_there() == [], "refused by its preview, before any step"
    only = penstock("up", words, "--target", "**::first", "--json").document
    assert (only["counts"]["create"], words_there()) == (2, ["one"])
    assert penstock("up", words, "--json").document["counts"]["create"] == 2
    assert penstock("preview", words, "--expect-no-changes").code == 0

    (words / "__main__.py").write_text(PROGRAM.replace("WORD", "two"))
    shown = penstock("preview", words, "--diff", "--target", "**::third")
    assert shown.code == 0, shown.err
    assert '    ~ description: "one" => "two"' in shown.out.splitlines()
    assert "1 to update" in shown.out + shown.err
    with_dependents = ["--target", "**::first", "--target-dependents"]
    assert penstock("up", words, *with_dependents, "--json").document["counts"]["update"] == 2
    assert words_there() == ["two", "two!", "one"]
    assert penstock("up", words, "--json").document["counts"]["update"] == 1

    ssm.put_parameter(Name="/flags/third", Value="x", Description="by hand", Overwrite=True)
    assert penstock("preview", words, "--expect-no-changes").code == 0, "nobody has looked"
    drifted = penstock("preview", words, "--refresh")
    assert "aws:ssm/parameter:Parameter third has drifted [description" in drifted.out + drifted.err
    found = penstock("refresh", words, "--diff", "--expect-no-changes")
    assert found.code == 1
    assert '    ~ description: "two" => "by hand"' in found.out.splitlines()
    assert penstock("refresh", words, "--expect-no-changes").code == 0, "the state has it now"
    assert penstock("up", words, "--json").document["counts"]["update"] == 1
    assert words_there()[2] == "two"

    assert penstock("destroy", words, "--target", "**::third", "--json").document["counts"]["delete"] == 1
    assert words_there() == ["two", "two!"]
    assert penstock("destroy", words, "--json").document["ok"] is True


def test_on_aws_the_cli_is_asked_for_the_same(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked: list[tuple[str, dict[str, Any]]] = []

    def operation(name: str) -> Callable[..., Any]:
        def run(on_event: Callable[[Any], None], **options: Any) -> Any:
            asked.append((name, options))
            metadata = SimpleNamespace(
                op=OpType.UPDATE, urn="urn:x::y", type="t", diffs=None, detailed_diff={"value": None, "tags.a": None},
                old=SimpleNamespace(inputs={"value": "one"}, custom=True, protect=False),
                new=SimpleNamespace(inputs={"value": "two", "tags": {"a": "b"}}, custom=True, protect=False),
            )  # fmt: skip
            names = ("resource_pre_event", "res_outputs_event", "res_op_failed_event", "diagnostic_event")
            happened = dict.fromkeys(names) | {"res_outputs_event": SimpleNamespace(metadata=metadata)}
            on_event(SimpleNamespace(**happened))
            return SimpleNamespace(
                change_summary={OpType.UPDATE: 1}, summary=SimpleNamespace(resource_changes={"update": 1})
            )

        return run

    stack = SimpleNamespace(
        **{name: operation(name) for name in ("preview", "up", "refresh", "destroy")},
        outputs=dict,
        set_config=lambda key, value: None,
    )
    monkeypatch.setattr(automation, "create_or_select_stack", lambda *arguments, **options: stack)
    monkeypatch.setattr(Target, "account", lambda self: "123456789012")
    monkeypatch.setattr("penstock_ci.bootstrap.recorded_stacks", lambda target: None)
    given = Flags(target=("urn:a",), target_dependents=True, refresh=True, expect_no_changes=True)
    opened = PulumiStack(Project("words", tmp_path), Target("aws", "dev", {}, "eu-west-1"), {}, given)
    events: list[dict[str, Any]] = []
    for action in ("preview", "up", "refresh", "destroy"):
        document = opened.run(action, events.append)
        assert (document["ok"], document["errors"]) == (False, ["there are changes, and none were expected"])
    limits = {"target": ["urn:a"], "target_dependents": True}
    assert asked == [
        ("preview", {**limits, "refresh": True}),
        ("up", {**limits, "refresh": True}),
        ("refresh", limits),
        ("destroy", {**limits, "refresh": True}),
    ]
    assert events[0]["detailed_diff"] == {
        "value": {"kind": "update", "old": "one", "new": "two"},
        "tags": {"kind": "add", "new": {"a": "b"}},
    }
