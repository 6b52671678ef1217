"""What a training job tells of its image: always in its log, in its status message where it matters."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from penstock_services.sagemaker.jobs.training import TrainingJob


def test_preparing_and_differences_are_in_the_status_message() -> None:
    record: dict[str, Any] = {"SecondaryStatusTransitions": [{"Status": "Starting", "StatusMessage": "before"}]}
    log: list[str] = []

    def update(_scope: object, _kind: str, _name: str, change: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
        change(record)
        return record

    job = TrainingJob.__new__(TrainingJob)
    job.context = SimpleNamespace(store=SimpleNamespace(update=update), scope=None)  # type: ignore[assignment]
    job.host = SimpleNamespace(log=SimpleNamespace(write=log.append))  # type: ignore[assignment]
    job.name, job.record = "job", record

    def status() -> str:
        return str(record["SecondaryStatusTransitions"][-1]["StatusMessage"])

    job.tell_of_image("Image: sagemaker-xgboost:3.2-0 runs with XGBoost 3.2.0 on Python 3.12 here")
    assert status() == "before"
    job.tell_of_image("Preparing the image: installing its libraries (xgboost-1.5), once")
    assert status() == "Preparing the image: installing its libraries (xgboost-1.5), once"
    job.tell_of_image("Image: it runs with XGBoost 1.5.2 here, in place of AWS's XGBoost 1.3.3")
    assert status().endswith("in place of AWS's XGBoost 1.3.3")
    assert len(log) == 3
