"""IAM policy documents as typed values that refuse wildcards.

An action never holds a `*`. A resource is `*` only with a written reason, where AWS knows no narrower one; the reason
becomes the statement's Sid, so that it can be read in the account and checked by the policies in `infra/policy/`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, Self

import pulumi
from pydantic import AfterValidator, Field, StringConstraints, model_validator

from penstock_infra.errors import Settings
from penstock_infra.inputs import Text

VERSION = "2012-10-17"
ANY_RESOURCE = "AnyResource"
"""Prefix of the Sid of a statement whose resource is `*`; what follows is the reason."""

_ACTION = re.compile(r"[a-z0-9-]+:[A-Za-z0-9]+")


def _action(action: str) -> str:
    if not _ACTION.fullmatch(action):
        raise ValueError(f"{action!r} is not one action of one service (service:Action, without *)")
    return action


type Action = Annotated[str, AfterValidator(_action)]
type Sid = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Za-z0-9]*$")]
type Principals = Mapping[Literal["AWS", "Service", "Federated"], Sequence[Text]]
type Conditions = Mapping[str, Mapping[str, Sequence[Text]]]


class Statement(Settings):
    """One thing that is allowed, on named resources."""

    sid: Sid
    actions: tuple[Action, ...] = Field(min_length=1)
    resources: tuple[Text, ...] = ()
    principals: Principals = Field(default_factory=dict)
    conditions: Conditions = Field(default_factory=dict)

    @model_validator(mode="after")
    def _no_wildcard_without_reason(self) -> Self:
        anything = any(isinstance(resource, str) and resource == "*" for resource in self.resources)
        if anything and not re.fullmatch(rf"{ANY_RESOURCE}[A-Z]\w{{7,}}", self.sid):
            raise ValueError(
                f"{self.sid}: resource '*' needs a written reason; name the statement {ANY_RESOURCE}<Reason>, "
                f"for example {ANY_RESOURCE}MetricsHaveNoArn"
            )
        for names in self.principals.values():
            if any(isinstance(name, str) and name == "*" for name in names):
                raise ValueError(f"{self.sid}: a principal '*' would open it to the world")
        return self

    def as_dict(self) -> dict[str, Any]:
        """The statement in AWS's grammar; values that come later are still outputs."""
        statement: dict[str, Any] = {"Sid": self.sid, "Effect": "Allow"}
        if self.principals:
            statement["Principal"] = {kind: list(names) for kind, names in self.principals.items()}
        statement["Action"] = sorted(set(self.actions))
        if self.resources:
            statement["Resource"] = list(self.resources)
        if self.conditions:
            statement["Condition"] = _plain(self.conditions)
        return statement


class Denial(Settings):
    """One thing that is denied to everyone, whatever else allows it. Denials may be wide."""

    sid: Sid
    actions: tuple[str, ...] = Field(min_length=1)
    resources: tuple[Text, ...] = Field(min_length=1)
    conditions: Conditions = Field(default_factory=dict)
    of_identity: bool = Field(default=False, description="part of an identity's policy, which names no principal")

    def as_dict(self) -> dict[str, Any]:
        """The statement in AWS's grammar, for a resource's own policy or for an identity's."""
        statement: dict[str, Any] = {"Sid": self.sid, "Effect": "Deny"}
        if not self.of_identity:
            statement["Principal"] = "*"
        statement["Action"] = sorted(set(self.actions))
        statement["Resource"] = list(self.resources)
        if self.conditions:
            statement["Condition"] = _plain(self.conditions)
        return statement


class Passage(Settings):
    """What a VPC endpoint lets through. It grants nothing to anybody: it caps what may be done through the endpoint.

    AWS wants the principal `*` there (https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-access.html), so
    `account` says whose principals come through; None is for what AWS's own services read, on named resources only.
    """

    sid: Sid
    account: str | None
    actions: tuple[str, ...] = ("*",)
    resources: tuple[Text, ...] = ("*",)

    @model_validator(mode="after")
    def _somebody_or_something(self) -> Self:
        if self.account is None and any(isinstance(text, str) and text == "*" for text in self.resources):
            raise ValueError(f"{self.sid}: an endpoint lets everybody through only to named resources")
        return self

    def as_dict(self) -> dict[str, Any]:
        """The statement in AWS's grammar, for an endpoint's policy."""
        statement: dict[str, Any] = {
            "Sid": self.sid,
            "Effect": "Allow",
            "Principal": "*",
            "Action": sorted(set(self.actions)),
            "Resource": list(self.resources),
        }
        if self.account is not None:
            statement["Condition"] = {"StringEquals": {"aws:PrincipalAccount": [self.account]}}
        return statement


class Document(Settings):
    """A policy: its statements in order, each Sid once."""

    statements: tuple[Statement | Denial | Passage, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _sids_once(self) -> Self:
        sids = [statement.sid for statement in self.statements]
        twice = sorted({sid for sid in sids if sids.count(sid) > 1})
        if twice:
            raise ValueError(f"each Sid must occur once in a policy: {', '.join(twice)}")
        return self

    @classmethod
    def of(cls, *statements: Statement | Denial | Passage) -> Self:
        """The policy of these statements."""
        return cls(statements=statements)

    def as_dict(self) -> dict[str, Any]:
        """The policy in AWS's grammar."""
        return {"Version": VERSION, "Statement": [statement.as_dict() for statement in self.statements]}

    def render(self) -> pulumi.Output[str]:
        """The policy as JSON, once all of its values are known."""
        return pulumi.Output.from_input(self.as_dict()).apply(
            lambda document: json.dumps(_each_once(document), separators=(",", ":"), sort_keys=False)
        )


def _each_once(document: dict[str, Any]) -> dict[str, Any]:
    """The document with each resource of a statement once: two that were to come may turn out to be the same."""
    statements = [
        {**statement, "Resource": list(dict.fromkeys(statement["Resource"]))} if "Resource" in statement else statement
        for statement in document["Statement"]
    ]
    return {**document, "Statement": statements}


def _plain(conditions: Conditions) -> dict[str, dict[str, list[Text]]]:
    return {operator: {key: list(values) for key, values in keys.items()} for operator, keys in conditions.items()}


def service_trust(service: str, *, account: str) -> Document:
    """Trust in an AWS service, for work of this account alone (no confused deputy)."""
    return Document.of(
        Statement(
            sid="ServiceOfThisAccount",
            actions=("sts:AssumeRole",),
            principals={"Service": [service]},
            conditions={"StringEquals": {"aws:SourceAccount": [account]}},
        )
    )
