"""The lake: raw, clean and curated zones, and their catalogue."""

from penstock_infra.components.catalogue import Catalogue, CatalogueArguments
from penstock_infra.components.lake_zone import LakeZone, LakeZoneArguments, Zone
from penstock_infra.configuration import PlatformSettings
from penstock_infra.platform import DataLake, Foundation
from penstock_infra.stack import platform_placement

placement = platform_placement(PlatformSettings.load())
foundation = Foundation.of_stack()

raw, clean, curated = (
    LakeZone(
        zone.value,
        LakeZoneArguments(
            placement=placement, zone=zone, key_arn=foundation.data_key_arn, log_bucket=foundation.log_bucket
        ),
    )
    for zone in Zone
)
catalogue = Catalogue("lake", CatalogueArguments(placement=placement, curated_bucket=curated.bucket))

DataLake(
    raw_bucket=raw.bucket,
    clean_bucket=clean.bucket,
    curated_bucket=curated.bucket,
    glue_database=catalogue.database,
).export()
