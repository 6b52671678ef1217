"""S3: buckets, and the configurations that hang off one bucket."""

from __future__ import annotations

from typing import Any, ClassVar

from penstock_deploy.plugins.interface import ProviderError
from penstock_deploy.provider import shaped
from penstock_deploy.provider.clients import Aws
from penstock_deploy.provider.registry import resource
from penstock_deploy.provider.resource_type import ResourceType, absent, tag_list, tag_map
from penstock_deploy.values import Properties

_HOME_REGION = "us-east-1"
_HOSTED_ZONES = {"us-east-1": "Z3AQBSTGFYJSTF", "us-west-2": "Z3BJ6K6RIION7M", "eu-west-1": "Z1BKCTXD74EZPE"}
_BATCH = 1000


@resource
class Bucket(ResourceType):
    pulumi_type = "aws:s3/bucket:Bucket"
    inputs = "bucket bucketPrefix forceDestroy objectLockEnabled"
    outputs = "arn bucketDomainName bucketRegion bucketRegionalDomainName hostedZoneId"
    immutable = "bucket bucketPrefix objectLockEnabled"
    defaults: ClassVar[dict[str, Any]] = {"forceDestroy": False}
    named = "bucket"
    prefix = "bucketPrefix"
    name_limit = 63
    name_lower = True
    taggable = True

    def create(self, aws: Aws, inputs: Properties) -> str:
        bucket = inputs["bucket"]
        request: dict[str, Any] = {"Bucket": bucket}
        if inputs.get("objectLockEnabled"):
            request["ObjectLockEnabledForBucket"] = True
        if aws.region != _HOME_REGION:
            request["CreateBucketConfiguration"] = {"LocationConstraint": aws.region}
        aws.client("s3").create_bucket(**request)
        aws.made = str(bucket)
        self._tag(aws, bucket, inputs)
        return str(bucket)

    def _tag(self, aws: Aws, bucket: str, inputs: Properties) -> None:
        if inputs.get("tags"):
            aws.client("s3").put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": tag_list(inputs["tags"])})

    def read(self, aws: Aws, id_: str, known: Properties) -> Properties | None:  # noqa: ARG002
        s3 = aws.client("s3")
        if absent(lambda: s3.head_bucket(Bucket=id_)) is None:
            return None
        tags = absent(lambda: s3.get_bucket_tagging(Bucket=id_)["TagSet"], "NoSuchTagSet")
        return {
            "bucket": id_,
            "arn": f"arn:aws:s3:::{id_}",
            "bucketDomainName": f"{id_}.s3.amazonaws.com",
            "bucketRegionalDomainName": f"{id_}.s3.{aws.region}.amazonaws.com",
            "bucketRegion": aws.region,
            "hostedZoneId": _HOSTED_ZONES.get(aws.region, "Z3AQBSTGFYJSTF"),
            "region": aws.region,
            "tags": tag_map(tags),
        }

    def update(self, aws: Aws, id_: str, inputs: Properties, old: Properties, changed: set[str]) -> None:  # noqa: ARG002
        if "tags" in changed:
            if inputs.get("tags"):
                self._tag(aws, id_, inputs)
            else:
                aws.client("s3").delete_bucket_tagging(Bucket=id_)

    def delete(self, aws: Aws, id_: str, inputs: Properties) -> None:
        s3 = aws.client("s3")
        if inputs.get("forceDestroy"):
            absent(lambda: empty(s3, id_))
        absent(lambda: s3.delete_bucket(Bucket=id_))

    def locate(self, aws: Aws, inputs: Properties) -> str | None:  # noqa: ARG002
        return str(inputs["bucket"])


def empty(s3: Any, bucket: str) -> int:
    """Delete every version of every object; how many there were."""
    count = 0
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
        found = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
        keys = [{"Key": item["Key"], "VersionId": item["VersionId"]} for item in found]
        for start in range(0, len(keys), _BATCH):
            answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": keys[start : start + _BATCH], "Quiet": True})
            if answer.get("Errors"):
                first = answer["Errors"][0]
                raise ProviderError(f"DeleteObjects: {first.get('Code')}: {first.get('Message')} ({first.get('Key')})")
        count += len(keys)
    return count


