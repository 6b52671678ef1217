"""How a model is served: the `endpoint` section of `penstock.yaml`, typed, with what AWS refuses refused here first."""

from __future__ import annotations

import re
from enum import Enum
from math import ceil
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from penstock_infra.errors import Settings

type InstanceType = Annotated[str, StringConstraints(pattern=r"^ml\.[a-z0-9-]+\.[a-z0-9]+$")]
type Cron = Annotated[str, StringConstraints(pattern=r"^(cron|rate|at)\(.+\)$")]

_LOCAL_DISKS = re.compile(r"ml\.(?:[cmr]\d+[a-z]*d[a-z]*|g[456][a-z]*|p4de?|p5[a-z]*|p3dn|i\d[a-z]*|trn\d[a-z]*)\..+")
LONGEST_UPDATE_SECONDS = 3300
"""The AWS provider waits an hour for an endpoint to be in service again; five minutes are left for new instances."""


class Strategy(Enum):
    """How a new version takes over from the one before."""

    ALL_AT_ONCE = "all_at_once"
    CANARY = "canary"
    LINEAR = "linear"
    ROLLING = "rolling"
    SHADOW = "shadow"
    AB = "ab"
    BATCH = "batch"
    ASYNC = "async"
    SERVERLESS = "serverless"

    @property
    def shifts_traffic(self) -> bool:
        """Whether old and new fleet serve side by side while traffic moves in steps."""
        return self in (Strategy.CANARY, Strategy.LINEAR, Strategy.ROLLING)

    @property
    def compares(self) -> bool:
        """Whether a second version, the challenger, runs beside the live one."""
        return self in (Strategy.SHADOW, Strategy.AB)

    @property
    def has_endpoint(self) -> bool:
        """Whether anything listens between requests."""
        return self is not Strategy.BATCH


LARGEST_STEP = {Strategy.CANARY: 50, Strategy.LINEAR: 50, Strategy.ROLLING: 50}
SMALLEST_STEP = {Strategy.CANARY: 1, Strategy.LINEAR: 10, Strategy.ROLLING: 5}


class TrafficSettings(Settings):
    """How traffic moves to a new version (canary, linear, rolling; the waits of all_at_once, shadow and async too).

    SageMaker developer guide, "Blue/Green Deployments" and "Rolling Deployments".
    """

    step_percent: int = Field(
        default=20,
        ge=1,
        le=50,
        description="percent of the capacity that moves in one step (canary: the first step of two)",
    )
    wait_seconds: int | None = Field(
        default=None,
        ge=0,
        le=3600,
        description="seconds that the alarms are watched after each step; left out: 300 where traffic moves in steps, else 0",
    )
    termination_wait_seconds: int = Field(
        default=0, ge=0, le=3600, description="seconds that the old fleet is kept after the last step (not of rolling)"
    )
    timeout_seconds: int = Field(
        default=3600, ge=600, le=14400, description="seconds after which the deployment is given up and rolled back"
    )


class AlarmSettings(Settings):
    """When a version counts as failing: the alarms that undo its deployment and tell the platform's topic."""

    error_percent: float = Field(default=1.0, gt=0, le=100, description="percent of requests answered with a 5xx")
    latency_milliseconds: int = Field(
        default=2000, ge=1, le=60000, description="mean time in the model, milliseconds (async: in the queue)"
    )
    period_seconds: Literal[60, 120, 300] = Field(default=60, description="seconds that are looked at at once")
    periods: int = Field(default=1, ge=1, le=10, description="periods in a row that must fail")


class ScheduleSettings(Settings):
    """A change of the capacity at a time of day."""

    name: str = Field(pattern=r"^[a-z][a-z0-9-]{0,31}$", description="what the schedule is for: `night`")
    when: Cron = Field(description="cron(...), rate(...) or at(...) of Application Auto Scaling")
    timezone: str = Field(default="UTC", description="IANA name of the time zone of `when`")
    minimum: int = Field(ge=0, le=100, description="least instances from then on")
    maximum: int = Field(ge=0, le=100, description="most instances from then on")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.minimum > self.maximum:
            raise ValueError(f"minimum {self.minimum} is above maximum {self.maximum}")
        return self


