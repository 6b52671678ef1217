"""What jobs run on: the sandbox in each mode, images, paths of data."""

from __future__ import annotations

import json
import os
import signal
import sys
import tarfile
import tempfile
import threading
import time
from pathlib import Path

import pytest

from penstock_services.execution import images, sandbox, transfer
from penstock_services.execution.sandbox import Layout, Outcome, Sandboxed

PATH = {"PATH": os.pathsep.join([str(Path(sys.executable).parent), "/usr/bin", "/bin"])}


@pytest.fixture(params=["root", "user", "none"])
def mode(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    wanted = str(request.param)
    if wanted == "root" and os.geteuid() != 0:
        pytest.skip("not root")
    probe = Sandboxed(wanted, tmp_path / "probe", tmp_path, ["true"], PATH).start(lambda _line: None).wait(60)
    if probe != Outcome(code=0):
        pytest.skip(f"not possible here: {probe}")
    return wanted


def run(mode: str, folder: Path, *command: str) -> tuple[Outcome | None, list[str]]:
    lines: list[str] = []
    layout = Layout(mode, folder / "ml")
    environment = PATH | layout.environment()
    process = Sandboxed(mode, layout.host, folder, [layout.text(word) for word in command], environment, layout.inside)
    return process.start(lines.append).wait(60), lines


def test_a_private_folder_and_the_exit_code(mode: str, tmp_path: Path) -> None:
    outside = sorted(path.name for path in Path("/opt").iterdir())
    outcome, lines = run(mode, tmp_path, "sh", "-c", "pwd; echo text > /opt/ml/model.txt; ls -A /opt; exit 7")
    assert outcome == Outcome(code=7)
    assert (tmp_path / "ml" / "model.txt").read_text() == "text\n"
    assert lines[0] == ("/opt/ml" if mode != "none" else str(tmp_path / "ml"))
    assert set(outside) <= set(lines[1:]), "what /opt holds stays to be seen: an interpreter may lie there"
    assert sorted(path.name for path in Path("/opt").iterdir()) == outside


def test_signals_and_errors(mode: str, tmp_path: Path) -> None:
    assert run(mode, tmp_path, "sh", "-c", "kill -9 $$")[0] == Outcome(signal=9)
    outcome, _ = run(mode, tmp_path, "no-such-command")
    assert outcome is not None
    assert "cannot run 'no-such-command'" in str(outcome.error)
    assert not outcome.ok


def test_the_interpreter_of_a_script_is_seen_below_tmp_too(mode: str, tmp_path: Path) -> None:
    """/tmp is the job's own, but a checkout and its environment may lie there."""
    with tempfile.TemporaryDirectory(dir="/tmp", prefix="penstock-interpreter-") as place:
        interpreter, script = Path(place) / "sh", tmp_path / "script"
        interpreter.symlink_to("/bin/sh")
        script.write_text(f"#!{interpreter}\nexit 5\n")
        script.chmod(0o755)
        assert run(mode, tmp_path, str(script))[0] == Outcome(code=5)


def test_an_archive_of_other_users_unpacks(mode: str, tmp_path: Path) -> None:
    """The SDK's FrameworkProcessor unpacks its source with tar, whoever packed it."""
    (tmp_path / "ml").mkdir()
    with tarfile.open(tmp_path / "ml/source.tar.gz", "w:gz") as archive:
        member = tarfile.TarInfo("entry.py")
        member.uid = member.gid = 12345
        archive.addfile(member)
    outcome, lines = run(mode, tmp_path, "tar", "-xzf", "/opt/ml/source.tar.gz", "-C", "/opt/ml")
    assert outcome == Outcome(code=0), lines
    assert (tmp_path / "ml/entry.py").exists()


def test_nothing_outlives_the_command(mode: str, tmp_path: Path) -> None:
    beat = tmp_path / "ml" / "beat"
    child = "import os, time\nos.setsid()\nwhile True:\n    open('/opt/ml/beat', 'a').write('x')\n    time.sleep(0.02)"
    start = (
        f"import os, subprocess, sys, time\nsubprocess.Popen([sys.executable, '-c', {child!r}])\n"
        "while not os.path.exists('/opt/ml/beat') or not os.path.getsize('/opt/ml/beat'): time.sleep(0.02)"
    )
    outcome, _ = run(mode, tmp_path, "python", "-c", start)
    assert outcome == Outcome(code=0)
    size = beat.stat().st_size
    assert size > 0
    time.sleep(0.3)
    assert beat.stat().st_size == size, "a child in a session of its own still runs"


def test_stop_gives_time_and_then_kills(mode: str, tmp_path: Path) -> None:
    lines: list[str] = []
    layout = Layout(mode, tmp_path / "ml")
    command = ["sh", "-c", "trap 'echo bye; exit 4' TERM; echo ready; while true; do sleep 0.05; done"]
    process = Sandboxed(mode, layout.host, tmp_path, command, PATH, layout.inside).start(lines.append)
    while "ready" not in lines:
        time.sleep(0.01)
    assert process.stop(60) == Outcome(code=4, terminated=True)
    assert lines[-1] == "bye"
    lines.clear()
    stubborn = ["sh", "-c", "trap '' TERM; echo ready; while true; do sleep 0.05; done"]
    process = Sandboxed(mode, layout.host, tmp_path, stubborn, PATH, layout.inside).start(lines.append)
    while "ready" not in lines:
        time.sleep(0.01)
    outcome = process.stop(0.3)
    assert outcome is not None
    assert not outcome.ok


def test_a_command_that_is_asked_twice_to_end_gets_one_signal(mode: str, tmp_path: Path) -> None:
    """A job of several hosts is asked host by host first and stopped then; a checkpoint is written in the handler."""
    lines: list[str] = []
    layout = Layout(mode, tmp_path / "ml")
    count = "import os, signal, time; signal.signal(signal.SIGTERM, lambda *_: print('asked', flush=True))"
    command = [
        "python",
        "-c",
        f"{count}; print('ready', flush=True)\nwhile not os.path.exists('{layout.inside}/go'): time.sleep(0.05)",
    ]
    process = Sandboxed(mode, layout.host, tmp_path, command, PATH, layout.inside).start(lines.append)
    while "ready" not in lines:
        time.sleep(0.01)
    process.terminate()
    while "asked" not in lines:
        time.sleep(0.01)
    threading.Timer(0.5, (tmp_path / "ml" / "go").touch).start()
    assert process.stop(60) == Outcome(code=0, terminated=True)
    assert lines == ["ready", "asked"]


def test_a_killed_launcher_is_no_success(mode: str, tmp_path: Path) -> None:
    process = Sandboxed(mode, tmp_path / "ml", tmp_path, ["sleep", "60"], PATH).start(lambda _line: None)
    time.sleep(0.3)
    os.kill(process.pid, signal.SIGKILL)
    outcome = process.wait(60)
    assert outcome is not None
    assert not outcome.ok
    assert "killed" in outcome.reason()


def test_paths_are_rewritten_only_without_namespaces(tmp_path: Path) -> None:
    text = "/opt/ml/model and /opt/ml, but not /opt/mlx or /opt/ml-x"
    assert Layout("user", tmp_path).text(text) == text
    assert Layout("none", tmp_path).text(text) == f"{tmp_path}/model and {tmp_path}, but not /opt/mlx or /opt/ml-x"
    assert Layout("none", tmp_path).environment() == {"SAGEMAKER_BASE_DIR": str(tmp_path)}
    assert Layout("root", tmp_path).environment() == {}
    with pytest.raises(ValueError, match="not below"):
        Layout("user", tmp_path).path("/opt/ml/../../etc/passwd")


def test_a_mode_can_be_forced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PENSTOCK_SANDBOX", "none")
    sandbox.mode.cache_clear()
    assert sandbox.mode() == "none"
    sandbox.mode.cache_clear()


def test_images_by_tag_and_digest(tmp_path: Path) -> None:
    folder = tmp_path / "images"
    folder.mkdir()
    digest = "sha256:" + "b" * 64
    record = {
        "repository": "host:5000/models",
        "digest": digest,
        "tags": ["v1"],
        "python": "/p",
        "path": ["/bin-of-it"],
    }
    (folder / "one.json").write_text(json.dumps({**record, "environment": {"A": "b"}, "entrypoint": None}))
    (folder / "broken.json").write_text("{")
    assert images.find(tmp_path, "host:5000/models:v1").digest == digest
    found = images.find(tmp_path, f"host:5000/models@{digest}")
    assert found.variables()["PATH"].startswith("/bin-of-it:")
    assert found.variables()["A"] == "b"
    for unknown in ("host:5000/models", "host:5000/models:v2", "other:v1", f"host:5000/models@sha256:{'c' * 64}"):
        with pytest.raises(images.UnknownImageError, match="penstock build"):
            images.find(tmp_path, unknown)


@pytest.mark.parametrize(
    ("key", "prefix", "relative"),
    [
        ("data/a.csv", "data", "a.csv"),
        ("data/a.csv", "data/", "a.csv"),
        ("data/more/a.csv", "data", "more/a.csv"),
        ("data/a.csv", "data/a.csv", "a.csv"),
        ("data/part-0.csv", "data/part", "part-0.csv"),
        ("a.csv", "", "a.csv"),
    ],
)
def test_where_an_object_lands(key: str, prefix: str, relative: str) -> None:
    assert transfer._relative(key, prefix) == relative


def test_archives(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    assert not transfer.pack(folder, tmp_path / "empty.tar.gz")
    (folder / "deep").mkdir()
    (folder / "deep" / "m.txt").write_text("m")
    assert transfer.pack(folder, tmp_path / "model.tar.gz")
    transfer.unpack(tmp_path / "model.tar.gz", tmp_path / "out")
    assert (tmp_path / "out" / "deep" / "m.txt").read_text() == "m"
    (tmp_path / "bad.tar.gz").write_bytes(b"not an archive")
    with pytest.raises(transfer.TransferError, match="cannot be extracted"):
        transfer.unpack(tmp_path / "bad.tar.gz", tmp_path / "out2")
    with pytest.raises(transfer.TransferError, match="not an S3 URI"):
        transfer.split("https://x/y")
