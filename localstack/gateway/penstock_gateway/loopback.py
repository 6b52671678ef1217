"""The gateway listens on the loopback interface only; LocalStack's own server ignores the address for IPv4."""

from __future__ import annotations

import functools
from types import SimpleNamespace

LOOPBACK = "127.0.0.1"


def install() -> None:
    """Make LocalStack's server listen on 127.0.0.1. Call it before LocalStack serves."""
    from localstack.runtime.server import twisted
    from twisted.internet import endpoints

    twisted.endpoints = SimpleNamespace(
        TCP4ServerEndpoint=functools.partial(endpoints.TCP4ServerEndpoint, interface=LOOPBACK),
        TCP6ServerEndpoint=endpoints.TCP6ServerEndpoint,
    )
