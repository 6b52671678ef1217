"""Steps of a SageMaker pipeline for a model that lives in one image, authored with the SageMaker Python SDK v3.

The SDK is imported here, so this module belongs to compile time only. What it makes is deterministic: jobs run entry
points that are in the image (named by digest in a parameter), so nothing is uploaded, and nothing in the definition
depends on the time, the machine or the account.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sagemaker.core.processing import Processor
from sagemaker.core.shapes import ProcessingInput, ProcessingOutput, ProcessingS3Input, ProcessingS3Output
from sagemaker.core.workflow.conditions import ConditionEquals, ConditionGreaterThanOrEqualTo
from sagemaker.core.workflow.execution_variables import ExecutionVariables
from sagemaker.core.workflow.functions import Join, JsonGet
from sagemaker.core.workflow.parameters import ParameterFloat, ParameterInteger, ParameterString
from sagemaker.core.workflow.pipeline_context import PipelineSession
from sagemaker.core.workflow.properties import Properties, PropertyFile
from sagemaker.mlops.workflow.condition_step import ConditionStep
from sagemaker.mlops.workflow.fail_step import FailStep
from sagemaker.mlops.workflow.pipeline import Pipeline
from sagemaker.mlops.workflow.steps import ConfigurableRetryStep, ProcessingStep, Step, StepTypeEnum, TrainingStep
from sagemaker.train.configs import Compute, InputData, OutputDataConfig, StoppingCondition
from sagemaker.train.model_trainer import ModelTrainer

from penstock_pipelines.configuration import ModelConfiguration
from penstock_pipelines.container import paths
from penstock_pipelines.parameters import PARAMETERS
from penstock_pipelines.tracking import NONE
from penstock_pipelines.tracking.run import EXECUTION_VARIABLE, EXPERIMENT_VARIABLE, SERVER_VARIABLE

SDK_CONFIGURATION = {"SchemaVersion": "1.0", "SageMaker": {"PythonSDK": {"Modules": {"TelemetryOptOut": True}}}}
ROLE_OF_THE_PARAMETER = "arn:aws:iam::000000000000:role/given-by-the-parameter-RoleArn"
PARAMETER_TYPES: Mapping[str, Any] = {"String": ParameterString, "Integer": ParameterInteger, "Float": ParameterFloat}

Expression = Any
"""A value, or something of the SDK that becomes an expression of the definition."""


class ImageTrainingStep(TrainingStep):  # type: ignore[misc]
    """A training step whose role is an expression; the SDK's ModelTrainer takes only text for it."""

    role: Expression

    @property
    def arguments(self) -> dict[str, Any]:
        """CreateTrainingJob's request."""
        return {**super().arguments, "RoleArn": self.role}


class RegisterModelStep(ConfigurableRetryStep):  # type: ignore[misc]
    """Registers a model package: the request of CreateModelPackage as it is.

    The SDK's own way (ModelBuilder.register) loads code and uploads it; a model in an image needs neither.
    """

    def __init__(self, name: str, request: dict[str, Any], depends_on: Sequence[Step] | None = None) -> None:
        super().__init__(name, StepTypeEnum.REGISTER_MODEL, depends_on=list(depends_on) if depends_on else None)
        self._request = request
        self._properties = Properties(step_name=name, step=self, shape_name="DescribeModelPackageOutput")

    @property
    def arguments(self) -> dict[str, Any]:
        """CreateModelPackage's request."""
        return self._request

    @property
    def properties(self) -> Properties:
        """What DescribeModelPackage will say, for later steps to refer to."""
        return self._properties


