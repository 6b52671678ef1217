"""A stack's settings (`Pulumi.<stack>.yaml`), typed and checked before anything is made."""

from __future__ import annotations

import difflib
import json
from typing import Any, Self

import pulumi
from pulumi.runtime.config import CONFIG
from pydantic import ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from penstock_infra.errors import ConfigurationError, Settings
from penstock_infra.repository import Repository


class StackSettings(Settings):
    """Settings that every project has. Keys in the stack file are in camelCase, under the project's name."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)

    protect: bool = Field(default=True, description="refuse to delete what holds data")
    force_destroy: bool = Field(default=False, description="let destroy empty buckets and delete images")
    tags: dict[str, str] = Field(default_factory=dict, description="tags of your own on everything")

    @classmethod
    def secret_keys(cls) -> frozenset[str]:
        """Keys that the program reads by itself as secrets."""
        return frozenset()

    @classmethod
    def load(cls) -> Self:
        """The settings of the running stack. Raises ConfigurationError with every fault at once."""
        project = pulumi.get_project()
        prefix = f"{project}:"
        values = {key.removeprefix(prefix): value for key, value in CONFIG.get().items() if key.startswith(prefix)}
        return cls.from_values(values, project=project, stack=pulumi.get_stack())

    @classmethod
    def from_values(cls, values: dict[str, Any], *, project: str, stack: str) -> Self:
        """The settings in `values`, as Pulumi hands them over (structured values as JSON text)."""
        known = {to_camel(name): field for name, field in cls.model_fields.items()}
        faults = []
        given: dict[str, Any] = {}
        for key, value in values.items():
            if key in cls.secret_keys():
                continue
            if key not in known:
                near = difflib.get_close_matches(key, [*known, *cls.secret_keys()], n=1)
                hint = f"did you mean {near[0]}?" if near else f"known keys: {', '.join(sorted(known))}"
                faults.append(f"  {project}:{key}: no such key; {hint}")
                continue
            given[key] = _decode(value)
        try:
            settings = cls.model_validate(given)
        except ValidationError as error:
            for fault in error.errors(include_url=False, include_input=False):
                field = ".".join(str(part) for part in fault["loc"])
                message = fault["msg"].removeprefix("Value error, ")
                if fault["type"] == "missing":
                    message = f"missing; set it with `pulumi config set {project}:{field} VALUE --stack {stack}`"
                faults.append(f"  {project}:{field}: {message}")
        if faults:
            raise ConfigurationError("\n".join([f"Pulumi.{stack}.yaml of {project} is not valid:", *faults]))
        return settings


class PlatformSettings(StackSettings):
    """Settings of the platform's projects: whose they are."""

    owner: str = Field(description="a person or a team that answers for the platform")
    cost_center: str = Field(description="who pays")


class FoundationSettings(PlatformSettings):
    """Settings of `penstock-foundation`."""

    repositories: tuple[Repository, ...] = Field(min_length=1, description="the model repositories, primary one first")
    alarm_emails: tuple[str, ...] = Field(default=(), description="addresses that alarms are mailed to")
    github_oidc_provider_arn: str = Field(default="", description="GitHub's identity provider, if the account has it")
    train_environment: str = Field(default="train", description="the GitHub environment that training jobs run in")
    deploy_environment: str = Field(default="deploy", description="the GitHub environment that deployments run in")
    state_bucket: str = Field(default="", description="the bucket with the stacks' state, for the CI roles")
    state_key_arn: str = Field(default="", description="the KMS key of the stacks' secrets, for the CI roles")


class TrainingSettings(PlatformSettings):
    """Settings of `penstock-training`."""

    repositories: tuple[Repository, ...] = Field(min_length=1, description="the model repositories, primary one first")

    @classmethod
    def secret_keys(cls) -> frozenset[str]:
        """The token that repository dispatches are sent with."""
        return frozenset({"githubToken"})


def _decode(value: Any) -> Any:
    """Pulumi passes lists and objects as JSON text; everything else is left for the field's own type."""
    if isinstance(value, str) and value[:1] in ("[", "{"):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value
