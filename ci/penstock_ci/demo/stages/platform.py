"""Stage 3: the platform's four Pulumi projects, each previewed and then brought up, in the order of their dependency."""

from __future__ import annotations

from penstock_ci.demo.session import Facts, Session, check
from penstock_ci.projects import PLATFORM


def run(session: Session) -> Facts:
    """Preview, up; the preview must have said what then happened."""
    created = 0
    for name in PLATFORM:
        preview = session.penstock("preview", name)
        up = session.penstock("up", name)
        check(
            preview["counts"].get("create") == up["counts"].get("create"),
            f"{name}: the preview said {preview['counts']}, and then {up['counts']} happened",
        )
        created += int(up["counts"].get("create", 0))
        session.outputs |= up["outputs"]
    needed = {"rawBucket", "cleanBucket", "curatedBucket", "artifactBucket", "trainingRoleArn", "imageRepositoryUrl"}
    check(needed <= set(session.outputs), f"the platform lacks the outputs {sorted(needed - set(session.outputs))}")
    return {"projects": ", ".join(PLATFORM), "resources created": created}
