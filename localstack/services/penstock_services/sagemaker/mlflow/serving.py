"""The MLflow server of one tracking server: run as a script by the interpreter of MLflow's own environment.

``python serving.py --backend sqlite:///FILE --artifacts s3://BUCKET/PREFIX --port PORT``. It does what ``mlflow server``
does with one worker, in one process instead of three, so that MLflow is imported once. It ends with the process that
holds the other end of its standard input.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading


def end_with_parent() -> None:
    """Wait for the end of standard input, then go, with all that was started."""
    sys.stdin.buffer.read()
    os.killpg(0, signal.SIGKILL)


def main() -> None:
    """Serve on the loopback interface until the parent ends."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--backend", required=True)
    parser.add_argument("--artifacts", required=True)
    parser.add_argument("--port", type=int, required=True)
    arguments = parser.parse_args()
    threading.Thread(target=end_with_parent, daemon=True).start()

    # MLflow reads these while it is imported.
    os.environ.update(
        {
            "_MLFLOW_SERVER_FILE_STORE": arguments.backend,
            "_MLFLOW_SERVER_REGISTRY_STORE": arguments.backend,
            "_MLFLOW_SERVER_ARTIFACT_ROOT": arguments.artifacts,
            "MLFLOW_ENABLE_WORKSPACES": "false",
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
            "MLFLOW_DISABLE_TELEMETRY": "true",
        }
    )
    import uvicorn
    from mlflow.server.fastapi_app import app
    from mlflow.server.handlers import initialize_backend_stores

    initialize_backend_stores(arguments.backend, arguments.backend, arguments.artifacts)
    uvicorn.run(app, host="127.0.0.1", port=arguments.port, log_level="warning", timeout_graceful_shutdown=2)


if __name__ == "__main__":
    main()
