"""Many clients at once, accounts apart, and what was acknowledged before a ``kill -9``."""

from __future__ import annotations

import concurrent.futures
import http.client
import json
import threading
import time
import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError

ROLE = "arn:aws:iam::000000000000:role/training"
SECRET = "arn:aws:secretsmanager:us-east-1:000000000000:secret:git"
_CLIENTS = 50


def raw(
    services: Any, operation: str, request: dict[str, Any], account: str = "000000000000", **headers: str
) -> tuple[int, dict[str, Any]]:
    """One call on a connection of its own: status and body."""
    connection = http.client.HTTPConnection("127.0.0.1", services.port, timeout=120)
    try:
        sent = {
            "X-Amz-Target": f"SageMaker.{operation}",
            "Content-Type": "application/x-amz-json-1.1",
            "Authorization": f"AWS4-HMAC-SHA256 Credential={account}/20260101/us-east-1/sagemaker/aws4_request",
            **headers,
        }
        connection.request("POST", "/", json.dumps(request), sent)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def test_fifty_clients_at_once(services: Any) -> None:
    """Each makes, changes, lists and deletes its own, and all try to make the same one."""
    start = threading.Barrier(_CLIENTS)

    def client(number: int) -> tuple[int, list[int]]:
        statuses = []
        start.wait(60)
        shared, _ = raw(services, "CreateModel", {"ModelName": "shared", "ExecutionRoleArn": ROLE})
        for turn in range(4):
            name = f"c{number}-{turn}"
            git = {"RepositoryUrl": "https://github.com/example/models.git"}
            created, body = raw(services, "CreateCodeRepository", {"CodeRepositoryName": name, "GitConfig": git})
            tags = {"ResourceArn": body["CodeRepositoryArn"], "Tags": [{"Key": "a", "Value": name}]}
            statuses += [created, raw(services, "AddTags", tags)[0]]
            config = {
                "CodeRepositoryName": name,
                "GitConfig": {"SecretArn": SECRET},
            }
            statuses.append(raw(services, "UpdateCodeRepository", config)[0])
            _, described = raw(services, "DescribeCodeRepository", {"CodeRepositoryName": name})
            assert described["CodeRepositoryName"] == name
            _, listed = raw(services, "ListCodeRepositories", {"NameContains": name, "MaxResults": 100})
            assert name in [each["CodeRepositoryName"] for each in listed["CodeRepositorySummaryList"]]
            if turn % 2:
                statuses.append(raw(services, "DeleteCodeRepository", {"CodeRepositoryName": name})[0])
        return shared, statuses

    with concurrent.futures.ThreadPoolExecutor(_CLIENTS) as pool:
        results = list(pool.map(client, range(_CLIENTS)))
    assert sorted(shared for shared, _ in results) == [200] + [400] * (_CLIENTS - 1), "one made it"
    assert {status for _, statuses in results for status in statuses} == {200}
    left = services.client().get_paginator("list_code_repositories").paginate(PaginationConfig={"PageSize": 100})
    assert sum(len(page["CodeRepositorySummaryList"]) for page in left) == 2 * _CLIENTS


def test_two_accounts_in_parallel_see_their_own(services: Any) -> None:
    accounts = ("111111111111", "222222222222")

    def work(account: str) -> None:
        for number in range(30):
            request = {"ModelName": f"both-{number}", "ExecutionRoleArn": ROLE}
            status, body = raw(services, "CreateModel", request, account)
            assert status == 200
            assert f":{account}:" in body["ModelArn"]
            if account == accounts[0]:
                assert raw(services, "DeleteModel", {"ModelName": f"both-{number}"}, account)[0] == 200

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        list(pool.map(work, accounts))
    counts = [
        len(raw(services, "ListModels", {"NameContains": "both-", "MaxResults": 100}, account)[1]["Models"])
        for account in accounts
    ]
    assert counts == [0, 30]


