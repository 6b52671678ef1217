"""Output of a command, line by line."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable

_LOG = logging.getLogger(__name__)
_LINE_BYTES = 256 << 10


class Lines:
    """Cuts output into lines; one that is too long for CloudWatch Logs becomes several."""

    def __init__(self, on_line: Callable[[str], None]) -> None:
        self._on_line = on_line
        self._rest = b""

    def read(self, stream: int) -> bool:
        """Read what is there; False at the end of the output."""
        part = os.read(stream, 65536)
        whole = self._rest + part
        *lines, self._rest = whole.split(b"\n")
        for line in lines:
            self._give(line)
        if len(self._rest) >= _LINE_BYTES:
            self.end()
        return bool(part)

    def end(self) -> None:
        """What is left is a line too."""
        if self._rest:
            self._give(self._rest)
        self._rest = b""

    def _give(self, line: bytes) -> None:
        try:
            self._on_line(line.decode(errors="replace").rstrip("\r"))
        except Exception:  # noqa: BLE001 (output must go on being read)
            _LOG.exception("a line of output was lost")
