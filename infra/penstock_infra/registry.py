"""Where the models of another stack are registered, perhaps in another account."""

from __future__ import annotations

from typing import Any

import pulumi

from penstock_infra.errors import ConfigurationError, Settings
from penstock_infra.inputs import Text
from penstock_infra.placement import Placement
from penstock_infra.platform import Foundation


class Registry(Settings):
    """The stack that models are registered in, its account, and the bucket and key of their artifacts there."""

    stack: Text
    account: Text
    artifact_bucket: Text
    artifact_key_arn: Text

    def version_arns(self, placement: Placement, model: str) -> pulumi.Output[str]:
        """ARN pattern of all registered versions of a model."""
        start = f"arn:{placement.partition}:sagemaker:{placement.region}:"
        return pulumi.Output.concat(start, self.account, f":model-package/{model}-", self.stack, "/*")


def registry_of(stack: str, placement: Placement) -> Registry | None:
    """The registry of another stack, from its foundation's outputs; None where `stack` names none or the running one.

    Raises ConfigurationError, once the outputs are known, when that stack is in another region: SageMaker makes a model
    only of a package in its own region.
    """
    if stack in ("", placement.stack):
        return None
    foundation = Foundation.of_stack(stack)

    def here(output: pulumi.Output[Any]) -> pulumi.Output[str]:
        return pulumi.Output.all(foundation.region, output).apply(
            lambda known: _same_region(str(known[0]), str(known[1]), stack, placement)
        )

    return Registry(
        stack=stack,
        account=here(foundation.account),
        artifact_bucket=here(foundation.artifact_bucket),
        artifact_key_arn=here(foundation.artifact_key_arn),
    )


def chosen(foundation: Foundation) -> Registry:
    """The registry that a stack deploys from, its own or another's, as its foundation hands it on."""
    return Registry(
        stack=foundation.registry_stack,
        account=foundation.registry_account,
        artifact_bucket=foundation.registry_bucket,
        artifact_key_arn=foundation.registry_key_arn,
    )


def _same_region(region: str, value: str, stack: str, placement: Placement) -> str:
    if region != placement.region:
        raise ConfigurationError(
            f"registryStack: the stack {stack} is in {region} and {placement.stack} in {placement.region}: SageMaker makes "
            f"models only of packages in its own region. Leave registryStack out: {placement.stack} registers its own models."
        )
    return value
