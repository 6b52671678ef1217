"""A state that another version wrote is refused with what to do, before anything starts or is written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from penstock_cloud import cloud, compatibility
from penstock_cloud.errors import CloudError
from penstock_cloud.state import StateFolder


def test_the_versions_are_those_of_the_gateways_lock(tmp_path: Path) -> None:
    lock = tmp_path / "gateway.txt"
    lock.write_text(
        "boto3==1.2 \\\n    --hash=sha256:0\nlocalstack-core[runtime]==4.14.0 \\\nmoto-ext[all]==5.1.26 ; x\n"
    )
    assert compatibility.current(lock) == {"format": "1", "localstack-core": "4.14.0", "moto-ext": "5.1.26"}
    assert set(compatibility.current()) == {"format", "localstack-core", "moto-ext"}


def test_a_state_of_another_version_is_refused(tmp_path: Path) -> None:
    folder = StateFolder(tmp_path)
    compatibility.write(folder)
    compatibility.require(folder)
    folder.made_with.write_text(json.dumps({**compatibility.current(), "localstack-core": "4.0.0"}))
    with pytest.raises(CloudError, match=r"localstack-core 4.0.0 \(here 4.14.0\)") as error:
        cloud.up(tmp_path, 0)
    assert "use the version of Penstock that wrote it" in error.value.fix
    assert "penstock cloud reset --yes" in error.value.fix
    assert not folder.lock.exists()


def test_stacks_of_a_penstock_that_kept_nothing_are_not_taken_for_living_ones(tmp_path: Path) -> None:
    stack = tmp_path / "pulumi/.pulumi/stacks/penstock-foundation/local.json"
    stack.parent.mkdir(parents=True)
    stack.write_text("{}")
    with pytest.raises(CloudError, match="penstock-foundation") as error:
        cloud.up(tmp_path, 0)
    assert "penstock cloud reset --yes" in error.value.fix
    assert stack.exists()
