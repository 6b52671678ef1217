"""The AWS provider as a Pulumi plugin: prints its port, then serves. `python -m penstock_deploy.provider [engine address]`

The Pulumi CLI runs it under the name `pulumi-resource-aws`; the kit's own engine with PENSTOCK_PROVIDER=process.
"""

from __future__ import annotations

import os
import sys
import threading

from penstock_deploy.errors import DeploymentError


def _watch_input() -> None:
    """End with the process that holds the other end of the standard input."""
    while os.read(0, 4096):
        pass
    os._exit(0)


def main() -> int:
    """Serve until told to end."""
    from penstock_deploy.program.launcher import die_with_parent

    if os.environ.get("PENSTOCK_PROVIDER_WATCHED") == "1":
        die_with_parent()
        threading.Thread(target=_watch_input, daemon=True).start()
    from penstock_deploy.provider.server import serve

    try:
        serve(os.environ)
    except DeploymentError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
