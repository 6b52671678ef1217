"""The program of one notebook instance or app: a JupyterLab in a sandbox, whose kernels reach the local cloud."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from penstock_services.execution import sandbox
from penstock_services.execution.environment import cloud_variables
from penstock_services.execution.image_environments import lay_over
from penstock_services.execution.images import pip_variables
from penstock_services.execution.logs import LogStream
from penstock_services.execution.sandbox import Layout, Sandboxed
from penstock_services.operations import Context
from penstock_services.sagemaker.notebooks import scripts
from penstock_services.sagemaker.notebooks.program import serving
from penstock_services.sagemaker.notebooks.scripts import Script
from penstock_services.sagemaker.servers import environment
from penstock_services.sagemaker.servers.keeping import STOP_SECONDS

_SYSTEM_PATH = "/usr/local/bin:/sbin:/bin:/usr/sbin:/usr/bin"
_IMAGE = ".image"


@dataclass(frozen=True)
class Process:
    """A sandboxed process and its log."""

    sandboxed: Sandboxed
    log: LogStream

    def running(self) -> bool:
        """Whether it still runs."""
        return self.sandboxed.wait(0) is None

    def wait(self) -> str:
        """Wait for its end; how it ended, in words."""
        outcome = self.sandboxed.wait(None)
        return outcome.reason() if outcome else ""

    def end(self) -> None:
        """SIGTERM, on which JupyterLab ends its kernels, then SIGKILL to all that is left."""
        self.sandboxed.stop(STOP_SECONDS)
        self.log.close()


@dataclass
class JupyterLab:
    """One server.

    ``folder`` is that of its sandbox: ``home`` in it is the home of whoever works there. ``kept`` is the folder in the home
    that is opened, and outlasts a stop ("SageMaker" on a notebook instance); empty: all of the home. ``metadata`` is what
    AWS writes to /opt/ml/metadata/resource-metadata.json. ``scripts`` gives those to run before the server starts, and
    ``ran(script)`` is called when one has ended well. ``group`` and ``stream`` are its log.
    """

    context: Context
    folder: Path
    kept: str
    metadata: dict[str, str]
    scripts: Callable[[], list[Script]]
    ran: Callable[[Script], None]
    group: str
    stream: str
    secret: str
    name: str = "JupyterLab"
    _python: Path = field(default=Path(), init=False)
    _programs: Path = field(default=Path(), init=False)

    @property
    def log(self) -> str:
        """Where it writes."""
        return f"the stream {self.stream} of {self.group} in CloudWatch Logs"

    @property
    def _home(self) -> Path:
        return self.folder / "home"

    @property
    def _layout(self) -> Layout:
        return Layout(sandbox.mode(), self.folder / "ml")

    def prepare(self, stopping: threading.Event) -> None:
        """Make the environment, lay out the folder and run the scripts. Raises StartFailedError."""
        self._python = environment.interpreter("notebooks")
        self._clear()
        (self._home / self.kept).mkdir(parents=True, exist_ok=True)
        self._programs = lay_over(self._python, None, self._home / _IMAGE, {})
        self._write_settings()
        _write(self._layout.path("/opt/ml/metadata/resource-metadata.json"), self.metadata)
        for script in self.scripts():
            scripts.run(self.context, script, self._layout, self.folder, self._variables(), stopping)
            self.ran(script)

    def _clear(self) -> None:
        """Start as a new machine does, to which only the volume is attached."""
        for path in (self.folder / "tmp", self.folder / "ml", self._home / _IMAGE):
            shutil.rmtree(path, ignore_errors=True)
        for path in self._home.iterdir() if self.kept and self._home.is_dir() else ():
            if path.is_symlink() or not path.is_dir():
                path.unlink()
            elif path.name != self.kept:
                shutil.rmtree(path)

    def _write_settings(self) -> None:
        """Kernels run where pip may install more, not where the server itself is; nobody is asked about Jupyter's news."""
        command = [str(self._programs / "python"), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        kernel = {"argv": command, "display_name": "Python 3", "language": "python", "metadata": {"debugger": True}}
        page = {"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": True}}
        image = self._home / _IMAGE
        _write(image / "share/jupyter/kernels/python3/kernel.json", kernel)
        _write(image / "etc/jupyter/labconfig/page_config.json", page)

    def _variables(self) -> dict[str, str]:
        return {
            **pip_variables(),
            **cloud_variables(self.context),
            **self._layout.environment(),
            "HOME": str(self._home),
            "SHELL": "/bin/bash",
            "PATH": f"{self._programs}:{self._python.parent}:{_SYSTEM_PATH}",
            "JUPYTER_PATH": str(self._home / _IMAGE / "share/jupyter"),
            "JUPYTER_CONFIG_PATH": str(self._home / _IMAGE / "etc/jupyter"),
        }

    def launch(self, port: int) -> Process:
        """Start the process."""
        opened = str(self._home / self.kept)
        script = str(Path(serving.__file__).resolve())
        command = [str(self._python), script, "--port", str(port), "--folder", opened]
        variables = {**self._variables(), "PENSTOCK_NOTEBOOK_SECRET": self.secret}
        log = LogStream(self.context, self.group, self.stream, self.folder / "logs" / "jupyter.log")
        layout = self._layout
        process = Sandboxed(layout.mode, layout.host, self.folder, command, variables, opened)
        return Process(process.start(log.write), log)

    def probe(self) -> str:
        """The path that answers with the version of Jupyter's server."""
        return "/api"


def _write(path: Path, content: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))
