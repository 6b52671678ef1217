"""Dynamic providers: resources whose life is written in the program's own Python, run by Pulumi's own server for them."""

from __future__ import annotations

import json
import os
import textwrap
from pathlib import Path

import psutil
import pytest

from penstock_deploy import Deployment

THING = """
import json
from pathlib import Path

import pulumi
from pulumi import dynamic

FILE = Path("thing.json")


class Provider(dynamic.ResourceProvider):
    serialize_as_secret_always = False

    def check(self, _olds, news):
        if _olds and len(news["items"]) < len(_olds["items"]):
            return dynamic.CheckResult(news, [dynamic.CheckFailure("items", "must not shrink")])
        return dynamic.CheckResult(news, [])

    def diff(self, _id, _olds, _news):
        changed = any(_olds.get(name) != _news[name] for name in ("items", "hidden", "key"))
        return dynamic.DiffResult(changes=changed, replaces=["key"] if _olds["key"] != _news["key"] else [])

    def create(self, props):
        if props["key"] == "bad":
            raise Exception("this key is bad")
        FILE.write_text(json.dumps(props["items"]))
        return dynamic.CreateResult(f"thing-{props['key']}", {**props, "made": "created"})

    def read(self, id_, props):
        items = json.loads(FILE.read_text())
        inputs = {name: value for name, value in props.items() if name != "made"}
        return dynamic.ReadResult(id_, {**props, "items": items}, {**inputs, "items": items})

    def update(self, _id, _olds, _news):
        FILE.write_text(json.dumps(_news["items"]))
        return dynamic.UpdateResult({**_news, "made": "updated"})

    def delete(self, _id, _props):
        FILE.unlink(missing_ok=True)


class Thing(dynamic.Resource, module="test", name="Thing"):
    made: pulumi.Output[str]

    def __init__(self, name, items, key, hidden):
        super().__init__(Provider(), name, {"items": items, "key": key, "hidden": hidden, "made": None})
"""
PROGRAM = """
import pulumi
from thing import Thing

config = pulumi.Config()
thing = Thing("thing", config.require_object("items"), config.get("key") or "one", pulumi.Output.secret("very-hidden"))
pulumi.export("made", thing.made)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "Pulumi.yaml").write_text("name: dynamic\nruntime: python\n")
    (tmp_path / "thing.py").write_text(THING)
    (tmp_path / "__main__.py").write_text(textwrap.dedent(PROGRAM))
    return tmp_path


def deployment(folder: Path, *items: str, key: str = "one") -> Deployment:
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
        "PULUMI_BACKEND_URL": f"file://{folder / 'state'}",
        "PULUMI_CONFIG_PASSPHRASE": "correct horse",
    }
    configuration = {"items": json.dumps(items), "key": key}
    return Deployment(folder, "local", environment=environment, configuration=configuration)


def test_life_of_a_dynamic_resource(folder: Path) -> None:
    file, state = folder / "thing.json", folder / "state/.pulumi/stacks/dynamic/local.json"
    planned = deployment(folder, "a").preview()
    assert planned.ok, planned.errors
    assert planned.counts["create"] == 2
    assert not file.exists(), "a preview makes nothing"
    made = deployment(folder, "a").up()
    assert made.outputs == {"made": "created"}
    assert json.loads(file.read_text()) == ["a"]
    assert "very-hidden" not in state.read_text()
    assert deployment(folder, "a").up().changes == []
    assert deployment(folder, "a").refresh().changes == []

    promised = deployment(folder, "a", "b").preview()
    assert [change["diff"] for change in promised.to_json()["changes"]] == [["items[1]"]]
    assert json.loads(file.read_text()) == ["a"]
    assert deployment(folder, "a", "b").up().outputs == {"made": "updated"}
    assert json.loads(file.read_text()) == ["a", "b"]

    refused = deployment(folder, "a").preview()
    assert not refused.ok
    assert refused.errors[0].endswith("dynamic/test:Thing::thing: items must not shrink")

    file.write_text('["a", "b", "by hand"]')
    assert deployment(folder, "a", "b").refresh().counts["update"] == 1
    assert deployment(folder, "a", "b", "by hand").up().changes == []

    replaced = deployment(folder, "a", "b", "c", key="two").up()
    assert replaced.counts["replace"] == 1
    gone = deployment(folder, "a", "b", "c", key="two").destroy()
    assert gone.ok, gone.errors
    assert not file.exists()
    assert not [
        child for child in psutil.Process().children(recursive=True) if "dynamic_server" in str(child.cmdline())
    ]


def test_what_a_dynamic_provider_raises_is_told(folder: Path) -> None:
    failed = deployment(folder, "a", key="bad").up()
    assert not failed.ok
    assert "this key is bad" in failed.errors[0]
    assert deployment(folder, "a").destroy().ok
