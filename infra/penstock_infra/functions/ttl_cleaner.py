"""Development stacks end when they said they would: their endpoints, which cost by the hour, are deleted.

The tag `TTL` is a date or time in UTC (`2031-01-31`, `2031-01-31T18:00Z`), after which the endpoint may go, or a span
since it was made (`72h`, `14d`). Everything else of an expired stack costs little, may hold data, and is Pulumi's: a
message says how to destroy it.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Any

from penstock_infra.functions import endpoints

TAG = "TTL"
_SPAN = re.compile(r"([1-9]\d{0,3})([hd])")
_LONGEST_SUBJECT = 100


class UnfinishedError(Exception):
    """Some expired endpoints could not be deleted; the others were. The invocation fails, and the alarm tells."""


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ARG001 - Lambda's signature
    """Lambda's entry; STACKS (names, comma between) and TOPIC_ARN are its settings."""
    import boto3

    stacks = os.environ["STACKS"].split(",")
    done = clean(boto3.client("sagemaker"), stacks, datetime.now(UTC))
    print(json.dumps(done))
    tell(boto3.client("sns"), os.environ["TOPIC_ARN"], done)
    if done["failed"]:
        raise UnfinishedError(json.dumps(done["failed"]))
    return done


def expiry(tag: str, created: datetime) -> datetime | None:
    """When a tag's value lets its resource go; None when it cannot be read. A date means its end."""
    if span := _SPAN.fullmatch(tag):
        number = int(span.group(1))
        return created + (timedelta(hours=number) if span.group(2) == "h" else timedelta(days=number))
    try:
        moment = datetime.fromisoformat(tag)
    except ValueError:
        return None
    if len(tag) == len("2031-01-31"):
        moment += timedelta(days=1)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def clean(sagemaker: Any, stacks: Collection[str], now: datetime) -> dict[str, Any]:
    """Deletes the stacks' expired endpoints.

    Returns {"deleted" (name: stack), "kept" (name: reason), "failed" (name: reason)}. One without a TTL is not mentioned:
    it lives on; one whose TTL cannot be read is kept.
    """
    deleted: dict[str, str] = {}
    kept: dict[str, str] = {}
    failed: dict[str, str] = {}
    for endpoint in endpoints.of_stacks(sagemaker, stacks):
        if TAG not in endpoint.tags:
            continue
        until = expiry(endpoint.tags[TAG], endpoint.created)
        if until is None:
            kept[endpoint.name] = f"its tag {TAG} is {endpoint.tags[TAG]!r}: write a date (2031-01-31), or 72h, 14d"
        elif until > now:
            kept[endpoint.name] = f"it lives until {until.isoformat()}"
        elif not endpoint.rests:
            kept[endpoint.name] = f"it has expired but is {endpoint.status}: the next run tries again"
        else:
            try:
                sagemaker.delete_endpoint(EndpointName=endpoint.name)
                deleted[endpoint.name] = endpoint.tags["Environment"]
            except sagemaker.exceptions.ClientError as error:
                failed[endpoint.name] = str(error)
    return {"deleted": deleted, "kept": kept, "failed": failed}


def tell(sns: Any, topic_arn: str, done: dict[str, Any]) -> None:
    """Says what was deleted and how the rest goes; silent when nothing was."""
    deleted: dict[str, str] = done["deleted"]
    if not deleted:
        return
    stacks = sorted(set(deleted.values()))
    lines = [
        f"The {TAG} of these endpoints has run out, and they were deleted:",
        "",
        *(f"  {name} (stack {stack})" for name, stack in sorted(deleted.items())),
        "",
        "What else the stacks made still stands. To take it down:",
        *(f"  penstock destroy --stack {stack} in the model's repository" for stack in stacks),
        f"To keep it, set a later {TAG} in Pulumi.<stack>.yaml and bring the stack up with --refresh.",
    ]
    subject = f"Penstock: expired in {', '.join(stacks)}"
    sns.publish(TopicArn=topic_arn, Subject=subject[:_LONGEST_SUBJECT], Message="\n".join(lines))
