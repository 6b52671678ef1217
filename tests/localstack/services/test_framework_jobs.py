"""Jobs, endpoints and batch transform with AWS's own images: scikit-learn, the XGBoost algorithm, Spark.

The environments of the images are made once for each machine, in the user's cache.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable
from typing import Any

import pytest

REGISTRY = "683313688378.dkr.ecr.us-east-1.amazonaws.com"
SKLEARN = f"{REGISTRY}/sagemaker-scikit-learn:1.9-0"
XGBOOST = f"{REGISTRY}/sagemaker-xgboost:3.2-0"
SPARK = "173754725891.dkr.ecr.us-east-1.amazonaws.com/sagemaker-spark-processing:3.5-cpu-py312-v1.1"
ROLE = "arn:aws:iam::000000000000:role/training"
TRAIN = """
import glob, json, os
import joblib, pandas, tabulate
from sklearn.linear_model import LogisticRegression
table = pandas.concat(pandas.read_csv(path, header=None) for path in glob.glob(os.environ["SM_CHANNEL_TRAIN"] + "/*"))
model = LogisticRegression(C=json.loads(os.environ["SM_HPS"])["c"]).fit(table[[1, 2]].values, table[0])
print(f"accuracy={model.score(table[[1, 2]].values, table[0]):.3f};")
joblib.dump(model, os.environ["SM_MODEL_DIR"] + "/model.joblib")
"""
INFERENCE = """
import os, joblib
def model_fn(folder):
    return joblib.load(os.path.join(folder, "model.joblib"))
