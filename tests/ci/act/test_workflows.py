from __future__ import annotations

import pytest

from penstock_ci.act import payload, workflows
from penstock_ci.errors import UserError

TEXT = """
name: Checks
on:
  push: {branches: [main, "release/*"]}
  pull_request: {types: [opened]}
concurrency: {group: g, cancel-in-progress: true}
jobs:
  a: {runs-on: [self-hosted, ubuntu-24.04], steps: [{uses: "actions/checkout@v4"}]}
  b: {runs-on: "${{ matrix.os }}", steps: [{uses: "x/y/sub/folder@abc"}, {uses: ./.github/actions/z}, {run: "echo uses: no"}]}
"""
ACTION = "name: z\nruns: {using: composite, steps: [{uses: p/q@v1}]}\n"


@pytest.fixture
def repository(make_repository):
    return make_repository({".github/workflows/c.yml": TEXT, ".github/actions/z/action.yml": ACTION})


def test_reads_a_workflow(repository):
    (found,) = workflows.of(repository)
    assert found.name == "Checks"
    assert set(found.events) == {"push", "pull_request"}
    assert found.labels == {"self-hosted", "ubuntu-24.04"}
    assert (found.group, found.cancels) == ("g", True)
    assert found.jobs == ("a", "b")


@pytest.mark.parametrize(
    ("event", "action", "branch", "answer"),
    [
        ("push", "", "main", True),
        ("push", "", "release/1", True),
        ("push", "", "release/1/2", False),
        ("push", "", "topic", False),
        ("pull_request", "opened", "", True),
        ("pull_request", "closed", "", False),
        ("schedule", "", "", False),
    ],
)
def test_filters_are_github_s(repository, event, action, branch, answer):
    (found,) = workflows.of(repository)
    assert found.answers(event, action, branch) is answer


def test_remote_uses_include_those_of_own_actions(repository):
    assert {(use.action, use.ref) for use in workflows.remote_uses(repository)} == {
        ("actions/checkout", "v4"),
        ("x/y/sub/folder", "abc"),
        ("p/q", "v1"),
    }
    assert [use.key for use in workflows.remote_uses(repository) if use.action.startswith("x/")] == ["x/y@abc"]


def test_mistakes_have_messages(make_repository, tmp_path):
    with pytest.raises(UserError, match="has no workflows"):
        workflows.of(tmp_path)
    repository = make_repository({".github/workflows/c.yml": "jobs: [a"})
    with pytest.raises(UserError, match="not valid YAML"):
        workflows.of(repository)
    (repository / ".github/workflows/c.yml").write_text("name: x\non: push\n")
    with pytest.raises(UserError, match="has no jobs"):
        workflows.of(repository)
    (repository / ".github/workflows/c.yml").write_text("on: push\njobs: {a: {}}\n")
    with pytest.raises(UserError, match=r"no workflow d\.yml"):
        workflows.select(repository, "push", file="d.yml")


def test_payloads_come_from_the_checkout(repository):
    made = payload.complete(payload.default("pull_request", repository), "acme/flight-delays")
    assert made["number"] == 1
    assert len(made["pull_request"]["head"]["sha"]) == 40
    assert made["pull_request"]["base"]["ref"] == "main"
    assert made["repository"]["owner"]["login"] == "acme"
    assert payload.default("push", repository)["ref"] == "refs/heads/main"
    assert (
        payload.action_of("repository_dispatch", payload.default("repository_dispatch", repository, "drift")) == "drift"
    )


def test_full_name(repository):
    assert payload.full_name(repository) == "local/repository"
    payload.git(repository, "remote", "add", "origin", "git@github.com:acme/flight-delays.git")
    assert payload.full_name(repository) == "acme/flight-delays"
    (repository / "penstock.yaml").write_text("repository: other/name\n")
    assert payload.full_name(repository) == "other/name"


def test_payload_files(tmp_path):
    with pytest.raises(UserError, match="No such file"):
        payload.read(tmp_path / "none.json")
    (tmp_path / "bad.json").write_text("[")
    with pytest.raises(UserError, match="not JSON"):
        payload.read(tmp_path / "bad.json")
    (tmp_path / "list.json").write_text("[]")
    with pytest.raises(UserError, match="not a JSON object"):
        payload.read(tmp_path / "list.json")
