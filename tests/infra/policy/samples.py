"""Resources that the policies' tests are made of."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from penstock_policy import Finding, Resource, buckets, endpoints, permissions, tags
from penstock_policy.resource import UNKNOWN

KEY = "arn:aws:kms:us-east-1:123456789012:key/1"
TAGS = dict.fromkeys(tags.REQUIRED, "x")
ROLE_POLICY = "aws:iam/rolePolicy:RolePolicy"

__all__ = [
    "KEY",
    "ROLE_POLICY",
    "TAGS",
    "UNKNOWN",
    "allow",
    "block",
    "bucket",
    "configuration",
    "document",
    "encryption",
    "endpoint",
    "resource",
    "said",
]


def resource(type_: str, name_: str = "it", /, **inputs: Any) -> Resource:
    """Any resource."""
    return Resource(type=type_, name=name_, inputs=inputs)


def bucket(**inputs: Any) -> Resource:
    """The bucket `data`."""
    return resource(buckets.BUCKET, "data", **{"bucket": "data", "tags": TAGS, **inputs})


def block(**inputs: Any) -> Resource:
    """What closes the bucket `data` to the public."""
    return resource(
        buckets.PUBLIC_ACCESS_BLOCK, "data", **{"bucket": "data", **dict.fromkeys(buckets.SWITCHES, True), **inputs}
    )


def encryption(algorithm: str | None = "aws:kms", name: str = "data", key: str | None = KEY) -> Resource:
    """The encryption rule of the bucket `data`."""
    default = {"sseAlgorithm": algorithm, "kmsMasterKeyId": key} if algorithm else {}
    return resource(buckets.ENCRYPTION, "data", bucket=name, rules=[{"applyServerSideEncryptionByDefault": default}])


def document(type_: str, *statements: dict[str, Any], **inputs: Any) -> Resource:
    """A resource with a policy document."""
    text = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
    return resource(type_, "document", **{permissions.DOCUMENTS[type_]: text, "tags": TAGS, **inputs})


def allow(**changes: Any) -> dict[str, Any]:
    """A narrow statement."""
    return {"Sid": "Read", "Effect": "Allow", "Action": ["s3:GetObject"], "Resource": ["arn:aws:s3:::x/*"], **changes}


def configuration(**inputs: Any) -> Resource:
    """An endpoint's configuration that every policy passes."""
    variant = {"variantName": "AllTraffic", "modelName": "m", "instanceType": "ml.m5.large", "initialInstanceCount": 1}
    capture = {
        "enableCapture": True,
        "initialSamplingPercentage": 100,
        "destinationS3Uri": "s3://x/capture",
        "kmsKeyId": KEY,
        "captureOptions": [{"captureMode": "Input"}, {"captureMode": "Output"}],
    }
    return resource(
        endpoints.CONFIGURATION,
        **{
            "name": "c",
            "productionVariants": [variant],
            "dataCaptureConfig": capture,
            "kmsKeyArn": KEY,
            "tags": TAGS,
            **inputs,
        },
    )


def endpoint(**inputs: Any) -> Resource:
    """The endpoint `delays`."""
    return resource(endpoints.ENDPOINT, **{"name": "delays", "endpointConfigName": "c", "tags": TAGS, **inputs})


def said(findings: Iterable[Finding]) -> list[str]:
    """The findings' messages."""
    found = list(findings)
    assert all(finding.remedy for finding in found)
    return [finding.message for finding in found]
