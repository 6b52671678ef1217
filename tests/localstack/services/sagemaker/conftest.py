"""A control plane in this process."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import EndpointConnectionError

from penstock_services.app import context_factory, load_parts
from penstock_services.clients import Clients
from penstock_services.operations import Context
from penstock_services.sagemaker import index
from penstock_services.sagemaker.endpoints.live import STOPPED
from penstock_services.settings import Settings
from penstock_services.store import Scope, Store

HERE = Scope("000000000000", "us-east-1")


class Nobody:
    """Every other service: it takes events and cannot be reached otherwise, at once instead of after retries."""

    def put_events(self, **_request: Any) -> dict[str, Any]:
        return {"FailedEntryCount": 0, "Entries": []}

    def __getattr__(self, operation: str) -> Any:
        def unreachable(*_arguments: Any, **_request: Any) -> Any:
            raise EndpointConnectionError(endpoint_url=operation)

        return unreachable


class NoClients(Clients):
    def _make(self, _service: str, _scope: Scope, _special: Config | None = None) -> Any:
        return Nobody()


@dataclass
class ControlPlane:
    """A control plane over a store of its own, without HTTP; life cycles take no time unless told otherwise."""

    folder: Path
    step_seconds: float = 0
    store: Store = field(init=False)

    def __post_init__(self) -> None:
        load_parts()
        settings = Settings(self.folder, "http://127.0.0.1:9", 1, step_seconds=self.step_seconds)
        self.store = Store(self.folder / "records.sqlite", index.columns)
        self._factory = context_factory(settings, self.store, NoClients(settings))

    def context(self, scope: Scope = HERE) -> Context:
        return self._factory(scope)

    def call(self, operation: str, **request: Any) -> dict[str, Any]:
        """Answer an operation; raises ServiceError as a client would see it."""
        return self.context().call(operation, request)


@pytest.fixture(scope="module")
def control_plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    STOPPED.clear()  # an application that ended in this process before has set it
    plane = ControlPlane(tmp_path_factory.mktemp("control-plane"))
    yield plane
    plane.store.close()
