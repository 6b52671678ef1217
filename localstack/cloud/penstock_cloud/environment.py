"""The variables that point any AWS client, Pulumi and GitHub's clients at the local cloud."""

from __future__ import annotations

import os
from collections.abc import Mapping

from penstock_cloud.state import CloudInfo, StateFolder

PROXIES = ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY")


def without_proxy(environment: Mapping[str, str]) -> dict[str, str]:
    """What keeps clients from asking a proxy of the user's for this machine; empty where there is no proxy."""
    if not any(environment.get(name) for name in PROXIES):
        return {}
    known = environment.get("no_proxy") or environment.get("NO_PROXY") or ""
    direct = ",".join(dict.fromkeys([*filter(None, known.split(",")), "127.0.0.1", "localhost"]))
    return {"no_proxy": direct, "NO_PROXY": direct}


def variables(info: CloudInfo) -> dict[str, str]:
    """What `penstock cloud env` prints. Every name is botocore's, Pulumi's, SageMaker's or GitHub's own, but one.

    LocalStack takes an access key of twelve digits as the account's id.
    """
    folder = StateFolder(info.state_dir)
    found = {
        "AWS_ENDPOINT_URL": info.endpoint,
        "AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME": info.runtime_endpoint,
        "AWS_ENDPOINT_URL_SAGEMAKER_FEATURESTORE_RUNTIME": info.featurestore_endpoint,
        "SAGEMAKER_MLFLOW_CUSTOM_ENDPOINT": info.endpoint,
        "AWS_ACCESS_KEY_ID": info.account,
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": info.region,
        "AWS_DEFAULT_REGION": info.region,
        "AWS_EC2_METADATA_DISABLED": "true",
        "SAGEMAKER_VALIDATE_ROLE": "false",
        "PENSTOCK_STATE_DIR": str(info.state_dir),
        "PULUMI_BACKEND_URL": f"file://{folder.pulumi}",
        "PULUMI_CONFIG_PASSPHRASE_FILE": str(folder.passphrase),
        "GITHUB_TOKEN": folder.github_token.read_text(),
    }
    if info.receiver_endpoint:
        found["GITHUB_API_URL"] = info.receiver_endpoint
    return found | without_proxy(os.environ)