class PipelineBuilder:
    """Makes the steps of one model's pipeline with its image, role, buckets and sizes.

    Parameters of the execution are attributes by name: `builder.parameter("TrainFrom")`.
    """

    def __init__(self, configuration: ModelConfiguration) -> None:
        self.configuration = configuration
        self._session = PipelineSession(default_bucket="not-used", sagemaker_config=SDK_CONFIGURATION)
        self._parameters = {name: PARAMETER_TYPES[kind](name=name) for name, kind in PARAMETERS.items()}

    def parameter(self, name: str) -> Expression:
        """A parameter of the execution (see penstock_pipelines.parameters)."""
        return self._parameters[name]

    def uri(self, bucket: str, *parts: Expression) -> Join:
        """`s3://<bucket parameter>/part/...`."""
        return Join(on="/", values=["s3:/", self.parameter(bucket), *parts])

    def artifact(self, *parts: Expression) -> Join:
        """A place of this execution in the artifact bucket: `pipelines/<model>/<execution>/...`."""
        execution = ExecutionVariables.PIPELINE_EXECUTION_ID
        return self.uri("ArtifactBucket", "pipelines", self.parameter("ModelName"), execution, *parts)

    def snapshot(self, bucket: str, *parts: Expression) -> Join:
        """A place of this execution in a lake bucket: `<model>/<execution>/...`, never overwritten by another run."""
        return self.uri(bucket, self.parameter("ModelName"), ExecutionVariables.PIPELINE_EXECUTION_ID, *parts)

    def output(self, step: ProcessingStep, name: str) -> Expression:
        """Where a processing step's output lies; using it makes the other step depend on that one."""
        return step.properties.ProcessingOutputConfig.Outputs[name].S3Output.S3Uri

    def tracking(self) -> dict[str, Expression]:
        """Variables that tell a job where this execution's run in MLflow is."""
        return {
            SERVER_VARIABLE: self.parameter("TrackingServer"),
            EXPERIMENT_VARIABLE: self.configuration.tracking.experiment or self.parameter("ModelName"),
            EXECUTION_VARIABLE: ExecutionVariables.PIPELINE_EXECUTION_ID,
        }

    def processing(
        self,
        name: str,
        *,
        module: str,
        inputs: Mapping[str, Expression],
        outputs: Mapping[str, Expression],
        arguments: Mapping[str, Expression] | None = None,
        tracked: bool = False,
        property_files: Sequence[PropertyFile] = (),
        depends_on: Sequence[Step] = (),
        description: str = "",
    ) -> ProcessingStep:
        """A processing job that runs `python -m <module>` of the image.

        `inputs` and `outputs` map names to S3 places; the job finds them under /opt/ml/processing/{input,output}/<name>.
        `arguments` become `--name value`. A `tracked` job may write to the execution's run in MLflow.
        """
        pipeline = self.configuration.pipeline
        processor = Processor(
            role=self.parameter("RoleArn"),
            image_uri=self.parameter("ImageUri"),
            instance_count=1,
            instance_type=pipeline.processing_instance_type,
            volume_size_in_gb=pipeline.volume_size_in_gb,
            max_runtime_in_seconds=pipeline.max_runtime_in_seconds,
            entrypoint=["python", "-m", module],
            env=self.tracking() if tracked else None,
            sagemaker_session=self._session,
        )
        command_line: list[Expression] = []
        for option, value in (arguments or {}).items():
            text = value.to_string() if isinstance(value, ParameterInteger | ParameterFloat) else value
            command_line += [f"--{option.replace('_', '-')}", text]
        step_arguments = processor.run(
            inputs=[self._input(key, uri) for key, uri in inputs.items()],
            outputs=[self._output(key, uri) for key, uri in outputs.items()],
            arguments=command_line or None,
        )
        return ProcessingStep(
            name,
            step_args=step_arguments,
            description=description or None,
            property_files=list(property_files),
            depends_on=list(depends_on) or None,
        )

    def training(
        self,
        name: str,
        *,
        channels: Mapping[str, Expression],
        hyperparameters: Mapping[str, Expression],
        description: str = "",
    ) -> TrainingStep:
        """A training job: the image's command `train` on Parquet channels."""
        pipeline = self.configuration.pipeline
        trainer = ModelTrainer(
            sagemaker_session=self._session,
            role=ROLE_OF_THE_PARAMETER,
            training_image=self.parameter("ImageUri"),
            base_job_name=self.configuration.name,
            compute=Compute(
                instance_type=pipeline.training_instance_type,
                instance_count=1,
                volume_size_in_gb=pipeline.volume_size_in_gb,
            ),
            hyperparameters={
                key: value.to_string() if isinstance(value, ParameterInteger | ParameterFloat) else value
                for key, value in hyperparameters.items()
            },
            environment=self.tracking(),
            output_data_config=OutputDataConfig(s3_output_path=self.artifact("model")),
            stopping_condition=StoppingCondition(max_runtime_in_seconds=pipeline.max_runtime_in_seconds),
        )
        data = [
            InputData(channel_name=key, data_source=uri, content_type="application/x-parquet")
            for key, uri in channels.items()
        ]
        step = ImageTrainingStep(name, step_args=trainer.train(input_data_config=data), description=description or None)
        step.role = self.parameter("RoleArn")
        return step

    def registration(
        self,
        name: str,
        *,
        model: TrainingStep,
        statistics: Expression,
        baseline_statistics: Expression,
        baseline_constraints: Expression,
        metadata: Mapping[str, Expression],
        description: str,
    ) -> RegisterModelStep:
        """Registers the trained model, pending approval, with its metrics, baseline and metadata."""
        endpoint = self.configuration.endpoint
        request = {
            "ModelPackageGroupName": self.parameter("ModelName"),
            "ModelPackageDescription": description,
            "ModelApprovalStatus": "PendingManualApproval",
            "InferenceSpecification": {
                "Containers": [
                    {
                        "Image": self.parameter("ImageUri"),
                        "ModelDataUrl": model.properties.ModelArtifacts.S3ModelArtifacts,
                    }
                ],
                "SupportedContentTypes": ["text/csv", "application/json"],
                "SupportedResponseMIMETypes": ["text/csv", "application/json"],
                "SupportedRealtimeInferenceInstanceTypes": [endpoint.instance_type],
                "SupportedTransformInstanceTypes": [endpoint.instance_type],
            },
            "ModelMetrics": {"ModelQuality": {"Statistics": _json(statistics)}},
            "DriftCheckBaselines": {
                "ModelDataQuality": {
                    "Statistics": _json(baseline_statistics),
                    "Constraints": _json(baseline_constraints),
                }
            },
            "CustomerMetadataProperties": dict(metadata),
        }
        return RegisterModelStep(name, request)

    def pipeline(self, steps: Sequence[Step]) -> Pipeline:
        """The pipeline of these steps, with all parameters; ModelName, Seed and the like have defaults."""
        configuration = self.configuration
        defaults: dict[str, Any] = {
            "ModelName": configuration.name,
            "Seed": configuration.pipeline.seed,
            "SampleFraction": 1.0,
            "GateMinimum": configuration.gate.minimum,
            "GitCommit": "unknown",
            "Register": "true",
            "TrackingServer": NONE,
        }
        for name, value in defaults.items():
            self._parameters[name].default_value = value
        return Pipeline(
            name=configuration.name,
            parameters=list(self._parameters.values()),
            steps=list(steps),
            sagemaker_session=self._session,
            pipeline_experiment_config=None,
        )

    @staticmethod
    def _input(name: str, uri: Expression) -> ProcessingInput:
        return ProcessingInput(
            input_name=name,
            s3_input=ProcessingS3Input(
                s3_uri=uri,
                local_path=f"{paths.PROCESSING_INPUT}/{name}",
                s3_data_type="S3Prefix",
                s3_input_mode="File",
                s3_data_distribution_type="FullyReplicated",
            ),
        )

    @staticmethod
    def _output(name: str, uri: Expression) -> ProcessingOutput:
        return ProcessingOutput(
            output_name=name,
            s3_output=ProcessingS3Output(
                s3_uri=uri, local_path=f"{paths.PROCESSING_OUTPUT}/{name}", s3_upload_mode="EndOfJob"
            ),
        )


