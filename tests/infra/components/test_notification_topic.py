"""Who may publish to a topic, and for what."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from penstock_infra.components.notification_topic import NotificationTopic, NotificationTopicArguments
from penstock_infra.placement import Placement

KEY = "arn:aws:kms:eu-central-1:123456789012:key/data"
EXAMPLES: dict[str, dict[str, Any]] = {
    "NotificationTopic": {
        "purpose": "alarms",
        "publishers": ("cloudwatch", "events"),
        "key_arn": KEY,
        "emails": ("team@example.com",),
    },
}


def run_topic(run_program: Any, placement: Placement, **changes: Any) -> Any:
    arguments = NotificationTopicArguments(placement=placement, **{**EXAMPLES["NotificationTopic"], **changes})
    return run_program(lambda: NotificationTopic("alarms", arguments))


def test_each_publisher_for_its_own_things_in_this_account(run_program: Any, placement: Placement) -> None:
    run = run_topic(run_program, placement, publishers=("events", "cloudwatch", "budgets"))
    statements = json.loads(run.one("aws:sns/topicPolicy:TopicPolicy").inputs["policy"])["Statement"]
    assert {
        statement["Principal"]["Service"][0]: statement["Condition"]["ArnLike"]["aws:SourceArn"]
        for statement in statements
    } == {
        "budgets.amazonaws.com": ["arn:aws:budgets::123456789012:*"],
        "cloudwatch.amazonaws.com": ["arn:aws:cloudwatch:eu-central-1:123456789012:alarm:*"],
        "events.amazonaws.com": ["arn:aws:events:eu-central-1:123456789012:rule/*"],
    }
    for statement in statements:
        assert statement["Action"] == ["sns:Publish"]
        assert statement["Resource"] == ["arn:aws:sns:eu-central-1:123456789012:penstock-prod-alarms"]
        assert statement["Condition"]["StringEquals"] == {"aws:SourceAccount": ["123456789012"]}


def test_the_topic_is_encrypted_named_tagged_and_mailed(run_program: Any, placement: Placement) -> None:
    run = run_topic(run_program, placement)
    topic = run.one("aws:sns/topic:Topic")
    assert topic.inputs["kmsMasterKeyId"] == KEY
    assert topic.inputs["name"] == "penstock-prod-alarms"
    assert topic.inputs["tags"] == placement.tags.as_dict()
    mail = run.one("aws:sns/topicSubscription:TopicSubscription").inputs
    assert (mail["protocol"], mail["endpoint"]) == ("email", "team@example.com")


def test_the_alarms_topic_of_the_first_release_is_the_same_topic(run_program: Any, placement: Placement) -> None:
    """Its component had another type: without the alias, every alarm's topic would be replaced."""
    run = run_topic(run_program, placement)
    assert "penstock:operations:AlarmTopic" in run.resources[0].alias_types


@pytest.mark.parametrize(
    "changes",
    [{"publishers": ()}, {"publishers": ("lambda",)}, {"emails": ("nobody",)}, {"purpose": "Über"}],
    ids=str,
)
def test_what_is_wrong_is_refused(placement: Placement, changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        NotificationTopicArguments(placement=placement, **{**EXAMPLES["NotificationTopic"], **changes})
