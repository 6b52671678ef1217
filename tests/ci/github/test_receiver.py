"""The receiver answers as GitHub does, to who has the token only."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.testclient import TestClient

from penstock_ci.act.runner import RunResult
from penstock_ci.github.client import GitHub
from penstock_ci.github.dispatcher import Dispatcher
from penstock_ci.github.receiver import Receiver
from penstock_ci.github.state import GitHubState

TOKEN = "a-token-of-a-test"
DEPLOY = """
name: Deploy
on: {repository_dispatch: {types: [model-approved]}, workflow_dispatch: }
concurrency: {group: deploy}
jobs:
  d:
    runs-on: ubuntu-24.04
    steps:
      - run: echo "$ARN" > "$ACT_ARTIFACTS/arn"
        env: {ARN: "${{ github.event.client_payload.arn }}"}
"""
TRAIN = """
name: Train
on: {push: {}, repository_dispatch: {types: [model-drift]}}
jobs: {t: {runs-on: ubuntu-24.04, steps: [{run: exit 1}]}}
"""


class FakeRun:
    """Stands for act: notes what it was asked for, and takes as long as the test wants."""

    def __init__(self) -> None:
        self.calls: list[dict[str, Any]] = []
        self.go_on = threading.Event()
        self.go_on.set()

    def __call__(self, event: str, repository: Path, folder: Path, **options: Any) -> RunResult:
        self.calls.append({"event": event, "files": sorted(path.name for path in repository.iterdir()), **options})
        stop: threading.Event = options["stop"]
        while not self.go_on.wait(0.02):
            if stop.is_set():
                break
        code = 130 if stop.is_set() else 0
        return RunResult(event, [options["workflow"]], code, 0.1, [], folder / "log.txt")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    folder = tmp_path / "flight-delays"
    (folder / ".github/workflows").mkdir(parents=True)
    (folder / ".github/workflows/deploy.yml").write_text(DEPLOY)
    (folder / ".github/workflows/train.yml").write_text(TRAIN)
    (folder / "penstock.yaml").write_text("repository: acme/flight-delays\n")
    for command in (
        ["init", "--quiet", "--initial-branch", "main"],
        ["add", "--all"],
        ["-c", "user.name=t", "-c", "user.email=t@example.com", "commit", "--quiet", "--message", "first"],
    ):
        subprocess.run(["git", *command], cwd=folder, check=True)
    (folder / "uncommitted").touch()
    return folder


@pytest.fixture
def state(tmp_path: Path, checkout: Path) -> GitHubState:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "github-token").write_text(TOKEN + "\n")
    made = GitHubState(tmp_path / "state")
    made.register("acme/flight-delays", checkout)
    return made


@pytest.fixture
def fake() -> FakeRun:
    return FakeRun()


@pytest.fixture
def dispatcher(state: GitHubState, fake: FakeRun) -> Dispatcher:
    return Dispatcher(state, {"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}, fake)


@pytest.fixture
def client(state: GitHubState, dispatcher: Dispatcher) -> Iterator[TestClient]:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    with TestClient(Receiver(state, dispatcher).application(), headers=headers) as made:
        yield made


URL = "/repos/acme/flight-delays"
APPROVED = {"event_type": "model-approved", "client_payload": {"arn": "arn:1"}}


def test_health_needs_no_token_and_everything_else_does(state, dispatcher):
    with TestClient(Receiver(state, dispatcher).application()) as client:
        assert client.get("/_penstock/health").status_code == 200
        for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {TOKEN}"}):
            response = client.post(f"{URL}/dispatches", json=APPROVED, headers=headers)
            assert response.status_code == 401
            assert response.json()["message"] == "Bad credentials"
        assert client.get(URL, headers={"Authorization": f"token {TOKEN}"}).status_code == 200
    assert state.runs() == []


def test_dispatch_runs_the_workflow_that_listens(client, dispatcher, fake, state):
    assert client.post(f"{URL}/dispatches", json=APPROVED).status_code == 204
    assert dispatcher.wait(timeout=60)
    (record,) = state.runs()
    assert (record["status"], record["conclusion"], record["name"]) == ("completed", "success", "Deploy")
    assert record["head_branch"] == "main"
    assert len(record["head_sha"]) == 40
    (call,) = fake.calls
    assert call["payload"] == {"action": "model-approved", "branch": "main", "client_payload": {"arn": "arn:1"}}
    assert call["files"] == [".git", ".github", "penstock.yaml"]  # a clean clone of main
    assert call["cloud"] == {"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}
    listed = client.get(f"{URL}/actions/runs").json()
    assert listed["total_count"] == 1
    assert client.get(f"{URL}/actions/runs/{record['id']}").json()["conclusion"] == "success"
    assert client.get(f"{URL}/actions/runs/99").status_code == 404
    assert not (state.runs_folder / "1" / "checkout").exists()


def test_event_type_that_nothing_listens_to_starts_nothing(client, state):
    assert client.post(f"{URL}/dispatches", json={"event_type": "else"}).status_code == 204
    assert state.runs() == []


@pytest.mark.parametrize(
    ("path", "content", "status", "message"),
    [
        (f"{URL}/dispatches", b"{", 400, "Problems parsing JSON"),
        (f"{URL}/dispatches", b"[]", 400, "Body should be a JSON object"),
        (f"{URL}/dispatches", b"{}", 422, "event_type"),
        (f"{URL}/dispatches", b'{"event_type": "x", "client_payload": 3}', 422, "not an object"),
        (
            f"{URL}/dispatches",
            json.dumps({"event_type": "x", "client_payload": dict.fromkeys("abcdefghijk", 1)}).encode(),
            422,
            "10",
        ),
        ("/repos/acme/other/dispatches", b'{"event_type": "x"}', 404, "Not Found"),
        ("/nowhere", b"{}", 404, "Not Found"),
        (f"{URL}/issues/1/comments", b"{}", 422, "body"),
        (f"{URL}/actions/workflows/train.yml/dispatches", b'{"ref": "main"}', 422, "workflow_dispatch"),
        (f"{URL}/actions/workflows/none.yml/dispatches", b'{"ref": "main"}', 422, "there is no workflow"),
    ],
)
def test_bad_requests_are_refused_as_github_does(client, path, content, status, message):
    response = client.post(path, content=content)
    assert response.status_code == status
    assert message in response.json()["message"]


def test_equal_events_in_flight_start_one_run(client, dispatcher, fake, state):
    fake.go_on.clear()
    for _ in range(3):
        assert client.post(f"{URL}/dispatches", json=APPROVED).status_code == 204
    fake.go_on.set()
    assert dispatcher.wait(timeout=60)
    assert len(state.runs()) == 1
    client.post(f"{URL}/dispatches", json=APPROVED)
    assert dispatcher.wait(timeout=60)
    assert len(state.runs()) == 2  # not in flight any more: a new run


def test_one_runs_and_one_waits_in_a_group(client, dispatcher, fake, state):
    fake.go_on.clear()
    for number in range(3):
        client.post(f"{URL}/dispatches", json={"event_type": "model-approved", "client_payload": {"arn": str(number)}})
    assert [run["status"] for run in state.runs()][:2] == ["queued", "completed"]
    fake.go_on.set()
    assert dispatcher.wait(timeout=60)
    assert {run["id"]: run["conclusion"] for run in state.runs()} == {1: "success", 2: "cancelled", 3: "success"}
    assert len(fake.calls) == 2


def test_close_interrupts_and_the_record_says_so(dispatcher, fake, state):
    fake.go_on.clear()
    dispatcher.dispatch("acme/flight-delays", "repository_dispatch", {"action": "model-approved", "client_payload": {}})
    dispatcher.close()
    assert state.runs()[0]["conclusion"] == "cancelled"


def test_runs_of_a_receiver_that_was_killed_are_closed_at_the_next_start(state, fake):
    state.new_run({"repository": "acme/flight-delays", "path": "x.yml", "event": "push"})
    Dispatcher(state, {}, fake)
    (record,) = state.runs()
    assert (record["status"], record["conclusion"]) == ("completed", "cancelled")


def test_checkout_that_is_gone_fails_the_run_with_its_reason(dispatcher, state, checkout, fake):
    subprocess.run(["git", "branch", "--move", "main", "trunk"], cwd=checkout, check=True)
    dispatcher.dispatch("acme/flight-delays", "repository_dispatch", {"action": "model-approved", "client_payload": {}})
    assert dispatcher.wait(timeout=60)
    (record,) = state.runs()
    assert record["conclusion"] == "failure"
    assert "main" in record["problem"]
    assert fake.calls == []


def test_workflow_dispatch(client, dispatcher, fake):
    body = {"ref": "main", "inputs": {"a": "b"}}
    assert client.post(f"{URL}/actions/workflows/deploy.yml/dispatches", json=body).status_code == 204
    assert dispatcher.wait(timeout=60)
    assert fake.calls[0]["payload"]["inputs"] == {"a": "b"}


def test_comments_are_kept_changed_paged_and_deleted(client, state):
    for number in range(35):
        assert client.post(f"{URL}/issues/7/comments", json={"body": f"text {number}"}).status_code == 201
    first = client.get(f"{URL}/issues/7/comments")
    assert len(first.json()) == 30
    rest = client.get(first.links["next"]["url"])
    assert [comment["body"] for comment in rest.json()] == [f"text {number}" for number in range(30, 35)]
    assert "next" not in rest.links
    identifier = first.json()[0]["id"]
    assert client.patch(f"{URL}/issues/comments/{identifier}", json={"body": "new"}).json()["body"] == "new"
    assert client.get(f"{URL}/issues/comments/{identifier}").json()["body"] == "new"
    assert client.delete(f"{URL}/issues/comments/{identifier}").status_code == 204
    assert client.get(f"{URL}/issues/comments/{identifier}").status_code == 404
    assert client.patch(f"{URL}/issues/comments/{identifier}", json={"body": "x"}).status_code == 404
    assert "text 1" in (state.folder / "comments/acme__flight-delays/7.md").read_text()


def test_pull_requests_get_numbers(client):
    opened = client.post(f"{URL}/pulls", json={"title": "t", "head": "topic", "base": "main"})
    assert opened.status_code == 201
    assert opened.json()["number"] == 1
    assert client.get(f"{URL}/pulls/1").json()["head"]["ref"] == "topic"
    assert len(client.get(f"{URL}/pulls").json()) == 1
    assert client.get(f"{URL}/pulls/2").status_code == 404


def test_client_finds_its_comment_behind_pages_of_others(client):
    for number in range(130):
        client.post(f"{URL}/issues/1/comments", json={"body": f"chatter {number}"})

    def hand_over(request: httpx.Request) -> httpx.Response:
        answer = client.request(
            request.method,
            str(request.url),
            content=request.content,
            headers={"Authorization": request.headers["Authorization"]},
        )
        return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)

    with GitHub("http://testserver", TOKEN, "acme/flight-delays", httpx.MockTransport(hand_over)) as github:
        _, new = github.put_comment(1, "<!-- marker -->", "<!-- marker --> one")
        assert new
        changed, new = github.put_comment(1, "<!-- marker -->", "<!-- marker --> two")
        assert not new
        assert changed["body"] == "<!-- marker --> two"
        assert len(github.comments(1)) == 131


def test_a_dispatch_runs_act_for_real(state):
    dispatcher = Dispatcher(state, {})
    dispatcher.dispatch(
        "acme/flight-delays", "repository_dispatch", {"action": "model-approved", "client_payload": {"arn": "arn:x"}}
    )
    dispatcher.dispatch("acme/flight-delays", "repository_dispatch", {"action": "model-drift", "client_payload": {}})
    assert dispatcher.wait(timeout=60)
    train, deploy = state.runs()
    assert deploy["conclusion"] == "success", deploy
    assert (state.runs_folder / "1" / "artifacts" / "arn").read_text() == "arn:x\n"
    assert train["conclusion"] == "failure"
    assert "exit 1 failed" in train["problem"]
