"""`pulumilocal stack`: making, choosing, looking at and removing stacks."""

from __future__ import annotations

import datetime
import json
from pathlib import Path

import pytest
import yaml

from penstock_deploy.cli.stacks import ago

PROGRAM = """
a = Item("a", name="a", hidden=pulumi.Output.secret("xyzzy"))
pulumi.export("path", "p")
pulumi.export("word", pulumi.Output.secret("xyzzy"))
pulumi.export("list", [1, 2])
"""


def test_init_makes_what_pulumi_makes(command) -> None:
    assert command("stack", "init", "dev") == "Created stack 'dev'\n"
    document = json.loads(command.stack.state_path.read_text())
    assert document["checkpoint"]["stack"] == "organization/app/dev"
    salt = document["checkpoint"]["latest"]["secrets_providers"]["state"]["salt"]
    assert not command.file.exists()
    command("config", "set", "--secret", "word", "xyzzy")
    assert yaml.safe_load(command.file.read_text())["encryptionsalt"] == salt
    command("stack", "init", "dev", code=1)
    assert "stack 'organization/app/dev' already exists" in command.err
    command("stack", "init", code=2)
    command("stack", "init", "x", "-s", "y", code=2)
    command("stack", "init", "x", "--secrets-provider", "awskms://k", code=2)


def test_the_selection_is_kept_where_pulumi_keeps_it(command, monkeypatch: pytest.MonkeyPatch) -> None:
    command("stack", "init", "dev")
    command("stack", "init", "organization/app/other")
    home = Path(command.stack.environment["HOME"]) / ".pulumi/workspaces"
    (file,) = home.iterdir()
    assert file.name.startswith("app-")
    assert json.loads(file.read_text())["stacks"] == {
        command.stack.environment["PULUMI_BACKEND_URL"]: "organization/app/other"
    }
    assert command("stack", "--show-name") == "other\n"
    command("stack", "select", "dev")
    assert command("stack", "--show-name") == "dev\n"
    monkeypatch.setenv("PULUMI_STACK", "other")
    assert command("stack", "--show-name") == "other\n"
    monkeypatch.delenv("PULUMI_STACK")
    command("stack", "unselect")
    assert list(home.iterdir()) == []
    command("stack", code=1)
    assert "no stack selected" in command.err
    command("stack", "select", code=6)


def test_a_selection_that_an_older_pulumi_wrote(pulumilocal) -> None:
    (file,) = (Path(pulumilocal.stack.environment["HOME"]) / ".pulumi/workspaces").iterdir()
    file.write_text(json.dumps({"stack": "organization/app/dev"}))
    assert pulumilocal("stack", "--show-name") == "dev\n"


def test_a_stack_that_is_not_there(pulumilocal) -> None:
    for words in (
        ("stack", "select", "no"),
        ("stack", "-s", "no"),
        ("stack", "output", "-s", "no"),
        ("preview", "-s", "no"),
    ):
        pulumilocal(*words, code=6)
        assert "no stack named 'no' found" in pulumilocal.err
    pulumilocal("stack", "select", "made", "--create")
    assert pulumilocal("stack", "--show-name") == "made\n"
    pulumilocal("stack", "select", "other/app/dev", code=2)
    pulumilocal("stack", "select", "organization/elsewhere/dev", code=1)


def test_ls(pulumilocal) -> None:
    pulumilocal("stack", "init", "other", "--no-select")
    lines = pulumilocal("stack", "ls").splitlines()
    assert lines[0].split() == ["NAME", "LAST", "UPDATE", "RESOURCE", "COUNT"]
    assert lines[1].startswith("dev*")
    assert lines[1].endswith("0")
    found = pulumilocal.json("stack", "ls", "--json")
    assert [(item["name"], item["current"], item["resourceCount"]) for item in found] == [
        ("dev", True, 0),
        ("other", False, 0),
    ]
    assert {item["name"] for item in pulumilocal.json("stack", "ls", "--all", "-j")} == {"dev", "other"}


