"""A stack's settings: typed, and every fault told at once with its remedy."""

from __future__ import annotations

from typing import Any

import pulumi
import pytest

from penstock_infra.configuration import FoundationSettings, PlatformSettings, TrainingSettings
from penstock_infra.errors import ConfigurationError
from penstock_infra.github import api_url, dispatch_token

GOOD = {"owner": "ml-platform", "costCenter": "1000", "repositories": '["acme@1/flight-delays@2"]'}


def load(kind: type[PlatformSettings], values: dict[str, Any]) -> Any:
    return kind.from_values(values, project="penstock-x", stack="dev")


def test_safe_by_default() -> None:
    settings = load(FoundationSettings, GOOD)
    assert (settings.protect, settings.force_destroy) == (True, False)
    assert settings.repositories[0].slug == "acme/flight-delays"


def test_booleans_and_objects_as_pulumi_hands_them_over() -> None:
    settings = load(FoundationSettings, {**GOOD, "protect": "false", "forceDestroy": "true", "tags": '{"Team":"a"}'})
    assert (settings.protect, settings.force_destroy, settings.tags) == (False, True, {"Team": "a"})


def test_every_fault_at_once_and_what_was_meant() -> None:
    with pytest.raises(ConfigurationError) as caught:
        load(FoundationSettings, {"costCentre": "1000", "owner": "me", "repositories": '["acme"]', "protect": "maybe"})
    message = str(caught.value)
    assert "Pulumi.dev.yaml of penstock-x is not valid" in message
    assert "penstock-x:costCentre: no such key; did you mean costCenter?" in message
    assert "pulumi config set penstock-x:costCenter VALUE --stack dev" in message
    assert "penstock-x:repositories.0: 'acme' is not a repository" in message
    assert "penstock-x:protect: Input should be a valid boolean" in message


def test_it_is_shown_without_a_traceback() -> None:
    assert issubclass(ConfigurationError, pulumi.RunError)


def test_the_token_is_no_plain_setting() -> None:
    assert not hasattr(load(TrainingSettings, {**GOOD, "githubToken": "secret"}), "github_token")
    with pytest.raises(ConfigurationError, match="did you mean githubToken"):
        load(TrainingSettings, {**GOOD, "gitHubToken": "secret"})


def test_no_token_says_what_to_do() -> None:
    with pytest.raises(ConfigurationError, match="pulumi config set --secret penstock-training:githubToken"):
        dispatch_token(pulumi.Config("penstock-training"), {})


def test_api_of_github() -> None:
    assert api_url({}) == "https://api.github.com"
    assert api_url({"GITHUB_API_URL": "https://ghe.example.com/api/v3"}) == "https://ghe.example.com/api/v3"
