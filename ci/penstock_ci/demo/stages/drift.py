"""Stage 11: unshifted traffic raises nothing; autumn's traffic raises the alarm, which trains version 2; then rollback."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from penstock_ci.demo.session import Facts, Session, check
from penstock_ci.demo.settings import DEPLOYED
from penstock_ci.demo.stages.data import land
from penstock_ci.demo.stages.deploy import live
from penstock_ci.demo.stages.merge import registered
from penstock_ci.demo.stages.serve import captured

ALARM = f"penstock-drift-{DEPLOYED}"


def run(session: Session) -> Facts:
    """The whole of it."""
    calendar = session.settings.calendar
    before = session.newest_run()
    calm = _replay_and_judge(session, *calendar.unshifted)
    check(calm["rows"] > 0, "the drift job found no captured rows of the unshifted replay")
    check(not calm["violations"], f"unshifted traffic is said to have drifted: {calm['violations']}")
    check(_alarm(session) != "ALARM", "the alarm was raised without drift")
    check(session.newest_run() == before, "traffic without drift started a workflow")

    land(session, calendar.later)
    shifted = _replay_and_judge(session, *calendar.shifted)
    check(bool(shifted["violations"]), f"autumn's traffic is said not to have drifted: {shifted['distances']}")
    session.until("the drift alarm", lambda: _alarm(session) == "ALARM" or session.newest_run() > before)
    session.findings["drift"] = {"unshifted": calm["features"], "shifted": shifted["features"]}

    trained = session.wait_for_run("train.yml", before)
    second = registered(session, 2)
    review = session.in_repository("review", "--version", "2")
    check(review.get("champion") is not None, "version 2 was not compared with version 1")

    # Approved by plain boto3: no penstock process but the local cloud's is involved.
    before = session.newest_run()
    session.client("sagemaker").update_model_package(
        ModelPackageArn=second["ModelPackageArn"], ModelApprovalStatus="Approved", ApprovalDescription="by plain boto3"
    )
    deployed = session.wait_for_run("deploy.yml", before)
    check(live(session) == 2, f"version {live(session)} is live, not 2")
    session.in_repository("rollback")
    check(live(session) == 1, f"after the rollback version {live(session)} is live, not 1")
    status = session.client("sagemaker").describe_endpoint(EndpointName=DEPLOYED)["EndpointStatus"]
    check(status == "InService", f"after the rollback the endpoint is {status}")
    metadata = second["CustomerMetadataProperties"]
    session.findings["comparison"] = _comparison(review, metadata)
    return {
        "unshifted replay": f"{calm['rows']} rows, no drift, nothing started",
        "shifted replay": f"{shifted['rows']} rows, {len(shifted['violations'])} violations, alarm {ALARM}",
        "retrained": f"train.yml, {trained['seconds']:.0f} s, started by {trained['action']}: version 2",
        "version 2 trained": f"{metadata['train_from']} to {metadata['train_to']}",
        "approved by plain boto3": f"deploy.yml, {deployed['seconds']:.0f} s: version 2 live",
        "rollback": "version 1 live",
    }


def _replay_and_judge(session: Session, first: date, until: date) -> dict[str, Any]:
    """Send the flights of a window to the endpoint, then let the drift job judge what was captured of them."""
    # Whole seconds, so that the window holds every request from here on.
    started = datetime.now(UTC).replace(microsecond=0)
    session.say(f"flights of {first} to {until} are replayed")
    sent = session.module(
        "flight_delays.replay",
        "--from",
        str(first),
        "--to",
        str(until),
        "--rows",
        str(session.settings.replayed_rows),
        "--endpoint",
        DEPLOYED,
    )["rows"]
    # Captured requests reach S3 a moment after their answers, here as on AWS.
    session.until(f"the capture of {sent} rows", lambda: _captured_rows(session, started) >= sent)
    judged = session.in_repository(
        "drift", "--from", _second(started), "--to", _second(datetime.now(UTC) + timedelta(seconds=1))
    )
    check(judged["rows"] >= sent, f"{sent} rows were sent to the endpoint, the drift job saw {judged['rows']}")
    return judged


def _captured_rows(session: Session, since: datetime) -> int:
    """How many rows of requests since a moment the endpoint has captured."""
    return sum(
        len(event["captureData"]["endpointInput"]["data"].split())
        for event in captured(session)
        if datetime.fromisoformat(event["eventMetadata"]["inferenceTime"]) >= since
    )


def _second(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S")


def _alarm(session: Session) -> str:
    found = session.client("cloudwatch").describe_alarms(AlarmNames=[ALARM])["MetricAlarms"]
    check(len(found) == 1, f"there is no alarm {ALARM}")
    return str(found[0]["StateValue"])


def _comparison(review: dict[str, Any], metadata: dict[str, str]) -> dict[str, Any]:
    return {
        "rows": f"{metadata['evaluate_from']} to {metadata['evaluate_to']}",
        "champion": {"version": 1, "metrics": review["champion"]["metrics"]},
        "challenger": {"version": 2, "metrics": review["metrics"]},
    }
