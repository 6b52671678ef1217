"""`pulumilocal up`, `preview`, `refresh`, `destroy`."""

from __future__ import annotations

import json
import os
import signal
import threading
from pathlib import Path

import pytest
import yaml

PROGRAM = 'Item("a", name="a", text="{0}")\nItem("b", name="b")\npulumi.export("x", "{0}")\n'


def test_the_life_of_a_stack(pulumilocal) -> None:
    pulumilocal.stack.write(PROGRAM.format(1))
    shown = pulumilocal("preview")
    assert shown.startswith("Previewing update (dev):\n")
    assert pulumilocal.stack.items == {}
    shown = pulumilocal("up", "--yes")
    assert shown.index("Previewing update (dev):") < shown.index("Updating (dev):")
    assert set(pulumilocal.stack.items) == {"a", "b"}
    pulumilocal("up", "--yes", "--skip-preview", "--expect-no-changes")
    assert "Previewing" not in pulumilocal.out
    shown = pulumilocal("destroy", "--yes")
    assert shown.index("Previewing destroy (dev):") < shown.index("Destroying (dev):")
    assert "pulumilocal stack rm dev" in shown
    assert pulumilocal.stack.items == {}
    pulumilocal("destroy", "-y", "-f", "--remove")
    assert not pulumilocal.stack.state_path.exists()
    assert not pulumilocal.file.exists()
    pulumilocal("stack", code=1)


def test_another_stack_that_goes_leaves_the_selection(pulumilocal) -> None:
    pulumilocal("stack", "init", "other", "--no-select")
    pulumilocal.stack.write("pass\n")
    pulumilocal("destroy", "-s", "other", "-y", "-f", "--remove")
    assert pulumilocal("stack", "--show-name") == "dev\n"


def test_without_somebody_to_ask(pulumilocal) -> None:
    pulumilocal.stack.write(PROGRAM.format(1))
    for verb in ("up", "destroy", "refresh"):
        pulumilocal(verb, code=2)
        assert "--yes or --skip-preview or --preview-only must be passed in" in pulumilocal.err
    assert pulumilocal.stack.items == {}


@pytest.mark.parametrize(("answers", "done"), [(["no"], False), ([""], False), (["details", "yes"], True)])
def test_asking(pulumilocal, monkeypatch: pytest.MonkeyPatch, answers: list[str], done: bool) -> None:
    pulumilocal.stack.write(PROGRAM.format(1))
    given = iter(answers)
    asked: list[str] = []

    def ask(self: object, question: str) -> str:
        asked.append(question)
        return next(given)

    monkeypatch.setattr("penstock_deploy.cli.terminal.Terminal.ask", ask)
    monkeypatch.setattr(
        "penstock_deploy.cli.terminal.Terminal.__init__",
        lambda self, **_: setattr(self, "interactive", True) or setattr(self, "colour", False),
    )
    pulumilocal("up", code=0 if done else 1)
    assert "Do you want to perform this update?" in asked[0]
    assert bool(pulumilocal.stack.items) is done
    if not done:
        assert "confirmation declined, not proceeding with the up" in pulumilocal.out


def test_changes_that_were_not_expected(pulumilocal) -> None:
    pulumilocal.stack.write(PROGRAM.format(1))
    pulumilocal("preview", "--expect-no-changes", code=7)
    assert "no changes were expected for update but changes were proposed" in pulumilocal.err
    pulumilocal("up", "-y", "-f", "--expect-no-changes", code=7)
    pulumilocal("up", "-y", "-f", "--expect-no-changes")
    (pulumilocal.stack.cloud / "a.json").unlink()
    pulumilocal("refresh", "-y", "--expect-no-changes", code=7)
    assert "no changes were expected for refresh" in pulumilocal.err
    pulumilocal("refresh", "-y", "--expect-no-changes")


def test_refresh_ahead_of_an_update(pulumilocal) -> None:
    pulumilocal.stack.write(PROGRAM.format(1))
    pulumilocal("up", "-y", "-f")
    (pulumilocal.stack.cloud / "a.json").unlink()
    pulumilocal("up", "-y", "-f", "--refresh", "--expect-no-changes", code=7)
    assert set(pulumilocal.stack.items) == {"a", "b"}


def test_targets(pulumilocal) -> None:
    pulumilocal.stack.write(PROGRAM.format(1))
    pulumilocal("up", "-y", "-f", "-t", "**::a")
    assert set(pulumilocal.stack.items) == {"a"}
    pulumilocal("up", "-y", "-f")
    pulumilocal("destroy", "-y", "--target", "urn:pulumi:dev::app::folder:index:Item::b")
    assert set(pulumilocal.stack.items) == {"a"}


def test_one_json_document(pulumilocal) -> None:
    pulumilocal.stack.write(PROGRAM.format(1))
    document = pulumilocal.json("preview", "--json")
    assert document["changeSummary"] == {"create": 3}
    assert {(step["op"], step["urn"].rsplit("::", 1)[1]) for step in document["steps"]} >= {
        ("create", "a"),
        ("create", "b"),
    }
    assert document["duration"] > 0
    assert pulumilocal.json("up", "--yes", "--json")["changeSummary"] == {"create": 3}
    pulumilocal.stack.write(PROGRAM.format(2))
    (step,) = pulumilocal.json("preview", "--json")["steps"]
    assert (step["op"], step["diffReasons"]) == ("update", ["text"])


