"""The values of expressions in a running execution."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from penstock_services.operations import Context
from penstock_services.sagemaker.pipelines.definition import Definition
from penstock_services.sagemaker.pipelines.expressions import ExpressionError
from penstock_services.sagemaker.pipelines.state import SUCCEEDED, StepState
from penstock_services.store import Record


class ExecutionValues:
    """What expressions of one step see of its execution: parameters, variables, what earlier steps have made."""

    def __init__(
        self,
        context: Context,
        execution: Record,
        definition: Definition,
        parameters: dict[str, Any],
        steps: dict[str, StepState],
        resource_name: str = "",
    ) -> None:
        self._context = context
        self._execution = execution
        self._definition = definition
        self._parameters = parameters
        self._steps = steps
        self._resource_name = resource_name

    def parameter(self, name: str) -> Any:
        """The execution's value of a parameter."""
        return self._parameters[name]

    def execution(self, name: str) -> str:
        """An execution variable."""
        arn: str = self._execution["PipelineExecutionArn"]
        variables = {
            "PipelineArn": self._execution["PipelineArn"],
            "PipelineName": self._execution["PipelineName"],
            "PipelineExecutionArn": arn,
            "PipelineExecutionId": arn.rsplit("/", 1)[1],
            "StartDateTime": _moment(self._execution["CreationTime"]),
            "CurrentDateTime": _moment(time.time()),
            "TrainingJobName": self._resource_name,
            "ProcessingJobName": self._resource_name,
        }
        return str(variables[name])

    def properties(self, step: str) -> dict[str, Any]:
        """The Describe response of what a step has made."""
        state = self._steps.get(step)
        if state is None or state.status != SUCCEEDED:
            message = f"step {step!r} has not succeeded"
            raise ExpressionError(message)
        return state.properties

    def property_file(self, step: str, name: str) -> Any:
        """The parsed property file of a Processing step, read from the S3 place of its output."""
        file = self._definition.steps[step].property_files[name]
        outputs = self.properties(step).get("ProcessingOutputConfig", {}).get("Outputs", [])
        for output in outputs:
            if output.get("OutputName") == file.output and "S3Output" in output:
                return self.json_at(f"{output['S3Output']['S3Uri'].rstrip('/')}/{file.path.lstrip('/')}")
        message = f"property file {name!r}: step {step!r} has no output {file.output!r}"
        raise ExpressionError(message)

    def json_at(self, uri: str) -> Any:
        """The parsed JSON of an S3 object."""
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        if not uri.startswith("s3://") or not bucket or not key:
            message = f"{uri!r} is not the S3 URI of an object"
            raise ExpressionError(message)
        try:
            body = self._context.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
        except (BotoCoreError, ClientError) as error:
            message = f"{uri} cannot be read: {error}"
            raise ExpressionError(message) from None
        try:
            return json.loads(body)
        except ValueError as error:
            message = f"{uri} is not JSON: {error}"
            raise ExpressionError(message) from None


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
