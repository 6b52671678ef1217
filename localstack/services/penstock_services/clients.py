"""boto3 clients of the other services, at the gateway; made on first use and kept."""

from __future__ import annotations

import threading
from typing import Any

import boto3
from botocore.config import Config

from penstock_services.settings import Settings
from penstock_services.store import Scope


class Clients:
    """``client("s3", scope)``: a thread-safe boto3 client acting for the scope's account and region.

    The gateway takes an access key of twelve digits as the account id. Nothing is connected before the first call.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._clients: dict[tuple[str, Scope], Any] = {}

    def client(self, service: str, scope: Scope) -> Any:
        """The client of ``service`` for the scope."""
        key = (service, scope)
        with self._lock:
            if key not in self._clients:
                self._clients[key] = self._make(service, scope)
            return self._clients[key]

    def once(self, service: str, scope: Scope, read_seconds: float) -> Any:
        """A client that waits that long for an answer and never repeats a call: for calls that do work."""
        key = (f"{service}:once:{read_seconds}", scope)
        with self._lock:
            if key not in self._clients:
                config = Config(read_timeout=read_seconds, retries={"total_max_attempts": 1})
                self._clients[key] = self._make(service, scope, config)
            return self._clients[key]

    def _make(self, service: str, scope: Scope, special: Config | None = None) -> Any:
        session = boto3.session.Session(
            aws_access_key_id=scope.account,
            aws_secret_access_key="test",  # noqa: S106 (the local cloud checks no signature)
            region_name=scope.region,
        )
        config = Config(
            max_pool_connections=32,
            connect_timeout=5,
            read_timeout=120,
            retries={"max_attempts": 5, "mode": "standard"},
            s3={"addressing_style": "path"},
        )
        if special is not None:
            config = config.merge(special)
        return session.client(service, endpoint_url=self._settings.gateway_url, config=config)
