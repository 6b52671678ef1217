"""Scripts that mean no good, or know no better: in every kind of sandbox nothing of them is left, and none is a success
that was not one."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
import tempfile
import textwrap
import time
import uuid
from pathlib import Path

import psutil
import pytest

from penstock_services.execution.launcher import control_group
from penstock_services.execution.launcher.guard import Guard
from penstock_services.execution.sandbox import Layout, Limits, Network, Outcome, Sandboxed

PYTHON = sys.executable
MIB = 1 << 20


@pytest.fixture(params=["root", "user", "none"])
def mode(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    wanted = str(request.param)
    if wanted == "root" and os.geteuid() != 0:
        pytest.skip("not root")
    probe = Sandboxed(wanted, tmp_path / "probe", tmp_path, ["true"], {"PATH": "/usr/bin:/bin"})
    if probe.start(lambda _line: None).wait(60) != Outcome(code=0):
        pytest.skip("not possible here")
    return wanted


class Script:
    """One script in its sandbox, recognizable by a word in the command line of all its processes."""

    def __init__(self, mode: str, folder: Path, text: str, limits: Limits | None = None) -> None:
        self.lines: list[str] = []
        self.marker = f"hostile-{uuid.uuid4().hex}"
        self.folder = folder / "job"
        self.folder.mkdir()
        self.layout = Layout(mode, self.folder / "ml")
        source = self.layout.text(textwrap.dedent(text))
        environment = {"PATH": "/usr/bin:/bin", "HOME": str(self.folder / "home")}
        command = [PYTHON, "-c", source, self.marker]
        self.process = Sandboxed(
            mode, self.layout.host, self.folder, command, environment, self.layout.inside, limits or Limits()
        )

    def start(self, ready: str = "") -> Script:
        self.process.start(self.lines.append)
        deadline = time.monotonic() + 60
        while ready and ready not in self.lines:
            assert time.monotonic() < deadline, self.lines
            time.sleep(0.01)
        return self

    def run(self, seconds: float = 120) -> Outcome:
        self.start()
        outcome = self.process.wait(seconds)
        assert outcome is not None, "it did not end"
        return outcome

    def left(self) -> list[psutil.Process]:
        """What still runs of it."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if process.status() != psutil.STATUS_ZOMBIE and self.marker in process.cmdline():
                    found.append(process)
        return found

    def gone(self, seconds: float = 60) -> bool:
        deadline = time.monotonic() + seconds
        while self.left() and time.monotonic() < deadline:
            time.sleep(0.05)
        return not self.left()


def test_it_forks_without_end(mode: str, tmp_path: Path) -> None:
    bomb = """
        import os, time
        for _ in range(9):    # 512 processes at most
            os.fork()
        time.sleep(300)
    """
    script = Script(mode, tmp_path, bomb, Limits(processes=100))
    outcome = script.run()
    assert outcome.limit == "processes"
    assert not outcome.ok
    assert script.gone()


def test_it_fills_its_space_file_by_file(mode: str, tmp_path: Path) -> None:
    filler = """
        import itertools, os, time
        for number in itertools.count():
            with open(f"/opt/ml/{number}", "wb") as file:
                file.write(os.urandom(1 << 20))
            time.sleep(0.005)
    """
    script = Script(mode, tmp_path, filler, Limits(volume=20 * MIB))
    outcome = script.run()
    assert outcome.limit == "volume"
    assert "No space left" in outcome.reason()
    used = sum(path.stat().st_blocks * 512 for path in script.folder.rglob("*") if path.is_file())
    assert used < 200 * MIB


@pytest.mark.parametrize("place", ["/opt/ml/big", "$HOME/big", "$TMP/big"])
def test_it_fills_its_space_with_one_file(mode: str, tmp_path: Path, place: str) -> None:
    filler = f"""
        import os, tempfile
        os.environ["TMP"] = tempfile.gettempdir()
        with open(os.path.expandvars("{place}"), "wb") as file:
            for _ in range(1000):
                file.write(bytes(1 << 20))
    """
    script = Script(mode, tmp_path, filler, Limits(volume=20 * MIB))
    assert script.run().limit == "volume"
    used = sum(path.stat().st_blocks * 512 for path in script.folder.rglob("*") if path.is_file())
    assert used <= 21 * MIB, "a single file ends where the space does"


def test_a_failure_for_another_reason_is_not_the_lack_of_space(mode: str, tmp_path: Path) -> None:
    script = Script(mode, tmp_path, "open('/opt/ml/x', 'wb').write(bytes(1 << 20)); raise SystemExit(3)")
    script.process.limits = Limits(volume=20 * MIB)
    assert script.run() == Outcome(code=3)


