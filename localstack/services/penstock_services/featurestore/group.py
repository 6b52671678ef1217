"""A feature group as the data plane sees it, and what a record must satisfy to enter it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from penstock_services.errors import ServiceError
from penstock_services.featurestore.event_time import nanoseconds
from penstock_services.store import Scope

ONLINE, OFFLINE = "OnlineStore", "OfflineStore"
MAX_RECORD_BYTES = 350 * 1024
MAX_IDENTIFIER_BYTES = 2 * 1024
TTL_SECONDS = {"Seconds": 1, "Minutes": 60, "Hours": 3600, "Days": 86_400, "Weeks": 604_800}

Value = str | list[str]

_INTEGRAL = re.compile(r"[+-]?\d{1,19}", re.ASCII)
_FRACTIONAL = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)


def validation_error(message: str) -> ServiceError:
    """The runtime's own error for a bad request."""
    return ServiceError("ValidationError", f"Validation Error: {message}")


@dataclass(frozen=True)
class Feature:
    """One feature: its type (Integral, Fractional, String) and, for a collection, List, Set or Vector."""

    name: str
    type: str
    collection: str | None = None
    dimension: int | None = None


@dataclass(frozen=True)
class OfflineLocation:
    """Where the offline store writes: bucket and key prefix (without a slash at its end), and its KMS key."""

    bucket: str
    prefix: str
    kms_key: str | None


@dataclass(frozen=True)
class Record:
    """A record that may enter its group: values in their string form, in the order given, without nulls."""

    identifier: str
    event_time: int
    values: dict[str, Value]


@dataclass(frozen=True)
class FeatureGroup:
    """What DescribeFeatureGroup says, reduced to what reading and writing records needs. ``created`` is seconds since
    the epoch and tells a group from an earlier one of its name; ``ttl_seconds`` is the group's default."""

    scope: Scope
    name: str
    created: float
    record_identifier: str
    event_time: str
    features: dict[str, Feature]
    online: bool
    storage: str
    ttl_seconds: int | None
    offline: OfflineLocation | None

    @classmethod
    def from_description(cls, scope: Scope, description: dict[str, Any]) -> FeatureGroup:
        """From the members of DescribeFeatureGroup."""
        online = description.get("OnlineStoreConfig") or {}
        ttl = online.get("TtlDuration")
        return cls(
            scope=scope,
            name=description["FeatureGroupName"],
            created=float(description["CreationTime"]),
            record_identifier=description["RecordIdentifierFeatureName"],
            event_time=description["EventTimeFeatureName"],
            features={
                each["FeatureName"]: Feature(
                    each["FeatureName"],
                    each["FeatureType"],
                    each.get("CollectionType"),
                    ((each.get("CollectionConfig") or {}).get("VectorConfig") or {}).get("Dimension"),
                )
                for each in description["FeatureDefinitions"]
            },
            online=bool(online.get("EnableOnlineStore")),
            storage=online.get("StorageType") or "Standard",
            ttl_seconds=ttl_seconds(ttl) if ttl else None,
            offline=_offline_location(scope, description),
        )

    def description(self) -> dict[str, Any]:
        """The members of DescribeFeatureGroup that ``from_description`` reads."""
        description: dict[str, Any] = {
            "FeatureGroupName": self.name,
            "CreationTime": self.created,
            "RecordIdentifierFeatureName": self.record_identifier,
            "EventTimeFeatureName": self.event_time,
            "FeatureDefinitions": [
                {
                    "FeatureName": each.name,
                    "FeatureType": each.type,
                    "CollectionType": each.collection,
                    "CollectionConfig": {"VectorConfig": {"Dimension": each.dimension}},
                }
                for each in self.features.values()
            ],
            "OnlineStoreConfig": {"EnableOnlineStore": self.online, "StorageType": self.storage},
        }
        if self.ttl_seconds is not None:
            description["OnlineStoreConfig"]["TtlDuration"] = {"Unit": "Seconds", "Value": self.ttl_seconds}
        if self.offline is not None:
            location = f"s3://{self.offline.bucket}/{self.offline.prefix}"
            storage = {"S3Uri": location, "ResolvedOutputS3Uri": location, "KmsKeyId": self.offline.kms_key}
            description["OfflineStoreConfig"] = {"S3StorageConfig": storage}
        return description

    def stores(self, targets: list[str] | None) -> tuple[bool, bool]:
        """Whether (online, offline) are written for ``TargetStores``; all stores of the group where it is absent."""
        if targets is None:
            return self.online, self.offline is not None
        for target, present in ((ONLINE, self.online), (OFFLINE, self.offline is not None)):
            if target in targets and not present:
                raise validation_error(f"TargetStores: FeatureGroup [{self.name}] has no {target}")
        return ONLINE in targets, OFFLINE in targets

    def require_online(self) -> None:
        """Refuse to read a group that has no online store."""
        if not self.online:
            raise validation_error(f"FeatureGroup [{self.name}] does not have an OnlineStore to read records from")

    def require_features(self, names: list[str]) -> None:
        """Refuse names that are no features of the group."""
        unknown = [name for name in names if name not in self.features]
        if unknown:
            raise validation_error(f"FeatureGroup [{self.name}] does not contain features [{', '.join(unknown)}]")

    def event_nanoseconds(self, text: str) -> int:
        """The order of an event time of this group."""
        try:
            return nanoseconds(text, self.features[self.event_time].type)
        except ValueError as error:
            raise validation_error(
                f"Provided value [{text}] for EventTime feature [{self.event_time}] is not valid: {error}"
            ) from None

    def record(self, feature_values: list[dict[str, Any]]) -> Record:
        """The request's list of FeatureValue as a record of this group, or ValidationError."""
        values = self.values(feature_values)
        missing = [name for name in (self.record_identifier, self.event_time) if not values.get(name)]
        if missing:
            raise validation_error(
                f"Record identifier and event time are required: FeatureGroup [{self.name}] "
                f"is missing values for features [{', '.join(missing)}]"
            )
        identifier, time = values[self.record_identifier], values[self.event_time]
        if not isinstance(identifier, str) or not isinstance(time, str):
            raise validation_error("Record identifier and event time take ValueAsString, not ValueAsStringList")
        check_identifier(identifier)
        return Record(identifier, self.event_nanoseconds(time), values)

    def values(self, feature_values: list[dict[str, Any]]) -> dict[str, Value]:
        """Names and values of a list of FeatureValue, each of its feature's type; nulls are left out."""
        values: dict[str, Value] = {}
        seen: set[str] = set()
        size = 0
        for each in feature_values:
            name = each["FeatureName"]
            feature = self.features.get(name)
            if feature is None:
                raise validation_error(f"FeatureGroup [{self.name}] does not contain features [{name}]")
            if name in seen:
                raise validation_error(f"Feature [{name}] is given more than once")
            seen.add(name)
            value = _value(feature, each)
            if value is not None:
                values[name] = value
                size += len(name) + (len(value) if isinstance(value, str) else sum(map(len, value)))
        if size > MAX_RECORD_BYTES:
            raise validation_error(f"Record size of {size} bytes is larger than the maximum of {MAX_RECORD_BYTES}")
        return values


