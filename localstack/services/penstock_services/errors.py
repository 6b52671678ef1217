"""The one exception that becomes an AWS error answer."""

from __future__ import annotations


class ServiceError(Exception):
    """An error that the client sees, in AWS's own terms.

    ``code`` is AWS's error code ("ValidationException", "ResourceNotFound"), ``message`` the text
    beside it, ``status`` the HTTP status; ``details`` are further members of the modelled error shape
    (for example ``OriginalStatusCode`` of the runtime's ``ModelError``).
    """

    def __init__(self, code: str, message: str, status: int = 400, details: dict[str, object] | None = None) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status
        self.details = dict(details or {})
