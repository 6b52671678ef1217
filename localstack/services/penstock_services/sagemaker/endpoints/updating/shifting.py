"""Updates of endpoints: a new fleet takes over from the old one by its strategy, or the old one goes on.

Requests are answered all the time. What the steps are is in ``strategy``; here they are taken, with the deployment's
state in DescribeEndpoint's PendingDeploymentSummary.
"""

from __future__ import annotations

import uuid

from penstock_services.sagemaker.endpoints.description import OPTIONAL, Record, described, pending
from penstock_services.sagemaker.endpoints.live import REASON_LENGTH, Live, change
from penstock_services.sagemaker.endpoints.metrics import METRICS
from penstock_services.sagemaker.endpoints.plan import Plan
from penstock_services.sagemaker.endpoints.serving.fleet import Fleet
from penstock_services.sagemaker.endpoints.serving.variant import DeploymentFailedError
from penstock_services.sagemaker.endpoints.updating.alarms import Watch
from penstock_services.sagemaker.endpoints.updating.baking import Baking, InterruptedDeploymentError, RollBackError
from penstock_services.sagemaker.endpoints.updating.strategy import BlueGreen, Rolling, Strategy
from penstock_services.sagemaker.engine import now

_PENDING = "PendingDeploymentSummary"


def replace(endpoint: Live, plan: Plan, strategy: Strategy, deployment: Record | None) -> None:
    """Update an endpoint, in a thread of its own; it is in status Updating before."""
    with endpoint.lock, METRICS.recorded(endpoint.context.scope, endpoint.name) as record:
        watch = Watch(endpoint.context, strategy.alarms, record)
        update = _Update(endpoint, plan, strategy, watch)
        try:
            update.run()
        except (DeploymentFailedError, RollBackError) as problem:
            update.roll_back(str(problem)[:REASON_LENGTH])
        except InterruptedDeploymentError:
            update.drop()
        except Exception:
            update.drop()
            raise
        else:
            update.finish(deployment)


class _Update:
    """One update under way: ``old`` are the sides that served before, ``green`` the new one."""

    def __init__(self, endpoint: Live, plan: Plan, strategy: Strategy, watch: Watch) -> None:
        self._endpoint = endpoint
        self._strategy = strategy
        self._baking = Baking(endpoint.context, watch, strategy.limit, lambda: endpoint.over)
        self._started = now()
        self._number = uuid.uuid4().hex[:8]
        self._share = 0.0
        fleet = Fleet(endpoint.context, endpoint.name, plan, endpoint.folder / self._number)
        self._green = endpoint.side(fleet)
        self._old = endpoint.sides
        self._running = sum(side.fleet.running for side in self._old)

    def run(self) -> None:
        """Take all steps. Raises DeploymentFailedError, RollBackError or InterruptedDeploymentError."""
        way = self._strategy.way
        self._tell("Creating", "A new fleet is coming up.")
        if isinstance(way, Rolling):
            self._roll(way)
        else:
            self._shift(way)

    def _shift(self, way: BlueGreen) -> None:
        self._green.fleet.start()
        self._baking.go_on()
        for share in way.shares:
            self._activate(share)
            self._bake(way.wait)
        self._bake(way.keep)

    def _roll(self, way: Rolling) -> None:
        (new,) = self._green.fleet.variants.values()
        (old,) = self._old[0].fleet.variants.values()
        total, running, moved = max(new.plan.instances, 1), self._running, 0
        while moved < total:
            moved = min(total, moved + way.batch)
            if moved <= way.batch:
                self._green.fleet.start(moved)
            else:
                new.start(moved)
            self._baking.go_on()
            self._activate(moved / total)
            self._bake(way.wait)
            if moved < total:
                old.shrink(max(1, running - running * moved // total))
                self._describe_old()

    def _activate(self, share: float) -> None:
        self._share = share
        self._tell("ActivatingTraffic", f"The new fleet takes {share:.0%} of the requests.")
        left = sum(side.share for side in self._old)
        self._endpoint.sides = (
            *(side.taking(side.share / left * (1 - share)) for side in self._old),
            self._green.taking(share),
        )

    def _bake(self, seconds: int) -> None:
        """Watch the alarms for that many of AWS's seconds, and at least once. Raises RollBackError."""
        watched = f"the alarms are watched for {seconds} seconds."
        self._tell("Baking", f"The new fleet takes {self._share:.0%} of the requests; {watched}")
        self._baking.bake(seconds)

    def _tell(self, status: str, message: str) -> None:
        summary = pending(self._endpoint.context, self._green.fleet, self._started, status, message)
        change(self._endpoint, PendingDeploymentSummary=summary)

    def _describe_old(self) -> None:
        change(self._endpoint, **described(self._endpoint.context, self._old[0].fleet))

    def roll_back(self, reason: str) -> None:
        """Have the old fleet take all requests again, and end the new one."""
        endpoint = self._endpoint
        if endpoint.over:
            self.drop()
            return
        change(endpoint, EndpointStatus="RollingBack")
        way = self._strategy.way
        if isinstance(way, Rolling):
            try:
                self._roll_old_back(way)
            except DeploymentFailedError as error:
                both = f"{reason} The rollback failed too: {error}"[:REASON_LENGTH]
                members = described(endpoint.context, self._old[0].fleet)
                change(endpoint, (_PENDING,), EndpointStatus="UpdateRollbackFailed", FailureReason=both, **members)
                return
        endpoint.sides = self._old
        self._green.stop()
        members = described(endpoint.context, self._old[0].fleet)
        change(endpoint, (_PENDING,), EndpointStatus="InService", FailureReason=reason, **members)

    def _roll_old_back(self, way: Rolling) -> None:
        """Bring the old instances back in batches. Raises DeploymentFailedError."""
        (old,) = self._old[0].fleet.variants.values()
        (new,) = self._green.fleet.variants.values()
        total = self._running
        taken = len(new.instances)
        while len(old.instances) < total:
            old.start(min(total, len(old.instances) + way.rollback))
            back = len(old.instances) / total
            self._activate(1.0 - back)
            new.shrink(taken - int(taken * back))

    def drop(self) -> None:
        """Leave the old fleet as it is and end the new one; the process or the endpoint ends."""
        self._endpoint.sides = self._old
        self._green.stop()

    def finish(self, deployment: Record | None) -> None:
        """The new fleet is the endpoint's; the old one lets its requests end and goes."""
        endpoint, fleet = self._endpoint, self._green.fleet
        endpoint.sides = (self._green.taking(1.0),)
        members = described(endpoint.context, fleet)
        lost = tuple(member for member in OPTIONAL if member not in members)
        if deployment:
            members["LastDeploymentConfig"] = deployment
        change(
            endpoint,
            (_PENDING, "FailureReason", *lost),
            EndpointStatus="InService",
            EndpointConfigName=fleet.plan.config,
            _plan=fleet.plan.to_record(),
            _deployment=self._number,
            **members,
        )
        for side in self._old:
            side.stop()
