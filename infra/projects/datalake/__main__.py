"""The lake: raw, clean and curated zones, their catalogue and tables, where data arrives, and how it is queried."""

from pathlib import Path

import pulumi

from penstock_infra import lake_tables
from penstock_infra.components.catalogue import Catalogue, CatalogueArguments
from penstock_infra.components.data_quality import DataQuality, DataQualityArguments
from penstock_infra.components.lake_formation import LakeFormation, LakeFormationArguments
from penstock_infra.components.lake_grant import Access, LakeGrant, LakeGrantArguments
from penstock_infra.components.lake_table import LakeTable, LakeTableArguments
from penstock_infra.components.lake_zone import LakeZone, LakeZoneArguments
from penstock_infra.components.landing import Landing, LandingArguments
from penstock_infra.components.query_workgroup import QueryWorkgroup, QueryWorkgroupArguments
from penstock_infra.configuration import DataLakeSettings
from penstock_infra.lake_tables import Zone
from penstock_infra.platform import DataLake, Foundation
from penstock_infra.stack import platform_placement

settings = DataLakeSettings.load()
placement = platform_placement(settings)
foundation = Foundation.of_stack()
key_arn = foundation.data_key_arn

zones = {
    zone: LakeZone(
        zone.value,
        LakeZoneArguments(placement=placement, zone=zone, key_arn=key_arn, log_bucket=foundation.log_bucket),
    )
    for zone in Zone
}
buckets = {zone.value: made.bucket for zone, made in zones.items()}
formation = (
    LakeFormation(
        "lake",
        LakeFormationArguments(
            placement=placement,
            buckets=buckets,
            key_arn=key_arn,
            permissions_boundary_arn=foundation.permissions_boundary_arn,
            admins=settings.lake_admins,
        ),
    )
    if settings.lake_admins
    else None
)
catalogue = Catalogue(
    "lake",
    CatalogueArguments(placement=placement, curated_bucket=zones[Zone.CURATED].bucket),
    pulumi.ResourceOptions(depends_on=[formation] if formation else None),
)
for access, principals in ((Access.READ, settings.lake_readers), (Access.WRITE, settings.lake_writers)):
    for principal in principals:
        LakeGrant(
            f"{access.value}-{principal.rsplit('/', 1)[-1]}",
            LakeGrantArguments(
                placement=placement, principal=principal, access=access, database=catalogue.database, buckets=buckets
            ),
        )
for definition in lake_tables.read_all(Path(__file__).parent / "tables"):
    table = LakeTable(
        definition.name,
        LakeTableArguments(
            placement=placement,
            definition=definition,
            database=catalogue.database,
            bucket=zones[definition.zone].bucket,
        ),
    )
    if definition.quality is not None:
        DataQuality(
            definition.name,
            DataQualityArguments(
                placement=placement,
                table=definition.name,
                database=catalogue.database,
                quality=definition.quality,
                bucket=zones[definition.zone].bucket,
                key_arn=key_arn,
                permissions_boundary_arn=foundation.permissions_boundary_arn,
            ),
            pulumi.ResourceOptions(depends_on=[table]),
        )
landing = (
    Landing("landing", LandingArguments(placement=placement, bucket=zones[Zone.RAW].bucket, key_arn=key_arn))
    if settings.landing
    else None
)
queries = QueryWorkgroup(
    "queries",
    QueryWorkgroupArguments(
        placement=placement,
        key_arn=key_arn,
        log_bucket=foundation.log_bucket,
        topic_arn=foundation.alarm_topic_arn,
        query_limit_gb=settings.query_limit_gb,
        daily_limit_gb=settings.daily_query_limit_gb,
    ),
)

DataLake(
    raw_bucket=zones[Zone.RAW].bucket,
    clean_bucket=zones[Zone.CLEAN].bucket,
    curated_bucket=zones[Zone.CURATED].bucket,
    glue_database=catalogue.database,
    query_workgroup=queries.workgroup_name,
    query_results_bucket=queries.results_bucket,
    landing_queue_url=landing.queue_url if landing else pulumi.Output.from_input(""),
).export()
