"""Notebook instances: a real JupyterLab whose cells see the local cloud, its states, scripts and files."""

from __future__ import annotations

import http.cookiejar
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from tests.localstack.services.conftest import ACCOUNT, REGION, Services
from tests.localstack.services.sagemaker.notebooks.conftest import ROLE, encoded, logged, run_cell, servers
from tests.localstack.services.waiting import until

from penstock_services.sagemaker.notebooks.program.presigned import sign
from penstock_services.store import Scope, Store

LOGS = "/aws/sagemaker/NotebookInstances"


def settled(sagemaker: Any, name: str, wanted: str) -> dict[str, Any]:
    def look() -> dict[str, Any]:
        found: dict[str, Any] = sagemaker.describe_notebook_instance(NotebookInstanceName=name)
        assert wanted == "Failed" or found["NotebookInstanceStatus"] != "Failed", found
        return found

    found: dict[str, Any] = until(look, lambda answer: answer["NotebookInstanceStatus"] == wanted)
    return found


def url(sagemaker: Any, name: str) -> str:
    answer = sagemaker.create_presigned_notebook_instance_url(NotebookInstanceName=name)
    return str(answer["AuthorizedUrl"])


def create(sagemaker: Any, name: str, **members: Any) -> str:
    request = {"NotebookInstanceName": name, "InstanceType": "ml.t3.medium", "RoleArn": ROLE, **members}
    return str(sagemaker.create_notebook_instance(**request)["NotebookInstanceArn"])


def secret_of(services: Services) -> str:
    """What the URLs of the only instance are signed with: a session shorter than half an hour cannot be asked for."""
    store = Store(services.state_dir / "sagemaker" / "records.sqlite")
    try:
        ((_, record),) = store.scan(Scope(ACCOUNT, REGION), "NotebookInstance")
        return str(record["_Secret"])
    finally:
        store.close()


class Browser:
    """What keeps the cookies of a session, and sends them for as long as it is asked to."""

    def __init__(self, authorized_url: str) -> None:
        jar = http.cookiejar.CookieJar()
        urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar)).open(authorized_url, timeout=60).read()
        self._cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in jar)

    def status(self, address: str) -> int:
        request = urllib.request.Request(address, headers={"Cookie": self._cookies})
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code


@pytest.mark.slow
def test_an_instance_runs_keeps_its_files_and_goes(studio: Services, sagemaker: Any) -> None:
    studio.aws("s3").create_bucket(Bucket="seen-from-a-cell")
    once, always = (
        "echo once >> /home/ec2-user/SageMaker/scripts.txt",
        "echo always >> ~/SageMaker/scripts.txt; echo on",
    )
    sagemaker.create_notebook_instance_lifecycle_config(
        NotebookInstanceLifecycleConfigName="setup",
        OnCreate=[{"Content": encoded(f"#!/bin/bash\nset -e\n{once}\n")}],
        OnStart=[{"Content": encoded(f"#!/bin/bash\nset -e\n{always}\n")}],
    )
    create(sagemaker, "lab", LifecycleConfigName="setup", Tags=[{"Key": "Owner", "Value": "us"}])
    found = sagemaker.describe_notebook_instance(NotebookInstanceName="lab")
    assert (found["NotebookInstanceStatus"], "Url" in found) == ("Pending", False)
    assert (found["VolumeSizeInGB"], found["NotebookInstanceLifecycleConfigName"]) == (5, "setup")
    with pytest.raises(sagemaker.exceptions.ClientError, match="its status is Pending"):
        url(sagemaker, "lab")
    with pytest.raises(sagemaker.exceptions.ClientError, match=r"Status \(Pending\) not in \(\[InService\]\)"):
        sagemaker.stop_notebook_instance(NotebookInstanceName="lab")
    address = settled(sagemaker, "lab", "InService")["Url"]
    logged(studio.aws("logs"), LOGS, "lab/LifecycleConfigOnStart", "on")
    logged(studio.aws("logs"), LOGS, "lab/jupyter.log", "Jupyter Server")

    code = """
import boto3, json, pathlib, subprocess, sys
pathlib.Path("work.txt").write_text("kept"); pathlib.Path("../lost.txt").write_text("not on the volume")
subprocess.run(["pip", "--version"], check=True, capture_output=True)
session = boto3.Session()
buckets = [each["Name"] for each in boto3.client("s3").list_buckets()["Buckets"]]
whose = boto3.client("sts").get_caller_identity()["Account"]
scripts = pathlib.Path("scripts.txt").read_text().split()
print(json.dumps(["seen-from-a-cell" in buckets, session.region_name, whose, scripts]))
"""
    printed = run_cell(url(sagemaker, "lab"), code)
    assert printed == '[true, "us-east-1", "000000000000", ["once", "always"]]\n'
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(f"http://{address}/lab")
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(url(sagemaker, "lab") + "0")
    browser = Browser(f"http://{address}/?authToken={sign(secret_of(studio), 60, 5)}")
    until(lambda: browser.status(f"http://{address}/api/kernels"), lambda status: status == 403)
    browser = Browser(url(sagemaker, "lab"))
    assert browser.status(f"http://{address}/api/kernels") == 200

    for operation in (sagemaker.update_notebook_instance, sagemaker.delete_notebook_instance):
        with pytest.raises(sagemaker.exceptions.ClientError, match=r"Status \(InService\) not in \(\[Stopped"):
            operation(NotebookInstanceName="lab")
    sagemaker.stop_notebook_instance(NotebookInstanceName="lab")
    settled(sagemaker, "lab", "Stopped")
    assert servers(studio) == []
    sagemaker.update_notebook_instance(NotebookInstanceName="lab", InstanceType="ml.t3.large", VolumeSizeInGB=7)
    found = settled(sagemaker, "lab", "Stopped")
    assert (found["InstanceType"], found["VolumeSizeInGB"]) == ("ml.t3.large", 7)
    with pytest.raises(sagemaker.exceptions.ClientError, match="cannot be made smaller"):
        sagemaker.update_notebook_instance(NotebookInstanceName="lab", VolumeSizeInGB=6)
    sagemaker.start_notebook_instance(NotebookInstanceName="lab")
    settled(sagemaker, "lab", "InService")
    look = "import pathlib; print(*(pathlib.Path(p).exists() for p in ('work.txt', '../lost.txt')), open('scripts.txt').read())"
    assert run_cell(url(sagemaker, "lab"), look).split() == ["True", "False", "once", "always", "always"]

    # Killed, the services leave neither a server nor a kernel; started again, they have it again.
    assert servers(studio)
    studio.kill()
    until(lambda: servers(studio), lambda left: not left)
    studio.start()
    assert settled(sagemaker, "lab", "InService")["Url"] == address
    assert run_cell(url(sagemaker, "lab"), "print(open('work.txt').read())") == "kept\n"

    sagemaker.stop_notebook_instance(NotebookInstanceName="lab")
    settled(sagemaker, "lab", "Stopped")
    sagemaker.delete_notebook_instance(NotebookInstanceName="lab")
    until(lambda: sagemaker.list_notebook_instances()["NotebookInstances"], lambda rows: not rows)
    until(lambda: list((studio.state_dir / "notebooks").rglob("work.txt")), lambda files: not files)
    with pytest.raises(sagemaker.exceptions.ClientError, match="RecordNotFound"):
        sagemaker.describe_notebook_instance(NotebookInstanceName="lab")