class ScalingSettings(Settings):
    """Auto scaling of the live variant by target tracking, and by the clock."""

    minimum: int = Field(default=1, ge=0, le=100, description="least instances (0: async only)")
    maximum: int = Field(default=2, ge=1, le=100, description="most instances")
    target: float = Field(
        default=70.0,
        gt=0,
        description="requests per instance and minute (async: waiting requests per instance; serverless: percent of "
        "the provisioned concurrency in use)",
    )
    scale_in_seconds: int = Field(default=300, ge=0, le=3600, description="seconds between two steps down")
    scale_out_seconds: int = Field(default=60, ge=0, le=3600, description="seconds between two steps up")
    schedules: tuple[ScheduleSettings, ...] = Field(default=(), description="changes of the limits by the clock")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.minimum > self.maximum:
            raise ValueError(f"minimum {self.minimum} is above maximum {self.maximum}")
        names = [schedule.name for schedule in self.schedules]
        if len(set(names)) < len(names):
            raise ValueError(f"two schedules have one name: {', '.join(names)}")
        return self


class ShadowSettings(Settings):
    """A challenger that gets copies of requests; its answers go nowhere but into the capture."""

    request_percent: int = Field(default=100, ge=1, le=100, description="percent of the requests that are copied")
    instance_count: int = Field(default=1, ge=1, le=100, description="instances of the challenger")


class AbSettings(Settings):
    """A challenger that answers a share of the requests."""

    challenger_percent: int = Field(default=10, ge=1, le=99, description="percent of the requests")
    instance_count: int = Field(default=1, ge=1, le=100, description="instances of the challenger")


class ServerlessSettings(Settings):
    """An endpoint without instances: paid for by the request, slow after a pause."""

    memory_megabytes: Literal[1024, 2048, 3072, 4096, 5120, 6144] = Field(default=2048, description="memory, MB")
    max_concurrency: int = Field(default=5, ge=1, le=200, description="requests at the same time; more are throttled")
    provisioned_concurrency: int | None = Field(
        default=None, ge=1, le=200, description="requests at the same time that never start cold; costs by the hour"
    )

    @model_validator(mode="after")
    def _within(self) -> Self:
        if self.provisioned_concurrency is not None and self.provisioned_concurrency > self.max_concurrency:
            raise ValueError("provisioned_concurrency is above max_concurrency")
        return self


class AsyncInferenceSettings(Settings):
    """Requests and answers in S3, up to 1 GB and an hour each, from a queue."""

    concurrent_requests: int = Field(default=4, ge=1, le=1000, description="requests at the same time per instance")
    notify: bool = Field(default=True, description="tell two SNS topics of what succeeded and what failed")


class BatchSettings(Settings):
    """No endpoint: a transform job over a folder of S3, at set times or when asked for."""

    schedule: Cron | None = Field(default=None, description="cron(...), rate(...) or at(...) of EventBridge Scheduler")
    timezone: str = Field(default="UTC", description="IANA name of the time zone of `schedule`")
    content_type: str = Field(default="text/csv", description="media type of input and output, one record a line")
    max_payload_megabytes: int = Field(default=6, ge=1, le=100, description="largest request to the model, MB")


