"""Start the gateway: ``python -m penstock_gateway --state-dir DIR --port PORT --services-url URL``."""

from __future__ import annotations

import argparse
import socket
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

    refuse_taken_port(arguments.port)
    warnings.simplefilter("ignore")
    Settings(arguments.state_dir.absolute(), arguments.port, arguments.services_url.rstrip("/")).apply()

    from penstock_gateway import loopback, plugins

    plugins.install()
    loopback.install()

    from localstack.runtime.main import main as serve

    serve()


def refuse_taken_port(port: int) -> None:
    """Exit with a message if something listens on the port: LocalStack would go on without listening at all."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise SystemExit(f"the gateway cannot listen on 127.0.0.1:{port}: {error.strerror}") from None


if __name__ == "__main__":
    main()
