"""The card of a model: what it is for, who answers for it, which version is live, and how that did."""

from __future__ import annotations

import pulumi
from pulumi_aws import sagemaker
from pydantic import Field

from penstock_infra import card
from penstock_infra.card import CardSettings, Evaluation
from penstock_infra.components.component import Arguments, Component
from penstock_infra.inputs import Text
from penstock_infra.model import ModelName


class ModelCardArguments(Arguments):
    """The model, what its card says, and the key that encrypts it."""

    model: ModelName
    description: str = Field(default="", max_length=1024)
    settings: CardSettings = CardSettings()
    model_package_arn: str | None = Field(default=None, description="the live version, if there is one")
    evaluation: Evaluation | None = Field(default=None, description="the live version's numbers")
    key_arn: Text = Field(description="KMS key of the card's content")


class ModelCard(Component):
    """A SageMaker model card, encrypted; each change of it, a new live version too, is a version of the card. Free."""

    TYPE = "penstock:registry:ModelCard"

    card_name: pulumi.Output[str]
    arn: pulumi.Output[str]

    def __init__(self, name: str, args: ModelCardArguments, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, args, opts)
        tags = args.placement.tags
        made = sagemaker.ModelCard(
            name,
            model_card_name=args.model,
            model_card_status=args.settings.status,
            content=card.content(
                args.settings,
                description=args.description,
                owner=tags.owner,
                line_of_business=tags.cost_center,
                live_version=args.model_package_arn,
                evaluation=args.evaluation,
            ),
            security_config={"kms_key_id": args.key_arn},
            tags=self.tags,
            opts=self.child(),
        )
        self.card_name = made.model_card_name
        self.arn = made.model_card_arn
        self.finish({"cardName": self.card_name, "arn": self.arn})
