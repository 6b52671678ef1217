"""The Athena workgroup: limits that clients cannot override, results under the key, an alarm on the day's use."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from penstock_infra.components.query_workgroup import QueryWorkgroup, QueryWorkgroupArguments
from penstock_infra.placement import Placement

KEY = "arn:aws:kms:eu-central-1:123456789012:key/data"
TOPIC = "arn:aws:sns:eu-central-1:123456789012:alarms"
EXAMPLES = {"QueryWorkgroup": {"key_arn": KEY, "log_bucket": "logs", "topic_arn": TOPIC}}


def make(placement: Placement, **changes: Any) -> QueryWorkgroup:
    return QueryWorkgroup(
        "example", QueryWorkgroupArguments(placement=placement, **{**EXAMPLES["QueryWorkgroup"], **changes})
    )


def test_limits_hold_for_every_client(run_program: Any, placement: Placement) -> None:
    run = run_program(lambda: make(placement, query_limit_gb=7))
    workgroup = run.one("aws:athena/workgroup:Workgroup").inputs
    assert workgroup["configuration"]["bytesScannedCutoffPerQuery"] == 7_000_000_000
    assert workgroup["configuration"]["enforceWorkgroupConfiguration"] is True
    assert workgroup["configuration"]["publishCloudwatchMetricsEnabled"] is True, "else the alarm has no metric"
    assert workgroup["configuration"]["engineVersion"] == {"selectedEngineVersion": "Athena engine version 3"}
    assert workgroup["name"] == "penstock-prod-lake"
    assert workgroup["forceDestroy"] is False
    assert workgroup["tags"] == placement.tags.as_dict()


def test_results_are_encrypted_with_the_key_and_expire(run_program: Any, placement: Placement) -> None:
    run = run_program(lambda: make(placement, results_expire_after=5))
    result = run.one("aws:athena/workgroup:Workgroup").inputs["configuration"]["resultConfiguration"]
    bucket = run.one("aws:s3/bucket:Bucket").inputs["bucket"]
    assert result["outputLocation"] == f"s3://{bucket}/results/"
    assert result["encryptionConfiguration"] == {"encryptionOption": "SSE_KMS", "kmsKeyArn": KEY}
    (rule,) = run.one("aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration").inputs["rules"]
    assert rule["expiration"] == {"days": 5}
    assert rule["noncurrentVersionExpiration"] == {"noncurrentDays": 1}
    encryption = run.one("aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration")
    assert encryption.inputs["rules"][0]["applyServerSideEncryptionByDefault"]["kmsMasterKeyId"] == KEY
    assert run.one("aws:s3/bucketLogging:BucketLogging").inputs["targetBucket"] == "logs"


def test_the_alarm_adds_up_a_day_of_this_workgroup(run_program: Any, placement: Placement) -> None:
    run = run_program(lambda: make(placement, daily_limit_gb=3))
    alarm = run.one("aws:cloudwatch/metricAlarm:MetricAlarm").inputs
    assert (alarm["namespace"], alarm["metricName"], alarm["statistic"]) == ("AWS/Athena", "ProcessedBytes", "Sum")
    assert (alarm["period"], alarm["threshold"]) == (86_400, 3_000_000_000)
    assert alarm["dimensions"] == {"WorkGroup": run.one("aws:athena/workgroup:Workgroup").inputs["name"]}
    assert alarm["alarmActions"] == [TOPIC]
    assert alarm["tags"] == placement.tags.as_dict()


def test_no_limit_is_no_setting(placement: Placement) -> None:
    with pytest.raises(ValidationError, match="query_limit_gb"):
        make(placement, query_limit_gb=0)
