"""Data that arrives is told to a queue, encrypted, writable by its rule alone."""

from __future__ import annotations

import json
from typing import Any

from penstock_infra.components.landing import Landing, LandingArguments
from penstock_infra.placement import Placement

KEY = "arn:aws:kms:eu-central-1:123456789012:key/data"
EXAMPLES = {"Landing": {"bucket": "raw", "key_arn": KEY}}


def make(placement: Placement, **changes: Any) -> Landing:
    return Landing("example", LandingArguments(placement=placement, **{**EXAMPLES["Landing"], **changes}))


def test_new_objects_below_landing_go_to_the_queue(run_program: Any, placement: Placement) -> None:
    run = run_program(lambda: make(placement))
    assert run.one("aws:s3/bucketNotification:BucketNotification").inputs == {"bucket": "raw", "eventbridge": True}
    rule = run.one("aws:cloudwatch/eventRule:EventRule").inputs
    assert json.loads(rule["eventPattern"]) == {
        "source": ["aws.s3"],
        "detail-type": ["Object Created"],
        "detail": {"bucket": {"name": ["raw"]}, "object": {"key": [{"prefix": "landing/"}]}},
    }
    assert rule["tags"] == placement.tags.as_dict()
    target = run.one("aws:cloudwatch/eventTarget:EventTarget").inputs
    assert target["rule"] == "penstock-prod-landing"
    assert target["arn"] == "arn:aws:sqs:eu-central-1:123456789012:penstock-prod-landing"


def test_only_the_rule_may_write(run_program: Any, placement: Placement) -> None:
    run = run_program(lambda: make(placement))
    queues = {queue.inputs["name"]: queue.inputs for queue in run.of("aws:sqs/queue:Queue")}
    (statement,) = json.loads(queues["penstock-prod-landing"]["policy"])["Statement"]
    assert statement["Action"] == ["sqs:SendMessage"]
    assert statement["Resource"] == ["arn:aws:sqs:eu-central-1:123456789012:penstock-prod-landing"]
    assert statement["Principal"] == {"Service": ["events.amazonaws.com"]}
    rule = "arn:aws:events:eu-central-1:123456789012:rule/penstock-prod-landing"
    assert statement["Condition"] == {"ArnEquals": {"aws:SourceArn": [rule]}}


def test_messages_are_encrypted_kept_and_set_aside(run_program: Any, placement: Placement) -> None:
    run = run_program(lambda: make(placement, attempts=3))
    queues = {queue.inputs["name"]: queue.inputs for queue in run.of("aws:sqs/queue:Queue")}
    assert set(queues) == {"penstock-prod-landing", "penstock-prod-landing-aside"}
    for queue in queues.values():
        assert queue["kmsMasterKeyId"] == KEY
        assert queue["messageRetentionSeconds"] == 14 * 86_400
        assert queue["tags"] == placement.tags.as_dict()
    assert json.loads(queues["penstock-prod-landing"]["redrivePolicy"]) == {
        "deadLetterTargetArn": "arn:aws:sqs:eu-central-1:123456789012:penstock-prod-landing-aside",
        "maxReceiveCount": 3,
    }
