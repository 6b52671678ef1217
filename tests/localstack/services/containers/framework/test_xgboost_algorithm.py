"""The XGBoost algorithm's hyperparameters, formats and training, in this process's own environment."""

from __future__ import annotations

import json
import os
import re
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xgboost

from penstock_services.containers.framework.failure import UserError
from penstock_services.containers.framework.xgboost_algorithm import data, hyperparameters, metrics, recordio

SERVICES = Path(__file__).parents[5] / "localstack/services"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"objective": "reg:squarederror"}, "Missing required hyperparameter: num_round"),
        ({"num_round": "0"}, r"Hyperparameter num_round: 0 is not in \[1, \+inf\)"),
        ({"num_round": "two"}, "Hyperparameter num_round: could not parse value"),
        ({"num_round": "2", "learning_rate": "1"}, "Extraneous hyperparameter found: learning_rate"),
        ({"num_round": "2", "eta": "1.5"}, r"Hyperparameter eta: 1.5 is not in \[0, 1\]"),
        ({"num_round": "2", "subsample": "0"}, r"is not in \(0, 1\]"),
        ({"num_round": "2", "booster": "tree"}, "Hyperparameter booster: tree is not in"),
        ({"num_round": "2", "eval_metric": "auc,nothing"}, "Hyperparameter eval_metric: value"),
        ({"num_round": "2", "objective": "multi:softmax"}, "Require input for parameter 'num_class'"),
        ({"num_round": "2", "num_class": "3"}, "Do not need to setup parameter 'num_class'"),
        ({"num_round": "2", "eval_metric": "auc", "objective": "reg:gamma"}, "Metric 'auc' can only be applied"),
        ({"num_round": "2", "eval_metric": "rmse@1"}, "customized threshold"),
        ({"num_round": "2", "eval_metric": "error@x"}, "expects float input"),
        ({"num_round": "2", "monotone_constraints": "(1,-1)"}, "monotone_constraints can be used only when"),
        ({"num_round": "2", "monotone_constraints": "(1"}, "could not parse value"),
        ({"num_round": "2", "tree_method": "gpu_hist"}, "has no accelerators"),
        ({"num_round": "2", "_kfold": "3"}, "does not run cross-validation"),
    ],
)
def test_bad_hyperparameters_are_refused_in_the_algorithms_words(given: dict[str, str], message: str) -> None:
    with pytest.raises(UserError, match=message):
        hyperparameters.validate(given)


def test_the_tuning_objective_is_evaluated_too() -> None:
    given = {"num_round": "5", "eta": "0.2", "eval_metric": "auc,error@0.3", "objective": "binary:logistic"}
    values = hyperparameters.validate({**given, "_tuning_objective_metric": "validation:f1"})
    parameters, custom = hyperparameters.of_library(values)
    assert parameters == {"eta": 0.2, "eval_metric": ["auc", "error@0.3"], "objective": "binary:logistic"}
    assert custom == ["f1"]


def test_custom_metrics_follow_the_objective() -> None:
    labels = np.array([0, 1, 1, 0], np.float32)
    matrix = xgboost.DMatrix(np.zeros((4, 1)), label=labels)
    found = dict(
        metrics.custom(["accuracy", "f1_binary", "mse"], "binary:logistic")(np.array([0.2, 0.9, 0.4, 0.1]), matrix)
    )
    assert found["accuracy"] == 0.75
    assert found["f1_binary"] == pytest.approx(2 / 3)
    assert found["mse"] == pytest.approx((0.04 + 0.01 + 0.36 + 0.01) / 4)
    logits = dict(metrics.custom(["accuracy"], "binary:logitraw")(np.array([-1.0, 2.0, 0.3, -0.1]), matrix))
    assert logits["accuracy"] == 1.0
    classes = dict(metrics.custom(["accuracy"], "multi:softprob")(np.eye(2)[[0, 1, 1, 1]], matrix))
    assert classes["accuracy"] == 0.75


def test_definitions_read_the_log_lines_that_training_writes() -> None:
    patterns = {each["Name"]: each["Regex"] for each in metrics.definitions()}
    found = re.search(patterns["validation:rmse"], "[3]#011train-rmse:0.50000#011validation-rmse:1.25e-05")
    assert found is not None
    assert float(found[1]) == 1.25e-05


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (None, "libsvm"),
        ("text/csv", "csv"),
        ("text/csv; label_size=1", "csv"),
        ("CSV", "csv"),
        ("text/x-libsvm", "libsvm"),
        ("application/x-parquet", "parquet"),
        ("application/x-recordio-protobuf", "recordio-protobuf"),
    ],
)
def test_content_types(text: str | None, kind: str) -> None:
    assert data.content_type(text) == kind


@pytest.mark.parametrize("text", ["application/json", "text/csv; label_size=2"])
def test_other_content_types_are_refused(text: str) -> None:
    with pytest.raises(UserError, match="is not an accepted"):
        data.content_type(text)


def varint(number: int) -> bytes:
    parts = []
    while number > 0x7F:
        parts.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*parts, number])


def field(number: int, content: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(content)) + content


def record(values: list[float], label: float | None, keys: list[int] | None = None, width: int = 0) -> bytes:
    """A record as the SDK's own writer frames it."""

    def entry(number: int, tensor: bytes) -> bytes:
        return field(number, field(1, b"values") + field(2, field(2, tensor)))

    tensor = field(1, struct.pack(f"<{len(values)}f", *values))
    if keys is not None:
        tensor += field(2, b"".join(map(varint, keys))) + field(3, varint(width))
    content = entry(1, tensor)
    if label is not None:
        content += entry(2, field(1, struct.pack("<f", label)))
    padding = b"\0" * (-len(content) % 4)
    return struct.pack("<II", 0xCED7230A, len(content)) + content + padding


