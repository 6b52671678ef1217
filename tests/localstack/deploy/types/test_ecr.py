"""A repository's policy on a local cloud: made, unchanged, drifted, changed, gone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.localstack.deploy.round_trip import changed, client, find_again, project, run

pytestmark = pytest.mark.cloud

PROGRAM = """
repository = aws.ecr.Repository("images", name="types-shared", force_delete=True)
aws.ecr.RepositoryPolicy("shared", repository=repository.name, policy=json.dumps({"Version": "2012-10-17", "Statement": [
    {"Sid": "Pull", "Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{v * 12}:root"},
     "Action": ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]}]}))
"""


def test_repository_policy(tmp_path: Path, cloud_environment: dict[str, str]) -> None:
    first = project(tmp_path, cloud_environment, "shared-images", PROGRAM)
    ecr = client(cloud_environment, "ecr")
    try:
        run(first, "up")
        for operation in ("preview", "refresh", "up"):
            assert run(first, operation).changes == [], operation
        find_again(first, cloud_environment)

        ecr.delete_repository_policy(repositoryName="types-shared")
        assert changed(run(first, "refresh")) == [("delete", "shared")]
        assert changed(run(first, "up")) == [("create", "shared")]

        second = project(tmp_path, cloud_environment, "shared-images", PROGRAM, "2")
        assert changed(run(second, "up")) == [("update", "shared")]
        assert run(second, "refresh").changes == []
        live = json.loads(ecr.get_repository_policy(repositoryName="types-shared")["policyText"])
        assert live["Statement"][0]["Principal"] == {"AWS": "arn:aws:iam::222222222222:root"}
    finally:
        assert first.destroy().ok
    assert first.resources() == []
