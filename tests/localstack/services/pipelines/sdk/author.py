"""The pipelines of ``abalone.json`` and ``grammar.json``, authored with the SageMaker Python SDK v3 as AWS's abalone example
does it: prepare, train, evaluate, gate, register, and every construct of the grammar that the SDK writes.

Run by hand in the compile environment against a local cloud; it writes both files beside itself::

    AWS_ENDPOINT_URL=... AWS_DEFAULT_REGION=us-east-1 python author.py
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import boto3
from sagemaker.core.drift_check_baselines import DriftCheckBaselines
from sagemaker.core.lambda_helper import Lambda
from sagemaker.core.lineage.artifact import Artifact
from sagemaker.core.model_metrics import MetricsSource, ModelMetrics
from sagemaker.core.processing import ScriptProcessor
from sagemaker.core.shapes import ModelPackageModelCard, ProcessingOutput, ProcessingS3Output
from sagemaker.core.workflow.conditions import (
    ConditionEquals,
    ConditionGreaterThan,
    ConditionIn,
    ConditionLessThanOrEqualTo,
    ConditionNot,
    ConditionOr,
)
from sagemaker.core.workflow.execution_variables import ExecutionVariables
from sagemaker.core.workflow.functions import Join, JsonGet
from sagemaker.core.workflow.parameters import ParameterFloat, ParameterInteger, ParameterString
from sagemaker.core.workflow.pipeline_context import PipelineSession
from sagemaker.core.workflow.properties import PropertyFile
from sagemaker.mlops.workflow.callback_step import CallbackOutput, CallbackStep
from sagemaker.mlops.workflow.cleanup_step import CleanupStep, S3CleanupSource
from sagemaker.mlops.workflow.condition_step import ConditionStep
from sagemaker.mlops.workflow.fail_step import FailStep
from sagemaker.mlops.workflow.for_each_step import CurrentItem, ForEachSelector, ForEachStep, IterationOutput
from sagemaker.mlops.workflow.lambda_step import LambdaOutput, LambdaStep
from sagemaker.mlops.workflow.lineage_step import LineageStep
from sagemaker.mlops.workflow.model_step import ModelStep
from sagemaker.mlops.workflow.pipeline import Pipeline
from sagemaker.mlops.workflow.retry import (
    SageMakerJobExceptionTypeEnum,
    SageMakerJobStepRetryPolicy,
    StepExceptionTypeEnum,
    StepRetryPolicy,
)
from sagemaker.mlops.workflow.step_dependency import StepDependency, TriggerCondition
from sagemaker.mlops.workflow.steps import CacheConfig, ProcessingStep, TrainingStep
from sagemaker.serve.model_builder import ModelBuilder
from sagemaker.train.configs import Compute, InputData, OutputDataConfig, StoppingCondition
from sagemaker.train.model_trainer import ModelTrainer

FOLDER = Path(__file__).parent
IMAGE = "000000000000.dkr.ecr.us-east-1.amazonaws.com/models:v1"
ROLE = "arn:aws:iam::000000000000:role/training"
BUCKET = "abalone"
INSTANCE = "ml.m5.large"


def output(name: str) -> ProcessingOutput:
    place = Join(on="/", values=["s3://abalone", ExecutionVariables.PIPELINE_EXECUTION_ID, name])
    folder = f"/opt/ml/processing/{name}"
    return ProcessingOutput(
        output_name=name, s3_output=ProcessingS3Output(s3_uri=place, local_path=folder, s3_upload_mode="EndOfJob")
    )


def processor(session: PipelineSession, **more: Any) -> ScriptProcessor:
    return ScriptProcessor(
        role=ROLE,
        image_uri=IMAGE,
        command=["python3"],
        instance_count=more.pop("count", 1),
        instance_type=INSTANCE,
        sagemaker_session=session,
        **more,
    )


def trainer(session: PipelineSession, **hyperparameters: Any) -> ModelTrainer:
    return ModelTrainer(
        training_image=IMAGE,
        role=ROLE,
        sagemaker_session=session,
        base_job_name="abalone",
        compute=Compute(instance_type=INSTANCE, instance_count=1, volume_size_in_gb=5),
        stopping_condition=StoppingCondition(max_runtime_in_seconds=600),
        output_data_config=OutputDataConfig(s3_output_path="s3://abalone/models"),
        hyperparameters=hyperparameters,
    )


def abalone(session: PipelineSession) -> Pipeline:
    count = ParameterInteger("ProcessingInstanceCount", default_value=1)
    approval = ParameterString(
        "ModelApprovalStatus", default_value="PendingManualApproval", enum_values=["PendingManualApproval", "Approved"]
    )
    limit = ParameterFloat("MseThreshold", default_value=6.0)
    prepare = ProcessingStep(
        name="AbaloneProcess",
        step_args=processor(session, count=count).run(
            code=str(FOLDER / "preprocess.py"), outputs=[output("train"), output("test")], arguments=["--rows", "20"]
        ),
        cache_config=CacheConfig(enable_caching=True, expire_after="P30d"),
    )
    outputs = prepare.properties.ProcessingOutputConfig.Outputs
    train = TrainingStep(
        name="AbaloneTrain",
        step_args=trainer(session, slope="2.0").train(
            input_data_config=[InputData(channel_name="train", data_source=outputs["train"].S3Output.S3Uri)]
        ),
        retry_policies=[
            StepRetryPolicy([StepExceptionTypeEnum.THROTTLING], max_attempts=3),
            SageMakerJobStepRetryPolicy([SageMakerJobExceptionTypeEnum.INTERNAL_ERROR], expire_after_mins=5),
        ],
    )
    report = PropertyFile(name="EvaluationReport", output_name="evaluation", path="evaluation.json")
    model_data = train.properties.ModelArtifacts.S3ModelArtifacts
    evaluate = ProcessingStep(
        name="AbaloneEval",
        step_args=processor(session, env={"MODEL": model_data}).run(
            code=str(FOLDER / "evaluate.py"), outputs=[output("evaluation")]
        ),
        property_files=[report],
    )
    evaluated = evaluate.properties.ProcessingOutputConfig.Outputs["evaluation"].S3Output.S3Uri
    statistics = MetricsSource(
        content_type="application/json", s3_uri=Join(on="/", values=[evaluated, "evaluation.json"])
    )
    builder = ModelBuilder(image_uri=IMAGE, s3_model_data_url=model_data, role_arn=ROLE, sagemaker_session=session)
    register = ModelStep(
        name="AbaloneRegisterModel",
        step_args=builder.register(
            model_package_group_name="AbaloneModelPackageGroup",
            content_types=["text/csv"],
            response_types=["text/csv"],
            inference_instances=[INSTANCE],
            transform_instances=[INSTANCE],
            approval_status=approval,
            model_metrics=ModelMetrics(model_statistics=statistics),
            drift_check_baselines=DriftCheckBaselines(model_statistics=statistics),
            model_card=ModelPackageModelCard(model_card_content="{}", model_card_status="Draft"),
        ),
    )
    create = ModelStep(name="AbaloneCreateModel", step_args=builder.build())
    mse = JsonGet(step_name=evaluate.name, property_file=report, json_path="regression_metrics.mse.value")
    fail = FailStep(name="AbaloneMSEFail", error_message=Join(on=" ", values=["MSE >", limit]))
    gate = ConditionStep(
        name="AbaloneMSECond",
        conditions=[ConditionLessThanOrEqualTo(left=mse, right=limit)],
        if_steps=[register, create],
        else_steps=[fail],
    )
    return Pipeline(
        name="AbalonePipeline",
        parameters=[count, approval, limit],
        steps=[prepare, train, evaluate, gate],
        sagemaker_session=session,
    )


def grammar(session: PipelineSession) -> Pipeline:
    mode = ParameterString("Mode", default_value="fast")
    items = ParameterString("Items", default_value='[{"rate": 0.1}, {"rate": 0.4}]')
    function = ParameterString("Function")
    queue = ParameterString("Queue")
    double = LambdaStep(
        name="Double",
        lambda_func=Lambda(function_arn=function, session=session),
        inputs={"numbers": [1, 2], "mode": mode},
        outputs=[LambdaOutput("sum"), LambdaOutput("kind")],
    )
    ask = CallbackStep(
        name="Ask",
        sqs_queue_url=queue,
        inputs={"sum": double.properties.Outputs["sum"]},
        outputs=[CallbackOutput("go")],
    )
    item = CurrentItem()
    body = TrainingStep(name="Fit", step_args=trainer(session, slope=item.rate).train())
    score = LambdaStep(
        name="Score",
        lambda_func=Lambda(function_arn=function, session=session),
        inputs={"numbers": [item.rate], "model": body.properties.ModelArtifacts.S3ModelArtifacts},
        outputs=[LambdaOutput("sum"), LambdaOutput("kind")],
    )
    loop = ForEachStep(
        name="Sweep",
        iterable_items=items,
        max_concurrency=2,
        for_each_body=[body, score],
        selector=ForEachSelector("MaxBy", IterationOutput(score).OutputParameters["sum"]),
        depends_on=[ask],
    )
    broken = TrainingStep(name="Broken", step_args=trainer(session, slope="broken").train(), depends_on=[loop])
    notify = LambdaStep(
        name="Notify",
        lambda_func=Lambda(function_arn=function, session=session),
        inputs={"numbers": [0], "why": broken.properties.FailureReason},
        outputs=[],
        depends_on=[StepDependency(broken, TriggerCondition.FAILED)],
    )
    inner = ConditionStep(
        name="Inner",
        conditions=[ConditionIn(value=mode, in_values=["slow", "fast"])],
        if_steps=[TrainingStep(name="Deep", step_args=trainer(session, slope="1").train())],
        else_steps=[],
    )
    outer = ConditionStep(
        name="Outer",
        conditions=[
            ConditionOr([ConditionEquals(mode, "odd"), ConditionNot(ConditionGreaterThan(1, 2))]),
            ConditionEquals(ask.properties.Outputs["go"], "yes"),
        ],
        if_steps=[inner],
        else_steps=[],
    )
    last = TrainingStep(
        name="Last",
        step_args=trainer(session, slope=loop.properties.Selected.OutputParameters["sum"]).train(),
        depends_on=[outer],
    )
    clean = CleanupStep(name="Clean", s3_sources=[S3CleanupSource(last)])
    record = LineageStep(
        name="Record",
        artifacts=[
            Artifact.create(
                artifact_name="model",
                source_uri=last.properties.ModelArtifacts.S3ModelArtifacts,
                artifact_type="Model",
                sagemaker_session=session,
            )
        ],
    )
    return Pipeline(
        name="GrammarPipeline",
        parameters=[mode, items, function, queue],
        steps=[double, ask, loop, broken, notify, outer, last, clean, record],
        sagemaker_session=session,
    )


def main() -> None:
    session = PipelineSession(boto_session=boto3.Session(region_name="us-east-1"), default_bucket=BUCKET)
    for name, make in (("abalone", abalone), ("grammar", grammar)):
        definition = json.loads(make(session).definition())
        (FOLDER / f"{name}.json").write_text(json.dumps(definition, indent=1) + "\n")


if __name__ == "__main__":
    main()
