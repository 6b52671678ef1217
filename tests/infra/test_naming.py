"""Names: within AWS's limits whatever they are made of, stable, and different for different things."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock_infra import naming

LOCATION = "123456789012/eu-central-1"
GRAMMARS = {
    naming.BUCKET: r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]",
    naming.ROLE: r"[\w+=,.@-]{1,64}",
    naming.POLICY: r"[\w+=,.@-]{1,128}",
    naming.KEY_ALIAS: r"[a-zA-Z0-9/_-]{1,250}",
    naming.TOPIC: r"[A-Za-z0-9_-]{1,256}",
    naming.QUEUE: r"[A-Za-z0-9_-]{1,80}",
    naming.IMAGE_REPOSITORY: r"(?=.{2,256}$)[a-z0-9]+([._-][a-z0-9]+)*",
    naming.DATABASE: r"[a-z0-9_]{1,255}",
    naming.EVENT: r"[\w.-]{1,64}",
    naming.BUDGET: r"[^:\\]{1,100}",
    naming.SECURITY_GROUP: r"(?!sg-)[\w .:/()#,@+=&;{}!$*\[\]-]{1,255}",
    naming.FEATURE_GROUP: r"[a-zA-Z0-9]([-_]*[a-zA-Z0-9]){0,63}",
    naming.WORKGROUP: r"[a-zA-Z0-9._-]{1,128}",
    naming.RULESET: r"[^\n]{1,255}",
    naming.ALARM: r"(?s:[^\0]{1,255})",
    naming.SCHEDULE: r"[0-9a-zA-Z_.-]{1,64}",
    naming.FUNCTION: r"[a-zA-Z0-9_-]{1,64}",
    naming.DASHBOARD: r"[A-Za-z0-9_-]{1,255}",
    naming.DOMAIN: r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}",
    naming.TRACKING: r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}",
    naming.CODE_REPOSITORY: r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}",
    naming.SPARK_APPLICATION: r"[A-Za-z0-9._/#-]{1,64}",
    naming.MONITOR: r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}",
}
part = st.text(min_size=1, max_size=120)


def test_every_kind_has_a_grammar() -> None:
    assert set(GRAMMARS) == set(naming.KINDS)


@pytest.mark.parametrize("kind", naming.KINDS, ids=lambda kind: kind.noun)
@given(parts=st.lists(part, max_size=3))
def test_names_follow_the_grammar(kind: naming.NameKind, parts: list[str]) -> None:
    name = naming.physical_name(kind, "penstock", "prod", *parts, location=LOCATION)
    assert re.fullmatch(GRAMMARS[kind], name)
    assert len(name) <= kind.longest


@given(left=st.lists(part, min_size=1, max_size=3), right=st.lists(part, min_size=1, max_size=3))
def test_different_parts_give_different_names(left: list[str], right: list[str]) -> None:
    names = {naming.physical_name(naming.ROLE, "p", *parts, location=LOCATION) for parts in (left, right)}
    assert len(names) == (1 if left == right else 2)


def test_names_are_stable() -> None:
    assert (
        naming.physical_name(naming.BUCKET, "penstock", "dev", "raw", location=LOCATION) == "penstock-dev-raw-548efa00"
    )


def test_shared_names_differ_between_accounts_and_regions() -> None:
    places = ("123456789012/eu-central-1", "123456789012/us-east-1", "210987654321/eu-central-1")
    assert len({naming.physical_name(naming.BUCKET, "penstock", "raw", location=place) for place in places}) == 3
    assert len({naming.physical_name(naming.ROLE, "penstock", "raw", location=place) for place in places}) == 3
    assert len({naming.physical_name(naming.EVENT, "penstock", "raw", location=place) for place in places}) == 1


def test_plain_names_stay_plain() -> None:
    assert naming.physical_name(naming.EVENT, "penstock", "dev", "drift", location=LOCATION) == "penstock-dev-drift"
    assert naming.physical_name(naming.DATABASE, "penstock", "dev", location=LOCATION) == "penstock_dev"


def test_nothing_to_name_from() -> None:
    with pytest.raises(ValueError, match="needs a letter or a digit"):
        naming.physical_name(naming.BUCKET, "--", "é", location=LOCATION)
