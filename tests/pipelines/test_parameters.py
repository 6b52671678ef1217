"""Parameters of an execution."""

from __future__ import annotations

from datetime import date

import pytest

from penstock_pipelines import parameters
from penstock_pipelines.configuration import ModelConfiguration, TrackingSection
from penstock_pipelines.errors import ConfigurationError

OUTPUTS = {
    "trainingRoleArn": "arn:r",
    "artifactBucket": "artifacts",
    "rawBucket": "raw",
    "cleanBucket": "clean",
    "curatedBucket": "curated",
}
WINDOWS = {
    "train_from": date(2013, 1, 1),
    "train_to": date(2013, 7, 1),
    "evaluate_from": date(2013, 7, 1),
    "evaluate_to": date(2013, 9, 1),
}


def test_every_parameter_has_a_value_as_text(settings: ModelConfiguration) -> None:
    values = parameters.for_execution(
        settings, OUTPUTS, stack="dev", image_uri="i", git_commit="c", register=True, sample_fraction=0.1, **WINDOWS
    )
    assert sorted(values) == sorted(parameters.PARAMETERS)
    assert values["ModelName"] == "tides-dev"
    assert all(isinstance(value, str) for value in values.values())
    assert (values["Register"], values["SampleFraction"], values["EvaluateTo"]) == ("true", "0.1", "2013-09-01")


def test_a_platform_that_is_not_up(settings: ModelConfiguration) -> None:
    with pytest.raises(ConfigurationError, match="rawBucket") as caught:
        parameters.for_execution(
            settings, {**OUTPUTS, "rawBucket": ""}, stack="dev", image_uri="i", git_commit="c", register=True, **WINDOWS
        )
    assert "penstock up" in str(caught.value)


def test_runs_are_logged_to_the_models_own_server_or_the_platforms(settings: ModelConfiguration) -> None:
    def server(settings: ModelConfiguration, outputs: dict[str, str]) -> str:
        values = parameters.for_execution(
            settings, outputs, stack="dev", image_uri="i", git_commit="c", register=True, **WINDOWS
        )  # fmt: skip
        return values["TrackingServer"]

    own = settings.model_copy(update={"tracking": TrackingSection(server="http://mlflow.example")})
    platform = {**OUTPUTS, "trackingServerArn": "arn:of-the-platform"}
    assert server(settings, OUTPUTS) == "none"
    assert server(settings, platform) == "arn:of-the-platform"
    assert server(own, platform) == "http://mlflow.example"
