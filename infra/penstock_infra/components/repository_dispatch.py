"""Telling a model repository what happened in the account."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

import pulumi
from pulumi_aws import cloudwatch, iam, sqs
from pydantic import AfterValidator, Field

from penstock_infra import events, naming
from penstock_infra.components.component import Arguments, Component
from penstock_infra.iam import Document, Statement, service_trust
from penstock_infra.inputs import Later, Text
from penstock_infra.repository import Repository

API_VERSION = "2022-11-28"
DISPATCHES_PER_SECOND = 5
RETRY_FOR_SECONDS = 3600
MOST_RETRIES = 30
UNDELIVERED_KEPT_SECONDS = 14 * 24 * 3600


def _api_url(url: str) -> str:
    parts = urlsplit(url)
    loopback = parts.hostname in ("127.0.0.1", "localhost", "::1")
    if parts.scheme != "https" and not (parts.scheme == "http" and loopback):
        raise ValueError(f"{url!r}: a token is sent there, so it must be https (http only on loopback)")
    return url.rstrip("/")


class RepositoryDispatchArguments(Arguments):
    """The repository, GitHub's API as that repository knows it, and a token that may dispatch to it.

    The token needs "Contents: write" on the repository alone (a fine-grained token or an app's).
    """

    repository: Repository
    token: Later = Field(description="secret")
    api_url: Annotated[str, AfterValidator(_api_url)] = "https://api.github.com"
    permissions_boundary_arn: Text


class RepositoryDispatch(Component):
    """Rules that turn an approval or a drift alarm into a `repository_dispatch` of the model's repository.

    A connection (with the token), one API destination, its role, two rules and a queue that keeps what could not be
    delivered. 0.20 USD for a million dispatches; the connection's secret is included.
    """

    TYPE = "penstock:delivery:RepositoryDispatch"

    approval_rule_arn: pulumi.Output[str]
    drift_rule_arn: pulumi.Output[str]
    undelivered_queue_url: pulumi.Output[str]

    def __init__(
        self, name: str, args: RepositoryDispatchArguments, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(name, args, opts)
        placement = args.placement
        base = args.repository.name
        token: pulumi.Output[str] = pulumi.Output.secret(args.token)
        connection = cloudwatch.EventConnection(
            name,
            name=placement.name(naming.EVENT, base),
            description=f"GitHub's API for {args.repository.slug}",
            authorization_type="API_KEY",
            auth_parameters={
                "api_key": {
                    "key": "Authorization",
                    "value": pulumi.Output.concat("Bearer ", token),
                },
                "invocation_http_parameters": {
                    "headers": [
                        {"key": "Accept", "value": "application/vnd.github+json", "is_value_secret": False},
                        {"key": "X-GitHub-Api-Version", "value": API_VERSION, "is_value_secret": False},
                    ]
                },
            },
            opts=self.child(),
        )
        destination = cloudwatch.EventApiDestination(
            name,
            name=placement.name(naming.EVENT, base),
            description=f"Repository dispatches of {args.repository.slug}",
            invocation_endpoint=f"{args.api_url}/repos/{args.repository.slug}/dispatches",
            http_method="POST",
            invocation_rate_limit_per_second=DISPATCHES_PER_SECOND,
            connection_arn=connection.arn,
            opts=self.child(),
        )
        role = iam.Role(
            name,
            name=placement.name(naming.ROLE, "dispatch", base),
            description=f"Lets EventBridge dispatch to {args.repository.slug}",
            assume_role_policy=service_trust("events.amazonaws.com", account=placement.account).render(),
            permissions_boundary=args.permissions_boundary_arn,
            tags=self.tags,
            opts=self.child(),
        )
        iam.RolePolicy(
            name,
            name="permissions",
            role=role.name,
            policy=Document.of(
                Statement(
                    sid="DispatchToOneRepository",
                    actions=("events:InvokeApiDestination",),
                    resources=(destination.arn,),
                )
            ).render(),
            opts=self.child(),
        )
        queue_name = placement.name(naming.QUEUE, "undelivered", base)
        queue = sqs.Queue(
            name,
            name=queue_name,
            message_retention_seconds=UNDELIVERED_KEPT_SECONDS,
            sqs_managed_sse_enabled=True,
            policy=queue_policy(args, queue_name).render(),
            tags=self.tags,
            opts=self.child(),
        )
        self.undelivered_queue_url = queue.url

        def rule(purpose: str, dispatch: events.Dispatch, description: str) -> pulumi.Output[str]:
            made = cloudwatch.EventRule(
                f"{name}-{purpose}",
                name=rule_name(args, purpose),
                description=description,
                event_pattern=dispatch.pattern_json,
                tags=self.tags,
                opts=self.child(),
            )
            cloudwatch.EventTarget(
                f"{name}-{purpose}",
                rule=made.name,
                target_id="github",
                arn=destination.arn,
                role_arn=role.arn,
                input_transformer={"input_paths": dispatch.fields, "input_template": dispatch.input_template},
                retry_policy={
                    "maximum_event_age_in_seconds": RETRY_FOR_SECONDS,
                    "maximum_retry_attempts": MOST_RETRIES,
                },
                dead_letter_config={"arn": queue.arn},
                opts=self.child(),
            )
            arn: pulumi.Output[str] = made.arn
            return arn

        self.approval_rule_arn = rule(
            "approval",
            events.model_approved(args.repository, args.placement.stack),
            "A version of a model was approved",
        )
        self.drift_rule_arn = rule(
            "drift",
            events.model_drift(args.repository, args.placement.stack),
            "A model's drift alarm went off",
        )
        self.finish(
            {
                "approvalRuleArn": self.approval_rule_arn,
                "driftRuleArn": self.drift_rule_arn,
                "undeliveredQueueUrl": self.undelivered_queue_url,
            }
        )


def rule_name(args: RepositoryDispatchArguments, purpose: str) -> str:
    """The physical name of one of the rules."""
    return args.placement.name(naming.EVENT, purpose, args.repository.name)


def queue_policy(args: RepositoryDispatchArguments, queue_name: str) -> Document:
    """The two rules, and nothing else, may leave what they could not deliver."""
    placement = args.placement
    rules = [placement.arn("events", f"rule/{rule_name(args, purpose)}") for purpose in ("approval", "drift")]
    return Document.of(
        Statement(
            sid="UndeliveredDispatches",
            actions=("sqs:SendMessage",),
            resources=(placement.arn("sqs", queue_name),),
            principals={"Service": ["events.amazonaws.com"]},
            conditions={"ArnEquals": {"aws:SourceArn": [*rules]}},
        )
    )
