"""Data lies under keys of one's own: lake, feature store, endpoint volumes, captures, monitoring jobs, Studio, Spark's logs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from penstock_policy import buckets
from penstock_policy.endpoints import CONFIGURATION, JOB_DEFINITION, KIT_JOB_DEFINITION, is_serverless
from penstock_policy.resource import Finding, Resource, finding, is_known, items, mapping, of_type, statements, texts
from penstock_policy.settings import UNSPECIFIED, Settings

POLICY = "encrypted_with_kms"
FEATURE_GROUP = "aws:sagemaker/featureGroup:FeatureGroup"
FUNCTION = "aws:lambda/function:Function"
MODEL_CARD = "aws:sagemaker/modelCard:ModelCard"
OWN_DISKS = {
    "aws:sagemaker/domain:Domain": "its users' files",
    "aws:sagemaker/notebookInstance:NotebookInstance": "its volume",
}
"""Types with people's files, and what of them is encrypted with the input `kmsKeyId`."""

WORKGROUP = "aws:athena/workgroup:Workgroup"
DOMAIN = "aws:sagemaker/domain:Domain"
SPARK = "aws:emrserverless/application:Application"
LOGGING = "aws:s3/bucketLogging:BucketLogging"
LOG_DELIVERY = "logging.s3.amazonaws.com"
KMS = frozenset({"aws:kms", "aws:kms:dsse"})

_LOCAL_DISKS = re.compile(r"ml\.(?:[cmr]\d+[a-z]*d[a-z]*|g[456][a-z]*|p4de?|p5[a-z]*|p3dn|i\d[a-z]*|trn\d[a-z]*)\..+")
"""Instances with disks of their own, which the hardware encrypts; for these SageMaker takes no key."""


def encrypted_with_kms(
    resources: Sequence[Resource],
    settings: Settings = UNSPECIFIED,  # noqa: ARG001 - every policy's signature
) -> Iterator[Finding]:
    """KMS with a named key wherever the kit's data lies."""
    yield from _buckets(resources)
    for resource in resources:
        if resource.operation != "delete":
            for what, key in _keys(resource):
                if not key:
                    yield finding(POLICY, resource, f"{what} has no KMS key", "Name the key of the data's platform")


def _buckets(resources: Sequence[Resource]) -> Iterator[Finding]:
    """Every bucket that has a rule at all (`encrypted` says where one is missing), but those that S3 writes its logs to."""
    logs = {logging.inputs.get("targetBucket") for logging in of_type(resources, LOGGING)}
    logs |= {
        policy.inputs.get("bucket")
        for policy in of_type(resources, buckets.BUCKET_POLICY)
        for statement in statements(policy.inputs.get("policy"))
        if statement.get("Effect") == "Allow"
        and LOG_DELIVERY in texts(mapping(statement.get("Principal")).get("Service"))
    }
    for rule in of_type(resources, buckets.ENCRYPTION):
        defaults = [
            mapping(entry.get("applyServerSideEncryptionByDefault")) for entry in items(rule.inputs.get("rules"))
        ]
        algorithms = {default.get("sseAlgorithm") for default in defaults} - {None}
        if not algorithms or rule.inputs.get("bucket") in logs or not all(map(is_known, algorithms)):
            continue
        if not algorithms <= KMS:
            yield finding(POLICY, rule, "it uses S3's keys", "Use aws:kms with a key of your own")
        elif not all(default.get("kmsMasterKeyId") for default in defaults):
            yield finding(POLICY, rule, "it uses AWS's key for S3", "Name a key of your own (kms_master_key_id)")


def _keys(resource: Resource) -> Iterator[tuple[str, object]]:
    """What is encrypted in a resource, and its key."""
    inputs = resource.inputs
    if resource.type == FEATURE_GROUP:
        online, offline = mapping(inputs.get("onlineStoreConfig")), mapping(inputs.get("offlineStoreConfig"))
        if online.get("enableOnlineStore"):
            yield "the online store", mapping(online.get("securityConfig")).get("kmsKeyId")
        if offline:
            yield "the offline store", mapping(offline.get("s3StorageConfig")).get("kmsKeyId")
    elif resource.type == CONFIGURATION:
        if not is_serverless(resource) and not _disks_are_its_own(resource):
            yield "its volume", inputs.get("kmsKeyArn")
        capture = mapping(inputs.get("dataCaptureConfig"))
        if capture.get("enableCapture"):
            yield "what it captures", capture.get("kmsKeyId")
        if inputs.get("asyncInferenceConfig"):
            output = mapping(mapping(inputs["asyncInferenceConfig"]).get("outputConfig"))
            yield "what it answers", output.get("kmsKeyId")
    elif resource.type == JOB_DEFINITION:
        cluster = mapping(mapping(inputs.get("jobResources")).get("clusterConfig"))
        if not _LOCAL_DISKS.fullmatch(str(cluster.get("instanceType", ""))):
            yield "the monitoring job's volume", cluster.get("volumeKmsKeyId")
        yield "what the monitoring job writes", mapping(inputs.get("dataQualityJobOutputConfig")).get("kmsKeyId")
    elif resource.type == KIT_JOB_DEFINITION:
        request = mapping(inputs.get("request"))
        cluster = mapping(mapping(request.get("JobResources")).get("ClusterConfig"))
        if not _LOCAL_DISKS.fullmatch(str(cluster.get("InstanceType", ""))):
            yield "the monitoring job's volume", cluster.get("VolumeKmsKeyId")
        output = mapping(request.get(f"{inputs.get('kind')}JobOutputConfig"))
        yield "what the monitoring job writes", output.get("KmsKeyId")
    elif resource.type == FUNCTION:
        if mapping(inputs.get("environment")).get("variables"):
            yield "its environment", inputs.get("kmsKeyArn")
    elif resource.type == DOMAIN:
        yield "its users' files", inputs.get("kmsKeyId")
    elif resource.type == SPARK:
        monitoring = mapping(inputs.get("monitoringConfiguration"))
        if monitoring.get("s3MonitoringConfiguration"):
            yield "its log", mapping(monitoring["s3MonitoringConfiguration"]).get("encryptionKeyArn")
        kept = mapping(monitoring.get("managedPersistenceMonitoringConfiguration"))
        if kept.get("enabled") is not False:  # AWS keeps logs of its own unless it is told not to
            yield "the log that AWS keeps", kept.get("encryptionKeyArn")
    elif resource.type == MODEL_CARD:
        yield "the card", mapping(inputs.get("securityConfig")).get("kmsKeyId")
    elif resource.type in OWN_DISKS:
        yield OWN_DISKS[resource.type], inputs.get("kmsKeyId")
    elif resource.type == WORKGROUP:
        result = mapping(mapping(inputs.get("configuration")).get("resultConfiguration"))
        yield "the queries' result", mapping(result.get("encryptionConfiguration")).get("kmsKeyArn")


def _disks_are_its_own(configuration: Resource) -> bool:
    variants = items(configuration.inputs.get("productionVariants"))
    return bool(variants) and all(_LOCAL_DISKS.fullmatch(str(item.get("instanceType", ""))) for item in variants)
