"""The state in Pulumi's form: checkpoint, journal, secrets."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import pytest
from folder_stack import Stack
from hypothesis import given
from hypothesis import strategies as st

from penstock_deploy import DeploymentError
from penstock_deploy.state import checkpoint
from penstock_deploy.state.backend import Backend, StateKeeper
from penstock_deploy.state.resource import ResourceState, from_json, to_json
from penstock_deploy.state.secrets import PassphraseSecrets
from penstock_deploy.values import Secret

SECRETS = PassphraseSecrets("pass", PassphraseSecrets("pass").salt)
URN = "urn:pulumi:dev::app::folder:index:Item::{}"

LEAVES = st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.text(max_size=8)
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3) | inner.map(Secret)
    ),
    max_leaves=8,
)


def state(name: str, **fields: Any) -> ResourceState:
    return ResourceState(urn=URN.format(name), type="folder:index:Item", custom=True, id=name, **fields)


@given(st.dictionaries(st.text(min_size=1, max_size=5), VALUES, max_size=4))
def test_sealed_values_open_to_themselves(properties: dict[str, Any]) -> None:
    assert SECRETS.unseal(json.loads(json.dumps(SECRETS.seal(properties)))) == properties


def test_the_form_of_a_checkpoint(stack: Stack) -> None:
    stack.up('Item("a", hidden=pulumi.Output.secret({"k": 1}))\n')
    document = json.loads(stack.state_path.read_text())
    assert document["version"] == 3
    assert document["checkpoint"]["stack"] == "organization/app/dev"
    latest = document["checkpoint"]["latest"]
    assert latest["manifest"]["magic"] == hashlib.sha256(latest["manifest"]["version"].encode()).hexdigest()
    assert latest["secrets_providers"]["type"] == "passphrase"
    hidden = stack.resource("a")["inputs"]["hidden"]
    assert hidden["4dabf18193072939515e22adb298388d"] == "1b47061264138c4ac30d75fd1eb44270"
    salt = latest["secrets_providers"]["state"]["salt"]
    assert PassphraseSecrets("correct horse", salt).decrypt(hidden["ciphertext"]) == '{"k":1}'
    assert (stack.state_path.parents[2] / "meta.yaml").read_text() == "version: 1\n"
    history = list((stack.state_path.parents[2] / "history/app/dev").glob("*.history.json"))
    assert json.loads(history[0].read_text())["result"] == "succeeded"


def test_fields_that_are_not_known_here_are_kept(stack: Stack) -> None:
    stack.up('Item("a", text="x")\n')
    document = json.loads(stack.state_path.read_text())
    for item in document["checkpoint"]["latest"]["resources"]:
        item["sourcePosition"] = "project:///__main__.py#1,1"
    document["checkpoint"]["latest"]["metadata"] = {"integrity_error": None}
    stack.state_path.write_text(json.dumps(document))
    stack.up('Item("a", text="y")\n')
    assert stack.resource("a")["sourcePosition"] == "project:///__main__.py#1,1"
    assert stack.state()["metadata"] == {"integrity_error": None}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.update(version=99), "version 99"),
        (lambda d: d.update(features=["refreshBeforeUpdate"]), "refreshBeforeUpdate"),
        (lambda d: d["checkpoint"]["latest"]["resources"][0].update(viewOf="urn:x"), "a resource view"),
        (lambda d: d["checkpoint"]["latest"]["resources"][0].update(resourceHooks={"beforeCreate": ["h"]}), "hooks"),
        (lambda d: d["checkpoint"]["latest"].update(secrets_providers={"type": "cloud"}), "secrets provider 'cloud'"),
    ],
)
def test_a_state_that_cannot_be_carried_on_is_refused(stack: Stack, change: Any, message: str) -> None:
    stack.up('Item("a")\n')
    document = json.loads(stack.state_path.read_text())
    change(document)
    stack.state_path.write_text(json.dumps(document))
    before = stack.state_path.read_text()
    with pytest.raises(DeploymentError, match=message):
        stack.run("up")
    assert stack.state_path.read_text() == before


def test_json_of_a_resource_and_back() -> None:
    one = state("a", inputs={"x": Secret("s")}, outputs={"y": [1]}, protect=True, custom_timeouts={"create": 60.0})
    content = to_json(one, SECRETS)
    assert "dependencies" not in content
    assert content["customTimeouts"] == {"create": 60.0}
    assert from_json(content, SECRETS) == one


def keeper(tmp_path: Path) -> StateKeeper:
    made = StateKeeper(Backend(f"file://{tmp_path}", "pass").stack("app", "dev"), SECRETS.salt, dry=False)
    made.open()
    return made


def written_by(folder: Path, count: int, monkeypatch: pytest.MonkeyPatch) -> int:
    """How many bytes a deployment of so many resources writes to the disk, journal and checkpoints together."""
    sizes: list[int] = []
    write, write_whole = os.write, checkpoint.write_atomically

    def counted(file: int, data: bytes) -> int:
        sizes.append(len(data))
        return write(file, data)

    def counted_whole(path: Path, content: object, **options: bool) -> None:
        write_whole(path, content, **options)
        sizes.append(path.stat().st_size)

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", counted)
        patched.setattr(checkpoint, "write_atomically", counted_whole)
        one = StateKeeper(Backend(f"file://{folder}", "pass").stack("app", "dev"), SECRETS.salt, dry=False)
        one.open()
        for number in range(count):
            made = state(f"n{number:04}", inputs={"text": "x" * 50})
            one.commit(end=one.begin("creating", made), new=made)
        one.close()
    return sum(sizes)


def test_what_is_written_grows_with_the_resources_not_with_their_square(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    few, many = (written_by(tmp_path / str(count), count, monkeypatch) for count in (50, 500))
    assert 9 < many / few < 11


def crash(one: StateKeeper) -> None:
    """Leave everything as a kill would."""
    assert one._journal is not None
    one._journal.close(remove=False)


def test_the_journal_brings_back_what_a_crash_left(tmp_path: Path) -> None:
    first = keeper(tmp_path)
    a, b, c = state("a"), state("b", inputs={"p": Secret("hidden")}), state("c")
    number = first.begin("creating", a)
    first.commit(end=number, new=a)
    first.commit(new=b)
    first.begin("creating", c)
    crash(first)

    second = keeper(tmp_path)
    assert [item.id for item in second.snapshot.base] == ["a", "b"]
    assert second.snapshot.base[1].inputs["p"] == Secret("hidden")
    assert [(item.type, item.resource.id) for item in second.snapshot.pending] == [("creating", "c")]
    old_a, old_b = second.snapshot.base
    second.commit(new=state("a", outputs={"v": 2}), old=old_a)
    second.commit(old=old_b)
    crash(second)

    third = keeper(tmp_path)
    assert [(item.id, item.outputs) for item in third.snapshot.resources()] == [("a", {"v": 2})]
    third.close()
    assert not third.files.journal_path.exists()
    assert json.loads(third.files.path.read_text())["checkpoint"]["latest"]["resources"][0]["outputs"] == {"v": 2}


def test_every_cut_of_the_journal_is_a_state_that_was(tmp_path: Path) -> None:
    first = keeper(tmp_path)
    for name in "abc":
        number = first.begin("creating", state(name))
        first.commit(end=number, new=state(name))
    crash(first)
    path = first.files.journal_path
    whole = path.read_bytes()
    for length in range(len(whole) + 1):
        path.write_bytes(whole[:length])
        snapshot, _, _ = first.files.load(SECRETS.salt)
        there = [item.id for item in snapshot.resources()]
        assert there == list("abc")[: len(there)]
        assert len(snapshot.pending) <= 1


def test_a_journal_that_a_checkpoint_has_overtaken_is_dropped(tmp_path: Path) -> None:
    first = keeper(tmp_path)
    first.commit(new=state("a"))
    old = first.files.journal_path.read_bytes()
    first.close()
    first.files.journal_path.write_bytes(old)
    snapshot, _, _ = first.files.load()
    assert [item.id for item in snapshot.resources()] == ["a"]


def test_a_condemned_resource_stays_until_it_is_deleted(tmp_path: Path) -> None:
    first = keeper(tmp_path)
    first.commit(new=state("a"))
    first.close()
    second = keeper(tmp_path)
    old = second.snapshot.base[0]
    second.commit(new=state("a2"), condemned=old)
    crash(second)
    snapshot, _, _ = second.files.load()
    assert [(item.id, item.delete) for item in snapshot.resources()] == [("a2", False), ("a", True)]


def test_new_stacks_of_a_backend_share_a_salt(tmp_path: Path) -> None:
    backend = Backend(f"file://{tmp_path}", "pass")
    one = StateKeeper(backend.stack("app", "one"), dry=False)
    one.open()
    one.close()
    assert backend.new_secrets().salt == one.secrets.salt
