"""The `quality` section: what is measured, what alarms, and what becomes of it in the components' configurations."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from penstock_infra import model
from penstock_infra.components.model_quality_alarm import LONGEST_HOURS, ModelQualityAlarmArguments
from penstock_infra.components.model_quality_monitor import ModelQualityMonitorArguments
from penstock_infra.errors import ConfigurationError
from penstock_infra.placement import Placement
from penstock_infra.quality import WAIT_HOURS, Comparison, QualitySettings

SECTION: dict[str, Any] = {
    "problem_type": "BinaryClassification",
    "probability_attribute": "0",
    "metric": "auc",
    "bound": 0.6,
}


def test_a_section_becomes_a_monitor_and_its_alarm(placement: Placement) -> None:
    section = QualitySettings(**SECTION, hours=24, label_delay_hours=48, schedule="cron(0 3 ? * * *)", retrains=False)
    common = {"placement": placement, "model": "delays-prod", "endpoint_name": "delays-prod"}
    monitor = ModelQualityMonitorArguments(
        **common, report_bucket="b", role_arn="r", data_key_arn="k", artifact_key_arn="k", ground_truth_uri="s3://b/l",
        **section.measurement,
    )  # fmt: skip
    assert (monitor.problem_type, monitor.schedule, monitor.hours_back) == (
        "BinaryClassification",
        "cron(0 3 ? * * *)",
        72,
    )
    assert monitor.probability_attribute == "0"
    alarm = ModelQualityAlarmArguments(**common, schedule_name="s", topic_arn="t", **section.alarm)
    assert (alarm.metric, alarm.bound, alarm.retrains, alarm.hours) == ("auc", 0.6, False, 72 + WAIT_HOURS)


def test_the_longest_delay_is_one_that_cloudwatch_looks_back() -> None:
    hours, delay = Comparison.model_fields["hours"], Comparison.model_fields["label_delay_hours"]
    longest = sum(limit.le for field in (hours, delay) for limit in field.metadata if hasattr(limit, "le"))
    assert 24 < longest + WAIT_HOURS <= LONGEST_HOURS


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"metric": "rmse"}, "BinaryClassification has accuracy, auc, .*; not 'rmse'"),
        ({"problem_type": "Regression", "metric": "rmse"}, "Regression is measured by inference_attribute"),
        ({"probability_attribute": None}, "set inference_attribute or probability_attribute"),
        ({"bounds": 1}, "Extra inputs"),
    ],
)
def test_what_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        QualitySettings(**{**SECTION, **changes})


@pytest.mark.parametrize(
    "endpoint", [{"data_capture_percent": 0}, {"strategy": "serverless"}, {"strategy": "async"}, {"strategy": "batch"}]
)
def test_what_nothing_captures_cannot_be_measured(tmp_path: Path, endpoint: dict[str, Any]) -> None:
    document = {"name": "delays", "owner": "ana", "cost_center": "1", "quality": SECTION}
    file = tmp_path / "penstock.yaml"
    for fine in ({}, {"enabled": False}):
        file.write_text(yaml.safe_dump(document | {"endpoint": fine}))
        assert model.read(file).quality
    file.write_text(yaml.safe_dump(document | {"endpoint": endpoint}))
    with pytest.raises(
        ConfigurationError, match=r"(?s)penstock.yaml.*quality: is measured of what the endpoint captures"
    ):
        model.read(file)
