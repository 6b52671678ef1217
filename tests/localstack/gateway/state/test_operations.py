"""Which operations change something is told by their names."""

from __future__ import annotations

import pytest

from penstock_gateway.state import operations


@pytest.mark.parametrize(
    ("service", "operation"),
    [
        ("iam", "CreateRole"), ("iam", "UntagRole"), ("sns", "Subscribe"), ("kms", "ScheduleKeyDeletion"),
        ("ec2", "AuthorizeSecurityGroupIngress"), ("athena", "StartQueryExecution"), ("sqs", "PurgeQueue"),
        ("sts", "AssumeRole"), ("lambda", "PublishVersion"), ("ecr", "BatchDeleteImage"), ("glue", "ImportCatalogToGlue"),
        ("ecr", "InitiateLayerUpload"), ("ec2", "DetachVolume"), ("guardduty", "IssueSomething"),
    ],
)  # fmt: skip
def test_changing(service: str, operation: str) -> None:
    assert operations.changes(service, operation)


@pytest.mark.parametrize(
    ("service", "operation"),
    [
        ("iam", "GetRole"), ("iam", "ListRoles"), ("ec2", "DescribeVpcs"), ("s3", "HeadObject"), ("kms", "Encrypt"),
        ("sqs", "SendMessage"), ("logs", "PutLogEvents"), ("cloudwatch", "PutMetricData"), ("events", "PutEvents"),
        ("ecr", "BatchGetImage"), ("ecr", "BatchCheckLayerAvailability"), ("logs", "FilterLogEvents"),
        ("lambda", "Invoke"), ("iam", "SimulatePrincipalPolicy"),
    ],
)  # fmt: skip
def test_reading_and_what_is_kept_in_another_way(service: str, operation: str) -> None:
    assert not operations.changes(service, operation)
