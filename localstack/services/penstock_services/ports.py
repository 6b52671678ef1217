"""Ports for processes that take a moment to listen.

Who asks the system for a free port and gives it to a new process has it taken away now and then: by another that asks
before the new process listens. So the UDP port of the same number is kept bound for that moment: whoever asks in this
way, in any process of the machine, gets another one.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time

CLAIM_SECONDS = 60.0
_ATTEMPTS = 100
_claims: list[tuple[float, socket.socket]] = []
_lock = threading.Lock()


def is_free(port: int) -> bool:
    """Whether a server could listen on this port of the loopback interface."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def free_port() -> int:
    """A port of the loopback interface on which nobody listens; nobody else who asks here gets it for a minute."""
    with _lock:
        while _claims and _claims[0][0] < time.monotonic():
            _claims.pop(0)[1].close()
        for _ in range(_ATTEMPTS):
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                port = int(probe.getsockname()[1])
            claim = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            with contextlib.suppress(OSError):
                claim.bind(("127.0.0.1", port))
                _claims.append((time.monotonic() + CLAIM_SECONDS, claim))
                return port
            claim.close()
    return port
