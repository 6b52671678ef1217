"""KMS with a named key: lake, feature store, endpoint volumes, captures, monitoring jobs."""

from __future__ import annotations

from typing import Any

import pytest
from tests.infra.policy.samples import KEY, UNKNOWN, allow, bucket, configuration, document, encryption, resource, said

from penstock_policy import Resource, buckets
from penstock_policy.encryption import DOMAIN, FEATURE_GROUP, FUNCTION, LOGGING, SPARK, WORKGROUP, encrypted_with_kms
from penstock_policy.endpoints import JOB_DEFINITION, KIT_JOB_DEFINITION


def group(online: str | None = KEY, offline: str | None = KEY, *, has_online: bool = True) -> Resource:
    return resource(
        FEATURE_GROUP,
        onlineStoreConfig={"enableOnlineStore": has_online, "securityConfig": {"kmsKeyId": online}},
        offlineStoreConfig={"s3StorageConfig": {"s3Uri": "s3://x", "kmsKeyId": offline}},
    )


def workgroup(key: str | None) -> Resource:
    result = {"encryptionConfiguration": {"encryptionOption": "SSE_KMS", "kmsKeyArn": key}}
    return resource(WORKGROUP, configuration={"resultConfiguration": result})


def monitoring(volume: str | None = KEY, output: str | None = KEY, instance_type: str = "ml.m5.large") -> Resource:
    return resource(
        JOB_DEFINITION,
        jobResources={"clusterConfig": {"instanceType": instance_type, "volumeKmsKeyId": volume}},
        dataQualityJobOutputConfig={"kmsKeyId": output},
    )


def kit_monitoring(volume: str | None = KEY, output: str | None = KEY, instance_type: str = "ml.m5.large") -> Resource:
    return resource(
        KIT_JOB_DEFINITION,
        kind="ModelBias",
        request={
            "JobResources": {"ClusterConfig": {"InstanceType": instance_type, "VolumeKmsKeyId": volume}},
            "ModelBiasJobOutputConfig": {"KmsKeyId": output},
        },
    )


def spark(log: str | None = KEY, kept: str | None = KEY, *, keeps: bool = True) -> Resource:
    return resource(
        SPARK,
        monitoringConfiguration={
            "s3MonitoringConfiguration": {"logUri": "s3://x", "encryptionKeyArn": log},
            "managedPersistenceMonitoringConfiguration": {"enabled": keeps, "encryptionKeyArn": kept},
        },
    )


def capture(key: str | None) -> dict[str, Any]:
    return {"enableCapture": True, "kmsKeyId": key}


SERVERLESS = [{"serverlessConfig": {"memorySizeInMb": 2048, "maxConcurrency": 5}}]
DELIVERY = allow(Principal={"Service": "logging.s3.amazonaws.com"}, Action="s3:PutObject")
PASSING = {
    "a bucket with a key": [bucket(), encryption()],
    "a key that is not known yet": [bucket(), encryption(key=UNKNOWN)],
    "the target of access logs": [encryption("AES256"), resource(LOGGING, bucket="other", targetBucket="data")],
    "a bucket that S3 may deliver logs to": [
        encryption("AES256"),
        document(buckets.BUCKET_POLICY, DELIVERY, bucket="data"),
    ],
    "no rule at all, which `encrypted` says": [bucket(), encryption(None)],
    "a feature group": [group()],
    "a feature group without online store": [group(online=None, has_online=False)],
    "an endpoint": [configuration()],
    "an endpoint on disks of its own": [
        configuration(kmsKeyArn=None, productionVariants=[{"instanceType": "ml.g5.xlarge"}])
    ],
    "a serverless endpoint": [configuration(kmsKeyArn=None, dataCaptureConfig=None, productionVariants=SERVERLESS)],
    "an endpoint that captures nothing": [configuration(dataCaptureConfig={"enableCapture": False})],
    "a monitoring job": [monitoring()],
    "a monitoring job on disks of its own": [monitoring(volume=None, instance_type="ml.m5d.large")],
    "a bias monitor's job": [kit_monitoring()],
    "a bias monitor's job on disks of its own": [kit_monitoring(volume=None, instance_type="ml.m5d.large")],
    "a workgroup": [workgroup(KEY)],
    "a function": [resource(FUNCTION, environment={"variables": {"STACK": "dev"}}, kmsKeyArn=KEY)],
    "a function without settings": [resource(FUNCTION)],
    "a Studio domain": [resource(DOMAIN, kmsKeyId=KEY)],
    "Spark": [spark()],
    "Spark whose logs AWS does not keep": [spark(kept=None, keeps=False)],
}
FAILING = {
    "S3's keys": ("it uses S3's keys", [bucket(), encryption("AES256")]),
    "S3's keys, where another bucket takes the logs": (
        "it uses S3's keys",
        [encryption("AES256"), resource(LOGGING, bucket="data", targetBucket="logs")],
    ),
    "AWS's key": ("it uses AWS's key for S3", [bucket(), encryption(key=None)]),
    "the online store": ("the online store has no KMS key", [group(online=None)]),
    "the offline store": ("the offline store has no KMS key", [group(offline=None)]),
    "an endpoint's volume": ("its volume has no KMS key", [configuration(kmsKeyArn=None)]),
    "a capture": ("what it captures has no KMS key", [configuration(dataCaptureConfig=capture(None))]),
    "asynchronous answers": (
        "what it answers has no KMS key",
        [configuration(asyncInferenceConfig={"outputConfig": {"s3OutputPath": "s3://x"}})],
    ),
    "a monitoring job's volume": ("the monitoring job's volume has no KMS key", [monitoring(volume=None)]),
    "what a monitoring job writes": ("what the monitoring job writes has no KMS key", [monitoring(output=None)]),
    "a bias monitor's volume": ("the monitoring job's volume has no KMS key", [kit_monitoring(volume=None)]),
    "what a bias monitor writes": ("what the monitoring job writes has no KMS key", [kit_monitoring(output=None)]),
    "a Studio domain": ("its users' files has no KMS key", [resource(DOMAIN)]),
    "Spark's log": ("its log has no KMS key", [spark(log=None)]),
    "the log that AWS keeps of Spark": ("the log that AWS keeps has no KMS key", [spark(kept=None)]),
    "the log that AWS keeps unasked": ("the log that AWS keeps has no KMS key", [resource(SPARK)]),
    "a function's settings": (
        "its environment has no KMS key",
        [resource(FUNCTION, environment={"variables": {"STACK": "dev"}})],
    ),
    "results of queries": ("the queries' result has no KMS key", [workgroup(None)]),
}


@pytest.mark.parametrize("case", PASSING)
def test_passes(case: str) -> None:
    assert said(encrypted_with_kms(PASSING[case])) == []


@pytest.mark.parametrize("case", FAILING)
def test_refused(case: str) -> None:
    message, resources = FAILING[case]
    assert said(encrypted_with_kms(resources)) == [message]