def test_it_takes_too_much_memory(mode: str, tmp_path: Path) -> None:
    hungry = """
        import time
        kept = []
        for _ in range(60):
            kept.append(bytearray(b"x" * (20 << 20)))
            time.sleep(0.02)
        time.sleep(300)
    """
    script = Script(mode, tmp_path, hungry, Limits(memory=200 * MIB))
    outcome = script.run()
    assert outcome.limit == "memory"
    assert "more memory" in outcome.reason()
    assert script.gone()


def test_memory_that_children_share_counts_once(mode: str, tmp_path: Path) -> None:
    sharing = """
        import os, time
        kept = bytearray(b"x" * (150 << 20))
        for _ in range(6):
            if os.fork() == 0:
                time.sleep(0.7)
                os._exit(0)
        time.sleep(0.7)
    """
    assert Script(mode, tmp_path, sharing, Limits(memory=300 * MIB)).run() == Outcome(code=0)


def test_shared_memory_is_memory(mode: str, tmp_path: Path) -> None:
    if mode == "none":
        pytest.skip("the machine's own /dev/shm is not limited without namespaces")
    filler = "open('/dev/shm/x', 'wb').write(bytes(150 << 20))"
    script = Script(mode, tmp_path, filler, Limits(memory=200 * MIB))
    assert script.run() == Outcome(code=1)
    assert any("No space left on device" in line for line in script.lines)


def test_it_becomes_a_daemon(mode: str, tmp_path: Path) -> None:
    daemon = """
        import os, sys, time
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                for number in range(3):
                    os.close(number)
                os.execve(sys.executable, [sys.executable, "-c", "import time; time.sleep(300)", sys.argv[1]], {})
            os._exit(0)
        time.sleep(0.3)
    """
    script = Script(mode, tmp_path, daemon)
    assert script.run() == Outcome(code=0)
    assert script.gone()


def test_it_exits_while_children_hold_its_output(mode: str, tmp_path: Path) -> None:
    text = """
        import os, sys, time
        if os.fork() == 0:
            os.setsid()
            time.sleep(300)
        print("bye", flush=True)
    """
    script = Script(mode, tmp_path, text)
    assert script.run() == Outcome(code=0), "and not after the 300 seconds of its child"
    assert script.lines == ["bye"]
    assert script.gone()


def test_it_closes_its_output_and_goes_on(mode: str, tmp_path: Path) -> None:
    script = Script(mode, tmp_path, "import os, time; os.close(1); os.close(2); time.sleep(0.5); os._exit(3)")
    assert script.run() == Outcome(code=3)


def test_it_prints_50_megabytes(mode: str, tmp_path: Path) -> None:
    text = """
        import sys
        for number in range(500_000):
            sys.stdout.write(f"{number:>099}\\n")
        sys.stdout.write("x" * 1_000_000)
    """
    script = Script(mode, tmp_path, text)
    assert script.run() == Outcome(code=0)
    assert len(script.lines) >= 500_003, "a line that is too long is cut"
    assert script.lines[499_999].endswith("499999")
    assert sum(len(line) for line in script.lines[500_000:]) == 1_000_000


def test_it_kills_its_parent(mode: str, tmp_path: Path) -> None:
    text = """
        import os, signal, subprocess, sys, time
        subprocess.Popen(["sleep", "300"], start_new_session=True)
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)", sys.argv[1]], start_new_session=True)
        print("ready", flush=True)
        os.kill(os.getppid(), signal.SIGKILL)
        time.sleep(1)
        print("alive", flush=True)
    """
    script = Script(mode, tmp_path, text)
    outcome = script.run()
    assert ("alive" in script.lines) == (mode != "none"), "the first process of a namespace cannot be killed in it"
    assert outcome.ok == (mode != "none")
    assert script.gone()


def test_it_ignores_sigterm(mode: str, tmp_path: Path) -> None:
    text = """
        import signal, subprocess, sys, time
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)", sys.argv[1]], start_new_session=True)
        print("ready", flush=True)
        time.sleep(300)
    """
    script = Script(mode, tmp_path, text).start("ready")
    outcome = script.process.stop(0.3)
    assert outcome is not None
    assert outcome.terminated
    assert not outcome.ok
    assert script.gone()


SPAWNING = """
    import os, subprocess, sys, time
    child = "import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(300)', " \\
            "sys.argv[1]], start_new_session=True); print('ready', flush=True); time.sleep(300)"
    subprocess.Popen([sys.executable, "-c", child, sys.argv[1]], start_new_session=True)
    time.sleep(300)
"""


