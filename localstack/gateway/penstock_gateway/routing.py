"""Which requests belong to the services process. Pure: decides from method, path, query and headers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import parse_qs

FORWARDED_SIGNING_NAMES = frozenset({"sagemaker", "sagemaker-mlflow"})
"""SageMaker's control plane, runtime, feature-store runtime and metrics all sign as `sagemaker`; MLflow's clients of a
tracking server as `sagemaker-mlflow`."""

_CREDENTIAL = re.compile(r"Credential=[^/,\s]+/\d{8}/[^/,\s]+/([^/,\s]+)/aws4_request")
_TARGET_PREFIX = "SageMaker."
_UNSIGNED_PATHS = (
    ("POST", re.compile(r"^/endpoints/[^/]+/(invocations|async-invocations|invocations-response-stream)$")),
    ("GET", re.compile(r"^/FeatureGroup/[^/]+$")),
    ("PUT", re.compile(r"^/FeatureGroup/[^/]+$")),
    ("DELETE", re.compile(r"^/FeatureGroup/[^/]+$")),
    ("POST", re.compile(r"^/FeatureGroup/[^/]+/(BatchWriteRecord|ListRecords)$")),
    ("POST", re.compile(r"^/(BatchGetRecord|BatchWriteRecord)$")),
    ("PUT", re.compile(r"^/BatchPutMetrics$")),
    ("POST", re.compile(r"^/BatchGetMetrics$")),
)


def signing_name(headers: Mapping[str, str], query: str) -> str | None:
    """The service a request is signed for, from its Authorization header or presigned query; None if unsigned."""
    if match := _CREDENTIAL.search(headers.get("Authorization", "")):
        return match.group(1)
    if "X-Amz-Credential=" in query:
        parts = parse_qs(query).get("X-Amz-Credential", [""])[0].split("/")
        if len(parts) == 5:
            return parts[3]
    return None


def is_ours(method: str, path: str, query: str, headers: Mapping[str, str]) -> bool:
    """Whether the services process answers this request: signed as ours, or unsigned with a target or path of ours."""
    name = signing_name(headers, query)
    if name is not None:
        return name in FORWARDED_SIGNING_NAMES
    if headers.get("X-Amz-Target", "").startswith(_TARGET_PREFIX):
        return True
    return any(method == verb and pattern.match(path) for verb, pattern in _UNSIGNED_PATHS)
