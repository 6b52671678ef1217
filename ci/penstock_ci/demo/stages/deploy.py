"""Stage 9: the approval's event reaches the receiver, which runs deploy.yml; the endpoint comes up."""

from __future__ import annotations

from penstock_ci.demo.session import Facts, Session, check
from penstock_ci.demo.settings import DEPLOYED


def run(session: Session) -> Facts:
    """Wait for the workflow that nobody here starts, and look at the endpoint."""
    before = session.before_approval
    done = session.wait_for_run("deploy.yml", before)
    endpoint = session.client("sagemaker").describe_endpoint(EndpointName=DEPLOYED)
    check(endpoint["EndpointStatus"] == "InService", f"the endpoint is {endpoint['EndpointStatus']}")
    check(live(session) == 1, f"version {live(session)} is live, not 1")
    return {
        "path": "registry, EventBridge, API destination, receiver, act",
        "workflow": f"deploy.yml, {done['seconds']:.0f} s, started by {done['action']}",
        "endpoint": f"{DEPLOYED}, InService, version 1",
    }


def live(session: Session) -> int:
    """The version that is live, by the parameter that the endpoint's program reads."""
    name = f"/penstock/local/{DEPLOYED}/model-package-arn"
    arn = session.client("ssm").get_parameter(Name=name)["Parameter"]["Value"]
    return int(arn.rsplit("/", 1)[-1])
