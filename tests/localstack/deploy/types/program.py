"""A Pulumi program in a folder, brought up on a local cloud; what the tests of resource types have in common."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import botocore.session

from penstock_deploy import Deployment, Result
from penstock_deploy.plugins.interface import Subject
from penstock_deploy.provider.core import AwsProvider
from penstock_deploy.target import from_environment

HEADER = """
import json
import pulumi
import pulumi_aws as aws
v = pulumi.Config().get("v") or "1"
one = v == "1"
"""


def deployment(tmp_path: Path, environment: dict[str, str], name: str, program: str, v: str = "1") -> Deployment:
    """The program's stack, with `v` in its configuration."""
    folder = tmp_path / name
    folder.mkdir(exist_ok=True)
    (folder / "Pulumi.yaml").write_text(f"name: types-{name}\nruntime: python\n")
    (folder / "__main__.py").write_text(HEADER + textwrap.dedent(program))
    return Deployment(folder, "local", environment=environment, configuration={"v": v})


def run(stack: Deployment, operation: str) -> Result:
    """Do it; it must succeed."""
    result: Result = getattr(stack, operation)()
    assert result.ok, result.errors
    return result


def changed(result: Result) -> list[tuple[str, str]]:
    """Operation and logical name of every change, sorted."""
    return sorted((change["op"], change["name"]) for change in result.to_json()["changes"])


def client(environment: dict[str, str], service: str, region: str = "us-east-1") -> Any:
    """A client of the local cloud."""
    return botocore.session.Session().create_client(
        service,
        region_name=region,
        endpoint_url=environment["AWS_ENDPOINT_URL"],
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
    )


def found_again(stack: Deployment, environment: dict[str, str]) -> None:
    """What a cut-off creation left is found by its inputs alone, whatever its type."""
    provider = AwsProvider(from_environment(environment), {})
    for resource in stack.resources():
        if resource["type"].startswith("aws:"):
            found = provider.find(Subject(resource["urn"], resource["type"], resource["name"]), resource["inputs"])
            assert found is not None, resource["urn"]
            assert found.id == resource["id"], resource["urn"]
