"""A month's cost of a plan: pure, from its resources and the price list.

What stands there all month is summed. What costs by use is listed with its unit prices, and what the price list does not
know is listed as such: both are outside of the sum.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from penstock_ci.cost.prices import Price, Prices
from penstock_ci.plans import PlannedResource

ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"
CONFIGURATION = "aws:sagemaker/endpointConfiguration:EndpointConfiguration"
ENDPOINT = "aws:sagemaker/endpoint:Endpoint"
NOTEBOOK = "aws:sagemaker/notebookInstance:NotebookInstance"
TRACKING_SERVER = "aws:sagemaker/mlflowTrackingServer:MlflowTrackingServer"
VPC_ENDPOINT = "aws:ec2/vpcEndpoint:VpcEndpoint"
SHORT_PERIOD = 60
"""Seconds: an alarm that looks more often is of high resolution."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """What one resource costs in a month.

    Attributes:
        type: Pulumi's type token.
        name: The resource's name in the program.
        monthly: US dollars a month.
        what: How that comes about: "1 x ml.m5.large, 730 hours at 0.115".
        price: The price of one unit.
    """

    type: str
    name: str
    monthly: float
    what: str
    price: Price


@dataclass(frozen=True, kw_only=True)
class UseLine:
    """What resources of one type cost by use.

    Attributes:
        type: Pulumi's type token.
        names: The resources' names.
        prices: The prices of what they are used for.
    """

    type: str
    names: tuple[str, ...]
    prices: tuple[Price, ...]


@dataclass(frozen=True, kw_only=True)
class UnknownLine:
    """A resource without a known price, and why."""

    type: str
    name: str
    why: str


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A month's cost. `monthly` is the sum of the lines, in US dollars."""

    lines: tuple[Line, ...] = ()
    by_use: tuple[UseLine, ...] = ()
    unknown: tuple[UnknownLine, ...] = ()

    @property
    def monthly(self) -> float:
        """US dollars a month for what stands there all month."""
        return round(sum(line.monthly for line in self.lines), 2)

    def document(self, prices: Prices) -> dict[str, Any]:
        """The estimate for `--json`."""
        return {
            "label": "estimate",
            "currency": "USD",
            "monthly": self.monthly,
            "prices": {"region": prices.region, "date": prices.date.isoformat(), "hours_a_month": prices.hours},
            "lines": [asdict(line) for line in self.lines],
            "by_use": [asdict(line) for line in self.by_use],
            "unknown": [asdict(line) for line in self.unknown],
        }


@dataclass
class _Sheet:
    """Lines as they come together."""

    lines: list[Line] = field(default_factory=list)
    by_use: dict[str, tuple[list[str], tuple[Price, ...]]] = field(default_factory=dict)
    unknown: list[UnknownLine] = field(default_factory=list)

    def stands(self, resource: PlannedResource, price: Price, units: float, what: str) -> None:
        self.lines.append(
            Line(type=resource.type, name=resource.name, monthly=round(price.usd * units, 4), what=what, price=price)
        )

    def used(self, resource: PlannedResource, prices: tuple[Price, ...]) -> None:
        self.by_use.setdefault(resource.type, ([], prices))[0].append(resource.name)

    def not_known(self, resource: PlannedResource, why: str) -> None:
        self.unknown.append(UnknownLine(type=resource.type, name=resource.name, why=why))


def estimate(resources: Iterable[PlannedResource], prices: Prices) -> Estimate:
    """What the resources of a plan cost in a month, once it has been carried out."""
    kept = [resource for resource in resources if resource.operation != "delete"]
    configurations = [resource for resource in kept if resource.type == CONFIGURATION]
    sheet = _Sheet()
    for resource in kept:
        _enter(resource, configurations, prices, sheet)
    return Estimate(
        lines=tuple(sorted(sheet.lines, key=lambda line: (-line.monthly, line.type, line.name))),
        by_use=tuple(
            UseLine(type=type_, names=tuple(names), prices=unit_prices)
            for type_, (names, unit_prices) in sorted(sheet.by_use.items())
        ),
        unknown=tuple(sorted(sheet.unknown, key=lambda line: (line.type, line.name))),
    )


