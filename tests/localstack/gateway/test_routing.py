"""Which requests the gateway hands to the services process."""

from __future__ import annotations

import pytest

from penstock_gateway.routing import is_ours, signing_name


def signed(service: str) -> dict[str, str]:
    scope = f"000000000000/20260101/us-east-1/{service}/aws4_request"
    return {"Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host;x-amz-date, Signature=0"}


def test_the_signature_names_the_service() -> None:
    assert signing_name(signed("s3"), "") == "s3"
    query = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=000000000000%2F20260101%2Fus-east-1%2Fsagemaker%2Faws4_request"
    assert signing_name({}, query) == "sagemaker"
    assert signing_name({"Authorization": "Bearer token"}, "X-Amz-Credential=broken") is None


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/"), ("POST", "/endpoints/e/invocations"), ("PUT", "/FeatureGroup/f"), ("POST", "/AnythingNew")],
)
def test_all_that_is_signed_for_sagemaker_is_ours(method: str, path: str) -> None:
    assert is_ours(method, path, "", signed("sagemaker"))
    assert not is_ours(method, path, "", signed("s3"))


@pytest.mark.parametrize(
    ("method", "path", "ours"),
    [
        ("POST", "/endpoints/flights/invocations", True),
        ("POST", "/endpoints/flights/async-invocations", True),
        ("GET", "/FeatureGroup/flights", True),
        ("POST", "/BatchGetRecord", True),
        ("PUT", "/BatchPutMetrics", True),
        ("GET", "/endpoints/object", False),  # an anonymous read of a bucket called "endpoints"
        ("GET", "/bucket/FeatureGroup/flights", False),
        ("GET", "/_localstack/health", False),
    ],
)
def test_unsigned_requests_go_by_their_path(method: str, path: str, ours: bool) -> None:
    assert is_ours(method, path, "", {}) is ours


def test_unsigned_requests_go_by_their_target() -> None:
    assert is_ours("POST", "/", "", {"X-Amz-Target": "SageMaker.ListModels"})
    assert not is_ours("POST", "/", "", {"X-Amz-Target": "AWSEvents.PutEvents"})
