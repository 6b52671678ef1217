"""Updates of inference components: more or fewer copies, or copies of another specification.

Without a DeploymentConfig all new copies start beside the old ones and take over at once; with a RollingUpdatePolicy they
do so in batches, each watched for alarms. Either way there must be room for the new copies while old ones are there.
https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_InferenceComponentRollingUpdatePolicy.html
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from penstock_services.sagemaker.endpoints.components.component import Component, change, settle
from penstock_services.sagemaker.endpoints.components.copies import Copies
from penstock_services.sagemaker.endpoints.components.placement import NoCapacityError
from penstock_services.sagemaker.endpoints.components.specification import Specification, invalid
from penstock_services.sagemaker.endpoints.live import REASON_LENGTH
from penstock_services.sagemaker.endpoints.metrics import METRICS
from penstock_services.sagemaker.endpoints.serving.fleet import stop_all
from penstock_services.sagemaker.endpoints.serving.variant import DeploymentFailedError
from penstock_services.sagemaker.endpoints.updating.alarms import Watch
from penstock_services.sagemaker.endpoints.updating.baking import Baking, InterruptedDeploymentError, RollBackError

Record = dict[str, Any]
_LEAST, _MOST = 0.05, 0.5


@dataclass(frozen=True)
class Rolling:
    """Copies replaced ``batch`` at a time, each batch watched for ``wait`` seconds; on the way back ``rollback`` at a
    time. ``limit`` is the longest duration in seconds, ``alarms`` are the names of those that end it."""

    batch: int
    rollback: int
    wait: int
    limit: int | None
    alarms: tuple[str, ...]


def rolling(deployment: Record, running: int, count: int) -> Rolling:
    """A DeploymentConfig for an update from ``running`` copies to ``count``. Raises ServiceError for what AWS refuses."""
    policy = deployment["RollingUpdatePolicy"]
    size = policy["MaximumBatchSize"]
    batch = _copies(size, count)
    # One copy is the smallest batch that there is, whatever share of the component it is.
    if batch > 1 and not _LEAST <= batch / count <= _MOST:
        raise invalid(f"MaximumBatchSize must be between 5% and 50% of the {count} copies, not {batch} copies.")
    back = policy.get("RollbackMaximumBatchSize")
    alarms = deployment.get("AutoRollbackConfiguration", {}).get("Alarms", [])
    return Rolling(
        batch,
        max(running, 1) if back is None else _copies(back, running),
        policy["WaitIntervalInSeconds"],
        policy.get("MaximumExecutionTimeoutInSeconds"),
        tuple(each["AlarmName"] for each in alarms),
    )


def _copies(size: Record, count: int) -> int:
    """A capacity size as a number of copies."""
    value: int = size["Value"]
    return value if size["Type"] == "COPY_COUNT" else max(1, math.ceil(min(value, 100) / 100 * count - 1e-9))


@dataclass(frozen=True)
class Update:
    """What a component is to be: ``count`` copies, of another specification where there is one (with the ``members`` of
    the record that tell of it), rolled out as ``way`` says."""

    count: int
    specification: Specification | None
    members: Record
    way: Rolling | None


def apply(component: Component, update: Update) -> None:
    """Update a component, in a thread of its own; it is in status Updating before."""
    component.back.wait()
    with component.lock:
        if not component.copies:
            return
        (old,) = component.copies
        before = len(old.places)
        new = component.revision(update.specification) if update.specification is not None else None
        try:
            if new is None:
                old.have(update.count)
            elif update.way is None:
                new.have(update.count)
                _go_on(component)
            else:
                _roll(component, old, new, update.count, update.way)
        except InterruptedDeploymentError:
            _drop(component, old, new)
        except (NoCapacityError, DeploymentFailedError, RollBackError) as problem:
            _go_back(component, old, new, before, update, str(problem))
        except Exception:
            _drop(component, old, new)
            raise
        else:
            component.copies = (new or old,)
            if new is not None:
                stop_all([old], forget=True)
            settle(component, ("FailureReason",), **update.members)


def _drop(component: Component, old: Copies, new: Copies | None) -> None:
    """Leave the old copies as they are, and end the new ones."""
    component.copies = (old,)
    if new is not None:
        stop_all([new], forget=True)


def _go_on(component: Component) -> None:
    if component.endpoint.over:
        raise InterruptedDeploymentError


def _roll(component: Component, old: Copies, new: Copies, count: int, way: Rolling) -> None:
    """Have the new copies take over, batch by batch."""
    context, endpoint = component.context, component.endpoint
    before, moved = len(old.places), 0
    with METRICS.recorded(context.scope, endpoint.name) as record:
        baking = Baking(context, Watch(context, way.alarms, record), way.limit, lambda: endpoint.over)
        while moved < count:
            moved = min(count, moved + way.batch)
            new.have(moved)
            baking.go_on()
            component.copies = (old, new)
            change(component)
            baking.bake(way.wait)
            old.have(before - before * moved // count)
            change(component)


def _go_back(component: Component, old: Copies, new: Copies | None, before: int, update: Update, problem: str) -> None:
    """Be again what it was, and say why."""
    try:
        if new is not None and update.way is not None:
            _roll_back(component, old, new, before, update.way)
    except (NoCapacityError, DeploymentFailedError) as error:
        component.fail(f"{problem} The rollback failed too: {error}")
        return
    _drop(component, old, new)
    settle(component, FailureReason=problem[:REASON_LENGTH])


def _roll_back(component: Component, old: Copies, new: Copies, before: int, way: Rolling) -> None:
    """Bring the old copies back, batch by batch; new ones make room where there is no more."""
    while len(old.places) < before:
        back = min(before, len(old.places) + way.rollback)
        try:
            old.have(back)
        except NoCapacityError:
            new.have(max(0, len(new.places) - way.rollback))
            old.have(back)
        component.copies = (old, new)
        change(component)
