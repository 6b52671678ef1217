"""Who may use the server: who opened it by a presigned URL, as long as that session lasts."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

from jupyter_server.auth import IdentityProvider, User
from jupyter_server.auth.decorator import allow_unauthenticated
from jupyter_server.base.handlers import JupyterHandler
from presigned import session_of  # type: ignore[import-not-found]
from tornado.web import HTTPError
from traitlets import Unicode

PARAMETER = "authToken"
_EXPIRED = "The session has ended or was never opened: ask for a new presigned URL."


class Refusal(JupyterHandler):
    """In place of a login page: there is nothing to be typed."""

    @allow_unauthenticated
    def get(self) -> None:
        """403."""
        raise HTTPError(403, _EXPIRED)


class PresignedIdentity(IdentityProvider):
    """Lets in whose URL carries a token of ours, and remembers it by a cookie that is good until the session's end."""

    secret = Unicode(help="by which tokens are signed").tag(config=True)
    need_token = False
    login_handler_class = Refusal

    async def get_user(self, handler: Any) -> User | None:
        ends = self._opened(handler)
        if ends is not None:
            expires = datetime.fromtimestamp(ends, UTC)
            name = self.get_cookie_name(handler)
            handler.set_signed_cookie(name, str(ends), expires=expires, httponly=True, path=handler.base_url)
        else:
            ends = self._remembered(handler)
        if ends is None or ends < time.time():
            return None
        return User("sagemaker-user", "sagemaker-user", "sagemaker-user", "S")

    def _opened(self, handler: Any) -> float | None:
        """When the session that a URL opens will end; None where the URL opens none."""
        seconds = session_of(self.secret, handler.get_query_argument(PARAMETER, ""))
        return None if seconds is None else time.time() + seconds

    def _remembered(self, handler: Any) -> float | None:
        value = handler.get_signed_cookie(self.get_cookie_name(handler))
        return float(value) if value else None
