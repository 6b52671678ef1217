"""Compilation jobs that really compile, and whose result predicts the same with nothing but its own runtime."""

from __future__ import annotations

import io
import json
import subprocess
import tarfile
import uuid
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
import xgboost as xgb
from botocore.exceptions import ClientError
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression
from tests.localstack.services.waiting import until

pytestmark = [pytest.mark.cloud, pytest.mark.slow]

ROLE = "arn:aws:iam::000000000000:role/compilation"
DONE = ("COMPLETED", "FAILED", "STOPPED")
RANDOM = np.random.default_rng(0)
ROWS = RANDOM.normal(size=(200, 4)).astype(np.float32)


@pytest.fixture(scope="module")
def sagemaker(serving: Any) -> Any:
    return serving.client()


@pytest.fixture(scope="module")
def python() -> Path:
    """The interpreter of the compiler's environment, which has what a compiled model needs."""
    from penstock_cloud import image_environments

    made = image_environments.make([{"lock": "compilation", "pythons": ["3.13", "3.12"]}], lambda _text: None)
    return Path(made["python"])


def packed(**files: bytes) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as tar:
        for name, data in files.items():
            member = tarfile.TarInfo(name.replace("__", "."))
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return content.getvalue()


def request(serving: Any, archive: bytes, framework: str = "XGBOOST", **more: Any) -> dict[str, Any]:
    name = f"compile-{uuid.uuid4().hex[:8]}"
    serving.aws("s3").put_object(Bucket="job-data", Key=f"{name}/model.tar.gz", Body=archive)
    return {
        "CompilationJobName": name,
        "RoleArn": ROLE,
        "InputConfig": {"S3Uri": f"s3://job-data/{name}/model.tar.gz", "Framework": framework, **more.pop("given", {})},
        "OutputConfig": {"S3OutputLocation": f"s3://job-data/{name}/out/", "TargetDevice": "ml_m5"},
        "StoppingCondition": {"MaxRuntimeInSeconds": 300},
        **more,
    }


def finished(sagemaker: Any, asked: dict[str, Any]) -> Any:
    name = asked["CompilationJobName"]
    return until(
        lambda: sagemaker.describe_compilation_job(CompilationJobName=name),
        lambda job: job["CompilationJobStatus"] in DONE,
        seconds=240,
    )


def run(sagemaker: Any, asked: dict[str, Any]) -> Any:
    sagemaker.create_compilation_job(**asked)
    return finished(sagemaker, asked)


