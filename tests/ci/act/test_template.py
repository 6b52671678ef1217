"""The model template's workflows: pinned, answered by stand-ins, safe, and clean under zizmor and check-jsonschema."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.ci.act.conftest import MakeRepository

from penstock_ci.act import runner, workflows

TEMPLATE = Path(__file__).parents[3] / "templates" / "model" / "@{{cookiecutter.slug}}"
TOOLS = Path(sys.executable).parent


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The CI part of the template, with its one variable answered."""
    folder = tmp_path_factory.mktemp("rendered")
    files = [TEMPLATE / ".actrc", *(TEMPLATE / ".github").rglob("*"), *(TEMPLATE / ".act").rglob("*")]
    for file in files:
        if file.is_file() and "__pycache__" not in file.parts:
            target = folder / file.relative_to(TEMPLATE)
            target.parent.mkdir(parents=True, exist_ok=True)
            text = file.read_text(encoding="utf-8").replace("@{{ cookiecutter.aws_region }}", "us-east-1")
            assert "@{{" not in text, file
            target.write_text(text, encoding="utf-8")
    subprocess.run(["git", "init", "--quiet", "--initial-branch", "main"], cwd=folder, check=True)
    return folder


def workflow_files(rendered: Path) -> list[Path]:
    return sorted((rendered / ".github" / "workflows").glob("*.yml"))


def jobs(rendered: Path) -> list[tuple[str, dict[str, Any]]]:
    return [
        (f"{file.name}: {name}", job)
        for file in workflow_files(rendered)
        for name, job in yaml.safe_load(file.read_text())["jobs"].items()
    ]


def steps(rendered: Path, job: dict[str, Any]) -> list[dict[str, Any]]:
    """The job's steps, those of the repository's own actions among them."""
    found = []
    for step in job["steps"]:
        found.append(step)
        if step.get("uses", "").startswith("./"):
            found += yaml.safe_load((rendered / step["uses"] / "action.yml").read_text())["runs"]["steps"]
    return found


def test_there_are_the_three_workflows(rendered):
    assert [file.name for file in workflow_files(rendered)] == ["deploy.yml", "pull-request.yml", "train.yml"]


def test_every_use_is_pinned_to_a_commit_and_says_its_version(rendered):
    for file in [*workflow_files(rendered), *(rendered / ".github/actions").glob("*/action.yml")]:
        for line in file.read_text().splitlines():
            if re.search(r"\buses: (?!\./)", line):
                assert re.search(r"uses: [\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$", line), f"{file.name}: {line}"
    assert all(use.pinned for use in workflows.remote_uses(rendered))


def test_every_use_has_a_stand_in_with_the_inputs_that_are_given(rendered):
    stand_ins = workflows.stand_ins(rendered)
    assert len(stand_ins) == 4
    for _, job in jobs(rendered):
        for step in steps(rendered, job):
            key = step.get("uses", "")
            if key in stand_ins:
                action = yaml.safe_load((rendered / stand_ins[key] / "action.yml").read_text())
                assert set(step.get("with", {})) <= set(action["inputs"]), key


def test_actrc_names_the_same_pins(rendered):
    lines = (rendered / ".actrc").read_text().splitlines()
    said = {line.removeprefix("--local-repository ") for line in lines if line.startswith("--local-repository")}
    assert said == {f"{key}={folder}" for key, folder in workflows.stand_ins(rendered).items()}


def test_permissions_timeouts_and_concurrency(rendered):
    for file in workflow_files(rendered):
        document = yaml.safe_load(file.read_text())
        assert document["permissions"] == {}, file.name
        assert document["concurrency"]["group"], file.name
    for name, job in jobs(rendered):
        assert job["timeout-minutes"] > 0, name
        assert job["permissions"]["contents"] == "read", name
        uses_aws = any("configure-aws-credentials" in step.get("uses", "") for step in steps(rendered, job))
        assert (job["permissions"].get("id-token") == "write") is uses_aws, name
        assert set(job["runs-on"].split()) <= runner.SUPPORTED_LABELS


def test_steps_call_verbs_and_hold_no_expressions(rendered):
    for name, job in jobs(rendered):
        for step in steps(rendered, job):
            if "run" in step:
                assert "${{" not in step["run"], name
                if step.get("name") != "Commands and reports":  # PATH, which a verb cannot set
                    assert re.match(r"(penstock|make) ", step["run"]), step["run"]


def test_aws_credentials_come_by_oidc(rendered):
    for name, job in jobs(rendered):
        for step in job["steps"]:
            if "role-to-assume" in step.get("with", {}):
                assert step["with"]["role-to-assume"].startswith("${{ vars."), name
        for step in steps(rendered, job):
            if "configure-aws-credentials" in step.get("uses", ""):
                role = step["with"]["role-to-assume"]
                assert role.startswith("${{ vars.") or role == "${{ inputs.role-to-assume }}", name
                assert not {"aws-access-key-id", "aws-secret-access-key"} & set(step["with"])


