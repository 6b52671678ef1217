"""Stacks whose cloud is a folder: a project to write programs in, and ways to look at what became of them."""

from __future__ import annotations

import functools
import json
import os
import textwrap
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from folder_provider import WAIT_SECONDS, FolderProvider, log_of

from penstock_deploy import Deployment, Result
from penstock_deploy.state.backend import Backend
from penstock_deploy.state.secrets import PassphraseSecrets

PASSPHRASE = "correct horse"
HERE = Path(__file__).parent

ITEM = '''
"""The package `folder`, as a generated SDK would have it."""
import pulumi


class Item(pulumi.CustomResource):
    def __init__(self, logical, /, opts=None, **properties):
        super().__init__("folder:index:Item", logical, {"path": None, "serial": None, "name": None, **properties}, opts)


class Provider(pulumi.ProviderResource):
    def __init__(self, name, opts=None, **properties):
        super().__init__("folder", name, properties, opts)
'''


@dataclass
class Stack:
    """A project in a folder, a stack of it and the folder that is its cloud."""

    directory: Path
    cloud: Path
    environment: dict[str, str]
    name: str = "dev"
    events: list[dict[str, Any]] = field(default_factory=list)

    def write(self, program: str) -> Stack:
        """Set the program's text."""
        (self.directory / "__main__.py").write_text("import pulumi\nfrom item import *\n" + textwrap.dedent(program))
        return self

    def configure(self, text: str) -> Stack:
        """Set the text of the stack's configuration file."""
        (self.directory / f"Pulumi.{self.name}.yaml").write_text(textwrap.dedent(text))
        return self

    def deployment(self, **options: Any) -> Deployment:
        """A deployment of the stack."""
        return Deployment(
            self.directory,
            self.name,
            environment=self.environment,
            load_provider=lambda package, version, configuration: FolderProvider(self.cloud, configuration),
            **options,
        )

    def run(self, operation: str, **options: Any) -> Result:
        """Carry out an operation; its events are kept."""
        self.events.clear()
        result: Result = getattr(self.deployment(**options), operation)(self.events.append)
        return result

    def up(self, program: str | None = None, **options: Any) -> Result:
        """Bring the stack up, with a new program if one is given; it must go well."""
        if program is not None:
            self.write(program)
        result = self.run("up", **options)
        assert result.ok, result.errors
        return result

    @property
    def items(self) -> dict[str, dict[str, Any]]:
        """What is in the cloud, by name."""
        return {path.stem: json.loads(path.read_text()) for path in sorted(self.cloud.glob("*.json"))}

    @property
    def log(self) -> list[str]:
        """What was done to the cloud, in order."""
        return log_of(self.cloud)

    def log_line(self, line: str) -> None:
        """Add a line that an item may wait for."""
        with (self.cloud / ".log").open("a") as log:
            log.write(f"{line}\n")

    def wait_for_line(self, start: str) -> None:
        """Wait until something was done to the cloud that is logged with this start."""
        limit = time.monotonic() + WAIT_SECONDS
        while not any(line.startswith(start) for line in self.log):
            assert time.monotonic() < limit, f"nothing was logged as {start}"
            time.sleep(0.02)

    @property
    def state_path(self) -> Path:
        project = self.directory.name
        return Path(self.environment["PULUMI_BACKEND_URL"].removeprefix("file://")) / (
            f".pulumi/stacks/{project}/{self.name}.json"
        )

    def state(self) -> dict[str, Any]:
        """The latest part of the checkpoint."""
        latest: dict[str, Any] = json.loads(self.state_path.read_text())["checkpoint"]["latest"]
        return latest

    def resource(self, name: str) -> dict[str, Any]:
        """The state of the resource of this logical name."""
        return next(item for item in self.state()["resources"] if item["urn"].endswith(f"::{name}"))


@functools.cache
def _secrets() -> PassphraseSecrets:
    """All backends start with one salt: deriving its key takes longer than many a test."""
    return PassphraseSecrets(PASSPHRASE)


def make_stack(root: Path, project: str = "app", name: str = "dev") -> Stack:
    """An empty project; stacks of one root share a backend."""
    directory = root / project
    directory.mkdir()
    (directory / "Pulumi.yaml").write_text(f"name: {project}\nruntime: python\n")
    (directory / "item.py").write_text(ITEM)
    environment = {
        # what the tests import is also what their processes import
        **{name: os.environ[name] for name in ("PYTHONPATH",) if name in os.environ},
        "PATH": os.environ["PATH"],
        "HOME": str(root),
        "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
        "PULUMI_BACKEND_URL": f"file://{root / 'state'}",
        "PULUMI_CONFIG_PASSPHRASE": PASSPHRASE,
    }
    backend = Backend(environment["PULUMI_BACKEND_URL"], PASSPHRASE)
    backend.prepare()
    backend.keep_salt(_secrets())
    return Stack(directory, root / f"{project}-cloud", environment, name)
