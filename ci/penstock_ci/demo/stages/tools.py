"""Stage 1: the environments that the local cloud needs, from their locks, and Penstock's own wheel."""

from __future__ import annotations

import shutil
import sys

from penstock_ci.demo.session import Facts, Session, check

ENVIRONMENTS = ("gateway", "services", "compile")


def run(session: Session) -> Facts:
    """Make what is missing; what is there is left alone."""
    from penstock_cloud import environments

    for name in ENVIRONMENTS:
        session.say(f"environment {name}")
        environments.ensure(name, on_progress=session.say)
    settings = session.settings
    shutil.rmtree(settings.wheels, ignore_errors=True)
    session.say("the wheel")
    session.command(
        [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(settings.wheels)],
        settings.checkout,
    )
    wheels = sorted(settings.wheels.glob("penstock-*.whl"))
    check(len(wheels) == 1, f"{len(wheels)} wheels were built in {settings.wheels}, not one")
    return {"environments": ", ".join(ENVIRONMENTS), "wheel": wheels[0].name}