def unpacked(serving: Any, uri: str, folder: Path) -> dict[str, Any]:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    content = serving.aws("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        tar.extractall(folder, filter="data")
    manifest: dict[str, Any] = json.loads((folder / "manifest.json").read_text())
    return manifest


def predicted(python: Path, folder: Path, rows: Any) -> list[Any]:
    """What the compiled model's own runtime says, from the command line."""
    text = "\n".join(",".join("" if np.isnan(cell) else repr(float(cell)) for cell in row) for row in rows)
    command = [str(python), str(folder / "inference.py"), str(folder)]
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def categorical_booster() -> tuple[xgb.Booster, Any]:
    """Numbers and categories, some missing: as the kit's own template trains."""
    rows = ROWS.copy()
    rows[:, 3] = RANDOM.integers(0, 12, len(rows))
    rows[RANDOM.random(rows.shape) < 0.1] = np.nan
    labels = (np.nan_to_num(rows[:, 0]) + np.nan_to_num(rows[:, 3]) > 4).astype(int)
    types = ["float", "float", "float", "c"]
    matrix = xgb.DMatrix(rows, labels, feature_types=types, enable_categorical=True)
    return xgb.train({"objective": "binary:logistic", "max_depth": 4, "nthread": 1}, matrix, 20), matrix


def test_a_booster(serving: Any, sagemaker: Any, python: Path, tmp_path: Path) -> None:
    booster, matrix = categorical_booster()
    archive = packed(model__ubj=bytes(booster.save_raw("ubj")), categories__json=b'{"carrier": ["a", "b"]}')
    asked = request(serving, archive)
    job = run(sagemaker, asked)
    name = asked["CompilationJobName"]
    assert job["CompilationJobStatus"] == "COMPLETED", job
    assert job["FailureReason"] == ""
    assert job["ModelArtifacts"]["S3ModelArtifacts"] == f"s3://job-data/{name}/out/model-ml_m5.tar.gz"
    assert len(job["ModelDigests"]["ArtifactDigest"]) == 128
    assert json.loads(job["DerivedInformation"]["DerivedDataInputConfig"]) == {"features": [1, 4]}
    assert job["CreationTime"] <= job["CompilationStartTime"] <= job["CompilationEndTime"]
    assert job["CompilationJobArn"].endswith(f":compilation-job/{name}")
    manifest = unpacked(serving, job["ModelArtifacts"]["S3ModelArtifacts"], tmp_path)
    assert manifest["Objective"] == "binary:logistic"
    assert manifest["CategoricalFeatures"] == [3]
    assert manifest["Verification"]["LargestDifferences"]["predictions"] < 1e-5
    found = predicted(python, tmp_path, _rows_of(matrix))
    assert found == pytest.approx(booster.predict(matrix).tolist(), abs=1e-6)
    listed = sagemaker.list_compilation_jobs(NameContains=name)["CompilationJobSummaries"][0]
    assert listed["CompilationTargetDevice"] == "ml_m5"
    assert listed["CompilationJobStatus"] == "COMPLETED"


def test_a_forest_for_a_platform(serving: Any, sagemaker: Any, python: Path, tmp_path: Path) -> None:
    forest = RandomForestClassifier(n_estimators=7, random_state=0)
    forest.fit(ROWS, np.where(ROWS[:, 0] > 0, "late", "early"))
    content = io.BytesIO()
    joblib.dump(forest, content)
    platform = {"Os": "LINUX", "Arch": "X86_64"}
    asked = request(
        serving, packed(forest__joblib=content.getvalue()), "SKLEARN", given={"DataInputConfig": "[[1, 4]]"}
    )
    asked["OutputConfig"] = {"S3OutputLocation": asked["OutputConfig"]["S3OutputLocation"], "TargetPlatform": platform}
    job = run(sagemaker, asked)
    assert job["CompilationJobStatus"] == "COMPLETED", job
    assert job["ModelArtifacts"]["S3ModelArtifacts"].endswith("/out/model-LINUX_X86_64.tar.gz")
    assert "DerivedInformation" not in job
    manifest = unpacked(serving, job["ModelArtifacts"]["S3ModelArtifacts"], tmp_path)
    assert manifest["Classes"] == ["early", "late"]
    assert [output["Name"] for output in manifest["Outputs"]] == ["predictions", "probabilities"]
    assert predicted(python, tmp_path, ROWS) == forest.predict(ROWS).tolist()


@pytest.mark.parametrize(
    ("make", "framework", "given", "text"),
    [
        (lambda: {"notes__txt": b"nothing"}, "XGBOOST", {}, "no model of XGBoost"),
        (lambda: {"model__ubj": bytes(_linear().save_raw("ubj"))}, "XGBOOST", {}, "gblinear"),
        (
            lambda: {"model__ubj": bytes(categorical_booster()[0].save_raw("ubj"))},
            "XGBOOST",
            {"DataInputConfig": "{'data': [1, 9]}"},
            "states 9 features; the model has 4",
        ),
        (lambda: {"model__joblib": _dumped(LinearRegression())}, "SKLEARN", {}, "LinearRegression is not among"),
    ],
)
def test_models_that_cannot_be_compiled(
    serving: Any, sagemaker: Any, make: Any, framework: str, given: dict[str, str], text: str
) -> None:
    job = run(sagemaker, request(serving, packed(**make()), framework, given=given))
    assert job["CompilationJobStatus"] == "FAILED"
    assert job["FailureReason"].startswith("ClientError: ")
    assert text in job["FailureReason"]
    assert "ModelDigests" not in job


def _dumped(estimator: Any) -> bytes:
    content = io.BytesIO()
    joblib.dump(estimator, content)
    return content.getvalue()


def _linear() -> xgb.Booster:
    return xgb.train({"booster": "gblinear"}, xgb.DMatrix(ROWS, ROWS[:, 0]), 2)


def _rows_of(matrix: xgb.DMatrix) -> Any:
    data = matrix.get_data()
    rows = np.full((matrix.num_row(), matrix.num_col()), np.nan, dtype=np.float32)
    filled = data.tocoo()
    rows[filled.row, filled.col] = filled.data
    return rows


def test_a_model_that_is_not_there(serving: Any, sagemaker: Any) -> None:
    asked = request(serving, b"")
    asked["InputConfig"]["S3Uri"] = "s3://job-data/nothing/model.tar.gz"
    assert "No S3 objects found" in run(sagemaker, asked)["FailureReason"]
    assert "cannot be extracted" in run(sagemaker, request(serving, b"no archive"))["FailureReason"]


@pytest.mark.parametrize(
    ("given", "output", "text"),
    [
        ({"Framework": "PYTORCH"}, {}, "PYTORCH"),
        ({}, {"TargetDevice": "jetson_nano"}, "jetson_nano"),
        ({}, {"TargetDevice": "ml_g4dn"}, "ml_g4dn"),
        ({}, {"TargetPlatform": {"Os": "LINUX", "Arch": "ARM64"}}, "Exactly one of TargetDevice"),
        ({"S3Uri": "s3://job-data/model.zip"}, {}, "tar.gz"),
        ({"DataInputConfig": "{x"}, {}, "not JSON"),
        ({"DataInputConfig": '{"a": [1, 2], "b": [1, 2]}'}, {}, "one input"),
        ({}, {"CompilerOptions": '{"dtype": "fp16"}'}, "CompilerOptions"),
    ],
)
def test_what_is_refused(
    serving: Any, sagemaker: Any, given: dict[str, Any], output: dict[str, Any], text: str
) -> None:
    asked = request(serving, b"", given=given)
    asked["OutputConfig"].update(output)
    with pytest.raises(ClientError, match=text):
        sagemaker.create_compilation_job(**asked)
    with pytest.raises(ClientError, match="Could not find"):
        sagemaker.describe_compilation_job(CompilationJobName=asked["CompilationJobName"])


def test_stop_and_delete(serving: Any, sagemaker: Any) -> None:
    booster, _ = categorical_booster()
    asked = request(serving, packed(model__ubj=bytes(booster.save_raw("ubj"))))
    name = asked["CompilationJobName"]
    sagemaker.create_compilation_job(**asked)
    sagemaker.stop_compilation_job(CompilationJobName=name)
    job = finished(sagemaker, asked)
    assert job["CompilationJobStatus"] == "STOPPED", job
    with pytest.raises(ClientError, match="in status STOPPED"):
        sagemaker.stop_compilation_job(CompilationJobName=name)
    sagemaker.delete_compilation_job(CompilationJobName=name)
    with pytest.raises(ClientError, match="Could not find"):
        sagemaker.describe_compilation_job(CompilationJobName=name)


def test_a_model_package(serving: Any, sagemaker: Any) -> None:
    booster, _ = categorical_booster()
    asked = request(serving, packed(model__ubj=bytes(booster.save_raw("ubj"))))
    sagemaker.create_model_package_group(ModelPackageGroupName="compiled")
    image = "000000000000.dkr.ecr.us-east-1.amazonaws.com/models:v1"
    container = {"Image": image, "ModelDataUrl": asked.pop("InputConfig")["S3Uri"], "Framework": "XGBOOST"}
    specification = {
        "Containers": [container],
        "SupportedContentTypes": ["text/csv"],
        "SupportedResponseMIMETypes": ["text/csv"],
    }
    arn = sagemaker.create_model_package(ModelPackageGroupName="compiled", InferenceSpecification=specification)
    job = run(sagemaker, {**asked, "ModelPackageVersionArn": arn["ModelPackageArn"]})
    assert job["CompilationJobStatus"] == "COMPLETED", job
    assert job["InputConfig"]["Framework"] == "XGBOOST"


def test_a_kill_fails_the_job(serving: Any, sagemaker: Any) -> None:
    """Last of this file's tests: it restarts the process."""
    booster, _ = categorical_booster()
    asked = request(serving, packed(model__ubj=bytes(booster.save_raw("ubj"))))
    sagemaker.create_compilation_job(**asked)
    serving.kill()
    serving.start()
    job = sagemaker.describe_compilation_job(CompilationJobName=asked["CompilationJobName"])
    assert job["CompilationJobStatus"] == "FAILED"
    assert "stopped while this job was running" in job["FailureReason"]
