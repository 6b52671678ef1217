"""What a user of SageMaker's Python SDK v3 writes, run unmodified in the SDK's environment: training by ModelTrainer, tuning,
processing by FrameworkProcessor. Prints the names of what it started as JSON; does not wait."""

from __future__ import annotations

import json
import sys

import boto3
from sagemaker.core.helper.session_helper import Session
from sagemaker.core.parameter import ContinuousParameter
from sagemaker.core.processing import FrameworkProcessor
from sagemaker.core.shapes import ProcessingInput, ProcessingOutput, ProcessingS3Input, ProcessingS3Output
from sagemaker.train import ModelTrainer
from sagemaker.train.configs import Compute, InputData, OutputDataConfig, SourceCode, StoppingCondition
from sagemaker.train.tuner import HyperparameterTuner

IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.9-0"
ROLE = "arn:aws:iam::000000000000:role/training"


def main(source: str) -> None:
    session = Session(boto_session=boto3.Session(region_name="us-east-1"), default_bucket="job-data")
    trainer = ModelTrainer(
        training_image=IMAGE,
        sagemaker_session=session,
        role=ROLE,
        base_job_name="sdk-trainer",
        source_code=SourceCode(source_dir=source, entry_script="train.py"),
        compute=Compute(instance_type="ml.m5.large", instance_count=1, volume_size_in_gb=1),
        hyperparameters={"rate": 0.5, "name": "abc"},
        output_data_config=OutputDataConfig(s3_output_path="s3://job-data/sdk"),
        stopping_condition=StoppingCondition(max_runtime_in_seconds=300),
    )
    data = [InputData(channel_name="train", data_source="s3://job-data/sdk-data")]
    trainer.train(input_data_config=data, wait=False, logs=False)
    tuner = HyperparameterTuner(
        model_trainer=trainer,
        objective_metric_name="score",
        metric_definitions=[{"Name": "score", "Regex": "score=([0-9.]+)"}],
        hyperparameter_ranges={"rate": ContinuousParameter(0.1, 0.9)},
        max_jobs=2,
        max_parallel_jobs=2,
    )
    tuner.tune(inputs=data, wait=False)
    processor = FrameworkProcessor(
        image_uri=IMAGE,
        command=["python3"],
        role=ROLE,
        instance_type="ml.m5.large",
        instance_count=1,
        base_job_name="sdk-processor",
        sagemaker_session=session,
    )
    place = ProcessingS3Input(
        s3_uri="s3://job-data/sdk-data", local_path="/opt/ml/processing/input/data", s3_data_type="S3Prefix",
        s3_input_mode="File",
    )  # fmt: skip
    result = ProcessingS3Output(
        s3_uri="s3://job-data/sdk-processed", local_path="/opt/ml/processing/output", s3_upload_mode="EndOfJob"
    )
    processor.run(
        code="process.py",
        source_dir=source,
        inputs=[ProcessingInput(input_name="data", s3_input=place)],
        outputs=[ProcessingOutput(output_name="out", s3_output=result)],
        arguments=["--shout"],
        wait=False,
        logs=False,
    )
    names = {
        "training": trainer._latest_training_job.training_job_name,
        "tuning": tuner._current_job_name,
        "processing": processor.latest_job.processing_job_name,
    }
    print(json.dumps(names))


main(sys.argv[1])