def together(estimates: Iterable[Estimate]) -> Estimate:
    """Several projects' estimates as one."""
    whole = list(estimates)
    by_use: dict[str, UseLine] = {}
    for use in (line for entry in whole for line in entry.by_use):
        before = by_use.get(use.type)
        by_use[use.type] = use if before is None else replace(before, names=(*before.names, *use.names))
    return Estimate(
        lines=tuple(line for entry in whole for line in entry.lines),
        by_use=tuple(by_use.values()),
        unknown=tuple(line for entry in whole for line in entry.unknown),
    )


def _enter(resource: PlannedResource, configurations: Sequence[PlannedResource], prices: Prices, sheet: _Sheet) -> None:
    type_, inputs = resource.type, resource.inputs
    if type_ in prices.monthly:
        price = prices.monthly[type_]
        sheet.stands(resource, price, 1, f"1 {price.unit.removesuffix(' and month')}")
    elif type_ in prices.hourly:
        price = prices.hourly[type_]
        sheet.stands(resource, price, prices.hours, f"{prices.hours} hours at {price.usd:g}")
    elif type_ == ALARM:
        _alarm(resource, prices, sheet)
    elif type_ == VPC_ENDPOINT:
        if inputs.get("vpcEndpointType", "Gateway") == "Interface":
            zones = max(1, len(inputs.get("subnetIds") or []))
            price = prices.interface_endpoint
            sheet.stands(resource, price, zones * prices.hours, f"{zones} zones, {prices.hours} hours at {price.usd:g}")
    elif type_ == NOTEBOOK:
        _instances(resource, str(inputs.get("instanceType")), 1, prices.notebooks, prices.hours, sheet)
    elif type_ == TRACKING_SERVER:
        size = str(inputs.get("trackingServerSize") or "Small")
        _instances(resource, size, 1, prices.tracking_servers, prices.hours, sheet)
    elif type_ == ENDPOINT:
        _endpoint(resource, configurations, prices, sheet)
    elif type_ in prices.by_use:
        sheet.used(resource, prices.by_use[type_])
    elif type_ not in prices.free:
        sheet.not_known(resource, "the price list does not know this type")


def _alarm(resource: PlannedResource, prices: Prices, sheet: _Sheet) -> None:
    metrics = [
        query["metric"]
        for query in resource.inputs.get("metricQueries") or []
        if isinstance(query, Mapping) and isinstance(query.get("metric"), Mapping)
    ]
    periods = [metric.get("period") for metric in metrics] or [resource.inputs.get("period")]
    price = prices.fast_alarm if any(_is_short(period) for period in periods) else prices.alarm
    sheet.stands(resource, price, len(periods), f"{len(periods)} metric{'s' if len(periods) > 1 else ''}")


def _is_short(period: Any) -> bool:
    return isinstance(period, int | float) and period < SHORT_PERIOD


def _endpoint(
    endpoint: PlannedResource, configurations: Sequence[PlannedResource], prices: Prices, sheet: _Sheet
) -> None:
    wanted = endpoint.inputs.get("endpointConfigName")
    configuration = next(
        (entry for entry in configurations if entry.inputs.get("name") == wanted),
        configurations[0] if len(configurations) == 1 else None,
    )
    if configuration is None:
        sheet.not_known(endpoint, "its configuration is not in this stack, or not known yet")
        return
    for variant in _variants(configuration):
        if variant.get("serverlessConfig"):
            sheet.used(endpoint, prices.serverless)
        else:
            count = variant.get("initialInstanceCount", 1)
            count = int(count) if isinstance(count, int | float) else 1
            _instances(endpoint, str(variant.get("instanceType")), count, prices.hosting, prices.hours, sheet)


def _variants(configuration: PlannedResource) -> Iterator[Mapping[str, Any]]:
    for key in ("productionVariants", "shadowProductionVariants"):
        for variant in configuration.inputs.get(key) or []:
            if isinstance(variant, Mapping):
                yield variant


def _instances(
    resource: PlannedResource, instance_type: str, count: int, known: Mapping[str, Price], hours: int, sheet: _Sheet
) -> None:
    price = known.get(instance_type)
    if price is None:
        sheet.not_known(resource, f"the price list does not know {instance_type}")
    else:
        sheet.stands(resource, price, count * hours, f"{count} x {instance_type}, {hours} hours at {price.usd:g}")
