"""Workflows really run under act: no Docker, no network."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest
from tests.localstack.services.waiting import until

from penstock_ci.act import runner
from penstock_ci.act.events import Progress
from penstock_ci.errors import UserError

HEAD = (
    "name: W\non: {event}\npermissions: {{}}\njobs:\n  one:\n    runs-on: {label}\n    timeout-minutes: 5\n    steps:\n"
)


def workflow(steps: str, event: str = "push", label: str = "ubuntu-24.04") -> dict[str, str]:
    return {".github/workflows/w.yml": HEAD.format(event=event, label=label) + steps}


def test_success_has_jobs_steps_and_summary(make_repository, cloud, tmp_path):
    repository = make_repository(
        workflow('      - name: hello\n        run: |\n          echo "hi"; echo "# sum" >> "$GITHUB_STEP_SUMMARY"\n')
    )
    seen: list[Progress] = []
    result = runner.run("push", repository, tmp_path / "run", cloud=cloud, listener=seen.append)
    assert result.ok
    assert result.exit_code == 0
    assert [(job.name, job.status) for job in result.jobs] == [("W/one", "success")]
    assert [(step.name, step.status, step.output) for step in result.jobs[0].steps] == [("hello", "success", ["hi"])]
    assert result.summaries == ["# sum\n"]
    assert "hi" in result.log.read_text()
    assert {"job", "step", "output", "summary"} <= {progress.kind for progress in seen}
    assert not (tmp_path / "run" / "secrets").exists()


def test_failing_step_is_named_with_its_last_words(make_repository, cloud, tmp_path):
    repository = make_repository(
        workflow("      - name: good\n        run: echo fine\n      - name: bad\n        run: echo broken; exit 7\n")
    )
    result = runner.run("push", repository, tmp_path / "run", cloud=cloud)
    assert not result.ok
    assert result.exit_code == 1
    assert result.problem == "W/one: bad failed: broken"
    assert "broken" in runner.problem_detail(result)


def test_environment_is_scrubbed(make_repository, cloud, tmp_path, monkeypatch):
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("MY_PASSWORD", "hunter2")
    repository = make_repository(workflow("      - name: environment\n        run: env | sort\n"))
    result = runner.run("push", repository, tmp_path / "run", cloud=cloud)
    said = dict(line.split("=", 1) for line in result.jobs[0].steps[0].output if "=" in line)
    assert "AWS_PROFILE" not in said
    assert "MY_PASSWORD" not in said
    assert "GITHUB_TOKEN" not in said  # as on GitHub: only where a step asks for it
    assert said["AWS_ENDPOINT_URL"] == "http://127.0.0.1:1"
    assert said["GITHUB_API_URL"] == "http://127.0.0.1:2"
    assert said["CI"] == "true"
    assert said["HOME"].startswith(str(tmp_path / "run"))


def test_token_reaches_the_step_that_asks_and_no_log(make_repository, cloud, tmp_path):
    repository = make_repository(
        workflow(
            "      - run: test \"$T\" = a-token-of-a-test && echo ${{ github.token }}\n        env: {T: '${{ github.token }}'}\n"
        )
    )
    result = runner.run("push", repository, tmp_path / "run", cloud=cloud)
    assert result.ok, result.problem
    assert "a-token-of-a-test" not in result.log.read_text()
    assert "a-token-of-a-test" not in str(result.to_json())


def test_unsupported_runner_is_an_error(make_repository, cloud, tmp_path):
    repository = make_repository(workflow("      - run: echo\n", label="windows-2025"))
    with pytest.raises(UserError, match="windows-2025"):
        runner.run("push", repository, tmp_path / "run", cloud=cloud)


def test_computed_runner_that_matches_nothing_is_an_error(make_repository, cloud, tmp_path):
    repository = make_repository(workflow("      - run: echo\n", label="\"${{ vars.RUNNER || 'macos-15' }}\""))
    result = runner.run("push", repository, tmp_path / "run", cloud=cloud)
    assert not result.ok
    assert "passed over" in result.problem


def test_unanswered_event_is_an_error(make_repository, cloud, tmp_path):
    repository = make_repository(workflow("      - run: echo\n"))
    with pytest.raises(UserError, match=r"no workflow answers the event pushh \(did you mean 'push'\?\)"):
        runner.run("pushh", repository, tmp_path / "run", cloud=cloud)


def test_dispatch_types_are_looked_at(make_repository, cloud, tmp_path):
    repository = make_repository(
        workflow(
            "      - run: echo \"got $A\"\n        env: {A: '${{ github.event.client_payload.a }}'}\n",
            event="{repository_dispatch: {types: [wanted]}}",
        )
    )
    with pytest.raises(UserError, match="no workflow answers"):
        runner.run("repository_dispatch", repository, tmp_path / "run", cloud=cloud, action="other")
    payload = {"action": "wanted", "client_payload": {"a": "b"}}
    result = runner.run("repository_dispatch", repository, tmp_path / "run", cloud=cloud, payload=payload)
    assert result.jobs[0].steps[0].output == ["got b"]


STUB = """
name: keep
description: a stand-in
inputs: {name: {description: n}}
runs:
  using: composite
  steps:
    - shell: bash
      env: {NAME: "${{ inputs.name }}"}
      run: echo "stub $NAME" | tee "$ACT_ARTIFACTS/$NAME"
