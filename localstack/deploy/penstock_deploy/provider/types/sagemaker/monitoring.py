"""Monitoring schedules, and the jobs of data quality that they run."""

from __future__ import annotations

from typing import Any, ClassVar

from penstock_deploy.provider.clients import Aws
from penstock_deploy.provider.registry import resource
from penstock_deploy.provider.types.sagemaker.base import SageMakerType, failure
from penstock_deploy.values import Properties


@resource
class DataQualityJobDefinition(SageMakerType):
    """SageMaker can change nothing of a job definition but its tags."""

    pulumi_type = "aws:sagemaker/dataQualityJobDefinition:DataQualityJobDefinition"
    inputs = (
        "name dataQualityAppSpecification dataQualityBaselineConfig dataQualityJobInput dataQualityJobOutputConfig "
        "jobResources networkConfig roleArn stoppingCondition"
    )
    required = "dataQualityAppSpecification dataQualityJobInput dataQualityJobOutputConfig jobResources roleArn"
    immutable = inputs
    named = "name"
    name_limit = 63
    renames: ClassVar[dict[str, str]] = {
        "name": "JobDefinitionName",
        "volumeSizeInGb": "VolumeSizeInGB",
        "csv": "Csv",
        "json": "Json",
    }
    create_operation, read_operation = "CreateDataQualityJobDefinition", "DescribeDataQualityJobDefinition"
    delete_operation = "DeleteDataQualityJobDefinition"
    arn_member = "JobDefinitionArn"
    _LOCAL_PATHS: ClassVar[dict[str, str]] = {
        "endpointInput": "/opt/ml/processing/input",
        "batchTransformInput": "/opt/ml/processing/input",
        "s3Output": "/opt/ml/processing/output",
    }

    def request(self, aws: Aws, operation: str, inputs: Properties) -> dict[str, Any]:
        """Local paths are required by AWS; the provider has defaults for them."""
        given = {name: self._with_paths(value) for name, value in inputs.items()}
        return super().request(aws, operation, given)

    def _with_paths(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._with_paths(item) for item in value]
        if not isinstance(value, dict):
            return value
        result = {}
        for name, item in value.items():
            inner = self._with_paths(item)
            if name in self._LOCAL_PATHS and isinstance(inner, dict):
                inner = {"localPath": self._LOCAL_PATHS[name], **inner}
            result[name] = inner
        return result


@resource
class MonitoringSchedule(SageMakerType):
    pulumi_type = "aws:sagemaker/monitoringSchedule:MonitoringSchedule"
    inputs = "name monitoringScheduleConfig"
    required = "monitoringScheduleConfig"
    immutable = "name"
    named = "name"
    name_limit = 63
    renames: ClassVar[dict[str, str]] = {
        "name": "MonitoringScheduleName",
        "baseline": "BaselineConfig",
        "containerEntrypoints": "ContainerEntrypoint",
        "stoppingConditions": "StoppingCondition",
        "volumeSizeInGb": "VolumeSizeInGB",
    }
    create_operation, read_operation = "CreateMonitoringSchedule", "DescribeMonitoringSchedule"
    update_operation, delete_operation = "UpdateMonitoringSchedule", "DeleteMonitoringSchedule"
    arn_member = "MonitoringScheduleArn"
    _STATUS = "MonitoringScheduleStatus"

    def create(self, aws: Aws, inputs: Properties) -> str:
        id_ = super().create(aws, inputs)
        self._settle(aws, id_)
        return id_

    def _settle(self, aws: Aws, id_: str) -> None:
        """Wait until the schedule is scheduled or stopped; raise with its reason when it failed."""
        found = self.wait(aws, id_, lambda item: item is None or item[self._STATUS] != "Pending", self._STATUS)
        if found is None or found[self._STATUS] == "Failed":
            raise failure(self, id_, found, self._STATUS)

    def apply_update(self, aws: Aws, id_: str, inputs: Properties, changed: set[str]) -> None:
        super().apply_update(aws, id_, inputs, changed)
        self._settle(aws, id_)

    def delete(self, aws: Aws, id_: str, inputs: Properties) -> None:
        super().delete(aws, id_, inputs)
        self.wait(aws, id_, lambda item: item is None, self._STATUS)
