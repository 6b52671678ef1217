"""Where the running program is: its account, region and stack, as a Placement."""

from __future__ import annotations

import pulumi
import pulumi_aws as aws
from pydantic import ValidationError

from penstock_infra.configuration import PlatformSettings, StackSettings
from penstock_infra.errors import invalid
from penstock_infra.model import ModelSettings
from penstock_infra.placement import Placement
from penstock_infra.tags import Tags


def platform_placement(settings: PlatformSettings) -> Placement:
    """The placement of a platform project. Raises ConfigurationError when a tag is missing or not allowed."""
    return placement(settings, project="penstock", owner=settings.owner, cost_center=settings.cost_center)


def model_placement(settings: StackSettings, model: ModelSettings) -> Placement:
    """The placement of a model repository's program: tagged with the model, its owner and its cost centre."""
    return placement(settings, project=model.name, owner=model.owner, cost_center=model.cost_center)


def placement(settings: StackSettings, *, project: str, owner: str, cost_center: str) -> Placement:
    """The placement of the running stack; asks AWS which account and region the credentials belong to."""
    stack = pulumi.get_stack()
    try:
        tags = Tags(project=project, environment=stack, owner=owner, cost_center=cost_center, extra=settings.tags)
        return Placement(
            account=aws.get_caller_identity().account_id,
            region=aws.get_region().region,
            partition=aws.get_partition().partition,
            stack=stack,
            tags=tags,
            protect=settings.protect,
            force_destroy=settings.force_destroy,
        )
    except ValidationError as error:
        raise invalid(f"Pulumi.{stack}.yaml of {pulumi.get_project()}", error) from None
