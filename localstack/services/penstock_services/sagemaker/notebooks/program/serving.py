"""JupyterLab of one notebook instance or app: run as a script by the interpreter of its own environment.

``python serving.py --port PORT --folder FOLDER``. The secret of its presigned URLs is in PENSTOCK_NOTEBOOK_SECRET, which
kernels and terminals do not inherit.
"""

from __future__ import annotations

import argparse
import os


def main() -> None:
    """Serve on the loopback interface until a SIGTERM comes."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--folder", required=True)
    arguments = parser.parse_args()
    secret = os.environ.pop("PENSTOCK_NOTEBOOK_SECRET")

    from identity import PresignedIdentity  # type: ignore[import-not-found]
    from jupyterlab.labapp import LabApp
    from traitlets.config import Config

    lab = {
        # Nothing is asked of the internet: no news, no newer version, no list of extensions.
        "news_url": None,
        "check_for_updates_class": "jupyterlab.NeverCheckForUpdate",
        "extension_manager": "readonly",
    }
    server = {
        "ip": "127.0.0.1",
        "port": arguments.port,
        "port_retries": 0,
        "root_dir": arguments.folder,
        "open_browser": False,
        "allow_root": True,
        "cookie_secret": secret.encode(),
        "identity_provider_class": PresignedIdentity,
    }
    settings = Config({"ServerApp": server, "LabApp": lab, "PresignedIdentity": {"secret": secret}})
    LabApp.initialize_server(argv=[], config=settings).start()


if __name__ == "__main__":
    main()
