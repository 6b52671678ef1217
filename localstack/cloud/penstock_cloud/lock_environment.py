"""An environment made from a lock of ours when something first needs it: ``python -m penstock_cloud.lock_environment NAME``.

Prints one line of JSON: ``{"python": path}``, or ``{"error": text, "fix": text, "detail": text}`` with exit code 1. The
services process runs this as a command: it imports nothing of the kit's other packages.
"""

from __future__ import annotations

import json
import sys

from penstock_cloud.environments import from_lock, lock_file
from penstock_cloud.errors import CloudError


def main() -> int:
    """Make the environment of the lock that the first argument names."""
    try:
        answer = {"python": str(from_lock(sys.argv[1], lock_file(sys.argv[1])))}
    except CloudError as error:
        answer = {"error": error.message, "fix": error.fix, "detail": error.detail or ""}
    print(json.dumps(answer))
    return 0 if "python" in answer else 1


if __name__ == "__main__":
    raise SystemExit(main())
