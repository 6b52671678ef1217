"""`pulumilocal config`."""

from __future__ import annotations

import pytest
import yaml

from penstock_deploy.state.secrets import PassphraseSecrets

PASSPHRASE = "correct horse"


def content(pulumilocal) -> dict:
    return yaml.safe_load(pulumilocal.file.read_text())


def test_set_get_list_and_rm(pulumilocal) -> None:
    pulumilocal("config", "set", "place", "here")
    pulumilocal("config", "set", "aws:region", "us-east-1")
    pulumilocal("config", "set", "size", "3")
    assert content(pulumilocal)["config"] == {"app:place": "here", "aws:region": "us-east-1", "app:size": "3"}
    assert pulumilocal("config", "get", "place") == "here\n"
    assert pulumilocal("config", "get", "app:config:place") == "here\n"
    assert pulumilocal("config").splitlines() == [
        "KEY         VALUE", "place       here", "size        3", "aws:region  us-east-1"
    ]  # fmt: skip
    pulumilocal("config", "rm", "place")
    assert "app:place" not in content(pulumilocal)["config"]
    pulumilocal("config", "get", "place", code=1)
    assert "configuration key 'place' not found for stack 'dev'" in pulumilocal.err


def test_secrets_are_as_pulumi_keeps_them(pulumilocal) -> None:
    pulumilocal("config", "set", "--secret", "word", "xyzzy")
    file = content(pulumilocal)
    assert "xyzzy" not in pulumilocal.file.read_text()
    assert set(file["config"]["app:word"]) == {"secure"}
    assert (
        PassphraseSecrets(PASSPHRASE, file["encryptionsalt"]).decrypt(file["config"]["app:word"]["secure"]) == "xyzzy"
    )
    assert "word  [secret]" in pulumilocal("config")
    assert "word  xyzzy" in pulumilocal("config", "--show-secrets")
    assert pulumilocal("config", "get", "word") == "xyzzy\n"
    assert pulumilocal.json("config", "--json") == {"app:word": {"secret": True}}
    assert pulumilocal.json("config", "--json", "--show-secrets")["app:word"]["value"] == "xyzzy"


def test_secrets_reach_the_program_as_secrets(pulumilocal) -> None:
    pulumilocal("config", "set", "--secret", "word", "xyzzy")
    pulumilocal("config", "set", "--secret", "--path", "deep.word", "plugh")
    pulumilocal.stack.write(
        'pulumi.export("word", pulumi.Config().require_secret("word"))\n'
        'pulumi.export("deep", pulumi.Config().require_secret_object("deep"))\n'
    )
    shown = pulumilocal("up", "--yes", "--skip-preview")
    assert "xyzzy" not in shown
    assert "plugh" not in shown
    assert pulumilocal.json("stack", "output", "--json", "--show-secrets") == {
        "word": "xyzzy",
        "deep": {"word": "plugh"},
    }


def test_another_stacks_secrets_are_encrypted_with_its_own_salt(pulumilocal) -> None:
    pulumilocal("config", "set", "--secret", "word", "xyzzy")
    pulumilocal("stack", "init", "other", "--copy-config-from", "dev")
    assert pulumilocal("config", "get", "word", "-s", "other") == "xyzzy\n"


def test_paths(pulumilocal) -> None:
    for key, value in (("names[0]", "a"), ("names[1]", "b"), ("outer.inner", "7"), ('["dotted.name"]["x.y"]', "true")):
        pulumilocal("config", "set", "--path", key, value)
    assert content(pulumilocal)["config"] == {
        "app:names": ["a", "b"],
        "app:outer": {"inner": 7},
        "app:dotted.name": {"x.y": True},
    }
    assert pulumilocal("config", "get", "--path", "names[1]") == "b\n"
    pulumilocal("config", "rm", "--path", "names[0]")
    assert content(pulumilocal)["config"]["app:names"] == ["b"]
    pulumilocal("config", "set", "--path", "names[5]", "x", code=1)
    assert "array index out of range" in pulumilocal.err


def test_values_from_the_standard_input(pulumilocal) -> None:
    pulumilocal("config", "set", "text", stdin="one\ntwo\n")
    assert content(pulumilocal)["config"]["app:text"] == "one\ntwo"


def test_types(pulumilocal) -> None:
    pulumilocal("config", "set", "--type", "int", "n", "5")
    assert content(pulumilocal)["config"]["app:n"] == 5
    pulumilocal("config", "set", "--type", "int", "n", "five", code=2)
    pulumilocal("config", "set", "--type", "colour", "n", "5", code=2)


def test_the_projects_own_values_are_listed(pulumilocal) -> None:
    (pulumilocal.stack.directory / "Pulumi.yaml").write_text(
        "name: app\nruntime: python\nconfig:\n  size: {type: integer, default: 3}\n"
    )
    assert "size  3" in pulumilocal("config")


@pytest.mark.parametrize("key", ["a:b:c", ":", "a:"])
def test_a_key_that_is_none(pulumilocal, key: str) -> None:
    pulumilocal("config", "set", key, "x", code=2)
    assert "invalid configuration key" in pulumilocal.err


def test_a_file_that_leaves_out_the_namespace(pulumilocal) -> None:
    pulumilocal.file.write_text("config:\n  place: here\n")
    pulumilocal("config", "set", "place", "there")
    assert content(pulumilocal)["config"] == {"place": "there"}
