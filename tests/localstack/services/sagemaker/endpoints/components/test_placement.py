"""Room for copies on instances."""

from __future__ import annotations

import pytest

from penstock_services.execution.instances import vcpus_on_aws
from penstock_services.sagemaker.endpoints.components.placement import Host, Need, NoCapacityError, Place
from penstock_services.sagemaker.endpoints.plan import HostPlan

SMALL = Need(0.5, 1024)


def host(count: int = 1, least: int | None = None, most: int | None = None) -> Host:
    """Instances with 2 vCPUs and 8192 MB each."""
    names = tuple(f"i-{number}" for number in range(count))
    return Host(HostPlan("one", "ml.m5.large", names, count if least is None else least, most or count, 1.0, "RANDOM"))


def where(places: list[Place]) -> list[str]:
    return [each.instance for each in places]


@pytest.mark.parametrize(
    ("instance_type", "vcpus"),
    [
        ("ml.m5.large", 2), ("ml.m5.xlarge", 4), ("ml.c5.9xlarge", 36), ("ml.c4.8xlarge", 36), ("ml.t2.medium", 2),
        ("ml.c8g.medium", 1), ("ml.m5.24xlarge", 96), ("ml.p6e-gb200.36xlarge", 144), ("ml.unheard-of", None),
    ],
)  # fmt: skip
def test_vcpus_of_instance_types(instance_type: str, vcpus: int | None) -> None:
    assert vcpus_on_aws(instance_type) == vcpus


def test_copies_are_spread_or_packed() -> None:
    assert where(host(3).place(SMALL, 4)) == ["i-0", "i-1", "i-2", "i-0"]
    assert where(host(3).place(SMALL, 5, pack=True)) == ["i-0"] * 4 + ["i-1"]
    spread = host(2)
    first = spread.place(SMALL, 1)
    spread.place(SMALL, 1)
    assert where(spread.place(SMALL, 1, first)) == ["i-1"], "beside its like, not beside others"


@pytest.mark.parametrize(("need", "fits"), [(Need(0.5, 128), 4), (Need(0.1, 2048), 4), (Need(2, 8192), 1)])
def test_cores_and_memory_are_used_up(need: Need, fits: int) -> None:
    instances = host()
    places = instances.place(need, fits)
    with pytest.raises(NoCapacityError, match="not enough capacity for 1 more copy"):
        instances.place(need, 1)
    instances.release(places[:1])
    assert where(instances.place(need, 1)) == ["i-0"]


def test_all_copies_are_placed_or_none() -> None:
    instances = host(2)
    with pytest.raises(NoCapacityError):
        instances.place(Need(2, 128), 3)
    assert len(instances.place(Need(2, 128), 2)) == 2


def test_instances_are_added_for_what_fits_on_one_and_go_when_they_are_idle() -> None:
    instances = host(1, least=1, most=3)
    with pytest.raises(NoCapacityError):
        instances.place(Need(3, 128), 1)
    places = instances.place(Need(2, 128), 3)
    assert len(set(where(places))) == len(instances.plan.instances) == 3
    instances.release(places[1:])
    assert instances.plan.instances == ("i-0",)
    instances.release(places[:1])
    assert instances.plan.instances == ("i-0",), "as many as must be"
    none = host(1, least=0, most=1)
    none.release(none.place(SMALL, 1))
    assert none.plan.instances == ()
    assert len(set(where(none.place(SMALL, 2)))) == 1


def test_a_restart_gives_the_same_room_again() -> None:
    instances = host(1, least=1, most=2)
    taken = instances.take(["i-0", "i-9"], Need(2, 128))
    assert instances.plan.instances == ("i-0", "i-9")
    with pytest.raises(NoCapacityError):
        instances.place(Need(0.25, 128), 1)
    instances.release(taken)
    assert len(instances.plan.instances) == 1


def test_another_number_of_instances() -> None:
    instances = host(2)
    places = instances.place(SMALL, 2)
    with pytest.raises(NoCapacityError, match="cannot have 1 instances: copies are on 2 of them"):
        instances.resize(1)
    assert len(instances.plan.instances) == 2
    instances.release(places[:1])
    instances.resize(1)
    assert list(instances.plan.instances) == where(places[1:])
    instances.resize(3)
    instances.release(places[1:])
    assert len(instances.plan.instances) == 3, "nobody lets them go but who asked for them"
