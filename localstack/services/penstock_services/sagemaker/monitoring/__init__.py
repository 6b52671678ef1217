"""Monitoring schedules: processing jobs by the clock over captured data, their history and their alerts."""

from penstock_services.sagemaker.monitoring import alert_operations, listing, metrics, operations, schedules

__all__ = ["alert_operations", "listing", "metrics", "operations", "schedules"]