def join(uri: Expression, *parts: str) -> Join:
    """A place below another: `<uri>/part/...`."""
    return Join(on="/", values=[uri, *parts])


def property_file(name: str, output: str, path: str) -> PropertyFile:
    """A JSON file of a processing output that conditions and later steps may read."""
    return PropertyFile(name=name, output_name=output, path=path)


def json_value(step: ProcessingStep, file: PropertyFile, path: str) -> JsonGet:
    """A value in a property file, by its path (`metrics.auc`)."""
    return JsonGet(step_name=step.name, property_file=file, json_path=path)


def at_least(
    name: str, value: Expression, minimum: Expression, then: Sequence[Step], otherwise: Sequence[Step]
) -> Step:
    """A condition: `value >= minimum`."""
    condition = ConditionGreaterThanOrEqualTo(left=value, right=minimum)
    return ConditionStep(name=name, conditions=[condition], if_steps=list(then), else_steps=list(otherwise))


def equals(
    name: str, left: Expression, right: Expression, then: Sequence[Step], otherwise: Sequence[Step] = ()
) -> Step:
    """A condition: `left == right`."""
    condition = ConditionEquals(left=left, right=right)
    return ConditionStep(name=name, conditions=[condition], if_steps=list(then), else_steps=list(otherwise))


def fail(name: str, *message: Expression) -> FailStep:
    """Ends the execution as Failed with a message."""
    return FailStep(name=name, error_message=Join(on="", values=list(message)))


def _json(uri: Expression) -> dict[str, Expression]:
    return {"ContentType": "application/json", "S3Uri": uri}
