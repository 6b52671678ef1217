"""Stage 8: the numbers are looked at, and the version is approved; before that, deploying it is refused."""

from __future__ import annotations

from penstock_ci.demo.session import Facts, Session, check


def run(session: Session) -> Facts:
    """Status, review, a refused deployment, approval."""
    status = session.in_repository("status")
    (model,) = status["models"]
    check(model["versions"][0]["version"] == 1, f"status shows {model['versions']}")
    review = session.in_repository("review")
    refused = session.in_repository("deploy", "--version", "1", expect_failure=True)
    reason = str(refused["error"]["message"])
    check("pprov" in reason, f"the deployment was refused for another reason: {reason}")
    before = session.newest_run()
    session.before_approval = before
    approved = session.in_repository(
        "approve", "--version", "1", "--comment", "First version: nothing to compare with."
    )
    check(approved["approval"] == "Approved", f"approve answered {approved}")
    return {
        "metrics": ", ".join(f"{name} {value:.4f}" for name, value in list(review["metrics"].items())[:4]),
        "before approval": f"deploy refused: {reason}",
        "approved": "version 1",
    }
