"""``python -m penstock_services.containers.autopilot analyze|features|train``."""

from __future__ import annotations

import sys

from penstock_services.containers.autopilot import analysis, features, training
from penstock_services.containers.framework import failure

_COMMANDS = {
    "analyze": (analysis.analyze, True),
    "features": (features.features, True),
    "train": (training.train, False),
}


def main(arguments: list[str]) -> int:
    """Run one of the commands; its exit code."""
    command, processing = _COMMANDS[arguments[0]]
    return failure.told(command, processing=processing)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
