"""GitHub as an identity provider of the account."""

from __future__ import annotations

import pulumi
from pulumi_aws import iam

from penstock_infra import oidc
from penstock_infra.components.component import Arguments, Component


class GitHubOidcArguments(Arguments):
    """The provider of the account, if it has one: AWS allows one for each issuer, and other stacks may have made it."""

    existing_arn: str = ""


class GitHubOidc(Component):
    """The OpenID Connect provider for GitHub's workflows, made unless the account already has it. Free."""

    TYPE = "penstock:delivery:GitHubOidc"

    arn: pulumi.Output[str]

    def __init__(self, name: str, args: GitHubOidcArguments, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, args, opts)
        if args.existing_arn:
            self.arn = pulumi.Output.from_input(args.existing_arn)
        else:
            provider = iam.OpenIdConnectProvider(
                name, url=oidc.ISSUER, client_id_lists=[oidc.AUDIENCE], tags=self.tags, opts=self.child()
            )
            self.arn = provider.arn
        self.finish({"arn": self.arn})
