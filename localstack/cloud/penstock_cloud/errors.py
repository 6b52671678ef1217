"""What can go wrong with the local cloud, said with a remedy."""

from __future__ import annotations


class CloudError(Exception):
    """Something the user can put right: `message` says what and where, `fix` what to do, `detail` shows a log's end."""

    def __init__(self, message: str, fix: str = "", *, detail: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.fix = fix
        self.detail = detail
