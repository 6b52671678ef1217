"""Stage 2: an empty state folder, and a local cloud on it."""

from __future__ import annotations

import shutil

from penstock_ci.demo.session import Facts, Session


def run(session: Session) -> Facts:
    """Take away what an earlier demo left, and start."""
    settings = session.settings
    session.penstock("cloud", "reset", "--yes")
    shutil.rmtree(settings.repository, ignore_errors=True)
    up = session.penstock("cloud", "up", "--port", str(settings.port))
    session.variables = session.penstock("cloud", "env")
    coverage = session.penstock("cloud", "coverage")
    sagemaker = coverage["sagemaker"]
    return {
        "endpoint": up["endpoint"],
        "SageMaker operations": f"{sagemaker['real']} real, {sagemaker['record']} records, {sagemaker['refused']} refused",
    }
