"""Providers of ours that take the place of LocalStack's."""

from __future__ import annotations

from typing import Any

from localstack.services.plugins import aws_provider


@aws_provider()
def s3() -> Any:
    """S3 with bodies on disk below the state folder."""
    from localstack.services.plugins import Service

    from penstock_gateway import settings
    from penstock_gateway.s3_listing import ListingS3Provider
    from penstock_gateway.s3_store import DiskObjectStore

    return Service.for_provider(ListingS3Provider(storage_backend=DiskObjectStore(settings.from_environment().s3_dir)))


@aws_provider()
def cloudwatch() -> Any:
    """CloudWatch whose alarms tell EventBridge when their state changes."""
    from localstack.services.plugins import Service

    from penstock_gateway.alarms import AlarmingCloudwatchProvider

    return Service.for_provider(AlarmingCloudwatchProvider())


@aws_provider()
def events() -> Any:
    """EventBridge whose API destinations are tried again, and whose templates stay JSON."""
    from localstack.services.events.provider import EventsProvider
    from localstack.services.plugins import Service

    from penstock_gateway import destinations

    destinations.install()
    return Service.for_provider(EventsProvider())
