"""The local cloud: up, no-op up, down, kill -9, reset, and the messages for what goes wrong."""

from __future__ import annotations

import os
import shlex
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from penstock_cloud import cloud
from penstock_cloud.errors import CloudError

RECEIVER = [
    sys.executable,
    "-c",
    "import http.server, sys\n"
    "class H(http.server.BaseHTTPRequestHandler):\n"
    "    def do_GET(self):\n"
    "        self.send_response(200); self.end_headers()\n"
    "http.server.ThreadingHTTPServer(('127.0.0.1', int(sys.argv[1])), H).serve_forever()",
    "{port}",
]


def members(state_dir: Path) -> list[psutil.Process]:
    """Every process that names the state folder on its command line."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        if any(str(state_dir) in part for part in process.info["cmdline"] or []) and process.pid != os.getpid():
            found.append(process)
    return found


def wait_until_gone(state_dir: Path) -> None:
    limit = time.monotonic() + 60
    while members(state_dir):
        assert time.monotonic() < limit, [process.cmdline() for process in members(state_dir)]
        time.sleep(0.1)


@pytest.fixture
def state_dir(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "state"
    cloud.down(tmp_path / "state")


@pytest.mark.cloud
def test_up_again_down_and_reset(state_dir: Path) -> None:
    info = cloud.up(state_dir, 0, RECEIVER)
    for url in (
        f"{info.endpoint}/_localstack/health",
        f"{info.runtime_endpoint}/_penstock/health",
        info.receiver_endpoint,
    ):
        assert url
        assert urllib.request.urlopen(url, timeout=30).status == 200
    assert cloud.up(state_dir, 0) == info
    assert {p["name"] for p in cloud.status(state_dir)["processes"]} == {"gateway", "services", "penstock receiver"}
    variables = cloud.environment(info)
    assert variables["GITHUB_API_URL"] == info.receiver_endpoint
    assert variables["AWS_ACCESS_KEY_ID"] == "000000000000"
    passphrase = Path(variables["PULUMI_CONFIG_PASSPHRASE_FILE"])
    assert passphrase.stat().st_mode & 0o077 == 0
    assert cloud.down(state_dir) is True
    assert cloud.info(state_dir) is None
    wait_until_gone(state_dir)
    assert passphrase.exists()
    assert cloud.down(state_dir) is False
    assert cloud.reset(state_dir) is True
    assert not state_dir.exists()


@pytest.mark.cloud
def test_everything_listens_on_the_loopback_only(state_dir: Path) -> None:
    info = cloud.up(state_dir, 0)
    tree = [psutil.Process(info.pid), *psutil.Process(info.pid).children(recursive=True)]
    listening = [
        connection.laddr.ip
        for process in tree
        for connection in process.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    ]
    assert len(listening) >= 2
    assert set(listening) <= {"127.0.0.1", "::1"}


@pytest.mark.cloud
@pytest.mark.skipif(sys.platform != "linux", reason="the parent-death signal is Linux's")
def test_nothing_outlives_a_killed_supervisor(state_dir: Path) -> None:
    info = cloud.up(state_dir, 0, RECEIVER)
    assert len(members(state_dir)) >= 3
    os.kill(info.pid, signal.SIGKILL)
    wait_until_gone(state_dir)
    assert cloud.info(state_dir) is None
    again = cloud.up(state_dir, 0)
    assert again.pid != info.pid


@pytest.mark.cloud
def test_a_child_that_dies_is_started_again(state_dir: Path) -> None:
    info = cloud.up(state_dir, 0)
    (services,) = [p for p in cloud.status(state_dir)["processes"] if p["name"] == "services"]
    os.kill(services["pid"], signal.SIGKILL)
    limit = time.monotonic() + 60
    while True:
        running = {p["pid"] for p in cloud.status(state_dir)["processes"] if p["name"] == "services"} - {
            services["pid"]
        }
        try:
            if (
                running
                and urllib.request.urlopen(f"{info.runtime_endpoint}/_penstock/health", timeout=10).status == 200
            ):
                break
        except OSError:
            pass
        assert time.monotonic() < limit
        time.sleep(0.1)
    assert "services ended with exit code -9" in (state_dir / "logs/supervisor.log").read_text()


def test_a_taken_port_is_named_with_its_holder(state_dir: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(
            CloudError, match=rf"port {port} of 127.0.0.1 is in use by .*\(process {os.getpid()}\)"
        ) as error:
            cloud.up(state_dir, port)
    assert "penstock cloud up --port" in error.value.fix
    assert not state_dir.exists()


@pytest.mark.cloud
def test_a_child_that_cannot_start_is_shown_with_the_end_of_its_log(state_dir: Path) -> None:
    broken = [sys.executable, "-c", "raise SystemExit('the receiver has no token')", "{state_dir}"]
    with pytest.raises(CloudError, match="receiver ended at its start with exit code 1") as error:
        cloud.up(state_dir, 0, broken)
    assert "the receiver has no token" in error.value.detail
    assert "receiver.log" in error.value.fix
    wait_until_gone(state_dir)


def test_reset_leaves_a_foreign_folder_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(CloudError, match="does not look like a local cloud's state folder"):
        cloud.reset(tmp_path)
    assert (tmp_path / "thesis.txt").exists()


@pytest.mark.cloud
@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can become another user")
def test_an_ordinary_user_runs_it_too(tmp_path: Path) -> None:
    """As `nobody`, with a home and a cache of its own; interpreters must be readable by it, else the test says so."""
    from penstock_cloud import environments

    pythons = [Path(sys.executable), *(environments.ensure(name) for name in ("gateway", "services"))]
    readable = subprocess.run(
        ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "sh", "-c",
         " && ".join(f"{shlex.quote(str(python))} -c 0" for python in pythons)],
        capture_output=True, check=False,
    )  # fmt: skip
    if readable.returncode:
        pytest.skip("the interpreters lie where other users may not read: run the suite as an ordinary user instead")
    tmp_path.chmod(0o777)
    state_dir = tmp_path / "state"
    command = [sys.executable, "-m", "penstock_cloud"]
    as_nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    environment = {**os.environ, "HOME": str(tmp_path), "PENSTOCK_CACHE_DIR": str(environments.cache_folder())}
    up = subprocess.run(
        [*as_nobody, *command, "up", "--state-dir", str(state_dir), "--port", "0"],
        env=environment, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert up.returncode == 0, up.stderr
    subprocess.run(
        [*as_nobody, *command, "reset", "--state-dir", str(state_dir)], env=environment, check=True, timeout=120
    )
    wait_until_gone(state_dir)


@pytest.mark.cloud
def test_a_proxy_does_not_stand_between(state_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "example.com")
    info = cloud.up(state_dir, 0)
    assert cloud.environment(info)["NO_PROXY"] == "example.com,127.0.0.1,localhost"
