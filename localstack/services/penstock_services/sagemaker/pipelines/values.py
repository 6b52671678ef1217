"""The values of expressions in a running execution."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from penstock_services.operations import Context
from penstock_services.sagemaker.pipelines.references import ExpressionError
from penstock_services.sagemaker.pipelines.state import StepState
from penstock_services.sagemaker.pipelines.step import Iteration, Step
from penstock_services.store import Record


@dataclass(frozen=True)
class ExecutionValues:
    """What expressions of one step see of its execution: parameters, variables, what earlier steps have made.

    ``resource_name`` is the name of the job that the step makes, ``iteration`` the run of a ForEach step's body that it
    belongs to, ``outputs`` what the iteration's body steps have made while its Selector is evaluated.
    """

    context: Context
    execution: Record
    steps: Mapping[str, Step]
    parameters: Mapping[str, Any]
    states: Mapping[str, StepState]
    resource_name: str = ""
    iteration: Iteration | None = None
    outputs: Mapping[str, dict[str, Any]] = field(default_factory=dict)

    def parameter(self, name: str) -> Any:
        """The execution's value of a parameter."""
        return self.parameters[name]

    def execution_variable(self, name: str) -> str:
        """An execution variable."""
        arn: str = self.execution["PipelineExecutionArn"]
        variables = {
            "PipelineArn": self.execution["PipelineArn"],
            "PipelineName": self.execution["PipelineName"],
            "PipelineExecutionArn": arn,
            "PipelineExecutionId": arn.rsplit("/", 1)[1],
            "StartDateTime": _moment(self.execution["CreationTime"]),
            "CurrentDateTime": _moment(time.time()),
            "TrainingJobName": self.resource_name,
            "ProcessingJobName": self.resource_name,
        }
        return str(variables[name])

    def experiment(self, name: str) -> str:
        """The execution's experiment or trial."""
        configuration: dict[str, str] = self.execution.get("PipelineExperimentConfig") or {}
        if name not in configuration:
            message = f"the execution has no {name}"
            raise ExpressionError(message)
        return configuration[name]

    def current_item(self) -> Any:
        """The item of this iteration."""
        if self.iteration is None:
            message = "ForEach.CurrentItem is only there in the body of a ForEach step"
            raise ExpressionError(message)
        return self.iteration.item

    def iteration_output(self, step: str) -> dict[str, Any]:
        """What a body step has made in the iteration that is looked at."""
        if step not in self.outputs:
            message = f"step {step!r} has not succeeded in this iteration"
            raise ExpressionError(message)
        return self.outputs[step]

    def properties(self, step: str) -> dict[str, Any]:
        """The Describe response of what a step has made: of one that has not succeeded too, where a run condition asked
        for that."""
        state = self.states.get(self._named(step))
        if state is None or state.ended is None or not (state.properties or state.status == "Succeeded"):
            message = f"step {step!r} has not succeeded"
            raise ExpressionError(message)
        return state.properties

    def property_file(self, step: str, name: str) -> Any:
        """The parsed property file of a Processing step, read from the S3 place of its output."""
        file = self.steps[self._named(step)].property_files[name]
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
            body = self.context.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
        except (BotoCoreError, ClientError) as error:
            message = f"{uri} cannot be read: {error}"
            raise ExpressionError(message) from None
        try:
            return json.loads(body)
        except ValueError as error:
            message = f"{uri} is not JSON: {error}"
            raise ExpressionError(message) from None

    def _named(self, step: str) -> str:
        """The name that a step has: within an iteration, that of the same iteration's body step."""
        return self.iteration.siblings.get(step, step) if self.iteration is not None else step


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
