"""SageMaker's jobs as tasks of Step Functions: `arn:aws:states:::sagemaker:createTrainingJob.sync` and its like.

(AWS Step Functions developer guide, "Create and manage Amazon SageMaker AI jobs with Step Functions".) A `.sync` task
ends when its job does, with what Describe then says; a job that does not complete is States.TaskFailed with the same as
its cause.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import requests
from localstack.aws.api.stepfunctions import HistoryEventType, TaskFailedEventDetails
from localstack.services.stepfunctions.asl.component.common.error_name.custom_error_name import CustomErrorName
from localstack.services.stepfunctions.asl.component.common.error_name.failure_event import (
    FailureEvent,
    FailureEventException,
)
from localstack.services.stepfunctions.asl.component.common.error_name.states_error_name import StatesErrorName
from localstack.services.stepfunctions.asl.component.common.error_name.states_error_name_type import (
    StatesErrorNameType,
)
from localstack.services.stepfunctions.asl.component.state.state_execution.state_task import state_task_factory
from localstack.services.stepfunctions.asl.component.state.state_execution.state_task.service.resource import (
    ResourceCondition,
)
from localstack.services.stepfunctions.asl.component.state.state_execution.state_task.service.state_task_service_callback import (
    StateTaskServiceCallback,
)
from localstack.services.stepfunctions.asl.eval.event.event_detail import EventDetails
from localstack.services.stepfunctions.asl.utils.encoding import to_json_str

from penstock_gateway.sagemaker import control_plane


@dataclass(frozen=True)
class Job:
    """A kind of job that a `.sync` task waits for: its name in the API, and where Describe has name and status."""

    name: str

    @property
    def name_member(self) -> str:
        return f"{self.name}Name"

    @property
    def status_member(self) -> str:
        return f"{self.name}Status"


JOBS = {
    f"Create{name}": Job(name) for name in ("TrainingJob", "ProcessingJob", "TransformJob", "HyperParameterTuningJob")
}
OTHERS = ("CreateEndpoint", "CreateEndpointConfig", "CreateModel", "UpdateEndpoint")
"""What Step Functions calls besides jobs; these tasks end with the call."""

ENDED = ("Completed", "Failed", "Stopped")
OWN_ERRORS = ("ResourceInUse", "ResourceLimitExceeded")


class SageMakerTask(StateTaskServiceCallback):
    """One task state whose resource is SageMaker."""

    def __init__(self) -> None:
        super().__init__(supported_integration_patterns={ResourceCondition.Sync})

    def _operation(self) -> str:
        action = str(self.resource.api_action)
        return action[0].upper() + action[1:]

    def _validate_service_integration_is_supported(self) -> None:
        operation, condition = self._operation(), self.resource.condition
        called = condition is None and (operation in JOBS or operation in OTHERS)
        if not called and not (condition == ResourceCondition.Sync and operation in JOBS):
            raise ValueError(
                f"The resource provided {self.resource.resource_arn} not recognized. "
                "The value is not a valid resource ARN, or the resource is not available in this region."
            )

    def _normalise_parameters(self, *_arguments: Any, **_options: Any) -> None:
        """Nothing: requests are SageMaker's own, of a newer model than LocalStack's."""

    def _normalise_response(self, *_arguments: Any, **_options: Any) -> None:
        """Nothing, likewise."""

    def _eval_service_task(
        self,
        env: Any,
        resource_runtime_part: Any,
        normalised_parameters: dict[str, Any],
        state_credentials: Any,
    ) -> None:
        del state_credentials  # the local cloud checks no permissions
        env.stack.append(self._call(env, resource_runtime_part, self._operation(), normalised_parameters))

    def _call(self, env: Any, part: Any, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        try:
            return control_plane.call(operation, request, env.aws_execution_details.account, part.region)
        except control_plane.CallError as error:
            own = f"{error.code}Exception" if error.code in OWN_ERRORS else "AmazonSageMakerException"
            raise self._failure(env, CustomErrorName(f"SageMaker.{own}"), f"SageMaker.{own}", str(error)) from None
        except requests.RequestException as error:
            name = "SageMaker.AmazonSageMakerException"
            raise self._failure(env, CustomErrorName(name), name, f"no answer: {error}") from None

    def _failure(self, env: Any, name: Any, text: str, cause: str) -> Exception:
        details = TaskFailedEventDetails(
            resource=self._get_sfn_resource(), resourceType=self._get_sfn_resource_type(), error=text, cause=cause
        )
        failure: Exception = FailureEventException(
            FailureEvent(
                env=env,
                error_name=name,
                event_type=HistoryEventType.TaskFailed,
                event_details=EventDetails(taskFailedEventDetails=details),
            )
        )
        return failure

    def _build_sync_resolver(
        self,
        env: Any,
        resource_runtime_part: Any,
        normalised_parameters: dict[str, Any],
        state_credentials: Any,
    ) -> Callable[[], dict[str, Any] | None]:
        del state_credentials
        env.stack.pop()
        job = JOBS[self._operation()]
        request = {job.name_member: normalised_parameters[job.name_member]}

        def look() -> dict[str, Any] | None:
            found = self._call(env, resource_runtime_part, f"Describe{job.name}", request)
            if found[job.status_member] not in ENDED:
                return None
            if found[job.status_member] == "Completed":
                return found
            kind = StatesErrorNameType.StatesTaskFailed
            raise self._failure(env, StatesErrorName(typ=kind), kind.to_name(), to_json_str(found))

        return look


def install() -> None:
    """Make LocalStack's Step Functions use this task for SageMaker."""
    known = state_task_factory.state_task_service_for
    if getattr(known, "knows_sagemaker", False):
        return

    def find(service_name: str) -> Any:
        return SageMakerTask() if service_name == "sagemaker" else known(service_name)

    find.knows_sagemaker = True  # type: ignore[attr-defined]
    state_task_factory.state_task_service_for = find
