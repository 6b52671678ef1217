"""When a TTL has run out, and what is then deleted: an expired endpoint of the named stacks, nothing else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from fakes import NOW, TOPIC, SageMaker, Topics

from penstock_infra.functions import ttl_cleaner
from penstock_policy import lifetime

CREATED = datetime(2026, 11, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("tag", "until"),
    [
        ("72h", datetime(2026, 11, 4, 12, tzinfo=UTC)),
        ("14d", datetime(2026, 11, 15, 12, tzinfo=UTC)),
        ("2026-11-20", datetime(2026, 11, 21, tzinfo=UTC)),
        ("2026-11-20T18:30Z", datetime(2026, 11, 20, 18, 30, tzinfo=UTC)),
        ("2026-11-20T18:30:15Z", datetime(2026, 11, 20, 18, 30, 15, tzinfo=UTC)),
    ],
)
def test_every_form_that_the_policy_asks_for_is_read(tag: str, until: datetime) -> None:
    assert lifetime.VALUE.fullmatch(tag)
    assert ttl_cleaner.expiry(tag, CREATED) == until


@pytest.mark.parametrize("tag", ["", "soon", "0h", "3w", "2026-13-01", "14 d"])
def test_what_cannot_be_read_never_expires(tag: str) -> None:
    assert ttl_cleaner.expiry(tag, CREATED) is None


def test_expired_ones_of_the_stacks_go_and_nothing_else() -> None:
    sagemaker = SageMaker()
    sagemaker.add("expired", TTL="24h")
    sagemaker.add("expired-too", stack="dev-ana", TTL="2026-11-19")
    sagemaker.add("alive", TTL="30d")
    sagemaker.add("last-day", TTL="2026-11-20")
    sagemaker.add("endless")
    sagemaker.add("unreadable", TTL="soon")
    sagemaker.add("busy", TTL="24h", status="Updating")
    sagemaker.add("prod", stack="prod", TTL="24h")
    sagemaker.add("foreign", managed=False, TTL="24h")
    done = ttl_cleaner.clean(sagemaker, ["dev", "dev-ana"], NOW)
    assert sagemaker.deleted == ["expired", "expired-too"]
    assert done["deleted"] == {"expired": "dev", "expired-too": "dev-ana"}
    assert set(done["kept"]) == {"alive", "last-day", "unreadable", "busy"}
    assert done["kept"]["unreadable"].startswith("its tag TTL is 'soon'")
    assert done["failed"] == {}


def test_the_very_moment_counts() -> None:
    sagemaker = SageMaker()
    sagemaker.add("exactly", age=timedelta(hours=1), TTL="1h")
    assert ttl_cleaner.clean(sagemaker, ["dev"], NOW - timedelta(seconds=1))["deleted"] == {}
    assert ttl_cleaner.clean(sagemaker, ["dev"], NOW)["deleted"] == {"exactly": "dev"}


def test_a_failure_leaves_the_others_done() -> None:
    sagemaker = SageMaker()
    sagemaker.add("stuck", TTL="1h")
    sagemaker.add("expired", TTL="1h")
    sagemaker.undeletable = {"stuck"}
    done = ttl_cleaner.clean(sagemaker, ["dev"], NOW)
    assert (list(done["deleted"]), list(done["failed"])) == (["expired"], ["stuck"])


def test_the_message_says_what_went_and_how_the_rest_goes() -> None:
    sns = Topics()
    ttl_cleaner.tell(sns, TOPIC, {"deleted": {"b": "dev", "a": "dev"}, "kept": {}, "failed": {}})
    (message,) = sns.messages
    assert message["Subject"] == "Penstock: expired in dev"
    assert "  a (stack dev)\n  b (stack dev)\n" in message["Message"]
    assert "penstock destroy --stack dev" in message["Message"]
    ttl_cleaner.tell(sns, TOPIC, {"deleted": {}, "kept": {"a": "it lives"}, "failed": {}})
    assert len(sns.messages) == 1
