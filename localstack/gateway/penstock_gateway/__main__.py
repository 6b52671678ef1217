"""Start the gateway: ``python -m penstock_gateway --state-dir DIR --port PORT --services-url URL``."""

from __future__ import annotations

import argparse
import warnings
from pathlib import Path

from penstock_gateway.settings import Settings


def main() -> None:
    """Serve until SIGTERM or SIGINT. Ready when ``GET /_localstack/health`` answers."""
    parser = argparse.ArgumentParser(prog="python -m penstock_gateway", description=__doc__)
    parser.add_argument("--state-dir", type=Path, required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--services-url", required=True)
    arguments = parser.parse_args()

    warnings.simplefilter("ignore")
    Settings(arguments.state_dir.absolute(), arguments.port, arguments.services_url.rstrip("/")).apply()

    from penstock_gateway import plugins

    plugins.install()

    from localstack.runtime.main import main as serve

    serve()


if __name__ == "__main__":
    main()
