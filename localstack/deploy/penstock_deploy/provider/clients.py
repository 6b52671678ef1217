"""botocore clients of the local cloud, made once and kept: making one costs tens to hundreds of milliseconds."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from penstock_deploy.target import Target

_CONNECTIONS = 32
_CONNECT_SECONDS = 5
_READ_SECONDS = 120
_USER_AGENT = "penstock-deploy"
"""Given, because botocore would put its own together anew for every call."""


class Clients:
    """A client for each service and region. Shared by all providers of a process that go to the same target."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self._lock = threading.Lock()
        self._session: Any = None
        self._clients: dict[tuple[str, str], Any] = {}

    def warm(self) -> None:
        """Import botocore and make the session, ahead of the first call."""
        with self._lock:
            self._open()

    def _open(self) -> Any:
        if self._session is None:
            import botocore.session

            self._session = botocore.session.Session()
        return self._session

    def get(self, service: str, region: str) -> Any:
        """The client of a service in a region."""
        known = self._clients.get((service, region))
        if known is not None:
            return known
        with self._lock:
            known = self._clients.get((service, region))
            if known is None:
                from botocore.config import Config

                known = self._open().create_client(
                    service,
                    region_name=region,
                    endpoint_url=self.target.endpoint,
                    aws_access_key_id=self.target.access_key_id,
                    aws_secret_access_key=self.target.secret_access_key,
                    config=Config(
                        s3={"addressing_style": "path"},
                        max_pool_connections=_CONNECTIONS,
                        connect_timeout=_CONNECT_SECONDS,
                        read_timeout=_READ_SECONDS,
                        retries={"mode": "standard", "max_attempts": 4},
                        parameter_validation=True,
                        user_agent=_USER_AGENT,
                    ),
                )
                self._clients[(service, region)] = known
            return known


_shared: dict[Target, Clients] = {}
_shared_lock = threading.Lock()


def shared(target: Target) -> Clients:
    """The clients of a target, the same for every caller of this process."""
    with _shared_lock:
        if target not in _shared:
            _shared[target] = Clients(target)
        return _shared[target]


class Aws:
    """What a resource type works with: clients in one region, the account, and whether the deployment is stopping."""

    def __init__(
        self, clients: Clients, region: str, stopping: threading.Event, timeout: float = 0.0, folder: Path | None = None
    ) -> None:
        self._clients = clients
        self.region = region
        self.stopping = stopping
        #: seconds that the program allows the step to take; 0 leaves it to the type
        self.timeout = timeout
        #: where the program runs: what paths of assets and archives are relative to
        self.folder = folder or Path.cwd()
        #: the id of what a creation of several calls has made so far
        self.made = ""

    @property
    def account(self) -> str:
        return self._clients.target.access_key_id

    def client(self, service: str) -> Any:
        """The botocore client of a service."""
        return self._clients.get(service, self.region)

    def arn(self, service: str, resource: str, *, regional: bool = True) -> str:
        """An ARN in this account and region."""
        return f"arn:aws:{service}:{self.region if regional else ''}:{self.account}:{resource}"

    def call(self, service: str, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """Call an operation by its AWS name."""
        from botocore import xform_name

        return dict(getattr(self.client(service), xform_name(operation))(**request))
