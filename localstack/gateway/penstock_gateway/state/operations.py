"""Which operations change a service's state, told by their names."""

from __future__ import annotations

import re

_READING = re.compile(
    r"^(Get|List|Describe|Head|Lookup|Search|Query|Filter|Check|Test|Estimate|Simulate|Validate|Select|BatchGet|BatchCheck"
    r"|BatchDescribe|Scan|Preview|Decode|Poll)(?![a-z])"
)

_CHANGES_NOTHING: dict[str, frozenset[str]] = {
    "kms": frozenset(
        {
            "Decrypt", "DeriveSharedSecret", "Encrypt", "GenerateDataKey", "GenerateDataKeyPair",
            "GenerateDataKeyPairWithoutPlaintext", "GenerateDataKeyWithoutPlaintext", "GenerateMac", "GenerateRandom",
            "ReEncrypt", "Sign", "Verify", "VerifyMac",
        }
    ),
    "cloudwatch": frozenset({"PutMetricData"}),  # in LocalStack's file of metrics when it returns
    "events": frozenset({"PutEvents", "TestEventPattern"}),
    "lambda": frozenset({"Invoke", "InvokeAsync", "InvokeWithResponseStream"}),
    "logs": frozenset({"PutLogEvents", "StartLiveTail"}),  # `log_events` keeps them
    "sns": frozenset({"Publish", "PublishBatch"}),
    "sqs": frozenset(
        {
            "ChangeMessageVisibility", "ChangeMessageVisibilityBatch", "DeleteMessage", "DeleteMessageBatch",
            "ReceiveMessage", "SendMessage", "SendMessageBatch",
        }
    ),  # `messages` keeps them
}  # fmt: skip

REACHES_OTHERS = frozenset({"resourcegroupstaggingapi", "autoscaling", "batch", "ecs", "eks"})
"""Services whose operations change what others hold, without asking through the API."""


def changes(service: str, operation: str) -> bool:
    """Whether the service's state may be another after this operation."""
    return operation not in _CHANGES_NOTHING.get(service, frozenset()) and not _READING.match(operation)
