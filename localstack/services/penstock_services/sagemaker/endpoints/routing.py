"""Which process answers a request: by the sides' shares, the variants' weights, and who is healthy."""

from __future__ import annotations

import random
from dataclasses import dataclass

from penstock_services.errors import ServiceError
from penstock_services.sagemaker.endpoints.live import Live, Side
from penstock_services.sagemaker.endpoints.serving.server import Instance
from penstock_services.sagemaker.endpoints.serving.serverless import ServerlessVariant
from penstock_services.sagemaker.endpoints.serving.variant import Variant


@dataclass(frozen=True)
class Route:
    """The way of one request; with the name of the inference component that it is for, and the number of its copies."""

    side: Side
    variant: Variant
    instance: Instance
    component: str = ""
    copies: int = 0

    @property
    def config(self) -> str:
        """The name of the configuration that answers."""
        return self.side.fleet.plan.config


def choose(endpoint: Live, wanted: str | None = None) -> Route | None:
    """A way for a request, to the variant ``wanted`` or by weight; None while no instance is healthy.

    Where the fleet that it falls to has no healthy instance, the other one takes it. Raises ServiceError for a variant
    that is not there, and where a cold start has failed.
    """
    sides = _shuffled(endpoint.sides)
    if wanted is not None:
        sides = [side for side in sides if wanted in side.fleet.variants]
        if endpoint.sides and not sides:
            raise invalid(f"Variant {wanted} not found for endpoint {endpoint.name}.")
    for side in sides:
        variant = side.fleet.variants[wanted] if wanted is not None else _by_weight(side, endpoint.name)
        instance = variant.choose()
        if instance is not None:
            return Route(side, variant, instance)
        if isinstance(variant, ServerlessVariant) and variant.failure:
            failure, variant.failure = variant.failure, None
            raise ServiceError("ModelError", failure, 424, {"OriginalStatusCode": 0, "OriginalMessage": failure})
        variant.wake()
    return None


def shadow(side: Side, variant: Variant) -> Variant | None:
    """The shadow variant that gets a copy of a request which ``variant`` answers, as often as its weight says."""
    for each in side.fleet.shadows.values():
        share = each.weight / variant.weight if variant.weight > 0 else 0.0
        if random.random() < share:  # noqa: S311 (traffic, no secret)
            return each
    return None


def _shuffled(sides: tuple[Side, ...]) -> list[Side]:
    """The sides that take requests, the chosen one first."""
    taking = [side for side in sides if side.share > 0]
    if len(taking) < 2:
        return taking
    first = random.choices(taking, [side.share for side in taking])[0]  # noqa: S311 (traffic, no secret)
    return [first, *(side for side in taking if side is not first)]


def _by_weight(side: Side, name: str) -> Variant:
    variants = list(side.fleet.variants.values())
    weights = [variant.weight for variant in variants]
    if sum(weights) <= 0:
        raise invalid(f"All variants of endpoint {name} have weight 0.")
    return random.choices(variants, weights)[0]  # noqa: S311 (traffic, no secret)


def invalid(message: str) -> ServiceError:
    """The runtime's error for a request that cannot be served as it is."""
    return ServiceError("ValidationError", message)
