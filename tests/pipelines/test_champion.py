"""The champion, and the report that compares with it."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from botocore.exceptions import ClientError

from penstock_pipelines import champion, evaluation
from penstock_pipelines.errors import ConfigurationError, PipelinesError


class Linear:
    """A model that is one number in a file."""

    def train(self, training: pd.DataFrame, hyperparameters: Mapping[str, str]) -> Any:
        return 1.0

    def save(self, model: Any, folder: Path) -> None:
        (folder / "model").write_text(json.dumps(model))

    def load(self, folder: Path) -> Any:
        return json.loads((folder / "model").read_text())

    def inputs(self, model: Any) -> Mapping[str, str]:
        return {"level": "number"} if model else {"depth": "number"}

    def predict(self, model: Any, rows: pd.DataFrame) -> Sequence[float]:
        return [min(max(model * value, 0.0), 1.0) for value in rows["level"]]


def archive(content: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        info = tarfile.TarInfo("model")
        info.size = len(content)
        tar.addfile(info, io.BytesIO(content.encode()))
    return buffer.getvalue()


class Registry:
    """The two calls of SageMaker's registry that are made."""

    def __init__(self, versions: list[int], error: str = "") -> None:
        self.versions, self.error = versions, error

    def list_model_packages(self, **request: Any) -> dict[str, Any]:
        assert request["ModelApprovalStatus"] == "Approved"
        if self.error:
            raise ClientError({"Error": {"Code": self.error, "Message": "no"}}, "ListModelPackages")
        return {"ModelPackageSummaryList": [{"ModelPackageArn": f"arn/{v}"} for v in self.versions[:1]]}

    def describe_model_package(self, ModelPackageName: str) -> dict[str, Any]:
        return {
            "ModelPackageArn": ModelPackageName,
            "ModelPackageVersion": int(ModelPackageName.rsplit("/", 1)[1]),
            "InferenceSpecification": {"Containers": [{"ModelDataUrl": "s3://b/model.tar.gz"}]},
        }


ROWS = pd.DataFrame({"level": [0.1, 0.2, 0.6, 0.9], "late": [0, 1, 0, 1], "port": ["HAM"] * 4})


def test_none_yet() -> None:
    assert champion.find("tides", Registry([])) is None
    assert champion.find("tides", Registry([], error="ValidationException")) is None


def test_another_failure_is_no_champion_to_be_silent_about() -> None:
    with pytest.raises(ClientError):
        champion.find("tides", Registry([], error="AccessDeniedException"))


def test_the_newest_approved_is_found() -> None:
    found = champion.find("tides", Registry([4]))
    assert found is not None
    assert (found.version, found.model_data_url) == (4, "s3://b/model.tar.gz")


def test_it_scores_the_same_rows() -> None:
    scores, reason = champion.score(Linear(), archive("0.5"), ROWS)
    assert (scores, reason) == ([0.05, 0.1, 0.3, 0.45], "")


def test_one_that_cannot_be_compared_says_why() -> None:
    assert "depth" in champion.score(Linear(), archive("0"), ROWS)[1]
    assert "cannot be loaded" in champion.score(Linear(), archive("not json"), ROWS)[1]
    with pytest.raises(PipelinesError, match="cannot be unpacked"):
        champion.score(Linear(), b"nonsense", ROWS)


def test_the_report(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(champion, "find", lambda group: champion.Champion("arn/4", 4, "s3://b/m", {}))
    monkeypatch.setattr(champion, "archive_of", lambda found: archive("-1.0"))
    document, scores = evaluation.report(
        Linear(),
        1.0,
        ROWS,
        label="late",
        slices=["port"],
        model_package_group="tides",
        metadata={"git_commit": "abc"},
    )
    assert scores == ROWS["level"].tolist()
    assert document["metrics"]["auc"] == 0.75
    assert document["binary_classification_metrics"]["auc"]["value"] == 0.75
    assert document["champion"]["version"] == 4
    assert document["champion"]["difference"]["auc"] == pytest.approx(0.75 - document["champion"]["metrics"]["auc"])
    assert document["metadata"]["champion_version"] == "4"
    assert all(isinstance(value, str) for value in document["metadata"].values())


def test_a_monitor_of_an_unknown_column_is_a_mistake_in_the_configuration(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"monitor\.features.*lvel"):
        evaluation.write_baseline(tmp_path, ROWS, [0.1] * 4, {"level": "number"}, ["lvel"], 0.2)


def test_smoke_rows_have_their_expected_scores(tmp_path: Path) -> None:
    evaluation.write_smoke(tmp_path, ROWS, [0.1, 0.2, 0.6, 0.9], {"level": "number"})
    assert (tmp_path / "smoke.csv").read_text() == "0.1\n0.2\n0.6\n0.9\n"
    assert (tmp_path / "smoke.expected.csv").read_text().split() == ["0.1", "0.2", "0.6", "0.9"]
