"""What the process is told at start."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

DEFAULT_ACCOUNT = "000000000000"
DEFAULT_REGION = "us-east-1"


def _seconds(variable: str, default: float) -> float:
    text = os.environ.get(variable, "")
    try:
        return float(text) if text else default
    except ValueError:
        message = f"{variable} must be a number of seconds, not {text!r}"
        raise SystemExit(message) from None


@dataclass(frozen=True)
class Settings:
    """Where state lies, where the gateway is, and how long the unhurried steps take.

    ``step_seconds`` is how long a life-cycle state such as Creating lasts where nothing real happens in it;
    ``stop_seconds`` the time a job has between SIGTERM and SIGKILL (AWS: 120); ``monitoring_ahead_seconds`` how far the
    clock of monitoring schedules is ahead of this machine's.
    """

    state_dir: Path
    gateway_url: str
    port: int
    host: str = "127.0.0.1"
    step_seconds: float = 0.2
    stop_seconds: float = 120.0
    capture_seconds: float = 3.0
    monitoring_ahead_seconds: float = 0.0

    @classmethod
    def from_environment(cls, state_dir: Path, gateway_url: str, port: int) -> Settings:
        """Arguments of the command line, the rest from ``PENSTOCK_*`` variables."""
        return cls(
            state_dir=state_dir.resolve(),
            gateway_url=gateway_url.rstrip("/"),
            port=port,
            step_seconds=_seconds("PENSTOCK_STEP_SECONDS", 0.2),
            stop_seconds=_seconds("PENSTOCK_STOP_SECONDS", 120.0),
            capture_seconds=_seconds("PENSTOCK_CAPTURE_SECONDS", 3.0),
            monitoring_ahead_seconds=_seconds("PENSTOCK_MONITORING_AHEAD_SECONDS", 0.0),
        )

    @property
    def own_url(self) -> str:
        """The address of this process."""
        return f"http://{self.host}:{self.port}"
