"""Room for copies on the instances of a variant: CPU cores and memory, as each copy requires them.

AWS does not say how much of an instance it keeps for itself; here all of it is for copies. Which instance a copy is
placed on decides what fits, and stands in the name of its log stream; the process runs on this machine like all others.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from penstock_services.execution.instances import memory_on_aws, vcpus_on_aws
from penstock_services.sagemaker.endpoints.plan import HostPlan, new_instance

_TINY = 1e-9


class NoCapacityError(Exception):
    """There is no room for a copy; the text is a FailureReason."""


@dataclass(frozen=True)
class Need:
    """What one copy requires: CPU cores, and memory in MB."""

    cpus: float
    memory: int


@dataclass(frozen=True, eq=False)
class Place:
    """The room of one copy on an instance."""

    instance: str
    need: Need


class Host:
    """The instances of one variant, which ``plan`` names as they are now, and the copies on them.

    Safe to use from several threads.
    """

    def __init__(self, plan: HostPlan) -> None:
        self.plan = plan
        self._places: list[Place] = []
        self._lock = threading.Lock()

    @property
    def room(self) -> Need | None:
        """What one instance has; None for a type that is not known, on which everything fits."""
        cpus, memory = vcpus_on_aws(self.plan.instance_type), memory_on_aws(self.plan.instance_type)
        return None if cpus is None or memory is None else Need(float(cpus), memory >> 20)

    def place(self, need: Need, count: int, beside: Sequence[Place] = (), *, pack: bool = False) -> list[Place]:
        """Room for ``count`` copies, all or none; instances are added as far as ManagedInstanceScaling allows.

        Copies are spread over the instances, ``beside`` their like; with ``pack`` on as few as possible. Raises
        NoCapacityError.
        """
        with self._lock:
            instances, found = list(self.plan.instances), list[Place]()
            for _ in range(count):
                fitting = [each for each in instances if self._fits(each, need, found)]
                if not fitting and len(instances) < self.plan.most and self._fits("", need, []):
                    fitting = [new_instance()]
                    instances += fitting
                if not fitting:
                    raise NoCapacityError(self._lacking(need, count))
                if pack:
                    chosen = max(fitting, key=lambda each: self._used(each, found).memory)
                else:
                    chosen = min(fitting, key=lambda each: _number(each, [*beside, *found]))
                found.append(Place(chosen, need))
            self._be(instances)
            self._places += found
            return found

    def take(self, instances: Iterable[str], need: Need) -> list[Place]:
        """The room that copies had on those instances before a restart."""
        with self._lock:
            taken = [Place(each, need) for each in instances]
            here = self.plan.instances
            self._be([*here, *sorted({each.instance for each in taken} - set(here))])
            self._places += taken
            return taken

    def release(self, places: Iterable[Place]) -> None:
        """Give room back. Instances without copies go as far as ManagedInstanceScaling allows."""
        with self._lock:
            gone = set(places)
            self._places = [each for each in self._places if each not in gone]
            if self.plan.least < self.plan.most:
                self._shrink(self.plan.least)

    def resize(self, count: int) -> None:
        """Be that many instances from now on. Raises NoCapacityError where copies are on too many of them."""
        with self._lock:
            before = self.plan
            self._be([*before.instances, *(new_instance() for _ in range(count - len(before.instances)))])
            self._shrink(count)
            if len(self.plan.instances) > count:
                busy = len({each.instance for each in self._places})
                self.plan = before
                message = f"Variant {before.name} cannot have {count} instances: copies are on {busy} of them."
                raise NoCapacityError(message)
            self.plan = replace(self.plan, least=count, most=count)

    def weigh(self, weight: float) -> None:
        """Have another weight, on which nothing depends: requests name a component."""
        with self._lock:
            self.plan = replace(self.plan, weight=weight)

    def _shrink(self, count: int) -> None:
        """Let instances without copies go until there are ``count``."""
        surplus = len(self.plan.instances) - count
        idle = [each for each in self.plan.instances if _number(each, self._places) == 0][: max(0, surplus)]
        self._be([each for each in self.plan.instances if each not in idle])

    def _be(self, instances: Iterable[str]) -> None:
        self.plan = replace(self.plan, instances=tuple(instances))

    def _fits(self, instance: str, need: Need, more: list[Place]) -> bool:
        room, used = self.room, self._used(instance, more)
        return room is None or (used.cpus + need.cpus <= room.cpus + _TINY and used.memory + need.memory <= room.memory)

    def _used(self, instance: str, more: list[Place]) -> Need:
        needs = [each.need for each in (*self._places, *more) if each.instance == instance]
        return Need(sum(each.cpus for each in needs), sum(each.memory for each in needs))

    def _lacking(self, need: Need, count: int) -> str:
        room = self.room or need
        return (
            f"There is not enough capacity for {count} more {'copy' if count == 1 else 'copies'}, each with "
            f"{need.cpus:g} CPU cores and {need.memory} MB of memory, on the instances of variant {self.plan.name} "
            f"({len(self.plan.instances)} of {self.plan.instance_type} with {room.cpus:g} CPU cores and {room.memory} MB "
            f"each; at most {self.plan.most})."
        )


def _number(instance: str, places: Iterable[Place]) -> int:
    return sum(1 for each in places if each.instance == instance)
