"""States that Pulumi's CLI wrote come in, and go out as it reads them. The recorded states are of its documented format.

`whole.json` is what `pulumi stack export` prints, `plaintext.json` the same with `--show-secrets`, `interrupted.json`
what a killed `pulumi up` leaves. The last test runs the CLI itself where there is one.
"""

from __future__ import annotations

import copy
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from folder_stack import Stack

from penstock_deploy import DeploymentError, interchange
from penstock_deploy.state.backend import Backend, StackFiles
from penstock_deploy.values import Secret

RECORDED = Path(__file__).with_name("test_interchange_states")
SIGNATURE = "4dabf18193072939515e22adb298388d"


def recorded(name: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((RECORDED / f"{name}.json").read_text())
    return document


@pytest.fixture
def files(tmp_path: Path) -> StackFiles:
    return Backend(f"file://{tmp_path}", "recorded").stack("app", "dev")


def carried_on(files: StackFiles, *, show_secrets: bool = False) -> dict[str, Any]:
    """The deployment after the engine has read the state and written it, as any of its operations does."""
    from penstock_deploy.state.backend import StateKeeper

    keeper = StateKeeper(files, dry=False)
    keeper.open()
    keeper.restate(keeper.snapshot.base[0], modified="2026-12-01T00:00:00Z")
    keeper.close()
    document = interchange.export(files, show_secrets=show_secrets)
    document["deployment"]["resources"][0]["modified"] = "2026-11-02T09:14:05.1Z"
    return document


def test_what_the_cli_exports_goes_out_as_it_came(files: StackFiles) -> None:
    assert interchange.admit(recorded("whole"), files) == []
    assert interchange.export(files) == recorded("whole")


def test_the_engine_keeps_every_field(files: StackFiles) -> None:
    document = recorded("whole")
    document["deployment"]["extensions"] = {"of a later Pulumi": {"x": [1]}}
    interchange.admit(document, files)
    # Compared with the secrets in clear: the same secret in two places may be encrypted once.
    after, before = carried_on(files, show_secrets=True)["deployment"], recorded("plaintext")["deployment"]
    assert interchange.integrity_error(after) == ""
    assert after["secrets_providers"] == before["secrets_providers"]
    assert after["extensions"] == {"of a later Pulumi": {"x": [1]}}
    for new, old in zip(after["resources"], before["resources"], strict=True):
        # What is empty may be left out, as the CLI does itself.
        assert {k: v for k, v in new.items() if v not in ({}, [])} == {
            k: v for k, v in old.items() if v not in ({}, [])
        }


def test_what_is_known_of_a_resource(files: StackFiles) -> None:
    interchange.admit(recorded("whole"), files)
    states = {item.urn.rsplit("::", 1)[1]: item for item in files.load()[0].resources() if not item.delete}
    a, b = states["a"], states["b"]
    assert a.inputs["hidden"] == Secret({"k": Secret("inner"), "n": 1})
    assert (a.protect, a.custom_timeouts, a.additional_secret_outputs) == (
        True,
        {"create": 90, "delete": 600},
        ["hidden"],
    )
    assert (b.deleted_with, b.retain_on_delete) == (a.urn, True)
    assert b.provider.endswith("::west::66666666-7777-8888-9999-000000000000")
    assert states["app-dev"].outputs["token"] == Secret("xyzzy")
    assert states["c"].init_errors == ["c did not settle"]
    assert states["d"].external


def test_secrets_in_clear(files: StackFiles) -> None:
    interchange.admit(recorded("whole"), files)
    assert interchange.export(files, show_secrets=True) == recorded("plaintext")


def test_a_state_with_secrets_in_clear_is_encrypted(files: StackFiles) -> None:
    assert "xyzzy" in json.dumps(recorded("plaintext"))
    interchange.admit(recorded("plaintext"), files)
    for path in files.backend.root.rglob("*"):
        assert not path.is_file() or b"xyzzy" not in path.read_bytes()
    states = {item.urn.rsplit("::", 1)[1]: item for item in files.load()[0].resources() if not item.delete}
    assert states["a"].inputs["hidden"] == Secret({"k": Secret("inner"), "n": 1})
    assert states["app-dev"].outputs["token"] == Secret("xyzzy")


def test_a_secret_within_a_secret_is_written_as_the_cli_reads_it(files: StackFiles) -> None:
    """The outer one is encrypted; the inner one carries its JSON as `ciphertext`, which no key opens a second time."""
    interchange.admit(recorded("whole"), files)
    _, secrets, _ = files.load()
    sealed = secrets.seal(Secret({"fresh": Secret("inner")}))
    assert json.loads(secrets.decrypt(sealed["ciphertext"]))["fresh"]["ciphertext"] == '"inner"'
    assert secrets.unseal(sealed) == Secret({"fresh": Secret("inner")})


def test_pending_operations_go_with_a_warning(files: StackFiles) -> None:
    warnings = interchange.admit(recorded("interrupted"), files)
    assert [warning.split("'")[1] for warning in warnings] == ["creating", "updating"]
    exported = interchange.export(files)["deployment"]
    assert "pending_operations" not in exported
    assert exported["metadata"] == recorded("interrupted")["deployment"]["metadata"]


def test_pending_operations_in_the_backend_are_read_and_written(files: StackFiles) -> None:
    """A killed `pulumi up` leaves them in the state file itself; `export` shows them, as the CLI's does."""
    files.path.parent.mkdir(parents=True)
    document = {
        "version": 3,
        "checkpoint": {"stack": "organization/app/dev", "latest": recorded("interrupted")["deployment"]},
    }
    files.path.write_text(json.dumps(document))
    pending = files.load()[0].pending
    assert [(item.type, item.resource.urn.rsplit("::", 1)[1]) for item in pending] == [
        ("creating", "e"),
        ("updating", "a"),
    ]
    after = carried_on(files)["deployment"]["pending_operations"]
    assert [item["type"] for item in after] == ["creating", "updating"]
    assert interchange.export(files)["deployment"]["pending_operations"][0]["resource"]["urn"].endswith("::e")


def at(document: dict[str, Any], index: int) -> dict[str, Any]:
    item: dict[str, Any] = document["deployment"]["resources"][index]
    return item


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.update(version=2), "version 2 of a deployment"),
        (lambda d: d.update(version=9), "version 9 of a deployment"),
        (lambda d: d.update(version=4, features=["hooks", "taint"]), "the features hooks, taint"),
        (lambda d: d.pop("deployment"), "this is no deployment"),
        (lambda d: at(d, 3).update(taint=True), "a tainted resource"),
        (lambda d: at(d, 3).update(resourceHooks={"beforeCreate": ["h"]}), "a resource with hooks"),
        (lambda d: at(d, 3).update(viewOf="urn:x"), "a resource view"),
        (lambda d: at(d, 3).update(replaceWith=["urn:x"]), "replaceWith"),
        (lambda d: at(d, 3).update(refreshBeforeUpdate=True), "refreshBeforeUpdate"),
        (lambda d: d["deployment"].update(snippets=[{"uuid": "x"}]), "snippets"),
        (lambda d: d["deployment"].update(secrets_providers={"type": "service", "state": {}}), "secrets provider 'service'"),
        (lambda d: d["deployment"]["secrets_providers"]["state"].update(salt="v2:QUFB:y"), "unknown version"),
        (lambda d: at(d, 3).pop("urn"), "damaged"),
        (lambda d: d["deployment"].update(resources=["x"]), "damaged"),
        (lambda d: at(d, 0)["outputs"].update(token={SIGNATURE: "1b47061264138c4ac30d75fd1eb44270"}), "malformed secret"),
        (lambda d: at(d, 0)["outputs"]["token"].update(ciphertext="v1:AAAA:AAAA"), "secret"),
    ],
)  # fmt: skip
def test_what_cannot_be_carried_on_is_refused_and_changes_nothing(files: StackFiles, change: Any, message: str) -> None:
    interchange.admit(recorded("whole"), files)
    before = files.path.read_bytes()
    document = copy.deepcopy(recorded("whole"))
    change(document)
    with pytest.raises(DeploymentError, match=message):
        interchange.admit(document, files, force=True)
    assert files.path.read_bytes() == before


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d["deployment"]["manifest"].update(magic="x"), "magic cookie mismatch"),
        (lambda d: at(d, 3).update(urn=at(d, 3)["urn"].replace(":dev:", ":prod:")), "from a different stack"),
        (lambda d: at(d, 3).update(parent="urn:pulumi:dev::app::x:y:Z::none"), "parent .* is missing"),
        (lambda d: at(d, 3).update(dependencies=[at(d, 5)["urn"]]), "dependency .* comes after it"),
        (lambda d: at(d, 3).update(propertyDependencies={"name": ["urn:none"]}), "property dependency"),
        (lambda d: at(d, 5).update(deletedWith="urn:none"), "deletedWith urn:none is missing"),
        (lambda d: at(d, 3).update(provider="urn:pulumi:dev::app::pulumi:providers:folder::none::id"), "unknown provider"),
        (lambda d: at(d, 7).pop("delete"), "duplicate resource"),
        (lambda d: at(d, 4).update(id="x"), "'custom false"),
    ],
)  # fmt: skip
def test_what_is_not_sound_needs_force(files: StackFiles, change: Any, message: str) -> None:
    document = copy.deepcopy(recorded("whole"))
    change(document)
    with pytest.raises(DeploymentError, match=f"(?s){message}.*rerun with --force"):
        interchange.admit(document, files)
    assert not files.exists()
    assert interchange.admit(document, files, force=True)
    assert files.exists()


