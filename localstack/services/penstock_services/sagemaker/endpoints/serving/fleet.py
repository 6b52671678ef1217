"""Fleets: all that runs for one configuration of an endpoint."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable
from pathlib import Path

from penstock_services.operations import Context
from penstock_services.sagemaker.endpoints.components.placement import Host
from penstock_services.sagemaker.endpoints.plan import Plan, VariantPlan
from penstock_services.sagemaker.endpoints.serving.serverless import ServerlessVariant
from penstock_services.sagemaker.endpoints.serving.variant import DeploymentFailedError, Variant

_LOG = logging.getLogger(__name__)


class Fleet:
    """Everything that runs for one configuration of an endpoint; of one for inference components, the hosts alone."""

    def __init__(self, context: Context, endpoint: str, plan: Plan, folder: Path) -> None:
        self.plan = plan
        self.folder = folder
        self.variants = {each.name: _made(context, endpoint, each, folder / each.name) for each in plan.variants}
        self.shadows = {each.name: _made(context, endpoint, each, folder / each.name) for each in plan.shadows}
        self.hosts = {each.name: Host(each) for each in plan.hosts}

    @property
    def every(self) -> dict[str, Variant]:
        """Production and shadow variants by name."""
        return {**self.variants, **self.shadows}

    @property
    def running(self) -> int:
        """The number of production instances."""
        return sum(len(variant.instances) for variant in self.variants.values())

    def start(self, count: int | None = None) -> None:
        """Start all variants, as planned or with ``count`` instances of each production variant; all or nothing.

        Raises DeploymentFailedError.
        """
        problems: list[DeploymentFailedError] = []

        def bring_up(variant: Variant) -> None:
            try:
                if count is None or variant.plan.name in self.shadows:
                    variant.bring_up()
                else:
                    variant.start(count)
            except DeploymentFailedError as error:
                problems.append(error)
            except Exception as error:  # noqa: BLE001 (becomes the FailureReason)
                _LOG.exception("variant %s", variant.plan.name)
                problems.append(DeploymentFailedError(f"Variant {variant.plan.name}: {error}"))

        threads = [threading.Thread(target=bring_up, args=(each,), daemon=True) for each in self.every.values()]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if problems:
            self.stop()
            raise problems[0]

    def stop(self, *, forget: bool = True) -> None:
        """Stop all instances; ``forget``: and remove the model's files."""
        stop_all(self.every.values(), forget=forget)


def stop_all(variants: Iterable[Variant], *, forget: bool) -> None:
    """Stop all instances of variants; ``forget``: and remove the models' files."""
    every = list(variants)
    instances = [instance for variant in every for instance in variant.stop()]
    threads = [threading.Thread(target=instance.stop, daemon=True) for instance in instances]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if forget:
        for variant in every:
            variant.forget()


def _made(context: Context, endpoint: str, plan: VariantPlan, folder: Path) -> Variant:
    kind = ServerlessVariant if plan.serverless else Variant
    return kind(context, endpoint, plan, folder)
