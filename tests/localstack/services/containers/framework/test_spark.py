"""smspark-submit: its options, its configuration, and Java."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from penstock_services.containers.framework import spark
from penstock_services.containers.framework.failure import UserError


@pytest.fixture(autouse=True)
def pyspark(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(spark, "_pyspark", lambda: Path("/spark"))
    monkeypatch.setattr(spark.paths, "BASE", tmp_path)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")


def test_options_of_smspark_and_of_the_application_are_told_apart(tmp_path: Path) -> None:
    events = tmp_path / "events"
    given = ["--local-spark-event-logs-dir", str(events), "--py-files", "a.zip", "/opt/ml/app.py", "--local", "x"]
    words = spark.command(given)
    assert words[:3] == ["/spark/bin/spark-submit", "--master", "local[*]"]
    assert words[-5:] == ["--py-files", "a.zip", "/opt/ml/app.py", "--local", "x"]
    assert f"spark.eventLog.dir=file://{events}" in words
    assert "spark.hadoop.fs.s3a.endpoint=http://127.0.0.1:1" in words
    assert events.is_dir()
    kept = spark.command(["app.py", f"--local-spark-event-logs-dir={events}"])
    assert kept[-2:] == ["app.py", f"--local-spark-event-logs-dir={events}"]


def test_a_configuration_is_applied_or_refused(tmp_path: Path) -> None:
    folder = tmp_path / "processing/input/conf"
    folder.mkdir(parents=True)
    file = folder / "configuration.json"
    file.write_text(json.dumps([{"Classification": "spark-defaults", "Properties": {"spark.executor.memory": "1g"}}]))
    assert "spark.executor.memory=1g" in spark.command(["app.py"])
    file.write_text(json.dumps({"Classification": "yarn-site", "Properties": {}}))
    with pytest.raises(UserError, match="not yarn-site"):
        spark.command(["app.py"])
    file.write_text("{")
    with pytest.raises(UserError, match="no configuration"):
        spark.command(["app.py"])