def test_another_passphrase(tmp_path: Path) -> None:
    with pytest.raises(DeploymentError, match="incorrect passphrase"):
        interchange.admit(recorded("whole"), Backend(f"file://{tmp_path}", "other").stack("app", "dev"))


def test_a_stack_that_is_locked(files: StackFiles) -> None:
    other = Backend(f"file://{files.backend.root.parent}", "recorded").stack("app", "dev")
    other.backend.prepare()
    other.lock.acquire()
    try:
        with pytest.raises(DeploymentError, match="is locked"):
            interchange.admit(recorded("whole"), files)
    finally:
        other.lock.release()


PROGRAMS = {
    "options": """
        p = Provider("west", where="west")
        class Group(pulumi.ComponentResource):
            def __init__(self, name):
                super().__init__("app:index:Group", name)
                self.inner = Item("inner", text="x", opts=pulumi.ResourceOptions(parent=self, provider=p))
        a = Item("a", hidden=pulumi.Output.secret({"k": pulumi.Output.secret("inner")}), opts=pulumi.ResourceOptions(
            custom_timeouts=pulumi.CustomTimeouts(create="1m"), additional_secret_outputs=["path"],
            aliases=[pulumi.Alias(name="former")], protect=False))
        Item("b", of=a.path, opts=pulumi.ResourceOptions(deleted_with=a, retain_on_delete=True, depends_on=[a]))
        Group("g")
        pulumi.export("token", pulumi.Output.secret("xyzzy"))
    """,
    "nothing": "pass",
}


