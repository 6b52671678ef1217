"""Which of AWS's images run here, and with what."""

from __future__ import annotations

from pathlib import Path

import pytest

from penstock_services.execution.framework_images import REPOSITORIES, RefusedImageError, match

ROOT = Path(__file__).parents[4]
SKLEARN = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn"
XGBOOST = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost"
DEEP_LEARNING = "763104351884.dkr.ecr.us-east-1.amazonaws.com"


@pytest.mark.parametrize(
    ("uri", "lock"),
    [
        (f"{SKLEARN}:1.2-1-cpu-py3", "sklearn-1.2"),
        (f"{SKLEARN}:1.4-2-py312", "sklearn-1.4"),
        ("141502667606.dkr.ecr.eu-west-1.amazonaws.com/sagemaker-scikit-learn:1.9-0", "sklearn-1.9"),
        ("450853457545.dkr.ecr.cn-north-1.amazonaws.com.cn/sagemaker-xgboost:1.7-1", "xgboost-1.7"),
        (f"{XGBOOST}:3.0-5", "xgboost-3.0"),
        (f"{DEEP_LEARNING}/pytorch-training:2.10.0-cpu-py313-ubuntu22.04-sagemaker", "pytorch-2.10"),
        (f"{DEEP_LEARNING}/pytorch-inference:2.6-cpu-py312", "pytorch-2.6"),
        ("173754725891.dkr.ecr.us-east-1.amazonaws.com/sagemaker-spark-processing:3.5-cpu-py312-v1.1", "spark-3.5"),
        ("081325390199.dkr.ecr.us-east-1.amazonaws.com/sagemaker-base-python-310:1.0", "base-python"),
    ],
)
def test_an_image_of_aws_stands_for_a_lock(uri: str, lock: str) -> None:
    found = match(uri)
    assert found is not None
    assert found.version.choices[0].lock == lock


@pytest.mark.parametrize(
    "uri",
    [
        "000000000000.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:3.2-0",
        "683313688378.dkr.ecr.us-east-1.amazonaws.com/something-else:1",
        "sagemaker-xgboost:3.2-0",
        "public.ecr.aws/sagemaker-xgboost:3.2-0",
    ],
)
def test_other_registries_and_repositories_are_not_aws_images(uri: str) -> None:
    assert match(uri) is None


@pytest.mark.parametrize(
    ("uri", "word"),
    [
        (f"{SKLEARN}:7.7-7", "knows the versions 1.9-0, 1.4-2"),
        (f"{SKLEARN}", "knows the versions"),
        (f"{DEEP_LEARNING}/pytorch-training:2.10.0-gpu-py313-cu130-ubuntu22.04-sagemaker", "accelerators"),
        ("811284229777.dkr.ecr.us-east-1.amazonaws.com/xgboost:1", "use sagemaker-xgboost"),
    ],
)
def test_what_cannot_run_here_is_refused_with_a_reason(uri: str, word: str) -> None:
    with pytest.raises(RefusedImageError, match=word):
        match(uri)


def test_a_difference_from_aws_is_told() -> None:
    same, other = match(f"{XGBOOST}:1.7-1"), match(f"{XGBOOST}:1.3-1")
    assert same is not None
    assert same.note("xgboost-1.7", "3.10") == "sagemaker-xgboost:1.7-1 runs with XGBoost 1.7.6 on Python 3.10 here"
    assert other is not None
    assert other.note("xgboost-1.5", "3.10").endswith("here, in place of AWS's XGBoost 1.3.3")


def test_every_lock_is_there_and_has_the_library_that_the_table_says() -> None:
    """No index address, every package with its hashes."""
    packages = {"XGBoost": ("xgboost-cpu", "xgboost"), "scikit-learn": ("scikit-learn",)}
    packages |= {"PyTorch": ("torch",), "Spark": ("pyspark",)}
    choices = {each for repository in REPOSITORIES.values() for one in repository.versions for each in one.choices}
    assert len(choices) >= 12
    for choice in choices:
        text = (ROOT / "requirements/images" / f"{choice.lock}.txt").read_text()
        assert "http" not in text
        assert "--hash=sha256:" in text
        name, _, version = choice.library.rpartition(" ")
        if name in packages:
            assert any(f"\n{package}=={version}" in f"\n{text}" for package in packages[name]), choice
