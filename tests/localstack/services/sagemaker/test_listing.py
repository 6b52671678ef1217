"""Lists: filters, sorting, pages, and that they do not grow with the store."""

from __future__ import annotations

import contextlib
import time
from typing import Any

import pytest
from tests.localstack.services.sagemaker.conftest import HERE, ControlPlane
from tests.localstack.services.sagemaker.inputs import minimal

from penstock_services.errors import ServiceError
from penstock_services.sagemaker.kinds import kinds
from penstock_services.sagemaker.model import load
from penstock_services.store import Scope, Store, Where

MODEL = load("sagemaker")
_MANY = 10_000


def model(number: int, **more: Any) -> dict[str, Any]:
    return {
        "ModelName": f"m-{number:05d}",
        "ModelArn": f"arn:aws:sagemaker:us-east-1:000000000000:model/m-{number:05d}",
        "CreationTime": 1_700_000_000.0 + number // 3,
        **more,
    }


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> ControlPlane:
    plane = ControlPlane(tmp_path_factory.mktemp("full"))
    for number in range(_MANY):
        plane.store.put(HERE, "Model", f"m-{number:05d}", model(number))
    return plane


def seconds(plane: ControlPlane, **request: Any) -> float:
    best = 1.0
    for _ in range(15):
        started = time.perf_counter()
        plane.call("ListModels", **request)
        best = min(best, time.perf_counter() - started)
    return best


@pytest.mark.parametrize(
    "request_",
    [
        {},
        {"SortBy": "Name", "SortOrder": "Ascending"},
        {"CreationTimeAfter": 1_700_000_100, "SortOrder": "Ascending"},
        {"NameContains": "m-0"},
    ],
)
def test_a_page_costs_the_same_however_many_there_are(
    full: ControlPlane, tmp_path: Any, request_: dict[str, Any]
) -> None:
    small = ControlPlane(tmp_path)
    for number in range(400):
        small.store.put(HERE, "Model", f"m-{number:05d}", model(number))
    assert seconds(full, **request_) < 4 * seconds(small, **request_) + 0.001
    small.store.close()


def test_pages_hold_everything_once_whatever_is_sorted_by(full: ControlPlane) -> None:
    for by in ("Name", "CreationTime"):
        for order in ("Ascending", "Descending"):
            names: list[str] = []
            token: dict[str, str] = {}
            while True:
                page = full.call("ListModels", SortBy=by, SortOrder=order, MaxResults=100, NameContains="m-01", **token)
                names += [each["ModelName"] for each in page["Models"]]
                if "NextToken" not in page:
                    break
                token = {"NextToken": page["NextToken"]}
            assert sorted(names) == [f"m-{number:05d}" for number in range(1000, 2000)]
            assert names == sorted(names, reverse=order == "Descending")


def test_a_page_goes_on_where_it_ended_when_something_comes_or_goes(control_plane: ControlPlane) -> None:
    for number in range(6):
        control_plane.store.put(HERE, "Model", f"m-{number:05d}", model(number))
    request = {"SortBy": "Name", "SortOrder": "Ascending", "MaxResults": 2}
    first = control_plane.call("ListModels", **request)
    control_plane.store.delete(HERE, "Model", "m-00001")
    control_plane.store.put(HERE, "Model", "a", {**model(9), "ModelName": "a"})
    second = control_plane.call("ListModels", NextToken=first["NextToken"], **request)
    assert [each["ModelName"] for each in second["Models"]] == ["m-00002", "m-00003"]


@pytest.mark.parametrize("token", ["x", "bm90IGpzb24=", "WzEsMl0", "e30=", "W1sxXSwgMV0=", "WyJhIiwgImIiXQ=="])
def test_a_wrong_token_is_refused(control_plane: ControlPlane, token: str) -> None:
    with pytest.raises(ServiceError) as raised:
        control_plane.call("ListModels", NextToken=token)
    assert raised.value.code == "ValidationException"


def test_times_status_and_members_filter(control_plane: ControlPlane) -> None:
    for number, status in enumerate(("Completed", "Failed", "Completed")):
        record = {
            "TrainingJobName": f"job-{number}",
            "TrainingJobStatus": status,
            "CreationTime": 1_700_000_000.0 + number,
            "LastModifiedTime": 1_700_001_000.0 - number,
            "ResourceConfig": {"TrainingPlanArn": f"arn:aws:sagemaker:us-east-1:000000000000:training-plan/p{number}"},
        }
        control_plane.store.put(HERE, "TrainingJob", f"job-{number}", record)

    def names(**request: Any) -> list[str]:
        rows = control_plane.call("ListTrainingJobs", **request)["TrainingJobSummaries"]
        return [row["TrainingJobName"] for row in rows]

    assert names() == ["job-0", "job-1", "job-2"], "the documented default is Ascending"
    assert names(SortOrder="Descending") == ["job-2", "job-1", "job-0"]
    assert names(SortBy="Status", SortOrder="Ascending") == ["job-0", "job-2", "job-1"]
    assert names(StatusEquals="Completed") == ["job-0", "job-2"]
    assert names(CreationTimeAfter=1_700_000_001, SortOrder="Ascending") == ["job-1", "job-2"]
    assert names(LastModifiedTimeBefore=1_700_000_998.5) == ["job-2"]
    assert names(NameContains="b-1") == ["job-1"]
    assert names(TrainingPlanArnEquals="arn:aws:sagemaker:us-east-1:000000000000:training-plan/p0") == ["job-0"]


