"""How a program reaches GitHub: the API's address and the token, from settings and environment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pulumi

from penstock_infra.errors import ConfigurationError

PUBLIC_API = "https://api.github.com"


def api_url(environment: Mapping[str, str]) -> str:
    """The API that the repositories live at: GITHUB_API_URL (as GitHub's own runners set it), else github.com's."""
    return environment.get("GITHUB_API_URL") or PUBLIC_API


def dispatch_token(config: pulumi.Config, environment: Mapping[str, str]) -> pulumi.Output[Any]:
    """The token that repository dispatches are sent with, as a secret: `githubToken` of the stack, else GITHUB_TOKEN."""
    configured = config.get_secret("githubToken")
    if configured is not None:
        return configured
    token = environment.get("GITHUB_TOKEN")
    if not token:
        raise ConfigurationError(
            f"{config.name}:githubToken is missing: approvals and drift are told to GitHub with it. Set it with "
            f"`pulumi config set --secret {config.name}:githubToken`, or set GITHUB_TOKEN"
        )
    return pulumi.Output.secret(token)
