"""Providers of ours that take the place of LocalStack's."""

from __future__ import annotations

from typing import Any

from localstack.services.plugins import aws_provider


@aws_provider()
def s3() -> Any:
    """S3 with bodies on disk below the state folder."""
    from localstack.services.plugins import Service

    from penstock_gateway import settings
    from penstock_gateway.objects.reading import ReadingS3Provider
    from penstock_gateway.objects.store import DiskObjectStore

    return Service.for_provider(ReadingS3Provider(storage_backend=DiskObjectStore(settings.from_environment().s3_dir)))


@aws_provider()
def cloudwatch() -> Any:
    """CloudWatch whose alarms tell EventBridge when their state changes, and whose metrics are kept."""
    from localstack.services.plugins import Service

    from penstock_gateway import metric_dimensions, settings
    from penstock_gateway.events.alarms import AlarmingCloudwatchProvider
    from penstock_gateway.state import metrics

    metrics.install(settings.from_environment().kept_dir)
    metric_dimensions.install()
    return Service.for_provider(AlarmingCloudwatchProvider())


@aws_provider()
def events() -> Any:
    """EventBridge whose API destinations are tried again, whose templates stay JSON, and whose schedules are AWS's."""
    from localstack.services.events.provider import EventsProvider
    from localstack.services.plugins import Service

    from penstock_gateway.events import destinations
    from penstock_gateway.sagemaker import pipelines
    from penstock_gateway.schedules import rules

    destinations.install()
    pipelines.install()
    provider = EventsProvider()
    rules.install(provider)
    return Service.for_provider(provider)


@aws_provider(api="lambda")
def lambda_() -> Any:
    """Lambda whose functions are processes; what cannot be one is refused."""
    from localstack.services.plugins import Service

    from penstock_gateway.functions import updates
    from penstock_gateway.functions.provider import ProcessLambdaProvider

    updates.install()
    return Service.for_provider(ProcessLambdaProvider())


@aws_provider()
def scheduler() -> Any:
    """EventBridge Scheduler whose schedules fire."""
    from localstack.services.moto import MotoFallbackDispatcher
    from localstack.services.plugins import Service

    from penstock_gateway.schedules.scheduler import FiringSchedulerProvider, install

    install()
    return Service.for_provider(FiringSchedulerProvider(), dispatch_table_factory=MotoFallbackDispatcher)


@aws_provider()
def stepfunctions() -> Any:
    """Step Functions whose tasks know SageMaker's jobs."""
    from localstack.services.plugins import Service
    from localstack.services.stepfunctions.provider import StepFunctionsProvider

    from penstock_gateway.sagemaker import tasks

    tasks.install()
    return Service.for_provider(StepFunctionsProvider())
