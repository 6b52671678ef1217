"""Runs Pulumi's server of dynamic providers: `python -P -u dynamic_server.py`, in the program's own interpreter and folder.

It ends when its standard input does, so that it never outlives the engine.
"""

import contextlib
import os
import runpy
import sys
import threading
from pathlib import Path


def _watch_input() -> None:
    with contextlib.suppress(OSError):
        while os.read(0, 4096):
            pass
    os._exit(0)


if __name__ == "__main__":
    threading.Thread(target=_watch_input, daemon=True).start()
    sys.path.insert(0, str(Path.cwd()))
    runpy.run_module("pulumi.dynamic", run_name="__main__")
