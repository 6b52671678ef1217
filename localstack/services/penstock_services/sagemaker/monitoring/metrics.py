"""The metrics of monitoring jobs to CloudWatch, in the namespaces that AWS documents for each kind of monitoring.

Developer guide: "CloudWatch Metrics" of Model Monitor, "Model quality metrics", "CloudWatch Metrics for Bias Drift
Analysis", "CloudWatch Metrics for Feature Drift Analysis".
"""

from __future__ import annotations

import logging
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from penstock_services.operations import Context
from penstock_services.sagemaker.jobs.metric_files import takes_metrics
from penstock_services.sagemaker.monitoring import executions

_LOG = logging.getLogger(__name__)
Record = dict[str, Any]
_MEMBERS = ("MetricName", "Dimensions", "Timestamp", "Value", "StatisticValues", "Unit")
_WORDS = {"DataQuality": "data", "ModelQuality": "model", "ModelBias": "bias", "ModelExplainability": "explainability"}
_BATCH = 500


def namespace(execution: Record) -> str:
    """The namespace of an execution's metrics: by whether an endpoint is monitored, and by the kind."""
    of = "Endpoints" if "EndpointName" in execution else "ModelMonitoring"
    return f"aws/sagemaker/{of}/{_WORDS[execution['MonitoringType']]}-metrics"


@takes_metrics
def _publish(context: Context, job: Record, metrics: list[Record]) -> None:
    execution = executions.of_job(context, job)
    if execution is None:
        return
    data = [{member: metric[member] for member in _MEMBERS if member in metric} for metric in metrics]
    client = context.client("cloudwatch")
    try:
        for begin in range(0, len(data), _BATCH):
            client.put_metric_data(Namespace=namespace(execution), MetricData=data[begin : begin + _BATCH])
    except (BotoCoreError, ClientError) as error:
        _LOG.warning("metrics of %s were not sent: %s", job["ProcessingJobName"], error)
