"""The feature store's storage and the role that it is written with; feature groups belong to model repositories."""

from penstock_infra.components.feature_store_role import FeatureStoreRole, FeatureStoreRoleArguments
from penstock_infra.components.offline_store import OfflineStore, OfflineStoreArguments
from penstock_infra.configuration import FeatureStoreSettings
from penstock_infra.platform import FeatureStore, Foundation
from penstock_infra.stack import platform_placement

settings = FeatureStoreSettings.load()
placement = platform_placement(settings)
foundation = Foundation.of_stack()

store = OfflineStore(
    "features",
    OfflineStoreArguments(
        placement=placement,
        key_arn=foundation.data_key_arn,
        log_bucket=foundation.log_bucket,
        infrequent_access_after=settings.history_infrequent_access_after or None,
    ),
)
role = FeatureStoreRole(
    "feature-store",
    FeatureStoreRoleArguments(
        placement=placement,
        permissions_boundary_arn=foundation.permissions_boundary_arn,
        bucket=store.bucket,
        key_arn=foundation.data_key_arn,
    ),
)

FeatureStore(offline_store_uri=store.uri, feature_store_role_arn=role.arn).export()
