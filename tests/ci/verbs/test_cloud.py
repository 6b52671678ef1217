"""`penstock cloud` against a real local cloud, and without one."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from tests.ci.conftest import Penstock

from penstock_ci.target import Target


def test_without_a_cloud(penstock: Penstock, tmp_path: Path) -> None:
    state = tmp_path / "none"
    status = penstock("cloud", "status", "--state-dir", state, "--json")
    assert (status.code, status.document["running"]) == (1, False)
    assert penstock("cloud", "down", "--state-dir", state, "--json").document == {
        "ok": True, "was_running": False, "state_dir": str(state),
    }  # fmt: skip
    assert "start it: penstock cloud up" in penstock("cloud", "env", "--state-dir", state).err
    assert "there are no logs" in penstock("cloud", "logs", "--state-dir", state).err
    assert penstock("cloud", "reset", "--state-dir", state, "--yes", "--json").document["removed"] is False


def test_a_foreign_folder_is_not_reset(penstock: Penstock, tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    outcome = penstock("cloud", "reset", "--state-dir", tmp_path, "--yes")
    assert outcome.code == 1
    assert "does not look like a local cloud's state folder" in outcome.err
    assert (tmp_path / "thesis.tex").exists()


def test_reset_asks(penstock: Penstock, tmp_path: Path) -> None:
    assert "add --yes" in penstock("cloud", "reset", "--state-dir", tmp_path).err


def test_a_taken_port(penstock: Penstock, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        outcome = penstock(
            "cloud", "up", "--state-dir", tmp_path / "s", "--port", str(taken.getsockname()[1]), "--json"
        )
    assert outcome.code == 1
    assert "is in use" in outcome.document["error"]["message"]
    assert "another port" in outcome.document["error"]["fix"]


@pytest.mark.cloud
def test_a_running_cloud(penstock: Penstock, cloud_state: Path, target: Target) -> None:
    document = penstock("cloud", "up", "--state-dir", cloud_state, "--json").document
    assert {"endpoint", "runtime_endpoint", "featurestore_endpoint", "pid", "state_dir"} <= set(document)
    status = penstock("cloud", "status", "--state-dir", cloud_state, "--json").document
    assert (status["running"], status["endpoint"]) == (True, document["endpoint"])
    exports = penstock("cloud", "env", "--state-dir", cloud_state).out
    assert f"export AWS_ENDPOINT_URL={document['endpoint']}\n" in exports
    assert penstock("cloud", "env", "--state-dir", cloud_state, "--json").document["AWS_REGION"] == "us-east-1"
    assert penstock("cloud", "logs", "services", "--state-dir", cloud_state).code == 0
    assert "did you mean 'services'?" in penstock("cloud", "logs", "service", "--state-dir", cloud_state).err


@pytest.mark.cloud
def test_coverage(penstock: Penstock, cloud_state: Path) -> None:
    document = penstock("cloud", "coverage", "--state-dir", cloud_state, "--json").document
    entry = document["sagemaker"]
    assert entry["operations"] == entry["real"] + entry["record"] + entry["refused"] == len(entry["names"])
    shown = penstock("cloud", "coverage", "sagemaker", "--state-dir", cloud_state).out
    assert "real     CreateTrainingJob" in shown
    assert "did you mean 'sagemaker'?" in penstock("cloud", "coverage", "sagmaker", "--state-dir", cloud_state).err


def test_snapshots_without_a_cloud(penstock: Penstock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PENSTOCK_SNAPSHOTS_DIR", str(tmp_path / "snapshots"))
    state = tmp_path / "none"
    assert "there is no local cloud in" in penstock("cloud", "save", "one", "--state-dir", state).err
    assert "a snapshot needs a name" in penstock("cloud", "save", "--state-dir", state).err
    unknown = penstock("cloud", "load", "one", "--state-dir", state, "--json")
    assert unknown.code == 1
    assert unknown.document["error"]["fix"].endswith(": none")
    assert penstock("cloud", "save", "--list", "--json").document == []
    assert not state.exists()


@pytest.mark.cloud
def test_save_list_and_load(
    penstock: Penstock, cloud_state: Path, target: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PENSTOCK_SNAPSHOTS_DIR", str(tmp_path / "snapshots"))
    saved = penstock("cloud", "save", "one", "--state-dir", cloud_state, "--json").document
    assert (saved["ok"], saved["name"]) == (True, "one")
    assert Path(saved["file"]).stat().st_size == saved["size"]
    assert "replace it: --yes" in penstock("cloud", "save", "one", "--state-dir", cloud_state).err
    assert penstock("cloud", "save", "one", "--state-dir", cloud_state, "--yes").code == 0
    assert "one" in penstock("cloud", "save", "--list").out
    refused = penstock("cloud", "load", "one", "--state-dir", cloud_state)
    assert (refused.code, "there is a local cloud's state in" in refused.err) == (1, True)
    loaded = penstock("cloud", "load", "one", "--state-dir", tmp_path / "other", "--json").document
    assert loaded["state_dir"] == str(tmp_path / "other")
    assert (tmp_path / "other/made-with.json").exists()
