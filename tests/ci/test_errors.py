"""Exceptions of libraries and of other parts, as a user sees them."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError, NoRegionError

from penstock_ci.errors import FAILED, MISUSED, did_you_mean, explain


def client_error(code: str, message: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "CreateBucket")


@pytest.mark.parametrize(
    ("error", "message", "fix", "code"),
    [
        (client_error("AccessDenied", "no"), "CreateBucket: no (AccessDenied)", "permission", FAILED),
        (client_error("ExpiredToken", "old"), "CreateBucket: old (ExpiredToken)", "sign in", FAILED),
        (client_error("ThrottlingException", "slow"), "slow", "again in a minute", FAILED),
        (NoCredentialsError(), "no AWS credentials", "--stack local", MISUSED),
        (NoRegionError(), "no AWS region", "AWS_REGION", MISUSED),
        (EndpointConnectionError(endpoint_url="http://127.0.0.1:1"), "127.0.0.1:1", "penstock cloud status", FAILED),
        (
            FileNotFoundError(2, "No such file or directory", "rows.csv"),
            "rows.csv: No such file",
            "check the path",
            MISUSED,
        ),
    ],
)
def test_known_errors_have_a_remedy(error: Exception, message: str, fix: str, code: int) -> None:
    explained = explain(error)
    assert explained is not None
    assert message in explained.message
    assert fix in explained.fix
    assert explained.exit_code == code


def test_errors_of_the_other_parts_keep_cause_fix_and_detail() -> None:
    from penstock_cloud.errors import CloudError
    from penstock_deploy import DeploymentError
    from penstock_pipelines.errors import ConfigurationError

    cloud = explain(CloudError("port 1 is taken", "take another", detail="log"))
    assert cloud is not None
    assert (cloud.message, cloud.fix, cloud.detail, cloud.exit_code) == (
        "port 1 is taken",
        "take another",
        "log",
        FAILED,
    )
    deployment = explain(DeploymentError("locked", "wait"))
    assert deployment is not None
    assert (deployment.message, deployment.fix) == ("locked", "wait")
    configuration = explain(ConfigurationError("unknown key", "remove it"))
    assert configuration is not None
    assert configuration.exit_code == MISUSED


def test_a_defect_is_not_explained_away() -> None:
    assert explain(KeyError("x")) is None
    assert explain(TypeError("x")) is None


def test_did_you_mean() -> None:
    assert did_you_mean("datalaek", ["datalake", "training"]) == " (did you mean 'datalake'?)"
    assert did_you_mean("zzz", ["datalake"]) == ""
