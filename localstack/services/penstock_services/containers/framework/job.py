"""What SageMaker tells a training container about its job: the files in /opt/ml/input/config."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from penstock_services.containers.framework import paths


def decoded(text: Any) -> Any:
    """The value of a hyperparameter: JSON where it is JSON, else the text itself."""
    if not isinstance(text, str):
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text


@dataclass(frozen=True)
class TrainingJob:
    """Hyperparameters (as they were given, texts), channels and hosts."""

    hyperparameters: dict[str, str]
    channels: dict[str, dict[str, Any]]
    resources: dict[str, Any]
    checkpoints: dict[str, Any]

    @property
    def hosts(self) -> list[str]:
        """All hosts, in order."""
        return sorted(self.resources.get("hosts") or ["algo-1"])

    @property
    def host(self) -> str:
        """This host."""
        return str(self.resources.get("current_host") or "algo-1")

    @property
    def is_master(self) -> bool:
        """Whether this is the first host."""
        return self.host == self.hosts[0]

    def channel(self, name: str) -> Path:
        """The folder of a channel."""
        return paths.DATA / name


def _read(name: str) -> dict[str, Any]:
    path = paths.CONFIG / name
    if not path.is_file():
        return {}
    content = json.loads(path.read_text() or "{}")
    return content if isinstance(content, dict) else {}


def read() -> TrainingJob:
    """The job of this container."""
    return TrainingJob(
        hyperparameters=_read("hyperparameters.json"),
        channels=_read("inputdataconfig.json"),
        resources=_read("resourceconfig.json"),
        checkpoints=_read("checkpointconfig.json"),
    )
