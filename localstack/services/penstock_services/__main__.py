"""``python -m penstock_services --state-dir S --gateway-url U --port Q``: the services process."""

from __future__ import annotations

import argparse
import logging
import signal
import sys
from pathlib import Path
from types import FrameType

import uvicorn

from penstock_services.app import make
from penstock_services.settings import Settings


def main() -> int:
    """Serve until SIGTERM or SIGINT; 0 after a graceful stop."""
    parser = argparse.ArgumentParser(prog="penstock_services", description="AWS services of Penstock's local cloud")
    parser.add_argument("--state-dir", type=Path, required=True, help="folder that holds everything that is kept")
    parser.add_argument("--gateway-url", required=True, help="where S3, Logs, EventBridge and CloudWatch are")
    parser.add_argument("--port", type=int, required=True, help="loopback port to listen on")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    for noisy in ("botocore", "urllib3", "httpx", "boto3", "s3transfer"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    signal.signal(signal.SIGTERM, _end)
    signal.signal(signal.SIGINT, _end)
    settings = Settings.from_environment(arguments.state_dir, arguments.gateway_url, arguments.port)
    config = uvicorn.Config(
        make(settings),
        host=settings.host,
        port=settings.port,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=5,
        backlog=1024,
    )
    uvicorn.Server(config).run()
    return 0


def _end(_number: int, _frame: FrameType | None) -> None:
    """uvicorn raises the signal again when it has stopped gracefully: that is success."""
    raise SystemExit(0)


if __name__ == "__main__":
    raise SystemExit(main())