class BucketPart(ResourceType):
    """A configuration of one bucket: put, get and delete, with the bucket's name as id."""

    immutable = "bucket expectedBucketOwner"
    missing: ClassVar[tuple[str, ...]] = ()

    def put(self, s3: Any, bucket: str, inputs: Properties) -> None:
        raise NotImplementedError

    def get(self, s3: Any, bucket: str, known: Properties) -> Properties | None:
        raise NotImplementedError

    def remove(self, s3: Any, bucket: str) -> None:
        raise NotImplementedError

    def create(self, aws: Aws, inputs: Properties) -> str:
        self.put(aws.client("s3"), inputs["bucket"], inputs)
        return str(inputs["bucket"])

    def read(self, aws: Aws, id_: str, known: Properties) -> Properties | None:
        found = absent(lambda: self.get(aws.client("s3"), id_, known), *self.missing)
        return None if found is None else {"bucket": id_, "region": aws.region, **found}

    def update(self, aws: Aws, id_: str, inputs: Properties, old: Properties, changed: set[str]) -> None:  # noqa: ARG002
        self.put(aws.client("s3"), id_, inputs)

    def delete(self, aws: Aws, id_: str, inputs: Properties) -> None:  # noqa: ARG002
        absent(lambda: self.remove(aws.client("s3"), id_), *self.missing)

    def locate(self, aws: Aws, inputs: Properties) -> str | None:  # noqa: ARG002
        return str(inputs["bucket"])


@resource
class BucketVersioning(BucketPart):
    pulumi_type = "aws:s3/bucketVersioning:BucketVersioning"
    inputs = "bucket versioningConfiguration mfa expectedBucketOwner"
    required = "bucket versioningConfiguration"

    def put(self, s3: Any, bucket: str, inputs: Properties) -> None:
        status = inputs["versioningConfiguration"]["status"]
        if status != "Disabled":
            s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": status})

    def get(self, s3: Any, bucket: str, known: Properties) -> Properties | None:
        status = s3.get_bucket_versioning(Bucket=bucket).get("Status")
        if not status:
            given = (known.get("versioningConfiguration") or {}).get("status")
            status = "Disabled" if given == "Disabled" else None
        return {"versioningConfiguration": {"status": status}} if status else None

    def remove(self, s3: Any, bucket: str) -> None:
        if s3.get_bucket_versioning(Bucket=bucket).get("Status"):
            s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})

    def replaces(self, old: Properties, new: Properties, changed: set[str]) -> set[str]:
        forced = super().replaces(old, new, changed)
        status = (new.get("versioningConfiguration") or {}).get("status")
        if "versioningConfiguration" in changed and status == "Disabled":
            forced = forced | {"versioningConfiguration"}
        return forced


_BLOCKS = {
    "blockPublicAcls": "BlockPublicAcls",
    "blockPublicPolicy": "BlockPublicPolicy",
    "ignorePublicAcls": "IgnorePublicAcls",
    "restrictPublicBuckets": "RestrictPublicBuckets",
}


@resource
class BucketPublicAccessBlock(BucketPart):
    pulumi_type = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"
    inputs = "bucket blockPublicAcls blockPublicPolicy ignorePublicAcls restrictPublicBuckets skipDestroy"
    required = "bucket"

    def put(self, s3: Any, bucket: str, inputs: Properties) -> None:
        blocks = {theirs: bool(inputs.get(ours)) for ours, theirs in _BLOCKS.items()}
        s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=blocks)

    def get(self, s3: Any, bucket: str, known: Properties) -> Properties | None:  # noqa: ARG002
        blocks = s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]
        return {ours: blocks.get(theirs, False) for ours, theirs in _BLOCKS.items()}

    def remove(self, s3: Any, bucket: str) -> None:
        s3.delete_public_access_block(Bucket=bucket)

    def delete(self, aws: Aws, id_: str, inputs: Properties) -> None:
        if not inputs.get("skipDestroy"):
            super().delete(aws, id_, inputs)