def test_a_killed_launcher_leaves_nothing(mode: str, tmp_path: Path) -> None:
    script = Script(mode, tmp_path, SPAWNING).start("ready")
    assert len(script.left()) >= 3
    os.kill(script.process.pid, signal.SIGKILL)
    outcome = script.process.wait(60)
    assert outcome is not None
    assert outcome.lost
    assert script.gone()


def test_all_that_watches_is_killed_at_once(mode: str, tmp_path: Path) -> None:
    script = Script(mode, tmp_path, SPAWNING).start("ready")
    launcher = psutil.Process(script.process.pid)
    for process in [launcher, *launcher.children()]:
        process.suspend()
    for process in [*launcher.children(), launcher]:
        process.kill()
    outcome = script.process.wait(60)
    assert outcome is not None
    assert not outcome.ok
    assert script.gone()


OUTER = ["/etc", "/usr", "/opt", "/root", "/run", "/var", str(Path(PYTHON).parent)]


def test_without_namespaces_it_cannot_write_elsewhere_either(tmp_path: Path) -> None:
    """Where the kernel has Landlock; /tmp stays shared, with a checkout that lies in it."""
    name = f"penstock-{uuid.uuid4().hex}"
    outer = [folder for folder in OUTER if not Path(folder).is_relative_to(tempfile.gettempdir())]
    text = f"""
        import os, tempfile
        for folder in {outer}:
            try:
                open(f"{{folder}}/{name}", "w").close()
                print("wrote to", folder)
            except OSError:
                pass
        for folder in ("/opt/ml", os.environ["HOME"], tempfile.gettempdir()):
            open(f"{{folder}}/{name}", "w").close()
            os.makedirs(f"{{folder}}/{name}.d/deeper")
            os.rename(f"{{folder}}/{name}", f"{{folder}}/{name}.d/deeper/renamed")
        open("/dev/null", "w").write("x")
    """
    script = Script("none", tmp_path, text)
    outcome = script.run()
    for folder in outer:
        with contextlib.suppress(OSError):
            (Path(folder) / name).unlink()
    assert outcome == Outcome(code=0), script.lines
    if script.lines and tuple(int(part) for part in os.uname().release.split(".")[:2]) < (6, 2):
        pytest.skip("this kernel has no Landlock of version 3")
    assert script.lines == []


def test_it_cannot_write_elsewhere(mode: str, tmp_path: Path) -> None:
    if mode == "none":
        pytest.skip("the next best thing is tested above")
    outside = tmp_path / "outside"
    outside.mkdir()
    name = f"penstock-{uuid.uuid4().hex}"
    outer = [*OUTER, str(outside), str(tmp_path)]
    text = f"""
        import os
        for folder in {outer}:
            try:
                with open(f"{{folder}}/{name}", "w") as file:
                    file.write("x")
                print("wrote to", folder)
            except OSError:
                pass
        try:
            open("/proc/sys/vm/swappiness", "w").write("60")
            print("wrote to the kernel's settings")
        except OSError:
            pass
        for folder in ("/tmp", "/var/tmp", os.environ["HOME"], "/dev/shm", "/opt/ml"):
            with open(f"{{folder}}/{name}", "w") as file:
                file.write("x")
        os.system("mount -o remount,rw / 2>/dev/null && echo remounted; umount /tmp 2>/dev/null && echo unmounted; "
                  "unshare -Urm true 2>/dev/null && echo another namespace")
        print(sorted(name for name in os.listdir("/dev") if name.startswith(("sd", "vd", "nvme", "mem", "kmsg"))))
    """
    script = Script(mode, tmp_path, text)
    outcome = script.run()
    for folder in outer:
        with contextlib.suppress(OSError):
            (Path(folder) / name).unlink()
    assert outcome == Outcome(code=0)
    assert script.lines == ["[]"]
    for folder in ("/tmp", "/var/tmp", "/dev/shm", "/opt/ml"):
        assert not (Path(folder) / name).exists()
    assert (script.folder / "home" / name).exists()
    assert (script.folder / "tmp" / name).exists()
    assert (script.folder / "ml" / name).exists()


def test_it_sees_and_signals_only_its_own_processes(mode: str, tmp_path: Path) -> None:
    if mode == "none":
        pytest.skip("without namespaces it sees the machine's")
    text = f"""
        import os, signal
        print(sorted(int(name) for name in os.listdir("/proc") if name.isdigit())[:3], os.getpid(), os.getppid())
        try:
            os.kill({os.getpid()}, 0)
            print("found the tests")
        except ProcessLookupError:
            pass
    """
    script = Script(mode, tmp_path, text)
    assert script.run() == Outcome(code=0)
    assert script.lines == ["[1, 2] 2 1"]


