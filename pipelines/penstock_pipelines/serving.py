"""The `endpoint` and `card` sections of penstock.yaml: read by the model's Pulumi program, checked here for editors too.

`penstock_infra.serving` and `penstock_infra.card` read the same keys; a test compares the two.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Strategy = Literal["all_at_once", "canary", "linear", "rolling", "shadow", "ab", "batch", "async", "serverless"]
InstanceType = Annotated[str, Field(pattern=r"^ml\.[a-z0-9-]+\.[a-z0-9]+$")]
Cron = Annotated[str, Field(pattern=r"^(cron|rate|at)\(.+\)$")]
Instances = Annotated[int, Field(ge=1, le=100)]
Text = Annotated[str, Field(max_length=2048)]


class Section(BaseModel):
    """A mapping that refuses unknown keys and cannot be changed after it was read."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class TrafficSection(Section):
    """How traffic moves to a new version."""

    step_percent: Annotated[int, Field(ge=1, le=50)] = 20
    """Percent of the capacity that moves in one step (canary: the first step of two)."""
    wait_seconds: Annotated[int, Field(ge=0, le=3600)] | None = None
    """Seconds that the alarms are watched after each step; left out: 300 where traffic moves in steps, else 0."""
    termination_wait_seconds: Annotated[int, Field(ge=0, le=3600)] = 0
    """Seconds that the old fleet is kept after the last step (not of rolling)."""
    timeout_seconds: Annotated[int, Field(ge=600, le=14400)] = 3600
    """Seconds after which the deployment is given up and rolled back."""


class AlarmSection(Section):
    """When a version counts as failing."""

    error_percent: Annotated[float, Field(gt=0, le=100)] = 1.0
    """Percent of requests answered with a 5xx."""
    latency_milliseconds: Annotated[int, Field(ge=1, le=60000)] = 2000
    """Mean time in the model, milliseconds (async: in the queue)."""
    period_seconds: Literal[60, 120, 300] = 60
    """Seconds that are looked at at once."""
    periods: Annotated[int, Field(ge=1, le=10)] = 1
    """Periods in a row that must fail."""


class ScheduleSection(Section):
    """A change of the capacity at a time of day."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,31}$")]
    """What the schedule is for: `night`."""
    when: Cron
    """cron(...), rate(...) or at(...) of Application Auto Scaling."""
    timezone: str = "UTC"
    """IANA name of the time zone of `when`."""
    minimum: Annotated[int, Field(ge=0, le=100)]
    """Least instances from then on."""
    maximum: Annotated[int, Field(ge=0, le=100)]
    """Most instances from then on."""


class ScalingSection(Section):
    """Auto scaling of the live variant by target tracking, and by the clock."""

    minimum: Annotated[int, Field(ge=0, le=100)] = 1
    """Least instances (0: async only)."""
    maximum: Instances = 2
    """Most instances."""
    target: Annotated[float, Field(gt=0)] = 70.0
    """Requests per instance and minute (async: waiting requests per instance; serverless: percent of the provisioned
    concurrency in use)."""
    scale_in_seconds: Annotated[int, Field(ge=0, le=3600)] = 300
    """Seconds between two steps down."""
    scale_out_seconds: Annotated[int, Field(ge=0, le=3600)] = 60
    """Seconds between two steps up."""
    schedules: tuple[ScheduleSection, ...] = ()
    """Changes of the limits by the clock."""


class ShadowSection(Section):
    """A challenger that gets copies of requests; its answers go nowhere but into the capture."""

    request_percent: Instances = 100
    """Percent of the requests that are copied."""
    instance_count: Instances = 1
    """Instances of the challenger."""


class AbSection(Section):
    """A challenger that answers a share of the requests."""

    challenger_percent: Annotated[int, Field(ge=1, le=99)] = 10
    """Percent of the requests."""
    instance_count: Instances = 1
    """Instances of the challenger."""


class ServerlessSection(Section):
    """An endpoint without instances: paid for by the request, slow after a pause."""

    memory_megabytes: Literal[1024, 2048, 3072, 4096, 5120, 6144] = 2048
    """Memory, MB."""
    max_concurrency: Annotated[int, Field(ge=1, le=200)] = 5
    """Requests at the same time; more are throttled."""
    provisioned_concurrency: Annotated[int, Field(ge=1, le=200)] | None = None
    """Requests at the same time that never start cold; costs by the hour."""


class AsyncInferenceSection(Section):
    """Requests and answers in S3, up to 1 GB and an hour each, from a queue."""

    concurrent_requests: Annotated[int, Field(ge=1, le=1000)] = 4
    """Requests at the same time per instance."""
    notify: bool = True
    """Tell two SNS topics of what succeeded and what failed."""


class BatchSection(Section):
    """No endpoint: a transform job over a folder of S3, at set times or when asked for."""

    schedule: Cron | None = None
    """cron(...), rate(...) or at(...) of EventBridge Scheduler."""
    timezone: str = "UTC"
    """IANA name of the time zone of `schedule`."""
    content_type: str = "text/csv"
    """Media type of input and output, one record a line."""
    max_payload_megabytes: Annotated[int, Field(ge=1, le=100)] = 6
    """Largest request to the model, MB."""


class EndpointSection(Section):
    """How an approved version is served."""

    enabled: bool = True
    """The off switch: false takes the endpoint away, not the versions."""
    strategy: Strategy = "all_at_once"
    """How traffic moves to a new version."""
    instance_type: InstanceType = "ml.m5.large"
    """Instance type of the endpoint."""
    instance_count: Instances = 1
    """Number of instances that a deployment starts with."""
    data_capture_percent: Annotated[int, Field(ge=0, le=100)] = 100
    """Share of the requests that are captured for the monitors, percent; 0 turns capture off."""
    traffic: TrafficSection = TrafficSection()
    """Steps and waits (canary, linear, rolling)."""
    alarms: AlarmSection = AlarmSection()
    """What undoes a deployment."""
    scaling: ScalingSection | None = None
    """Left out: as many instances as instance_count."""
    shadow: ShadowSection = ShadowSection()
    """Of strategy shadow."""
    ab: AbSection = AbSection()
    """Of strategy ab."""
    serverless: ServerlessSection = ServerlessSection()
    """Of strategy serverless."""
    async_inference: AsyncInferenceSection = AsyncInferenceSection()
    """Of strategy async."""
    batch: BatchSection = BatchSection()
    """Of strategy batch."""


class CardSection(Section):
    """What people must know of the model before they use it: its model card."""

    purpose: Text = ""
    """The question that the model answers."""
    intended_uses: Text = ""
    """Where it may be used, and where not."""
    factors: Text = ""
    """What makes its answers better or worse."""
    risk_rating: Literal["High", "Medium", "Low", "Unknown"] = "Unknown"
    """The harm of errors."""
    risk_reason: Text = ""
    """Why that rating."""
    ethical_considerations: Text = ""
    """Whom wrong answers hurt."""
    caveats: Text = ""
    """Limits and advice for its users."""
    status: Literal["Draft", "PendingReview", "Approved", "Archived"] = "Draft"
    """How far the card's own review is."""
