"""Stage 7: July and August arrive, the branch is merged, and train.yml runs the pipeline and registers version 1."""

from __future__ import annotations

from typing import Any

from penstock_ci.demo.session import Facts, Session, check
from penstock_ci.demo.settings import DEPLOYED, MODEL
from penstock_ci.demo.stages.data import land
from penstock_ci.demo.stages.pull_request import BRANCH


def run(session: Session) -> Facts:
    """Merge, train, and look at what came of it."""
    settings = session.settings
    land(session, settings.calendar.evaluation)
    session.git("switch", "--quiet", "main")
    session.git("merge", "--quiet", "--no-ff", "--message", f"Merge {BRANCH}", BRANCH)
    result = session.in_repository("ci", "run", "push")
    version = registered(session, 1)
    check(version["ModelApprovalStatus"] == "PendingManualApproval", f"version 1 is {version['ModelApprovalStatus']}")
    metadata = version["CustomerMetadataProperties"]
    commit = session.git("rev-parse", "HEAD")
    check(metadata["git_commit"] == commit, f"version 1 says commit {metadata['git_commit']}, and main is at {commit}")
    for name in ("data_version", "image_uri", "model_digest", "train_from", "train_to", "evaluate_to"):
        check(bool(metadata.get(name)), f"version 1 does not say its {name}")
    check("@sha256:" in metadata["image_uri"], f"version 1 names its image without a digest: {metadata['image_uri']}")
    first, until = settings.calendar.serve
    session.say("online features against the offline rows")
    same = session.module(
        "flight_delays.replay",
        "--from",
        str(first),
        "--to",
        str(until),
        "--rows",
        str(settings.checked_rows),
        "--check-online",
    )
    check(same["different"] == 0, f"{same['different']} of {same['compared']} online values differ: {same['examples']}")
    return {
        "workflow": f"train.yml, {result['seconds']:.0f} s",
        "registered": "version 1, PendingManualApproval",
        "trained": f"{metadata['train_from']} to {metadata['train_to']}",
        "evaluated": f"{metadata['evaluate_from']} to {metadata['evaluate_to']}",
        "auc": metadata.get("auc", ""),
        "online equals offline": f"{same['rows']} flights, {same['compared']} values, 0 different",
    }


def registered(session: Session, number: int) -> dict[str, Any]:
    """A version as the registry describes it."""
    client = session.client("sagemaker")
    pages = client.get_paginator("list_model_packages").paginate(ModelPackageGroupName=DEPLOYED)
    arns = [summary["ModelPackageArn"] for page in pages for summary in page["ModelPackageSummaryList"]]
    wanted = [arn for arn in arns if arn.endswith(f"/{number}")]
    check(len(wanted) == 1, f"version {number} of {MODEL} is not registered; there are {len(arns)} versions")
    found: dict[str, Any] = client.describe_model_package(ModelPackageName=wanted[0])
    return found
