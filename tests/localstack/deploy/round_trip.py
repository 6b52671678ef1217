"""A program's whole life on a local cloud: up, unchanged, refreshed, found again, changed in place, gone."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Collection
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
config = pulumi.Config()
v = config.get("v") or "1"
one = v == "1"
"""


def project(folder: Path, environment: dict[str, str], name: str, program: str, v: str = "1") -> Deployment:
    """The deployment of a program that sees `aws`, its version `v`, and `one`: whether that is "1"."""
    home = folder / name
    home.mkdir(exist_ok=True)
    (home / "Pulumi.yaml").write_text(f"name: types-{name}\nruntime: python\n")
    (home / "__main__.py").write_text(HEADER + textwrap.dedent(program))
    return Deployment(home, "local", environment=environment, configuration={"v": v})


def run(deployment: Deployment, operation: str) -> Result:
    """Carry out an operation that must go well."""
    result: Result = getattr(deployment, operation)()
    assert result.ok, result.errors
    return result


def changed(result: Result) -> list[tuple[str, str]]:
    """Operation and logical name of every change, sorted."""
    return sorted((change["op"], change["name"]) for change in result.to_json()["changes"])


def round_trip(
    folder: Path,
    environment: dict[str, str],
    name: str,
    program: str,
    *,
    update: int,
    replace: int = 0,
    between: Callable[[Deployment], None] | None = None,
) -> None:
    """The program with v=1, then with v=2, which updates and replaces so many resources; `between` sees the first."""
    first = project(folder, environment, name, program, "1")
    try:
        assert run(first, "up").counts["create"] > 0
        for operation in ("up", "refresh", "preview"):
            assert run(first, operation).changes == [], operation
        find_again(first, environment)
        if between is not None:
            between(first)
        second = project(folder, environment, name, program, "2")
        foreseen = run(second, "preview")
        done = run(second, "up")
        assert done.counts == foreseen.counts
        told = {operation: done.counts[operation] for operation in ("create", "update", "replace", "delete")}
        assert told == {"create": 0, "update": update, "replace": replace, "delete": 0}
        for operation in ("refresh", "preview"):
            assert run(second, operation).changes == [], operation
    finally:
        gone = first.destroy()
    assert gone.ok, gone.errors
    assert first.resources() == []


def find_again(deployment: Deployment, environment: dict[str, str], *, but: Collection[str] = ()) -> None:
    """What a cut-off creation left is found by its inputs alone; `but` are types or logical names that are not looked for."""
    provider = AwsProvider(from_environment(environment), {})
    for resource in deployment.resources():
        if resource["type"].startswith("aws:") and not {resource["type"], resource["name"]} & set(but):
            subject = Subject(resource["urn"], resource["type"], resource["name"])
            found = provider.find(subject, resource["inputs"])
            assert found is not None, resource["urn"]
            assert found.id == resource["id"], resource["urn"]


def client(environment: dict[str, str], service: str, region: str = "us-east-1") -> Any:
    """A client of the local cloud."""
    return botocore.session.Session().create_client(
        service,
        region_name=region,
        endpoint_url=environment["AWS_ENDPOINT_URL"],
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
    )