def test_outputs(pulumilocal) -> None:
    pulumilocal.stack.up(PROGRAM)
    assert pulumilocal("stack", "output").splitlines() == [
        "Current stack outputs (3):", "    OUTPUT  VALUE", "    list    [1,2]", "    path    p", "    word    [secret]"
    ]  # fmt: skip
    assert pulumilocal("stack", "output", "path") == "p\n"
    assert pulumilocal("stack", "output", "word", "--show-secrets") == "xyzzy\n"
    assert pulumilocal.json("stack", "output", "-j") == {"list": [1, 2], "path": "p", "word": "[secret]"}
    assert pulumilocal("stack", "output", "--shell").splitlines() == ["list='[1,2]'", "path=p", "word='[secret]'"]
    pulumilocal("stack", "output", "none", code=1)
    assert "current stack does not have output property 'none'" in pulumilocal.err


def test_the_stack_as_a_tree(pulumilocal) -> None:
    pulumilocal.stack.up(PROGRAM)
    shown = pulumilocal("stack", "--show-urns", "--show-ids")
    assert shown.startswith("Current stack is dev:")
    assert "Current stack resources (3):" in shown
    assert "├─ folder:index:Item" in shown or "└─ folder:index:Item" in shown
    assert "URN: urn:pulumi:dev::app::folder:index:Item::a" in shown
    assert "ID: a" in shown
    assert "xyzzy" not in shown


def test_export_and_import(pulumilocal, tmp_path: Path) -> None:
    pulumilocal.stack.up(PROGRAM)
    exported = pulumilocal("stack", "export")
    assert "xyzzy" not in exported
    assert json.loads(exported)["version"] == 3
    assert "xyzzy" in pulumilocal("stack", "export", "--show-secrets")
    file = tmp_path / "state.json"
    pulumilocal("stack", "export", "--file", str(file))
    assert file.read_text() == exported
    pulumilocal.stack.run("destroy")
    assert pulumilocal("stack", "import", "--file", str(file)) == "Import complete.\n"
    assert pulumilocal("stack", "export") == exported
    assert pulumilocal("stack", "import", stdin=exported) == "Import complete.\n"
    pulumilocal("stack", "import", code=1, stdin="{")
    assert "not a JSON document" in pulumilocal.err
    pulumilocal("stack", "import", "--file", str(tmp_path / "none"), code=1)


def test_rm(pulumilocal) -> None:
    pulumilocal.stack.up(PROGRAM)
    pulumilocal("config", "set", "place", "here")
    pulumilocal("stack", "rm", "dev", code=2)
    assert "non-interactive mode requires --yes" in pulumilocal.err
    pulumilocal("stack", "rm", "dev", "--yes", code=1)
    assert "'dev' still has resources; removal rejected" in pulumilocal.err
    assert pulumilocal.stack.state_path.exists()
    pulumilocal("stack", "rm", "dev", "--yes", "--force", "--preserve-config")
    assert pulumilocal.file.exists()
    assert not pulumilocal.stack.state_path.exists()
    pulumilocal("stack", "init", "dev")
    pulumilocal("config", "set", "place", "here")
    assert pulumilocal("stack", "rm", "-y") == "Stack 'dev' has been removed!\n"
    assert not pulumilocal.file.exists()
    pulumilocal("stack", code=1)


def test_cancel_takes_the_lock_away(pulumilocal) -> None:
    lock = pulumilocal.stack.state_path.parents[2] / "locks/organization/app/dev/x.json"
    lock.parent.mkdir(parents=True, exist_ok=True)
    lock.write_text(json.dumps({"pid": 1, "hostname": "elsewhere", "username": "u", "timestamp": "t"}))
    pulumilocal("up", "-y", "-f", code=1)
    assert "is locked by process 1" in pulumilocal.err
    assert "`pulumilocal cancel`" in pulumilocal.err
    assert pulumilocal("cancel", "-y") == "The currently running update for 'dev' has been canceled!\n"
    pulumilocal.stack.write("pass\n")
    pulumilocal("up", "-y", "-f")


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(0, "now"), (1, "1 second ago"), (150, "2 minutes ago"), (7200, "2 hours ago"), (86400 * 8, "1 week ago")],
)
def test_how_long_ago(seconds: int, told: str) -> None:
    now = datetime.datetime(2026, 5, 1, 12, tzinfo=datetime.UTC)
    then = now - datetime.timedelta(seconds=seconds)
    assert ago(then.isoformat(), now) == told
    assert ago("nonsense") == "n/a"