"""
COUNT = """
import sys
from pyspark.sql import SparkSession, functions
spark = SparkSession.builder.getOrCreate()
table = spark.read.csv(sys.argv[1])
shout = functions.udf(lambda value: value + "!")
table.select(shout(table._c0)).coalesce(1).write.csv(sys.argv[2])
"""


@pytest.fixture(scope="module")
def cloud(serving: Any) -> Any:
    return serving


@pytest.fixture(scope="module", autouse=True)
def rows(cloud: Any) -> str:
    """Training data in the bucket: the label is whether the first feature is above a half."""
    generator = random.Random(5)
    values = [(generator.random(), generator.random()) for _ in range(200)]
    text = "".join(f"{int(first > 0.5)},{first},{second}\n" for first, second in values)
    for key in ("framework/train/a.csv", "framework/train/b.csv", "framework/validation/a.csv"):
        cloud.aws("s3").put_object(Bucket="job-data", Key=key, Body=text)
    return text


def wait(describe: Callable[..., Any], status: str, **name: str) -> Any:
    deadline = time.monotonic() + 200
    while time.monotonic() < deadline:
        found = describe(**name)
        if found[status] not in ("InProgress", "Stopping", "Creating"):
            return found
        time.sleep(0.2)
    raise AssertionError(found)


def channel(name: str, **source: str) -> dict[str, Any]:
    source = {"S3DataType": "S3Prefix", "S3Uri": f"s3://job-data/framework/{name}", **source}
    return {"ChannelName": name, "ContentType": "text/csv", "DataSource": {"S3DataSource": source}}


def train(cloud: Any, name: str, image: str, hyperparameters: dict[str, str], **more: Any) -> Any:
    sagemaker = cloud.client()
    request = {
        "AlgorithmSpecification": {"TrainingImage": image, "TrainingInputMode": "File"},
        "RoleArn": ROLE,
        "HyperParameters": hyperparameters,
        "InputDataConfig": [channel("train"), channel("validation")],
        "OutputDataConfig": {"S3OutputPath": "s3://job-data/framework/out"},
        "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
        "StoppingCondition": {"MaxRuntimeInSeconds": 300},
    }
    sagemaker.create_training_job(TrainingJobName=name, **{**request, **more})
    return wait(sagemaker.describe_training_job, "TrainingJobStatus", TrainingJobName=name)


def log_of(cloud: Any, name: str) -> str:
    return "".join(path.read_text() for path in sorted((cloud.state_dir / "jobs" / name).rglob("log.txt")))


def model(cloud: Any, name: str, image: str, data: str, **variables: str) -> None:
    container = {"Image": image, "ModelDataUrl": data, "Environment": variables}
    cloud.client().create_model(ModelName=name, ExecutionRoleArn=ROLE, PrimaryContainer=container)


def serve(cloud: Any, name: str) -> Any:
    """An endpoint of the model of that name, and a function that invokes it."""
    sagemaker = cloud.client()
    variant = {"VariantName": "all", "ModelName": name, "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
    sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
    found = wait(sagemaker.describe_endpoint, "EndpointStatus", EndpointName=name)
    assert found["EndpointStatus"] == "InService", found
    runtime = cloud.client("sagemaker-runtime")

    def invoke(body: str, accept: str = "*/*") -> str:
        answer = runtime.invoke_endpoint(EndpointName=name, ContentType="text/csv", Accept=accept, Body=body)
        return str(answer["Body"].read().decode())

    return invoke


@pytest.fixture(scope="module")
def algorithm(cloud: Any) -> Any:
    """A training job of the built-in algorithm."""
    given = {"num_round": "5", "objective": "binary:logistic", "eval_metric": "auc,logloss"}
    return train(cloud, "algorithm", XGBOOST, given)


def test_the_built_in_algorithm_trains_with_its_own_metrics(cloud: Any, algorithm: Any) -> None:
    assert algorithm["TrainingJobStatus"] == "Completed", algorithm
    found = {each["MetricName"]: each["Value"] for each in algorithm["FinalMetricDataList"]}
    assert set(found) == {"train:auc", "train:logloss", "validation:auc", "validation:logloss"}
    assert found["validation:auc"] > 0.99
    names = [each["Name"] for each in algorithm["AlgorithmSpecification"]["MetricDefinitions"]]
    assert "validation:rmse" in names
    text = log_of(cloud, "algorithm")
    assert "Image: sagemaker-xgboost:3.2-0 runs with XGBoost 3.2.0" in text
    assert "[4]#011train-auc:" in text


def test_its_hyperparameters_are_checked(cloud: Any) -> None:
    failed = train(cloud, "algorithm-bad", XGBOOST, {"objective": "binary:logistic"})
    assert failed["TrainingJobStatus"] == "Failed"
    assert "Customer Error: Missing required hyperparameter: num_round" in failed["FailureReason"]


def test_it_trains_on_two_instances_as_on_one(cloud: Any, algorithm: Any) -> None:
    resources = {"InstanceType": "ml.m5.large", "InstanceCount": 2, "VolumeSizeInGB": 1}
    channels = [channel("train", S3DataDistributionType="ShardedByS3Key"), channel("validation")]
    given = {"num_round": "5", "objective": "binary:logistic", "eval_metric": "logloss"}
    both = train(cloud, "algorithm-2", XGBOOST, given, ResourceConfig=resources, InputDataConfig=channels)
    assert both["TrainingJobStatus"] == "Completed", both
    final = {each["MetricName"]: each["Value"] for each in both["FinalMetricDataList"]}
    one = {each["MetricName"]: each["Value"] for each in algorithm["FinalMetricDataList"]}
    assert final["train:logloss"] == pytest.approx(one["train:logloss"], rel=0.05)


def test_its_model_behind_an_endpoint_and_in_batch(cloud: Any, algorithm: Any, rows: str) -> None:
    model(cloud, "algorithm", XGBOOST, algorithm["ModelArtifacts"]["S3ModelArtifacts"])
    invoke = serve(cloud, "algorithm")
    high, low = map(float, invoke("0.9,0.5\n0.1,0.5").splitlines())
    assert high > 0.7
    assert low < 0.3
    assert json.loads(invoke("0.9,0.5", "application/json")) == {"predictions": [{"score": high}]}
    sagemaker = cloud.client()
    sagemaker.create_transform_job(
        TransformJobName="algorithm",
        ModelName="algorithm",
        BatchStrategy="MultiRecord",
        TransformInput={
            "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://job-data/framework/validation/"}},
            "ContentType": "text/csv",
            "SplitType": "Line",
        },
        TransformOutput={"S3OutputPath": "s3://job-data/framework/batch", "AssembleWith": "Line"},
        TransformResources={"InstanceType": "ml.m5.large", "InstanceCount": 1},
        DataProcessing={"InputFilter": "$[1:]"},
    )
    done = wait(sagemaker.describe_transform_job, "TransformJobStatus", TransformJobName="algorithm")
    assert done["TransformJobStatus"] == "Completed", done
    answer = cloud.aws("s3").get_object(Bucket="job-data", Key="framework/batch/a.csv.out")["Body"].read().decode()
    scores = [float(line) for line in answer.splitlines()]
    assert [score > 0.5 for score in scores] == [line[0] == "1" for line in rows.splitlines()]


@pytest.fixture(scope="module")
def scripted(cloud: Any, archive: Callable[..., bytes]) -> Any:
    """A scikit-learn script as SDK v2 and tuning jobs send it, which needs a package that the image has not."""
    content = archive(train__py=TRAIN, inference__py=INFERENCE, requirements__txt="tabulate\n")
    cloud.aws("s3").put_object(Bucket="job-data", Key="framework/source.tar.gz", Body=content)
    given = {"sagemaker_program": '"train.py"', "sagemaker_submit_directory": '"s3://job-data/framework/source.tar.gz"'}
    specification = {
        "TrainingImage": SKLEARN,
        "TrainingInputMode": "File",
        "MetricDefinitions": [{"Name": "accuracy", "Regex": "accuracy=([0-9.]+);"}],
    }
    return train(cloud, "scripted", SKLEARN, {**given, "c": "10.0"}, AlgorithmSpecification=specification)


def test_script_mode_with_requirements_of_its_own(cloud: Any, scripted: Any) -> None:
    assert scripted["TrainingJobStatus"] == "Completed", scripted
    assert scripted["FinalMetricDataList"][0]["Value"] > 0.9
    # What the job installed went with it: the next one does not find it.
    content = "s3://job-data/framework/check"
    cloud.aws("s3").put_object(Bucket="job-data", Key="framework/check/check.py", Body="import sklearn, tabulate")
    codes = [{"ChannelName": "code", "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": content}}}]
    given = {"sagemaker_program": "check.py"}
    failed = train(cloud, "scripted-check", SKLEARN, given, InputDataConfig=codes)
    assert failed["TrainingJobStatus"] == "Failed"
    assert "ExecuteUserScriptError" in failed["FailureReason"]
    assert "ModuleNotFoundError: No module named 'tabulate'" in failed["FailureReason"]


def test_the_scripts_model_behind_an_endpoint(cloud: Any, scripted: Any) -> None:
    data = scripted["ModelArtifacts"]["S3ModelArtifacts"]
    source = "s3://job-data/framework/source.tar.gz"
    model(cloud, "scripted", SKLEARN, data, SAGEMAKER_PROGRAM="inference.py", SAGEMAKER_SUBMIT_DIRECTORY=source)
    invoke = serve(cloud, "scripted")
    assert json.loads(invoke("0.9,0.5\n0.1,0.5")) == [1, 0]
    assert invoke("0.9,0.5\n0.1,0.5", "text/csv") == "1\n0\n"


def test_images_that_do_not_run_here_fail_with_the_reason(cloud: Any) -> None:
    failed = train(cloud, "no-gpu", "763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:2.10-gpu-py313", {})
    assert failed["TrainingJobStatus"] == "Failed"
    assert "is for accelerators" in failed["FailureReason"]


def test_spark_runs_on_this_machines_cores(cloud: Any) -> None:
    s3, sagemaker = cloud.aws("s3"), cloud.client()
    s3.put_object(Bucket="job-data", Key="framework/spark/count.py", Body=COUNT)
    s3.put_object(Bucket="job-data", Key="framework/words/a.csv", Body="one\ntwo\n")

    def given(name: str) -> dict[str, Any]:
        folder = f"/opt/ml/processing/input/{name}"
        source = {"S3Uri": f"s3://job-data/framework/{name}", "LocalPath": folder, "S3DataType": "S3Prefix"}
        return {"InputName": name, "S3Input": {**source, "S3InputMode": "File"}}

    output = {"S3Uri": "s3://job-data/framework/shouted", "LocalPath": "/opt/ml/processing/output"}
    sagemaker.create_processing_job(
        ProcessingJobName="spark",
        RoleArn=ROLE,
        AppSpecification={
            "ImageUri": SPARK,
            "ContainerEntrypoint": ["smspark-submit", "/opt/ml/processing/input/spark/count.py"],
            "ContainerArguments": ["/opt/ml/processing/input/words", "/opt/ml/processing/output/all"],
        },
        ProcessingInputs=[given("spark"), given("words")],
        ProcessingOutputConfig={"Outputs": [{"OutputName": "o", "S3Output": {**output, "S3UploadMode": "EndOfJob"}}]},
        ProcessingResources={"ClusterConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1}},
    )
    done = wait(sagemaker.describe_processing_job, "ProcessingJobStatus", ProcessingJobName="spark")
    assert done["ProcessingJobStatus"] == "Completed", (done, log_of(cloud, "spark")[-3000:])
    keys = [each["Key"] for each in s3.list_objects_v2(Bucket="job-data", Prefix="framework/shouted")["Contents"]]
    part = next(key for key in keys if key.endswith(".csv"))
    assert s3.get_object(Bucket="job-data", Key=part)["Body"].read() == b"one!\ntwo!\n"