class EndpointSettings(Settings):
    """The `endpoint` section: how the model is served."""

    enabled: bool = Field(default=True, description="the off switch: false takes the endpoint away, not the versions")
    strategy: Strategy = Field(default=Strategy.ALL_AT_ONCE, description="how a new version takes over")
    instance_type: InstanceType = Field(default="ml.m5.large", description="machine of each instance")
    instance_count: int = Field(default=1, ge=1, le=100, description="instances that a deployment starts with")
    data_capture_percent: int = Field(default=100, ge=0, le=100, description="percent of requests that are captured")
    traffic: TrafficSettings = TrafficSettings()
    alarms: AlarmSettings = AlarmSettings()
    scaling: ScalingSettings | None = Field(default=None, description="left out: as many instances as instance_count")
    shadow: ShadowSettings = ShadowSettings()
    ab: AbSettings = AbSettings()
    serverless: ServerlessSettings = ServerlessSettings()
    async_inference: AsyncInferenceSettings = AsyncInferenceSettings()
    batch: BatchSettings = BatchSettings()

    @model_validator(mode="after")
    def _as_aws_takes_it(self) -> Self:
        strategy = self.strategy
        if strategy.shifts_traffic:
            self._check_steps()
        if self.update_seconds >= self.traffic.timeout_seconds:
            raise ValueError(
                f"traffic.timeout_seconds: {self.traffic.timeout_seconds} s are over before the {self.update_seconds} s of "
                "waiting are"
            )
        if strategy is Strategy.BATCH and self.scaling is not None:
            raise ValueError("scaling: a transform job has a fixed number of instances; take `scaling` out")
        if strategy is Strategy.SERVERLESS and self.scaling is not None:
            if self.serverless.provisioned_concurrency is None:
                raise ValueError(
                    "scaling: a serverless endpoint scales by itself; what is scaled is serverless.provisioned_concurrency"
                )
            if self.scaling.minimum < 1:
                raise ValueError("scaling.minimum: at least 1 of provisioned concurrency")
        elif strategy is not Strategy.ASYNC and self.scaling is not None and self.scaling.minimum < 1:
            raise ValueError("scaling.minimum: only an async endpoint can do without any instance; take at least 1")
        return self

    def _check_steps(self) -> None:
        name, step = self.strategy.value, self.traffic.step_percent
        if self.first_instances < 2:
            raise ValueError(
                f"strategy {name}: a step is at most half of the fleet, so instance_count (or scaling.minimum) must be "
                "at least 2; one instance can be exchanged all_at_once"
            )
        if not SMALLEST_STEP[self.strategy] <= step <= LARGEST_STEP[self.strategy]:
            raise ValueError(
                f"traffic.step_percent: {name} takes {SMALLEST_STEP[self.strategy]} to {LARGEST_STEP[self.strategy]}"
            )
        if self.update_seconds > LONGEST_UPDATE_SECONDS:
            raise ValueError(
                f"traffic: {name} in steps of {step} % would take {self.update_seconds} s of waiting, and the AWS provider "
                f"waits an hour; take larger steps or less wait_seconds (at most {LONGEST_UPDATE_SECONDS} s together)"
            )

    @property
    def captures(self) -> bool:
        """Whether SageMaker captures what the endpoint is asked and answers: of real-time endpoints that are on."""
        uncaptured = (Strategy.SERVERLESS, Strategy.ASYNC, Strategy.BATCH)
        return self.enabled and self.data_capture_percent > 0 and self.strategy not in uncaptured

    @property
    def wait_seconds(self) -> int:
        """How long the alarms are watched after each step."""
        if self.traffic.wait_seconds is not None:
            return self.traffic.wait_seconds
        return 300 if self.strategy.shifts_traffic else 0

    @property
    def steps(self) -> int:
        """How many steps the traffic moves in."""
        if self.strategy is Strategy.CANARY:
            return 2
        return ceil(100 / self.traffic.step_percent) if self.strategy.shifts_traffic else 1

    @property
    def update_seconds(self) -> int:
        """How long a deployment waits at least, apart from starting instances."""
        return self.steps * self.wait_seconds + self.traffic.termination_wait_seconds

    @property
    def first_instances(self) -> int:
        """The instances that a deployment starts with: never fewer than auto scaling keeps."""
        least = self.scaling.minimum if self.scaling is not None and self.strategy is not Strategy.SERVERLESS else 0
        return max(self.instance_count, least)

    @property
    def disks_take_a_key(self) -> bool:
        """Whether SageMaker takes a KMS key for the instances' disks.

        Instances with disks of their own are encrypted by the hardware, and SageMaker refuses a key for them; a
        serverless endpoint has no disks (API reference, CreateEndpointConfig, `KmsKeyId`).
        """
        return self.strategy is not Strategy.SERVERLESS and _LOCAL_DISKS.fullmatch(self.instance_type) is None
