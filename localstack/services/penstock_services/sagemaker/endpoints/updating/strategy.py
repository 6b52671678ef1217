"""A DeploymentConfig as steps: which share of the requests a new fleet takes, and how long each step is watched.

Sources: https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-blue-green-canary.html (and -linear,
-all-at-once), .../deployment-guardrails-rolling.html, .../deployment-guardrails-exclusions.html. All times are AWS's
seconds; whoever waits shortens them (``Settings.deployment_speed``).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from penstock_services.errors import ServiceError
from penstock_services.sagemaker.endpoints.plan import Plan

Record = dict[str, Any]
_COUNT = "INSTANCE_COUNT"
_HALF = 0.5


@dataclass(frozen=True)
class BlueGreen:
    """The whole new fleet beside the old one; ``shares`` of the requests it takes, each watched for ``wait`` seconds,
    and the old fleet kept for ``keep`` seconds more."""

    shares: tuple[float, ...] = (1.0,)
    wait: int = 0
    keep: int = 0


@dataclass(frozen=True)
class Rolling:
    """Old instances replaced ``batch`` at a time, each batch watched for ``wait`` seconds; on the way back
    ``rollback`` instances at a time."""

    batch: int
    rollback: int
    wait: int


@dataclass(frozen=True)
class Strategy:
    """How one update goes; ``alarms`` are names of CloudWatch alarms that end it, ``limit`` its longest duration in
    seconds (None: no limit)."""

    way: BlueGreen | Rolling
    alarms: tuple[str, ...] = ()
    limit: int | None = None


def parse(deployment: Record, old: Plan, new: Plan, running: int) -> Strategy:
    """The strategy of an update from ``old``, of which ``running`` production instances run, to ``new``.

    Raises ServiceError (ValidationException) for what AWS refuses.
    """
    blue_green, rolling = deployment.get("BlueGreenUpdatePolicy"), deployment.get("RollingUpdatePolicy")
    alarms = tuple(each["AlarmName"] for each in deployment.get("AutoRollbackConfiguration", {}).get("Alarms", []))
    if blue_green is not None and rolling is not None:
        raise _invalid("DeploymentConfig has BlueGreenUpdatePolicy and RollingUpdatePolicy; use one of them.")
    if blue_green is None and rolling is None:
        return Strategy(BlueGreen(), alarms)
    _same_variants(old, new)
    if rolling is not None:
        limit = rolling.get("MaximumExecutionTimeoutInSeconds")
        return Strategy(_rolling(rolling, old, new, running), alarms, limit)
    policy: Record = blue_green or {}
    way = _blue_green(policy, new)
    limit = policy.get("MaximumExecutionTimeoutInSeconds")
    if limit is not None and limit <= way.wait + way.keep:
        raise _invalid(
            f"MaximumExecutionTimeoutInSeconds {limit} must be larger than WaitIntervalInSeconds {way.wait} and "
            f"TerminationWaitInSeconds {way.keep} together."
        )
    return Strategy(way, alarms, limit)


def _same_variants(old: Plan, new: Plan) -> None:
    before, after = sorted(each.name for each in old.variants), sorted(each.name for each in new.variants)
    if before != after:
        raise _invalid(
            f"With a DeploymentConfig the variants must keep their names: {', '.join(before)} in {old.config}, but "
            f"{', '.join(after)} in {new.config}."
        )


def _blue_green(policy: Record, new: Plan) -> BlueGreen:
    routing = policy["TrafficRoutingConfiguration"]
    kind, wait, keep = routing["Type"], routing["WaitIntervalInSeconds"], policy.get("TerminationWaitInSeconds", 0)
    sizes = {"CANARY": "CanarySize", "LINEAR": "LinearStepSize"}
    for owner, member in sizes.items():
        if member in routing and kind != owner:
            raise _invalid(f"{member} is for traffic routing {owner}, not {kind}.")
    if kind not in sizes:
        return BlueGreen((1.0,), wait, keep)
    if sizes[kind] not in routing:
        raise _invalid(f"Traffic routing {kind} needs {sizes[kind]}.")
    total = sum(each.instances for each in new.variants)
    least = 0.1 if kind == "LINEAR" else 0.0
    share = _share(sizes[kind], routing[sizes[kind]], total, least)
    if kind == "CANARY":
        return BlueGreen((share, 1.0), wait, keep)
    steps = math.ceil(1 / share - 1e-9)
    return BlueGreen((*(share * step for step in range(1, steps)), 1.0), wait, keep)


def _rolling(policy: Record, old: Plan, new: Plan, running: int) -> Rolling:
    for plan in (old, new):
        if len(plan.variants) > 1:
            raise _invalid("A rolling deployment is not for an endpoint with several variants.")
        if plan.variants[0].serverless:
            raise _invalid("A rolling deployment is not for a serverless endpoint.")
    total = max(new.variants[0].instances, 1)
    size = policy["MaximumBatchSize"]
    share = _share("MaximumBatchSize", size, total, 0.05)
    batch = size["Value"] if size["Type"] == _COUNT else max(1, math.ceil(share * total - 1e-9))
    back = policy.get("RollbackMaximumBatchSize")
    running = max(running, 1)
    if back is None:
        rollback = running
    elif back["Type"] == _COUNT:
        rollback = min(back["Value"], running)
    else:
        rollback = max(1, math.ceil(min(back["Value"], 100) / 100 * running - 1e-9))
    return Rolling(batch, rollback, policy["WaitIntervalInSeconds"])


def _share(member: str, size: Record, total: int, least: float) -> float:
    """A CapacitySize as a share of the fleet. Raises ServiceError outside of what AWS allows."""
    value: int = size["Value"]
    if size["Type"] == _COUNT:
        if total == 0:
            raise _invalid(f"{member} of a serverless endpoint must be a CAPACITY_PERCENT.")
        share, stated = value / total, f"{value} of {total} instances"
    else:
        share, stated = value / 100, f"{value} percent"
    if not least <= share <= _HALF:
        bounds = f"between {least:.0%} and 50%" if least else "at most 50%"
        raise _invalid(f"{member} must be {bounds} of the fleet, not {stated}.")
    return share


def _invalid(message: str) -> ServiceError:
    return ServiceError("ValidationException", message)