def test_packages_can_be_laid_over(mode: str, tmp_path: Path) -> None:
    if mode == "none":
        pytest.skip("without namespaces there are no overlays")
    packages = tmp_path / "packages"
    packages.mkdir()
    (packages / "old.txt").write_text("old")
    text = f"""
        open("{packages}/new.txt", "w").write("new")
        open("{packages}/old.txt", "w").write("changed")
        print(open("{packages}/old.txt").read())
    """
    script = Script(mode, tmp_path, text)
    script.process.overlays = (str(packages),)
    outcome = script.run()
    if any("Read-only file system" in line for line in script.lines):
        pytest.skip("this kernel has no overlays for namespaces")
    assert outcome == Outcome(code=0)
    assert script.lines == ["changed"]
    assert sorted(path.name for path in packages.iterdir()) == ["old.txt"]
    assert (packages / "old.txt").read_text() == "old"


def test_a_job_without_network_and_its_peer(mode: str, tmp_path: Path) -> None:
    if mode == "none":
        pytest.skip("without namespaces there is no network of its own")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        text = f"""
            import socket
            try:
                socket.create_connection(("127.0.0.1", {port}), 2)
                print("reached the machine")
            except OSError:
                print("no network")
            server = socket.create_server(("algo-1", 7777))
            print("listening", flush=True)
            with server.accept()[0] as peer:
                print(peer.recv(100).decode())
        """
        (tmp_path / "one").mkdir()
        (tmp_path / "two").mkdir()
        hosts = "127.0.0.1 localhost algo-1\n127.0.0.2 algo-2\n"
        first = Script(mode, tmp_path / "one", text)
        first.process.network = Network(hosts, isolated=True)
        first.start("listening")
        assert first.process.entered(5)
        text = "import socket; socket.create_connection(('algo-1', 7777), 5, ('algo-2', 0)).sendall(b'hello')"
        second = Script(mode, tmp_path / "two", text)
        second.process.network = Network(hosts, isolated=True, peer=first.process.pid)
        assert second.run() == Outcome(code=0), second.lines
        assert first.process.wait(60) == Outcome(code=0)
        assert first.lines == ["no network", "listening", "hello"]


def test_the_disk_of_the_machine_is_never_filled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.statvfs(tmp_path)
    guard = Guard(None, None, None, [str(tmp_path)], None)
    assert guard.exceeded([]) is None
    free = os.statvfs_result((*real[:4], 100, *real[5:]))
    monkeypatch.setattr(os, "statvfs", lambda _path: free)
    assert guard.exceeded([]) == "volume"


@pytest.mark.parametrize("delegated", ["own", "beside", "nothing"])
def test_a_control_group_where_one_is_delegated(
    delegated: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Against a folder that looks like the kernel's: which group is chosen, and what is written to it."""
    own = tmp_path / "user.slice" / "app.slice" / "ours.scope"
    own.mkdir(parents=True)
    (tmp_path / "cgroup.controllers").write_text("cpu memory pids")
    real = os.mkdir

    def mkdir(name: str, *, dir_fd: int) -> None:
        place = Path(f"/proc/self/fd/{dir_fd}").readlink()
        real(name, dir_fd=dir_fd)
        if place == {"own": own, "beside": own.parent}.get(delegated):
            for file in ("memory.max", "memory.swap.max", "memory.oom.group", "pids.max", "cgroup.procs"):
                (place / name / file).touch()
            (place / name / "memory.events").write_text("low 0\noom 1\noom_kill 2\n")

    monkeypatch.setattr(os, "mkdir", mkdir)
    monkeypatch.setattr(control_group, "_REMOVALS", 1)
    group = control_group.make(200 * MIB, 50, str(tmp_path), "/user.slice/app.slice/ours.scope")
    made = [path for path in tmp_path.rglob("penstock-*") if any(path.iterdir())]
    assert (group is None) == (delegated == "nothing")
    if group is None:
        assert made == []
        return
    group.join()
    assert made == [(own if delegated == "own" else own.parent) / f"penstock-{os.getpid()}"]
    assert [(made[0] / file).read_text() for file in ("memory.max", "pids.max", "cgroup.procs")] == [
        str(200 * MIB), "50", "0",
    ]  # fmt: skip
    assert group.ran_out_of_memory()
    for file in made[0].iterdir():
        file.unlink()
    group.remove()
    assert not made[0].exists()