def test_the_diff_shows_values(pulumilocal) -> None:
    pulumilocal.stack.write(PROGRAM.format(1))
    pulumilocal("up", "-y", "-f")
    pulumilocal.stack.write(PROGRAM.format(2))
    assert '~ text: "1" => "2"' in pulumilocal("preview", "--diff")
    assert "Outputs:" in pulumilocal("preview")
    assert "Outputs:" not in pulumilocal("preview", "--suppress-outputs")


def test_configuration_on_the_command_line_is_saved(pulumilocal) -> None:
    pulumilocal.stack.write('pulumi.export("w", pulumi.Config().require("word"))\n')
    pulumilocal("up", "-y", "-f", "-c", "word=hello", "--config", "aws:region=us-east-1")
    assert yaml.safe_load(pulumilocal.file.read_text())["config"] == {"app:word": "hello", "aws:region": "us-east-1"}
    assert pulumilocal("stack", "output", "w") == "hello\n"
    pulumilocal("up", "-y", "-c", "word", code=2)


def test_a_failure_is_exit_code_1(pulumilocal) -> None:
    pulumilocal.stack.write('Item("a", fail="create")\n')
    pulumilocal("up", "-y", "-f", code=1)
    assert "may not be created" in pulumilocal.out
    pulumilocal("up", "-y", "-p", "0", code=2)


def test_an_interrupt_is_exit_code_8(pulumilocal) -> None:
    pulumilocal.stack.write(
        'a = Item("a", name="a", until=["go"])\nItem("b", name="b", opts=pulumi.ResourceOptions(depends_on=[a]))\n'
    )

    def interrupt() -> None:
        pulumilocal.stack.wait_for_line("create a")
        os.kill(os.getpid(), signal.SIGINT)
        pulumilocal.stack.wait_for_line("told to cancel")
        pulumilocal.stack.log_line("go")

    threading.Thread(target=interrupt, daemon=True).start()
    pulumilocal("up", "-y", "-f", code=8)
    assert "update cancelled" in pulumilocal.err
    assert set(pulumilocal.stack.items) == {"a"}
    pulumilocal("up", "-y", "-f")
    assert set(pulumilocal.stack.items) == {"a", "b"}


def test_another_folder(pulumilocal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    pulumilocal("preview", code=1)
    assert "no Pulumi.yaml project file found" in pulumilocal.err
    pulumilocal.stack.write("pass\n")
    pulumilocal("-C", str(pulumilocal.stack.directory), "preview")
    pulumilocal("preview", "--cwd", str(tmp_path / "none"), code=1)
    below = pulumilocal.stack.directory / "below/deep"
    below.mkdir(parents=True)
    assert pulumilocal("stack", "-C", str(below), "--show-name") == "dev\n"


@pytest.mark.parametrize("name", ["AWS_ENDPOINT_URL", "PULUMI_BACKEND_URL", "PULUMI_CONFIG_PASSPHRASE"])
def test_without_the_local_clouds_environment(pulumilocal, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.delenv(name)
    assert pulumilocal("up", "-y", code=2) == ""
    assert name in pulumilocal.err
    assert "penstock cloud env" in pulumilocal.err


def test_nothing_but_the_local_cloud(pulumilocal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "https://sts.amazonaws.com")
    pulumilocal("up", "-y", code=2)
    assert "not on this machine" in pulumilocal.err


@pytest.mark.parametrize(
    "words",
    [
        ("up", "--exclude", "urn"), ("up", "-d"), ("up", "--policy-pack=x"), ("preview", "--save-plan", "f"),
        ("refresh", "--preview-only"), ("destroy", "--exclude-protected"), ("stack", "export", "--version", "3"),
        ("login",), ("stack", "rename", "x"), ("config", "cp", "-d", "x"), ("import", "aws:s3/bucket:Bucket", "a", "b"),
    ],
)  # fmt: skip
def test_what_is_not_supported_is_refused_by_name(command, words: tuple[str, ...]) -> None:
    command(*words, code=2)
    refused = next(
        word
        for word in reversed(words)
        if word.startswith("-") or len(words) == 1 or word in ("rename", "cp", "import")
    )
    named = "pulumi config cp" if "cp" in words else refused.split("=")[0]
    assert named in command.err
    assert "not supported by Penstock's local engine" in command.err


@pytest.mark.parametrize(
    "words", [("up", "--fo"), ("nothing",), ("stack", "nothing"), ("config", "get"), ("up", "--target")]
)
def test_wrong_use(command, words: tuple[str, ...]) -> None:
    command(*words, code=2)
    assert command.err.startswith("error: ")
    assert "--help" in command.err


def test_the_version_is_pulumis(command) -> None:
    assert command("version").startswith("v3.")


def test_json_stays_on_one_stream(pulumilocal) -> None:
    pulumilocal.stack.write('print("hello")\n')
    json.loads(pulumilocal("up", "-y", "--json"))
