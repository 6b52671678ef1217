"""The recipe for adding a resource type is followed to the letter: its example becomes a type that lives a whole life."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.localstack.deploy.round_trip import changed, client, find_again, project, run

from penstock_deploy.plugins.interface import ProviderError
from penstock_deploy.provider import registry, types

TOKEN = "aws:resourcegroups/group:Group"
MODULE = "penstock_deploy.provider.types.resourcegroups"
PROGRAM = """
import pulumi_aws.resourcegroups as groups
def query(kind):
    return {"query": json.dumps({"ResourceTypeFilters": [kind], "TagFilters": [{"Key": "team", "Values": ["ml"]}]})}
group = groups.Group("group", name=f"recipe-{'b' if v == '3' else 'a'}", description=f"group {v}", tags={"v": v},
    resource_query=query("AWS::S3::Bucket" if one else "AWS::SQS::Queue"))
groups.Group("auto", resource_query=query("AWS::AllSupported"))
pulumi.export("arn", group.arn)
"""


@pytest.fixture
def followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The example of the recipe, written where the recipe says: beside the other services' modules."""
    recipe, _, example = (types.__doc__ or "").partition("The whole of it, in `resourcegroups.py`:\n")
    assert TOKEN in recipe
    beside = tmp_path / "types"
    beside.mkdir()
    (beside / "resourcegroups.py").write_text(textwrap.dedent(example))
    monkeypatch.setattr(types, "__path__", [*types.__path__, str(beside)])
    yield
    registry._types.pop(TOKEN, None)
    sys.modules.pop(MODULE, None)


def test_before_it_the_error_names_the_type_and_points_to_the_recipe() -> None:
    with pytest.raises(ProviderError) as caught:
        registry.type_of(TOKEN)
    assert f"does not have the resource type {TOKEN}" in str(caught.value)
    assert "the recipe in penstock_deploy/provider/types/__init__.py" in caught.value.fix


@pytest.mark.cloud
@pytest.mark.usefixtures("followed")
def test_a_type_that_was_added_by_the_recipe(tmp_path: Path, cloud_environment: dict[str, str]) -> None:
    groups = client(cloud_environment, "resource-groups")

    def names() -> set[str]:
        return {group["Name"] for group in groups.list_groups()["Groups"]}

    first = project(tmp_path, cloud_environment, "recipe", PROGRAM)
    try:
        arn = run(first, "up").outputs["arn"]
        assert arn.endswith("recipe-a")
        assert groups.get_tags(Arn=arn)["Tags"] == {"v": "1"}
        for operation in ("up", "refresh", "preview"):
            assert run(first, operation).changes == [], operation
        find_again(first, cloud_environment)

        second = project(tmp_path, cloud_environment, "recipe", PROGRAM, "2")
        assert changed(run(second, "up")) == [("update", "group")]
        assert groups.get_group(GroupName="recipe-a")["Group"]["Description"] == "group 2"
        query = groups.get_group_query(GroupName="recipe-a")["GroupQuery"]["ResourceQuery"]["Query"]
        assert "AWS::SQS::Queue" in query
        groups.update_group(GroupName="recipe-a", Description="by hand")
        drift = run(second, "refresh")
        assert [(change["name"], change["diff"]) for change in drift.changes] == [("group", ["description"])]
        assert changed(run(second, "up")) == [("update", "group")]

        third = project(tmp_path, cloud_environment, "recipe", PROGRAM, "3")
        assert changed(run(third, "up")) == [("replace", "group")]
        assert "recipe-b" in names()
        assert "recipe-a" not in names()
    finally:
        assert first.destroy().ok
    assert not {name for name in names() if name.startswith(("recipe-", "auto-"))}
