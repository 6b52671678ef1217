"""The stages of the demo, in their order."""

from __future__ import annotations

from penstock_ci.demo.running import Stage
from penstock_ci.demo.stages import (
    cloud,
    data,
    deploy,
    drift,
    merge,
    platform,
    pull_request,
    report,
    repository,
    review,
    serve,
    teardown,
    tools,
)

STAGES = (
    Stage("tools", "Tools: environments from locks, and the wheel", tools.run),
    Stage("cloud", "The local cloud", cloud.run),
    Stage("platform", "The platform: foundation, lake, feature store, training", platform.run),
    Stage("data", "Flights and weather land in the lake", data.run),
    Stage("repository", "A model repository from the template", repository.run),
    Stage("pull-request", "A pull request, under act", pull_request.run),
    Stage("merge", "Merged: the pipeline trains and registers", merge.run),
    Stage("review", "Review and approval", review.run),
    Stage("deploy", "The approval's event deploys", deploy.run),
    Stage("serve", "Predictions with online features", serve.run),
    Stage("drift", "Drift, version 2, rollback", drift.run),
    Stage("report", "The report", report.run),
)
TEARDOWN = Stage("teardown", "Everything is taken away", teardown.run)
