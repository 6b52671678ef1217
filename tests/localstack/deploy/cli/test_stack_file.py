"""Pulumi.<stack>.yaml: edits change what they are about and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from penstock_deploy.cli.failures import CommandError
from penstock_deploy.cli.stack_file import StackFile

COMMENTED = """\
# who owns this: the platform team
config:
  # the place
  aws:region: us-east-1  # as agreed
  app:list:
    - a
    - b

  # the size
  app:size: "3"
# the end
"""


def file(tmp_path: Path, text: str) -> StackFile:
    path = tmp_path / "Pulumi.dev.yaml"
    path.write_text(text)
    return StackFile(path)


def saved(edited: StackFile) -> str:
    edited.save()
    return edited.path.read_text()


def test_a_new_file_is_as_pulumi_writes_it(tmp_path: Path) -> None:
    made = StackFile(tmp_path / "Pulumi.dev.yaml")
    made.set_value("app:name", "x")
    made.set_value("app:size", "3")
    made.set_value("app:flag", "true")
    made.set_value("app:token", {"secure": "v1:abc:def"})
    made.set_value("app:deep", {"list": ["a", {"b": 1, "c": [True]}], "none": {}})
    made.set_salt("v1:salt:proof")
    assert saved(made) == (
        "encryptionsalt: v1:salt:proof\n"
        "config:\n"
        "  app:name: x\n"
        '  app:size: "3"\n'
        '  app:flag: "true"\n'
        "  app:token:\n"
        "    secure: v1:abc:def\n"
        "  app:deep:\n"
        "    list:\n"
        "      - a\n"
        "      - b: 1\n"
        "        c:\n"
        "          - true\n"
        "    none: {}\n"
    )


def test_comments_and_order_stay(tmp_path: Path) -> None:
    edited = file(tmp_path, COMMENTED)
    edited.set_value("aws:region", "eu-west-1")
    edited.set_value("app:new", "n")
    edited.set_value("app:list", ["c"])
    edited.set_salt("v1:s:p")
    assert saved(edited) == (
        "# who owns this: the platform team\n"
        "encryptionsalt: v1:s:p\n"
        "config:\n"
        "  # the place\n"
        "  aws:region: eu-west-1  # as agreed\n"
        "  app:list:\n"
        "    - c\n"
        "\n"
        "  # the size\n"
        '  app:size: "3"\n'
        "  app:new: n\n"
        "# the end\n"
    )
    edited.remove_value("app:list")
    assert "app:list" not in saved(edited)
    assert "# the size" in saved(edited)


def test_the_last_value_takes_the_section_with_it(tmp_path: Path) -> None:
    edited = file(tmp_path, "# head\nencryptionsalt: v1:a:b\nconfig:\n  app:a: 1\n")
    edited.remove_value("app:a")
    assert saved(edited) == "# head\nencryptionsalt: v1:a:b\n"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "config:\n",
        "config: {}\n",
        "config: {app:a: 1}\n",
        "{config: {app:a: 1}, encryptionsalt: v1:x:y}\n",
        "config:\n  app:a: |\n    two\n    lines\n",
        'config:\n    app:a: "x:y"\n    app:b: {secure: v1:a:b}',
        "---\nconfig:\n  app:a:\n    - 1\n# tail: of the file\n",
        "unknown: kept\nconfig:\n  app:a: null\n",
    ],
)
def test_every_style_can_be_edited(tmp_path: Path, text: str) -> None:
    for key in ("app:a", "app:new"):
        for value in ("plain", {"secure": "v1:c:d"}, ["x", 1]):
            edited = file(tmp_path, text)
            before: dict[str, Any] = yaml.safe_load(text) or {}
            edited.set_value(key, value)
            expected = {**before, "config": {**(before.get("config") or {}), key: value}}
            assert yaml.safe_load(saved(edited)) == expected
            edited.set_salt("v1:new:salt")
            assert yaml.safe_load(saved(edited)) == {**expected, "encryptionsalt": "v1:new:salt"}
            edited.remove_value(key)
            assert key not in (yaml.safe_load(saved(edited)).get("config") or {})


LEAVES = st.booleans() | st.integers() | st.text(max_size=12)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(min_size=1, max_size=5), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=60)
@example(edits=[("app:a", [{"\xa0": False}])])
@given(st.lists(st.tuples(st.sampled_from(["app:a", "app:b", "c"]), VALUES | st.none()), max_size=6))
def test_any_edits_leave_what_was_asked(edits: list[tuple[str, Any]]) -> None:
    edited = StackFile(Path("/nonexistent/Pulumi.dev.yaml"))
    expected: dict[str, Any] = {}
    for key, value in edits:
        if value is None:
            edited.remove_value(key)
            expected.pop(key, None)
        else:
            edited.set_value(key, value)
            expected[key] = value
        assert (yaml.safe_load(edited._text) or {}).get("config", {}) == expected


@pytest.mark.parametrize(
    ("text", "message"), [("config: [", "not valid YAML"), ("- a\n", "a mapping"), ("config: 3\n", "a mapping")]
)
def test_a_damaged_file(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(CommandError, match=message):
        file(tmp_path, text)