def check_identifier(identifier: str) -> None:
    """Refuse an identifier that is longer than Feature Store's 2 KB."""
    try:
        size = len(identifier.encode())
    except UnicodeEncodeError:
        raise validation_error("Record identifier value is not valid Unicode") from None
    if size > MAX_IDENTIFIER_BYTES:
        raise validation_error(f"Record identifier value is larger than the maximum of {MAX_IDENTIFIER_BYTES} bytes")


def ttl_seconds(duration: dict[str, Any]) -> int:
    """A TtlDuration in seconds."""
    return TTL_SECONDS[duration["Unit"]] * int(duration["Value"])


def _value(feature: Feature, given: dict[str, Any]) -> Value | None:
    single, several = given.get("ValueAsString"), given.get("ValueAsStringList")
    if single is not None and several is not None:
        raise validation_error(f"Feature [{feature.name}] has both ValueAsString and ValueAsStringList")
    if feature.collection is None:
        if several is not None:
            raise validation_error(f"Feature [{feature.name}] is not a collection: it takes ValueAsString")
        if single is not None:
            _check(feature, single)
        return single
    if single is not None:
        raise validation_error(f"Feature [{feature.name}] is a {feature.collection}: it takes ValueAsStringList")
    if several is None:
        return None
    for element in several:
        _check(feature, element)
    if feature.dimension is not None and len(several) != feature.dimension:
        raise validation_error(
            f"Feature [{feature.name}] is a vector of {feature.dimension} elements, not {len(several)}"
        )
    return list(dict.fromkeys(several)) if feature.collection == "Set" else list(several)


def _check(feature: Feature, text: str) -> None:
    """Refuse a text that is no value of the feature's type."""
    if feature.type == "String":
        return
    if feature.type == "Integral":
        valid = _INTEGRAL.fullmatch(text) is not None and -(2**63) <= int(text) < 2**63
    else:
        valid = _FRACTIONAL.fullmatch(text) is not None
    if not valid:
        raise validation_error(f"Type mismatch: value [{text[:100]}] of feature [{feature.name}] is not {feature.type}")


def _offline_location(scope: Scope, description: dict[str, Any]) -> OfflineLocation | None:
    configuration = description.get("OfflineStoreConfig")
    if not configuration:
        return None
    storage = configuration["S3StorageConfig"]
    resolved = storage.get("ResolvedOutputS3Uri") or (
        f"{storage['S3Uri'].rstrip('/')}/{scope.account}/sagemaker/{scope.region}/offline-store/"
        f"{description['FeatureGroupName']}-{int(description['CreationTime'])}/data"
    )
    bucket, _, prefix = resolved.removeprefix("s3://").partition("/")
    return OfflineLocation(bucket, prefix.strip("/"), storage.get("KmsKeyId"))
