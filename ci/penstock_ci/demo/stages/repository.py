"""Stage 5: a model repository from the template: its own environment, tests, infrastructure and image."""

from __future__ import annotations

from penstock_ci.demo.session import Facts, Session, check
from penstock_ci.demo.settings import MODEL, PROJECT_NAME, REPOSITORY


def run(session: Session) -> Facts:
    """`penstock new`, `make setup`, `make test`, `penstock up infra`, `penstock build`."""
    settings = session.settings
    made = session.penstock(
        "new",
        "--no-input",
        "--folder",
        str(settings.folder),
        "--penstock-source",
        str(settings.wheels),
        f"project_name={PROJECT_NAME}",
        f"github_repository={REPOSITORY}",
    )
    check(
        made["folder"] == str(settings.repository), f"the repository is in {made['folder']}, not {settings.repository}"
    )
    check(made["registered"], "the receiver does not know the repository")
    session.say("make setup")
    session.command(["make", "setup"], settings.repository)
    session.say("make test")
    tests = session.command(["make", "test"], settings.repository, environment=session.environment() | {"CI": "true"})
    passed = next((line for line in reversed(tests.stdout.splitlines()) if " passed" in line), "")
    up = session.in_repository("up", "infra")
    check(not up["outputs"].get("endpointName"), "an endpoint came up, and nothing is registered yet")
    image = session.in_repository("build")
    return {
        "first commit": made["commit"][:12],
        "its own tests": passed.strip("= "),
        "resources created": up["counts"].get("create", 0),
        "feature groups": ", ".join(up["outputs"].get("featureGroups", [])),
        "endpoint": "none yet",
        "image": image["image_uri"].split("/")[-1][:60],
        "model": MODEL,
    }
