"""What a model's things are called in a stack: as the pipeline's jobs and `penstock` call them, and apart from other stacks'."""

from __future__ import annotations

from fnmatch import fnmatchcase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock_ci.target import Target
from penstock_infra import grants
from penstock_infra.components.feature_group import group_name
from penstock_infra.errors import ConfigurationError
from penstock_infra.placement import Placement
from penstock_pipelines.configuration import name_in_stack
from penstock_pipelines.features.store import FeatureStore

slug = st.from_regex(r"[a-z][a-z0-9]{0,9}(-[a-z0-9]{1,9}){0,2}", fullmatch=True)


def in_stack(placement: Placement, stack: str) -> Placement:
    return placement.model_copy(update={"stack": stack})


def test_infrastructure_jobs_and_verbs_say_the_same(placement: Placement) -> None:
    assert placement.model_name("flight-delays") == "flight-delays-prod"
    assert name_in_stack("flight-delays", "prod") == "flight-delays-prod"
    assert Target("aws", "prod", {}, "eu-central-1").model_name("flight-delays") == "flight-delays-prod"


def test_a_name_without_room_for_what_is_appended_is_refused(placement: Placement) -> None:
    assert len(placement.model_name("m" * 47)) == 52
    with pytest.raises(ConfigurationError, match="has 53 characters, and 52 is the most: shorten the stack's name"):
        placement.model_name("m" * 48)


@given(model=st.from_regex(r"[a-z][a-z0-9-]{0,50}[a-z0-9]", fullmatch=True), group=slug)
def test_jobs_find_the_feature_groups_that_infrastructure_makes(model: str, group: str) -> None:
    store = FeatureStore.__new__(FeatureStore)
    store.model = model
    assert store.physical_name(group) == group_name(model, group)
    assert len(store.physical_name(group)) <= 64


@pytest.mark.parametrize(
    ("kind", "end"),
    [
        ("endpoint", ""),
        ("endpoint", "-serverless"),
        ("endpoint-config", "-1a2b3c4d"),
        ("feature-group", "-origin"),
        ("model", "-1a2b3c4d"),
        ("model-card", ""),
        ("model-package", "/3"),
        ("model-package-group", ""),
        ("pipeline", ""),
        ("pipeline", "-trial-1a2b3c4d"),
        ("pipeline", "-trial-1a2b3c4d/execution/abc"),
        ("pipeline", "/execution/abc"),
    ],
)
def test_a_stacks_roles_reach_its_own_models_alone(placement: Placement, kind: str, end: str) -> None:
    """IAM's `*` stands for any characters, `/` too."""
    patterns = grants.resources_of_models(in_stack(placement, "dev"), kind)
    for stack, reached in {"dev": True, "prod": False, "developer": False}.items():
        name = in_stack(placement, stack).model_name("flight-delays")
        arn = placement.arn("sagemaker", f"{kind}/{name}{end}")
        assert any(fnmatchcase(arn, pattern) for pattern in patterns) is reached, (arn, patterns)
