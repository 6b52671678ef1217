"""What holds data is protected where it matters, and never replaced."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from penstock_policy.resource import Finding, Resource, finding, of_type
from penstock_policy.settings import Environment, Settings

BUCKET = "aws:s3/bucket:Bucket"
FEATURE_GROUP = "aws:sagemaker/featureGroup:FeatureGroup"
KEY = "aws:kms/key:Key"
TABLE = "aws:glue/catalogTable:CatalogTable"
DATA = {
    BUCKET: "make a new bucket beside it, copy the objects, then move its readers",
    FEATURE_GROUP: "make a new version beside it (NAME-v2), backfill it from the offline store, then move its readers",
    KEY: "keep it: what was encrypted with it cannot be read without it",
    "aws:cognito/userPool:UserPool": "make a new pool beside it and move its users",
    "aws:dynamodb/table:Table": "make a new table beside it and copy the items",
    "aws:ecr/repository:Repository": "make a new repository beside it and copy the images",
    "aws:efs/fileSystem:FileSystem": "make a new file system beside it and copy the files",
    TABLE: "make a new Iceberg table beside it, INSERT INTO it what this one holds, then move its readers",
    "aws:glue/catalogDatabase:CatalogDatabase": "make a new database beside it and register its tables",
    "aws:rds/cluster:Cluster": "make a new cluster from a snapshot, then move its readers",
    "aws:rds/instance:Instance": "make a new instance from a snapshot, then move its readers",
    "aws:sagemaker/domain:Domain": "make a new domain beside it and move its users' files",
    "aws:sagemaker/mlflowApp:MlflowApp": "make a new app beside it and copy the runs",
    "aws:sagemaker/mlflowTrackingServer:MlflowTrackingServer": "make a new server beside it and copy the runs",
    "aws:sagemaker/modelPackageGroup:ModelPackageGroup": "make a new group beside it and register the versions again",
}
"""Types that hold data, each with the way round a replacement."""

PROTECTED = frozenset(DATA) - {
    "aws:glue/catalogDatabase:CatalogDatabase",
    "aws:sagemaker/modelPackageGroup:ModelPackageGroup",
}
"""Types whose loss no other resource can make good. (A database's tables lie in buckets; AWS deletes no group with versions.)"""


def holds_data(resource: Resource) -> bool:
    """Whether a resource of such a type does: a table only if it is Iceberg's, whose catalogue entry says which files count."""
    return resource.type != TABLE or bool(resource.inputs.get("openTableFormatInput"))


def protected(resources: Sequence[Resource], settings: Settings) -> Iterator[Finding]:
    """In staging and production, what holds data has the resource option `protect`."""
    if settings.environment not in (Environment.STAGING, Environment.PRODUCTION):
        return
    for resource in of_type(resources, *PROTECTED):
        if resource.protect is False and holds_data(resource):
            yield finding(
                "protected",
                resource,
                "it holds data and is not protected",
                "Set the option protect (in this kit: the stack's setting `protect: true`)",
            )


def not_replaced(resources: Sequence[Resource], settings: Settings) -> Iterator[Finding]:  # noqa: ARG001 - every policy's signature
    """Nothing that holds data is deleted to be made anew."""
    for resource in of_type(resources, *DATA):
        if resource.operation == "replace" and holds_data(resource):
            cause = f" because of {', '.join(resource.changed)}" if resource.changed else ""
            yield finding(
                "not_replaced",
                resource,
                f"it holds data and would be replaced{cause}",
                f"Undo that change, or {DATA[resource.type]}",
            )
