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
        message = f"{variable} must be a number, not {text!r}"
        raise SystemExit(message) from None


def _positive(variable: str, default: float) -> float:
    found = _seconds(variable, default)
    if found <= 0:
        message = f"{variable} must be above 0, not {found:g}"
        raise SystemExit(message)
    return found


@dataclass(frozen=True)
class Settings:
    """Where state lies, where the gateway is, and how long the unhurried steps take.

    ``step_seconds`` is how long a life-cycle state such as Creating lasts where nothing real happens in it;
    ``stop_seconds`` the time a job has between SIGTERM and SIGKILL (AWS: 120); ``monitoring_ahead_seconds`` how far the
    clock of monitoring schedules is ahead of this machine's.
    ``deployment_speed`` is how many times faster than on AWS the waits of an endpoint's deployment pass (1: as there);
    ``serverless_idle_seconds`` how long a serverless endpoint's processes stay without requests; ``metrics_seconds``
    how often endpoints' metrics are sent; ``script_seconds`` how long a script of a life-cycle configuration may take.
    """

    state_dir: Path
    gateway_url: str
    port: int
    host: str = "127.0.0.1"
    step_seconds: float = 0.2
    stop_seconds: float = 120.0
    capture_seconds: float = 3.0
    monitoring_ahead_seconds: float = 0.0
    deployment_speed: float = 50.0
    serverless_idle_seconds: float = 60.0
    metrics_seconds: float = 10.0
    script_seconds: float = 300.0

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
            deployment_speed=_positive("PENSTOCK_DEPLOYMENT_SPEED", 50.0),
            serverless_idle_seconds=_positive("PENSTOCK_SERVERLESS_IDLE_SECONDS", 60.0),
            metrics_seconds=_positive("PENSTOCK_METRICS_SECONDS", 10.0),
            script_seconds=_positive("PENSTOCK_LIFECYCLE_SCRIPT_SECONDS", 300.0),
        )

    @property
    def own_url(self) -> str:
        """The address of this process."""
        return f"http://{self.host}:{self.port}"