def test_a_retried_create_is_the_same_create(services: Any) -> None:
    """An SDK sends a call again, with the same invocation id, when it got no answer."""
    request = {"ModelName": "retried", "ExecutionRoleArn": ROLE}
    call = {"amz-sdk-invocation-id": str(uuid.uuid4())}
    first = raw(services, "CreateModel", request, **call, **{"amz-sdk-request": "attempt=1"})
    again = raw(services, "CreateModel", request, **call, **{"amz-sdk-request": "attempt=2; max=5"})
    assert first == again
    assert first[0] == 200
    status, body = raw(services, "CreateModel", request, **{"amz-sdk-invocation-id": str(uuid.uuid4())})
    assert status == 400
    assert "already existing" in body["message"]
    domain = {"DomainName": "retried", "AuthMode": "IAM", "DefaultUserSettings": {"ExecutionRole": ROLE}}
    made = [raw(services, "CreateDomain", domain, **call)[1]["DomainId"] for _ in range(2)]
    assert made[0] == made[1]
    other = raw(services, "CreateDomain", domain, **{"amz-sdk-invocation-id": str(uuid.uuid4())})[1]
    assert other["DomainId"] != made[0]


def test_what_was_acknowledged_survives_kill_9_in_the_middle_of_writes(tmp_path: Any, services: Any) -> None:
    own = type(services)(tmp_path, services.gateway_url).start()
    acknowledged: list[set[str]] = [set() for _ in range(8)]
    changed: list[dict[str, int]] = [{} for _ in range(8)]

    def write(number: int) -> None:
        turn = 0
        while True:
            name = f"w{number}-{turn}"
            try:
                status, _ = raw(
                    own, "CreateExperiment", {"ExperimentName": name, "Tags": [{"Key": "n", "Value": name}]}
                )
                if status == 200:
                    acknowledged[number].add(name)
                if raw(own, "UpdateExperiment", {"ExperimentName": name, "Description": str(turn)})[0] == 200:
                    changed[number][name] = turn
            except (OSError, http.client.HTTPException):
                return
            turn += 1

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    try:
        for thread in threads:
            thread.start()
        deadline = time.monotonic() + 120
        while sum(map(len, acknowledged)) < 200 and time.monotonic() < deadline:
            time.sleep(0.01)
        own.kill()
        for thread in threads:
            thread.join(60)
        assert sum(map(len, acknowledged)) >= 200
        own.start()
        for number in range(8):
            for name in acknowledged[number]:
                status, described = raw(own, "DescribeExperiment", {"ExperimentName": name})
                assert status == 200, name
                if name in changed[number]:
                    assert described["Description"] == str(changed[number][name])
                _, tags = raw(own, "ListTags", {"ResourceArn": described["ExperimentArn"]})
                assert tags["Tags"] == [{"Key": "n", "Value": name}]
    finally:
        own.stop()


def test_a_life_cycle_goes_on_after_kill_9(tmp_path: Any, services: Any) -> None:
    own = type(services)(tmp_path, services.gateway_url, environment={"PENSTOCK_STEP_SECONDS": "1.5"}).start()
    try:
        client = own.client()
        client.create_image(ImageName="kept", RoleArn=ROLE)
        client.create_image(ImageName="gone", RoleArn=ROLE)
        client.delete_image(ImageName="gone")
        assert client.describe_image(ImageName="gone")["ImageStatus"] == "DELETING"
        own.kill()
        own.start()
        deadline = time.monotonic() + 60
        while client.describe_image(ImageName="kept")["ImageStatus"] != "CREATED":
            assert time.monotonic() < deadline
            time.sleep(0.02)
        while "gone" in [image["ImageName"] for image in client.list_images()["Images"]]:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        with pytest.raises(ClientError, match="does not exist"):
            client.describe_image(ImageName="gone")
    finally:
        own.stop()


def test_waiters_see_the_steps(services: Any) -> None:
    client = services.client()
    client.create_image(ImageName="waited", RoleArn=ROLE)
    waiting = {"Delay": 1, "MaxAttempts": 60}
    client.get_waiter("image_created").wait(ImageName="waited", WaiterConfig=waiting)
    client.create_image_version(ImageName="waited", BaseImage="image:1", ClientToken="t")
    client.get_waiter("image_version_created").wait(ImageName="waited", WaiterConfig=waiting)
    client.update_image(ImageName="waited", Description="text")
    client.get_waiter("image_updated").wait(ImageName="waited", WaiterConfig=waiting)
    client.delete_image(ImageName="waited")
    client.get_waiter("image_deleted").wait(ImageName="waited", WaiterConfig=waiting)
