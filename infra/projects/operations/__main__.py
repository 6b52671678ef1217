"""What watches over a stack: dashboards, drift jobs, idle endpoints, nights off, and the end of development stacks."""

import functools

from penstock_infra.components.drift_monitor import DriftMonitor, DriftMonitorArguments
from penstock_infra.components.idle_endpoints import IdleEndpoints, IdleEndpointsArguments
from penstock_infra.components.model_dashboard import ModelDashboard, ModelDashboardArguments
from penstock_infra.components.nightly_off import NightlyOff, NightlyOffArguments
from penstock_infra.components.operations_dashboard import OperationsDashboard, OperationsDashboardArguments
from penstock_infra.components.ttl_cleaner import TtlCleaner, TtlCleanerArguments
from penstock_infra.configuration import OperationsSettings
from penstock_infra.events import DRIFT_ALARM_PREFIX
from penstock_infra.platform import Foundation, Operations, Training
from penstock_infra.registry import chosen
from penstock_infra.stack import platform_placement

settings = OperationsSettings.load()
placement = platform_placement(settings)
foundation = Foundation.of_stack()
functions: list[str] = []

if settings.idle_hours:
    idle = IdleEndpoints(
        "idle-endpoints",
        IdleEndpointsArguments(
            placement=placement,
            hours=settings.idle_hours,
            schedule=settings.idle_check,
            timezone=settings.timezone,
            key_arn=foundation.message_key_arn,
            topic_arn=foundation.alarm_topic_arn,
            permissions_boundary_arn=foundation.permissions_boundary_arn,
        ),
    )
    functions.append(idle.function_name)
if settings.nightly_off:
    nightly = NightlyOff(
        "nightly-off",
        NightlyOffArguments(
            placement=placement,
            off=settings.nightly_off,
            on=settings.morning_on or None,
            timezone=settings.timezone,
            key_arn=foundation.message_key_arn,
            topic_arn=foundation.alarm_topic_arn,
            permissions_boundary_arn=foundation.permissions_boundary_arn,
        ),
    )
    functions.append(nightly.function_name)
if settings.expiring_stacks:
    cleaner = TtlCleaner(
        "ttl-cleaner",
        TtlCleanerArguments(
            placement=placement,
            stacks=settings.expiring_stacks,
            schedule=settings.expiry_check,
            timezone=settings.timezone,
            key_arn=foundation.message_key_arn,
            topic_arn=foundation.alarm_topic_arn,
            permissions_boundary_arn=foundation.permissions_boundary_arn,
        ),
    )
    functions.append(cleaner.function_name)

training = functools.cache(Training.of_stack)
registry = chosen(foundation)
for model in settings.models:
    name = placement.model_name(model)
    ModelDashboard(
        model,
        ModelDashboardArguments(
            placement=placement,
            model=name,
            endpoint_name=name,
            alarm_arns=(placement.arn("cloudwatch", f"alarm:{DRIFT_ALARM_PREFIX}{name}"),),
        ),
    )
    if settings.drift_check:
        drift = DriftMonitor(
            model,
            DriftMonitorArguments(
                placement=placement,
                model=name,
                version_arns=registry.version_arns(placement, model),
                schedule=settings.drift_check,
                timezone=settings.timezone,
                hours=settings.drift_hours,
                artifact_bucket=foundation.artifact_bucket,
                job_role_arn=training().training_role_arn,
                subnet_ids=training().job_subnet_ids,
                security_group_id=training().job_security_group_id,
                data_key_arn=foundation.data_key_arn,
                artifact_key_arn=foundation.artifact_key_arn,
                topic_arn=foundation.alarm_topic_arn,
                permissions_boundary_arn=foundation.permissions_boundary_arn,
            ),
        )
        functions.append(drift.function_name)
dashboard = OperationsDashboard(
    "operations", OperationsDashboardArguments(placement=placement, function_names=tuple(functions))
)

Operations(operations_dashboard=dashboard.dashboard_name).export()
