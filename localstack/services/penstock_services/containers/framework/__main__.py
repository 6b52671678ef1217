"""``python -m penstock_services.containers.framework COMMAND [ARGUMENT...]``: the entry point of the framework images.

``train``, ``serve`` and ``smspark-submit`` are the images' own commands; any other is run as it is, as their entry points
do.
"""

from __future__ import annotations

import os
import sys

from penstock_services.containers.framework import failure


def main(arguments: list[str]) -> int:
    """Run a command; its exit code."""
    command, *rest = arguments or ["train"]
    if command == "train":
        from penstock_services.containers.framework.train import train

        return failure.told(lambda: train(rest))
    if command == "serve":
        from penstock_services.containers.framework.serving.server import serve

        return serve()
    if command == "smspark-submit":
        from penstock_services.containers.framework.spark import submit

        return failure.told(lambda: submit(rest), processing=True)
    try:
        os.execvp(command, [command, *rest])  # noqa: S606
    except OSError as error:
        sys.stderr.write(f"cannot run {command!r}: {error.strerror}\n")
        return 127


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