class ShapedBucketPart(BucketPart):
    """A part whose configuration follows the shape of its Put operation: `member` holds it, `wrapped` are its inputs."""

    put_operation: ClassVar[str] = ""
    get_operation: ClassVar[str] = ""
    delete_operation: ClassVar[str] = ""
    member: ClassVar[str] = ""
    wrapped: ClassVar[tuple[str, ...]] = ()
    renames: ClassVar[dict[str, str]] = {}

    def put(self, s3: Any, bucket: str, inputs: Properties) -> None:
        model = s3.meta.service_model.operation_model(self.put_operation).input_shape
        content = {name: inputs[name] for name in self.wrapped if inputs.get(name) is not None}
        body = shaped.to_aws(self.before_put(content), model.members[self.member], self.renames)
        self.call(s3, self.put_operation, Bucket=bucket, **{self.member: body})

    def get(self, s3: Any, bucket: str, known: Properties) -> Properties | None:
        answer = self.call(s3, self.get_operation, Bucket=bucket)
        model = s3.meta.service_model.operation_model(self.get_operation).output_shape
        content = answer
        if self.member in model.members:
            model = model.members[self.member]
            content = answer.get(self.member) or {}
        found = shaped.from_aws(content, model, self.renames, self.before_put(known))
        found = {name: value for name, value in self.after_get(found).items() if name in self.wrapped}
        return found if any(value not in (None, {}, []) for value in found.values()) else None

    def remove(self, s3: Any, bucket: str) -> None:
        self.call(s3, self.delete_operation, Bucket=bucket)

    def before_put(self, content: Properties) -> Properties:
        return content

    def after_get(self, found: Properties) -> Properties:
        return found

    @staticmethod
    def call(s3: Any, operation: str, **request: Any) -> Any:
        from botocore import xform_name

        return getattr(s3, xform_name(operation))(**request)


@resource
class BucketServerSideEncryptionConfiguration(ShapedBucketPart):
    pulumi_type = "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"
    inputs = "bucket rules expectedBucketOwner"
    required = "bucket rules"
    missing = ("ServerSideEncryptionConfigurationNotFoundError",)
    put_operation, get_operation = "PutBucketEncryption", "GetBucketEncryption"
    delete_operation = "DeleteBucketEncryption"
    member = "ServerSideEncryptionConfiguration"
    wrapped = ("rules",)
    renames: ClassVar[dict[str, str]] = {"sseAlgorithm": "SSEAlgorithm", "kmsMasterKeyId": "KMSMasterKeyID"}


@resource
class BucketLifecycleConfiguration(ShapedBucketPart):
    pulumi_type = "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration"
    inputs = "bucket rules expectedBucketOwner transitionDefaultMinimumObjectSize"
    required = "bucket"
    missing = ("NoSuchLifecycleConfiguration",)
    put_operation, get_operation = "PutBucketLifecycleConfiguration", "GetBucketLifecycleConfiguration"
    delete_operation = "DeleteBucketLifecycle"
    member = "LifecycleConfiguration"
    wrapped = ("rules",)
    renames: ClassVar[dict[str, str]] = {"id": "ID"}

    def before_put(self, content: Properties) -> Properties:
        rules = []
        for rule in content.get("rules") or []:
            rule = dict(rule)
            if rule.get("prefix") is None and not rule.get("filter"):
                rule["filter"] = {"prefix": ""}
            rules.append(rule)
        return {**content, "rules": rules}


@resource
class BucketOwnershipControls(ShapedBucketPart):
    pulumi_type = "aws:s3/bucketOwnershipControls:BucketOwnershipControls"
    inputs = "bucket rule"
    required = "bucket rule"
    missing = ("OwnershipControlsNotFoundError",)
    put_operation, get_operation = "PutBucketOwnershipControls", "GetBucketOwnershipControls"
    delete_operation = "DeleteBucketOwnershipControls"
    member = "OwnershipControls"
    wrapped = ("rule",)
    renames: ClassVar[dict[str, str]] = {"rule": "Rules"}

    def after_get(self, found: Properties) -> Properties:
        rule = found.get("rule")
        return {"rule": rule[0] if isinstance(rule, list) and rule else rule}