def test_a_script_that_fails_fails_the_start(studio: Services, sagemaker: Any) -> None:
    sagemaker.create_notebook_instance_lifecycle_config(
        NotebookInstanceLifecycleConfigName="broken", OnStart=[{"Content": encoded("echo before\nexit 3\n")}]
    )
    create(sagemaker, "broken", LifecycleConfigName="broken")
    reason = settled(sagemaker, "broken", "Failed")["FailureReason"]
    assert "notebook-instance-lifecycle-config/broken' failed (LifecycleConfigOnStart): exit code: 3" in reason
    logged(studio.aws("logs"), LOGS, "broken/LifecycleConfigOnStart", "before")
    sagemaker.delete_notebook_instance(NotebookInstanceName="broken")
    until(lambda: sagemaker.list_notebook_instances()["NotebookInstances"], lambda rows: not rows)


def test_a_script_that_is_no_base64_fails_the_start(sagemaker: Any) -> None:
    sagemaker.create_notebook_instance_lifecycle_config(
        NotebookInstanceLifecycleConfigName="plain", OnStart=[{"Content": "echo 1"}]
    )
    create(sagemaker, "plain", LifecycleConfigName="plain")
    assert "is not encoded in base64" in settled(sagemaker, "plain", "Failed")["FailureReason"]
    sagemaker.delete_notebook_instance(NotebookInstanceName="plain")
    until(lambda: sagemaker.list_notebook_instances()["NotebookInstances"], lambda rows: not rows)


def test_a_script_that_takes_too_long_is_ended(studio: Services, tmp_path: Path) -> None:
    limit = {"PENSTOCK_LIFECYCLE_SCRIPT_SECONDS": "1", "PENSTOCK_PYTHON": sys.executable}
    hasty = Services(tmp_path, studio.gateway_url, environment=limit).start()
    try:
        sagemaker = hasty.client()
        sagemaker.create_notebook_instance_lifecycle_config(
            NotebookInstanceLifecycleConfigName="endless", OnCreate=[{"Content": encoded("#!/bin/sh\nsleep 3600\n")}]
        )
        create(sagemaker, "endless", LifecycleConfigName="endless")
        reason = settled(sagemaker, "endless", "Failed")["FailureReason"]
        assert "/endless' took longer than" in reason
        assert servers(hasty) == []
    finally:
        hasty.stop()


def test_what_cannot_be_done_is_refused(sagemaker: Any) -> None:
    with pytest.raises(sagemaker.exceptions.ClientError, match="CreateNotebookInstance with DefaultCodeRepository"):
        create(sagemaker, "cloned", DefaultCodeRepository="https://github.com/example/models.git")
    with pytest.raises(sagemaker.exceptions.ClientError, match="Unable to describe Notebook Instance Lifecycle Config"):
        create(sagemaker, "unscripted", LifecycleConfigName="missing")
    for operation in (sagemaker.start_notebook_instance, sagemaker.create_presigned_notebook_instance_url):
        with pytest.raises(sagemaker.exceptions.ClientError, match="RecordNotFound"):
            operation(NotebookInstanceName="never")
    assert sagemaker.list_notebook_instances()["NotebookInstances"] == []