@pytest.mark.parametrize("program", PROGRAMS)
def test_what_the_engine_writes_passes_pulumis_own_check(stack: Stack, program: str) -> None:
    stack.up(PROGRAMS[program])
    files = Backend(stack.environment["PULUMI_BACKEND_URL"], "correct horse").stack("app", "dev")
    assert interchange.integrity_error(interchange.export(files)["deployment"]) == ""


def test_what_a_failed_update_leaves_passes_pulumis_own_check(stack: Stack) -> None:
    stack.up('a = Item("a", name="a")\nItem("b", name="b", opts=pulumi.ResourceOptions(depends_on=[a]))\n')
    for program in (
        'a = Item("a", name="a", text="2")\nItem("c", fail="create", opts=pulumi.ResourceOptions(depends_on=[a]))\n',
        'a = Item("a", name="a2")\nItem("b", name="b", fail="update", opts=pulumi.ResourceOptions(depends_on=[a]))\n',
        'raise SystemExit("no")\n',
    ):
        assert not stack.write(program).run("up").ok
        files = Backend(stack.environment["PULUMI_BACKEND_URL"], "correct horse").stack("app", "dev")
        assert interchange.integrity_error(interchange.export(files)["deployment"]) == "", program


def test_an_exported_stack_goes_on_where_it_was(stack: Stack) -> None:
    program = 'Item("a", name="a", hidden=pulumi.Output.secret("xyzzy"))\npulumi.export("x", 1)\n'
    stack.up(program)
    files = Backend(stack.environment["PULUMI_BACKEND_URL"], "correct horse").stack("app", "dev")
    document = json.loads(interchange.text(interchange.export(files)))
    files.remove()
    interchange.admit(document, files)
    assert not stack.up().has_changes
    assert stack.run("destroy").ok


@pytest.mark.pulumi
@pytest.mark.skipif(shutil.which("pulumi") is None, reason="the pulumi command is not on PATH")
def test_the_cli_itself(stack: Stack) -> None:
    """What the engine made, the CLI reads, exports, imports and lists; what it imported, the engine goes on with."""
    stack.up(PROGRAMS["options"])
    stack.configure(f"encryptionsalt: {stack.state()['secrets_providers']['state']['salt']}\n")
    environment = {
        **stack.environment,
        "PULUMI_HOME": str(stack.directory / "home"),
        "PULUMI_SKIP_UPDATE_CHECK": "true",
    }

    def pulumi(*words: str, stdin: str = "") -> str:
        done = subprocess.run(
            ["pulumi", *words, "--stack", "dev", "--non-interactive"],
            cwd=stack.directory, env=environment, input=stdin, capture_output=True, text=True, timeout=120,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    exported = pulumi("stack", "export")
    files = Backend(stack.environment["PULUMI_BACKEND_URL"], "correct horse").stack("app", "dev")
    assert json.loads(exported) == interchange.export(files)
    assert json.loads(pulumi("stack", "output", "--json", "--show-secrets")) == {"token": "xyzzy"}
    pulumi("stack", "import", stdin=exported)
    assert not stack.up().has_changes
    document = json.loads(pulumi("stack", "export", "--show-secrets"))
    pulumi("stack", "import", stdin=json.dumps(document))
    assert not stack.up().has_changes