@resource
class BucketLogging(ShapedBucketPart):
    pulumi_type = "aws:s3/bucketLogging:BucketLogging"
    inputs = "bucket targetBucket targetPrefix targetGrants targetObjectKeyFormat expectedBucketOwner"
    required = "bucket targetBucket targetPrefix"
    put_operation, get_operation = "PutBucketLogging", "GetBucketLogging"
    member = "BucketLoggingStatus"
    wrapped = ("targetBucket", "targetPrefix", "targetGrants", "targetObjectKeyFormat")

    def put(self, s3: Any, bucket: str, inputs: Properties) -> None:
        model = s3.meta.service_model.operation_model(self.put_operation).input_shape.members[self.member]
        content = {name: inputs[name] for name in self.wrapped if inputs.get(name) is not None}
        body = shaped.to_aws(content, model.members["LoggingEnabled"], self.renames)
        s3.put_bucket_logging(Bucket=bucket, BucketLoggingStatus={"LoggingEnabled": body})

    def get(self, s3: Any, bucket: str, known: Properties) -> Properties | None:
        enabled = s3.get_bucket_logging(Bucket=bucket).get("LoggingEnabled")
        if not enabled:
            return None
        model = s3.meta.service_model.operation_model(self.get_operation).output_shape.members["LoggingEnabled"]
        return dict(shaped.from_aws(enabled, model, self.renames, known))

    def remove(self, s3: Any, bucket: str) -> None:
        s3.put_bucket_logging(Bucket=bucket, BucketLoggingStatus={})


@resource
class BucketPolicy(BucketPart):
    pulumi_type = "aws:s3/bucketPolicy:BucketPolicy"
    inputs = "bucket policy"
    required = "bucket policy"
    policies = "policy"

    def put(self, s3: Any, bucket: str, inputs: Properties) -> None:
        s3.put_bucket_policy(Bucket=bucket, Policy=inputs["policy"])

    def get(self, s3: Any, bucket: str, known: Properties) -> Properties | None:  # noqa: ARG002
        return {"policy": s3.get_bucket_policy(Bucket=bucket)["Policy"]}

    def remove(self, s3: Any, bucket: str) -> None:
        s3.delete_bucket_policy(Bucket=bucket)


_DESTINATIONS = {
    "queues": ("QueueConfigurations", "QueueArn", "queueArn"),
    "topics": ("TopicConfigurations", "TopicArn", "topicArn"),
    "lambdaFunctions": ("LambdaFunctionConfigurations", "LambdaFunctionArn", "lambdaFunctionArn"),
}


@resource
class BucketNotification(BucketPart):
    pulumi_type = "aws:s3/bucketNotification:BucketNotification"
    inputs = "bucket eventbridge queues topics lambdaFunctions"
    required = "bucket"

    def put(self, s3: Any, bucket: str, inputs: Properties) -> None:
        body: dict[str, Any] = {}
        if inputs.get("eventbridge"):
            body["EventBridgeConfiguration"] = {}
        for name, (member, arn, ours) in _DESTINATIONS.items():
            body.update({member: [_destination(item, arn, ours) for item in inputs[name]]} if inputs.get(name) else {})
        s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration=body)

    def get(self, s3: Any, bucket: str, known: Properties) -> Properties | None:  # noqa: ARG002
        answer = s3.get_bucket_notification_configuration(Bucket=bucket)
        found: Properties = {"eventbridge": "EventBridgeConfiguration" in answer}
        for name, (member, arn, ours) in _DESTINATIONS.items():
            items = [_from_destination(item, arn, ours) for item in answer.get(member, [])]
            found[name] = items or None
        return found if any(found.values()) else None

    def remove(self, s3: Any, bucket: str) -> None:
        s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={})


def _destination(item: Properties, arn: str, ours: str) -> dict[str, Any]:
    result: dict[str, Any] = {arn: item[ours], "Events": item["events"]}
    if item.get("id"):
        result["Id"] = item["id"]
    rules = [
        {"Name": name, "Value": item[key]}
        for name, key in (("prefix", "filterPrefix"), ("suffix", "filterSuffix"))
        if item.get(key)
    ]
    if rules:
        result["Filter"] = {"Key": {"FilterRules": rules}}
    return result


def _from_destination(item: dict[str, Any], arn: str, ours: str) -> Properties:
    result: Properties = {ours: item[arn], "events": item["Events"]}
    if item.get("Id"):
        result["id"] = item["Id"]
    for rule in item.get("Filter", {}).get("Key", {}).get("FilterRules", []):
        result["filterPrefix" if rule["Name"].lower() == "prefix" else "filterSuffix"] = rule["Value"]
    return result