def test_every_filter_and_every_sorting_of_every_list_is_understood(control_plane: ControlPlane) -> None:
    for kind in kinds().by_name.values():
        if kind.list_operation is None:
            continue
        inputs = MODEL.inputs(kind.list_operation)
        required = minimal(MODEL.input_shape(kind.list_operation))
        for member, reference in inputs.items():
            shape = MODEL.shapes[reference["shape"]]
            values = shape.get("enum") or [minimal(reference["shape"])]
            if member == "NextToken":
                continue
            for value in values:
                with contextlib.suppress(ServiceError):  # for example a parent that is not there
                    answer = control_plane.call(kind.list_operation, **{**required, member: value})
                    assert kind.list_member in answer, (kind.name, member, value)


def test_definitions_are_listed_under_their_monitoring_names(control_plane: ControlPlane) -> None:
    request = minimal(MODEL.input_shape("CreateDataQualityJobDefinition"))
    request["DataQualityJobInput"] = {
        "EndpointInput": {"EndpointName": "live", "LocalPath": "/opt/ml/processing/input"}
    }
    for name in ("one", "two"):
        control_plane.call("CreateDataQualityJobDefinition", **{**request, "JobDefinitionName": name})
        request["DataQualityJobInput"]["EndpointInput"]["EndpointName"] = "other"
    rows = control_plane.call("ListDataQualityJobDefinitions", EndpointName="live")["JobDefinitionSummaries"]
    assert [(row["MonitoringJobDefinitionName"], row["EndpointName"]) for row in rows] == [("one", "live")]


def test_the_store_finds_by_columns_and_by_paths(tmp_path: Any) -> None:
    store = Store(tmp_path / "x.sqlite")
    for number in range(5):
        record = {
            "ThingName": f"T{number}",
            "CreationTime": float(number % 2),
            "Deep": {"er": "a%_b" if number else ""},
        }
        store.put(HERE, "Thing", f"t{number}", record)
    store.put(Scope("111111111111", "us-east-1"), "Thing", "t9", {"ThingName": "T9"})

    def keys(*where: Where, **options: Any) -> list[str]:
        return [row.key for row in store.select(HERE, "Thing", where, **options)]

    assert keys() == ["t3", "t1", "t4", "t2", "t0"]
    assert keys(descending=False, limit=2) == ["t0", "t2"]
    assert keys(Where("name", "same", "t1")) == ["t1"]
    assert keys(Where("Deep.er", "contains", "%_"), order="name", descending=False) == ["t1", "t2", "t3", "t4"]
    assert keys(Where("Deep.er", "prefix", "a%"), Where("key", "=", "t4")) == ["t4"]
    assert keys(Where("name", "=", "' OR 1=1 --")) == []
    assert store.count(HERE, "Thing") == 5
    assert store.count(HERE, "Thing", [Where("created", ">=", 1)], most=1) == 1
    store.put(HERE, "Thing", "t0", {"ThingName": "again", "CreationTime": 7.0})
    assert keys(limit=1) == ["t0"], "what is replaced is found anew"
    store.close()


def test_records_of_a_version_without_columns_are_taken_over(tmp_path: Any) -> None:
    import sqlite3

    old = sqlite3.connect(tmp_path / "x.sqlite")
    old.execute(
        "CREATE TABLE records (account TEXT NOT NULL, region TEXT NOT NULL, kind TEXT NOT NULL, key TEXT NOT NULL, "
        "record TEXT NOT NULL, PRIMARY KEY (account, region, kind, key)) WITHOUT ROWID"
    )
    old.execute(
        "INSERT INTO records VALUES (?, ?, ?, ?, ?)",
        (HERE.account, HERE.region, "Model", "m", '{"ModelName":"m","CreationTime":5.0}'),
    )
    old.commit()
    old.close()
    for _ in range(2):
        store = Store(tmp_path / "x.sqlite")
        (row,) = store.select(HERE, "Model", [Where("name", "=", "m")])
        assert row.value == 5.0
        store.close()