@pytest.mark.parametrize("persona", ["regular", "auditor"])
def test_zizmor_finds_nothing(rendered, persona):
    found = subprocess.run(
        [TOOLS / "zizmor", "--offline", "--no-progress", "--persona", persona, "."],
        cwd=rendered,
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 0, found.stdout + found.stderr


@pytest.mark.parametrize(
    ("schema", "pattern"),
    [
        ("vendor.github-workflows", ".github/workflows/*.yml"),
        ("custom.github-workflows-require-timeout", ".github/workflows/*.yml"),
        ("vendor.github-actions", ".github/actions/*/action.yml"),
        ("vendor.github-actions", ".act/stubs/*/action.yml"),
        ("vendor.dependabot", ".github/dependabot.yml"),
    ],
)
def test_schemas_hold(rendered, schema, pattern):
    files = sorted(str(path) for path in rendered.glob(pattern))
    assert files
    done = subprocess.run(
        [TOOLS / "check-jsonschema", "--builtin-schema", schema, *files], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_act_takes_the_workflows_as_they_are(rendered):
    done = subprocess.run(
        [runner.act_executable(), "--validate", "--strict"],
        cwd=rendered,
        env={"HOME": str(rendered), "PATH": "/usr/bin:/bin", "DOCKER_HOST": "unix:///nonexistent"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_credentials_stand_in_refuses_anything_but_the_local_cloud(rendered, tmp_path):
    steps = yaml.safe_load((rendered / ".act/stubs/configure-aws-credentials/action.yml").read_text())["runs"]["steps"]
    script = steps[0]["run"]

    def run(**environment: str) -> int:
        given = {"PATH": "/usr/bin:/bin", "GITHUB_OUTPUT": str(tmp_path / "output"), **environment}
        return subprocess.run(["bash", "-e", "-c", script], env=given, check=False, capture_output=True).returncode

    assert run(AWS_ENDPOINT_URL="http://127.0.0.1:4566", AWS_ACCESS_KEY_ID="000000000000") == 0
    assert run(AWS_ENDPOINT_URL="http://127.0.0.1:4566", AWS_ACCESS_KEY_ID="AKIAREALKEY") == 1
    assert run(AWS_ENDPOINT_URL="https://sagemaker.us-east-1.amazonaws.com", AWS_ACCESS_KEY_ID="000000000000") == 1
    assert run(AWS_ACCESS_KEY_ID="000000000000") == 1


PENSTOCK = """#!/bin/sh
echo "$PENSTOCK_STACK: $*" >> "$ASKED"
echo '{"ok": true}'
echo "model-package-arn=arn:newest" >> "$GITHUB_OUTPUT"
test "$PENSTOCK_STACK" != "$(cat "$ASKED.failing" 2>/dev/null)"
"""
SETUP = """
name: Set up
description: a `penstock` that writes down what it is asked
runs:
  using: composite
  steps:
    - shell: bash
      run: mkdir -p build/ci && echo "$GITHUB_WORKSPACE/bin" >> "$GITHUB_PATH"
"""


@pytest.fixture
def promoting(rendered: Path, make_repository: MakeRepository, cloud: dict[str, str], tmp_path: Path) -> Any:
    """Runs deploy.yml as it is, with a `penstock` that only writes down what it is asked: (result, lines)."""
    kept = ("*/workflows/deploy.yml", "*/actions/deploy/action.yml", "*/stubs/*/action.yml")
    files = {
        str(path.relative_to(rendered)): path.read_text()
        for path in rendered.rglob("*.yml")
        if any(path.match(pattern) for pattern in kept)
    }
    repository = make_repository(files | {".github/actions/setup/action.yml": SETUP, "bin/penstock": PENSTOCK})
    (repository / "bin/penstock").chmod(0o755)
    subprocess.run(["git", "-C", repository, "update-index", "--chmod=+x", "bin/penstock"], check=True)
    asked = tmp_path / "asked"

    def run(promote_to: str | None, arn: str = "", failing: str = "") -> tuple[runner.RunResult, list[str]]:
        asked.write_text("")
        Path(f"{asked}.failing").write_text(failing)
        variables = {"PENSTOCK_STACK": "dev"} | ({"PENSTOCK_PROMOTE_TO": promote_to} if promote_to else {})
        payload = {"action": "model-approved", "client_payload": {"model_package_arn": arn} if arn else {}}
        done = runner.run(
            "repository_dispatch", repository, tmp_path / f"run-{len(list(tmp_path.iterdir()))}",
            cloud={**cloud, "ASKED": str(asked)}, payload=payload, variables=variables,
        )  # fmt: skip
        return done, asked.read_text().splitlines()

    return run


def test_a_version_goes_from_stack_to_stack(promoting):
    done, asked = promoting('["staging", "prod"]', arn="arn:approved")
    assert done.ok, done.problem
    deploy = "deploy --model-package-arn {} --json".format
    assert asked == [f"dev: {deploy('arn:approved')}"] + [f"{s}: {deploy('arn:newest')}" for s in ("staging", "prod")]


def test_without_a_version_all_stacks_get_the_one_that_the_first_has_found(promoting):
    done, asked = promoting('["prod"]')
    assert done.ok, done.problem
    assert asked == ["dev: deploy --json", "prod: deploy --model-package-arn arn:newest --json"]


def test_it_goes_no_further_than_asked_or_than_it_works(promoting):
    done, asked = promoting(None, arn="arn:approved")
    assert done.ok, done.problem
    assert [line.split(":")[0] for line in asked] == ["dev"]
    for failing, reached in {"dev": ["dev"], "staging": ["dev", "staging"]}.items():
        done, asked = promoting('["staging", "prod"]', failing=failing)
        assert not done.ok
        assert [line.split(":")[0] for line in asked] == reached, failing