def test_recordio_dense_and_sparse() -> None:
    table, labels = recordio.read(record([1.5, 2.5, 3.5], 1.0) + record([9.0], 0.0, [300], 400))
    assert labels == [1.0, 0.0]
    assert table.shape == (2, 400)
    assert table.toarray()[0, :3].tolist() == [1.5, 2.5, 3.5]
    assert table[1, 300] == 9.0
    assert recordio.read(record([1.0], None))[1] is None


@pytest.mark.parametrize("content", [b"abcd", b"\0" * 12, record([1.0, 2.0], 1.0)[:-6]])
def test_damaged_recordio_is_a_value_error(content: bytes) -> None:
    with pytest.raises(ValueError, match="record"):
        recordio.read(content)


def test_every_format_gives_the_same_matrix(tmp_path: Path) -> None:
    rows = [[1.0, 0.5, 2.0], [0.0, 1.5, 3.0], [1.0, 2.5, 4.0]]
    texts = {
        "csv": "".join(",".join(map(str, row)) + "\n" for row in rows),
        "libsvm": "".join(f"{row[0]} 0:{row[1]} 1:{row[2]}\n" for row in rows),
    }
    for kind, text in texts.items():
        (tmp_path / kind / "deep").mkdir(parents=True)
        (tmp_path / kind / "deep/part-0").write_text(text)
        (tmp_path / kind / "_SUCCESS").write_text("")
    (tmp_path / "recordio-protobuf").mkdir()
    (tmp_path / "recordio-protobuf/a").write_bytes(b"".join(record(row[1:], row[0]) for row in rows))
    (tmp_path / "parquet").mkdir()
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"y": [row[0] for row in rows], "a": [row[1] for row in rows], "b": [row[2] for row in rows]}),
                   tmp_path / "parquet/a.parquet")  # fmt: skip
    for kind in ("csv", "libsvm", "parquet", "recordio-protobuf"):
        matrix = data.matrix(tmp_path / kind, kind)
        assert matrix.get_label().tolist() == [1.0, 0.0, 1.0], kind
        assert matrix.get_data().toarray().tolist() == [row[1:] for row in rows], kind
    assert data.matrix(tmp_path / "nothing", "csv") is None
    weighted = data.matrix(tmp_path / "csv", "csv", weights=True)
    assert weighted.get_weight().tolist() == [0.5, 1.5, 2.5]


@pytest.mark.parametrize(("kind", "text"), [("csv", "label,a\n1,2\n"), ("csv", "1\n0\n"), ("libsvm", "1:2 2:3\n")])
def test_unusable_data_is_a_user_error(kind: str, text: str, tmp_path: Path) -> None:
    (tmp_path / "part").write_text(text)
    with pytest.raises(UserError):
        data.matrix(tmp_path, kind)


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """/opt/ml of a training job, elsewhere."""
    config = tmp_path / "input/config"
    config.mkdir(parents=True)
    (config / "inputdataconfig.json").write_text(json.dumps({"train": {"ContentType": "text/csv"}}))
    (config / "resourceconfig.json").write_text(json.dumps({"current_host": "algo-1", "hosts": ["algo-1"]}))
    (tmp_path / "input/data/train").mkdir(parents=True)
    rows = np.random.default_rng(7).random((200, 3))
    lines = (f"{int(row[0] > 0.5)},{row[0]},{row[1]}\n" for row in rows)
    (tmp_path / "input/data/train/a.csv").write_text("".join(lines))
    return tmp_path


def train(base: Path, **parameters: Any) -> subprocess.CompletedProcess[str]:
    (base / "input/config/hyperparameters.json").write_text(json.dumps(parameters))
    environment = {**os.environ, "SAGEMAKER_BASE_DIR": str(base), "PENSTOCK_FRAMEWORK": "xgboost"}
    environment |= {"PYTHONPATH": str(SERVICES), "PENSTOCK_IMAGE_VERSION": "3.2-0"}
    command = [sys.executable, "-m", "penstock_services.containers.framework", "train"]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)


def test_training_resumes_from_its_checkpoint(base: Path) -> None:
    (base / "input/config/checkpointconfig.json").write_text(json.dumps({"LocalPath": str(base / "checkpoints")}))
    first = train(base, num_round="3", objective="binary:logistic", eval_metric="auc")
    assert first.returncode == 0, first.stderr
    assert re.findall(r"^\[\d\]#011train-auc:\d", first.stdout, re.M) == [f"[{n}]#011train-auc:1" for n in range(3)]
    again = train(base, num_round="9", objective="binary:logistic", eval_metric="auc")
    assert again.returncode == 0, again.stderr
    assert "Resuming from iteration 3" in again.stdout
    assert re.findall(r"^\[(\d)\]#011", again.stdout, re.M) == ["3", "4", "5", "6", "7", "8"]
    assert len(list((base / "checkpoints").glob("xgboost-checkpoint.*"))) == 5
    booster = xgboost.Booster()
    booster.load_model(bytearray((base / "model/xgboost-model").read_bytes()))
    assert booster.num_boosted_rounds() == 9


def test_a_failure_leaves_its_reason(base: Path) -> None:
    done = train(base, num_round="3", objective="binary:logistic", eta="7")
    assert done.returncode == 1
    assert (base / "output/failure").read_text() == "Customer Error: Hyperparameter eta: 7.0 is not in [0, 1]"
    (base / "input/data/train/a.csv").unlink()
    done = train(base, num_round="3")
    assert "No data in training channel path" in (base / "output/failure").read_text()
    assert not list((base / "model").iterdir())