"""
PIN = "b" * 40


def test_pinned_actions_are_answered_by_their_stand_ins(make_repository, cloud, tmp_path):
    files = workflow(f"      - uses: someone/keep@{PIN} # v1.2.3\n        with: {{name: thing}}\n")
    repository = make_repository(files | {".act/stubs/keep/action.yml": STUB})
    result = runner.run("push", repository, tmp_path / "run", cloud=cloud)
    assert result.ok, result.problem
    assert result.artifacts == ["thing"]


def test_missing_stand_in_is_an_error_and_nothing_is_fetched(make_repository, cloud, tmp_path):
    repository = make_repository(workflow(f"      - uses: someone/keep@{PIN} # v1.2.3\n"))
    with pytest.raises(UserError, match="has no stand-in"):
        runner.run("push", repository, tmp_path / "run", cloud=cloud)


def test_several_runs_at_once(make_repository, cloud, tmp_path):
    meet = f"mktemp {tmp_path}/begun-XXXX; while [ $(ls {tmp_path}/begun-* | wc -l) -lt 4 ]; do sleep 0.1; done"
    repository = make_repository(
        workflow(f"      - uses: actions/checkout@{PIN}\n      - run: {meet}; ls .github; pwd\n")
    )

    def one(number: int) -> runner.RunResult:
        return runner.run("push", repository, tmp_path / f"run{number}", cloud=cloud, run_id=str(number))

    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(one, range(4)))
    assert all(result.ok for result in results), [result.problem for result in results]
    assert len({result.jobs[0].steps[-1].output[-1] for result in results}) == 4


def test_stop_interrupts_steps(make_repository, cloud, tmp_path):
    begun = tmp_path / "begun"
    repository = make_repository(workflow(f"      - run: sh -c 'touch {begun}; sleep 200; exit 0'\n"))
    stop = threading.Event()

    def stop_it() -> None:
        until(begun.exists)
        stop.set()

    threading.Thread(target=stop_it, daemon=True).start()
    result = runner.run("push", repository, tmp_path / "run", cloud=cloud, stop=stop)
    assert not result.ok
    assert result.exit_code == 130
    assert result.seconds < 200
    until(lambda: not [each for each in psutil.process_iter(["cmdline"]) if str(begun) in str(each.info["cmdline"])])


def test_workspace_holds_untracked_but_not_ignored_files(make_repository, cloud, tmp_path):
    files = workflow(f"      - uses: actions/checkout@{PIN}\n      - run: ls\n") | {".gitignore": "/build/\n"}
    repository = make_repository(files)
    (repository / "untracked").touch()
    (repository / "build").mkdir()
    result = runner.run("push", repository, tmp_path / "run", cloud=cloud)
    assert result.jobs[0].steps[-1].output == ["untracked"]


def test_the_checkout_is_left_as_it_was(make_repository, cloud, tmp_path):
    repository = make_repository(workflow(f"      - uses: actions/checkout@{PIN}\n      - run: touch new\n"))
    before = sorted(path.name for path in repository.iterdir())
    assert runner.run("push", repository, tmp_path / "run", cloud=cloud).ok
    assert sorted(path.name for path in repository.iterdir()) == before
    assert not Path(tmp_path / "run" / "cache").exists()
