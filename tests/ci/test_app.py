"""The command line as a whole: what is listed, what is imported, what becomes of errors."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from tests.ci.conftest import Penstock

from penstock_ci import app as application
from penstock_ci.errors import Failure, UserError

HEAVY = (
    "boto3",
    "botocore",
    "pulumi",
    "pandas",
    "pydantic",
    "rich",
    "cookiecutter",
    "starlette",
    "penstock_cloud",
    "penstock_deploy",
)
VERBS = [name for section in application.VERBS.values() for name in section]


def test_help_lists_every_verb_of_the_issue(penstock: Penstock) -> None:
    listed = penstock("--help").out
    words = (
        "doctor bootstrap cloud preview up destroy outputs new build pipeline train review approve reject deploy rollback "
        "predict drift status logs report ci"
    )
    for verb in words.split(" "):
        assert f"\n  {verb} " in listed


def test_help_imports_nothing_heavy() -> None:
    program = (
        "import sys\nsys.argv = ['penstock', '--help']\nfrom penstock_ci.app import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"


def commands() -> list[list[str]]:
    """Every command, groups' members one by one."""
    from typer.main import get_command

    root = get_command(application.app)
    found: list[list[str]] = []
    for verb in VERBS:
        if verb == "demo":
            continue
        command = root.get_command(None, verb)  # type: ignore[union-attr, arg-type]
        members = getattr(command, "commands", None)
        found += [[verb, name] for name in members] if members else [[verb]]
    return found


@pytest.mark.parametrize("command", commands(), ids=" ".join)
def test_every_command_has_help_with_an_example(penstock: Penstock, command: list[str]) -> None:
    shown = penstock(*command, "--help")
    assert shown.code == 0
    assert "Example" in shown.out
    assert f"penstock {' '.join(command)}" in shown.out.split("Example", 1)[1]


def test_an_unknown_verb_gets_the_nearest_one(penstock: Penstock) -> None:
    outcome = penstock("stauts")
    assert outcome.code == 2
    assert "did you mean 'status'?" in outcome.err


def test_an_unknown_option_gets_the_nearest_one(penstock: Penstock) -> None:
    outcome = penstock("train", "--smal")
    assert outcome.code == 2
    assert "--small" in outcome.err


def raising(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    """Let `penstock doctor` run into an error."""
    from penstock_ci import diagnosis

    def fail(**arguments: object) -> None:
        raise error

    monkeypatch.setattr(diagnosis, "examine", fail)


def test_a_users_mistake_is_cause_and_fix(penstock: Penstock, monkeypatch: pytest.MonkeyPatch) -> None:
    raising(monkeypatch, UserError("the sky is green", "look again"))
    outcome = penstock("doctor")
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err == "error: the sky is green\n  fix: look again\n"


def test_with_json_an_error_is_the_one_document(penstock: Penstock, monkeypatch: pytest.MonkeyPatch) -> None:
    raising(monkeypatch, Failure("the job failed", "read its log", detail="line one\nline two"))
    outcome = penstock("doctor", "--json")
    assert outcome.code == 1
    assert outcome.document == {
        "ok": False,
        "error": {"message": "the job failed", "fix": "read its log", "detail": "line one\nline two"},
    }
    assert "  | line two" in outcome.err


def test_json_of_one_command_does_not_linger(penstock: Penstock, monkeypatch: pytest.MonkeyPatch) -> None:
    raising(monkeypatch, UserError("no"))
    penstock("doctor", "--json")
    assert penstock("doctor").out == ""


def test_a_defect_is_one_line_unless_debugging(penstock: Penstock, monkeypatch: pytest.MonkeyPatch) -> None:
    raising(monkeypatch, ZeroDivisionError("division by zero"))
    outcome = penstock("doctor")
    assert outcome.code == 1
    assert "internal error: ZeroDivisionError: division by zero" in outcome.err
    assert "Traceback" not in outcome.err
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "from penstock_ci import diagnosis, app\ndiagnosis.examine = None\napp.main()",
            "doctor",
        ],
        capture_output=True,
        text=True,
        env={"PENSTOCK_DEBUG": "1", "PATH": ""},
        check=False,
    )
    assert "Traceback" in done.stderr


def test_an_interruption_has_its_own_code(penstock: Penstock, monkeypatch: pytest.MonkeyPatch) -> None:
    raising(monkeypatch, KeyboardInterrupt())
    outcome = penstock("doctor")
    assert outcome.code == 130
    assert outcome.err.endswith("interrupted\n")


def test_version(penstock: Penstock) -> None:
    from importlib.metadata import version

    assert penstock("--version").out == f"penstock {version('penstock')}\n"


def test_python_m_runs_the_same_command() -> None:
    done = subprocess.run([sys.executable, "-m", "penstock_ci", "--help"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("Usage: penstock ")


def test_stdout_that_closes_early_is_no_traceback() -> None:
    done = subprocess.run(
        f"{sys.executable} -m penstock_ci --help | head -1", shell=True, capture_output=True, text=True, check=False
    )
    assert "Traceback" not in done.stderr


def test_doctor_names_what_it_looked_at(penstock: Penstock) -> None:
    outcome = penstock("doctor", "--json")
    found = {finding["subject"]: finding for finding in outcome.document["findings"]}
    assert {"python", "system", "uv", "git", "act", "namespaces", "disk", "state folder", "local cloud"} == set(found)
    assert found["python"]["status"] == "ok"
    assert outcome.document["next"]
    assert all(finding["fix"] for finding in found.values() if finding["status"] == "missing")


def test_doctor_on_a_machine_without_tools(penstock: Penstock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    outcome = penstock("doctor", "--aws", "--json")
    assert outcome.code == 1
    found = {finding["subject"]: finding["status"] for finding in outcome.document["findings"]}
    assert (found["git"], found["pulumi"], found["docker"]) == ("missing", "missing", "note")
    assert json.loads(outcome.out)["ok"] is False
