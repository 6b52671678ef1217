"""Tokens of presigned URLs: until when they open a server, and for how long; only who knows its secret can make one.

Standard library only: the services sign, the server checks.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import time


def sign(secret: str, valid_seconds: float, session_seconds: float) -> str:
    """A token that is good for ``valid_seconds`` from now, and opens a session of ``session_seconds``."""
    claims = {"until": time.time() + valid_seconds, "session": session_seconds}
    body = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode()
    return f"{body}.{_signature(secret, body)}"


def session_of(secret: str, token: str) -> float | None:
    """How many seconds the session of a token lasts; None for one that is forged or too old."""
    body, _, signature = token.partition(".")
    if not hmac.compare_digest(_signature(secret, body).encode(), signature.encode()):
        return None
    try:
        claims = json.loads(base64.urlsafe_b64decode(body.encode()))
    except (binascii.Error, ValueError):
        return None
    return float(claims["session"]) if time.time() < claims["until"] else None


def _signature(secret: str, body: str) -> str:
    return hmac.new(secret.encode(), body.encode(), hashlib.sha256).hexdigest()
