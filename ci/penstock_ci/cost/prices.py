"""The price list: a dated file beside this module, typed."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("prices.yaml")


@dataclass(frozen=True, kw_only=True)
class Price:
    """A price of one unit.

    Attributes:
        usd: US dollars for one unit.
        unit: What one unit is: "key and month", "GB and month".
        source: The title of AWS's page that it is from.
    """

    usd: float
    unit: str
    source: str


@dataclass(frozen=True, kw_only=True)
class Prices:
    """AWS's list prices of one region.

    Attributes:
        date: The day up to which the prices are known to hold.
        region: Whose prices they are.
        hours: The hours of a month.
        monthly: Prices by type and month.
        hourly: Prices by type and hour.
        alarm: A metric's alarm, by the month.
        fast_alarm: The same with a period below 60 seconds.
        interface_endpoint: An interface endpoint in one availability zone, by the hour.
        hosting: Instances of endpoints, by the hour.
        notebooks: Instances of notebooks, by the hour.
        tracking_servers: MLflow tracking servers, by their size and hour.
        serverless: Serverless endpoints, by use.
        by_use: Prices of types that cost by use alone.
        free: Types that cost nothing by themselves.
    """

    date: datetime.date
    region: str
    hours: int
    monthly: Mapping[str, Price]
    hourly: Mapping[str, Price]
    alarm: Price
    fast_alarm: Price
    interface_endpoint: Price
    hosting: Mapping[str, Price]
    notebooks: Mapping[str, Price]
    tracking_servers: Mapping[str, Price]
    serverless: tuple[Price, ...]
    by_use: Mapping[str, tuple[Price, ...]]
    free: frozenset[str]


def load(file: Path = FILE) -> Prices:
    """The price list in a file.

    Raises:
        ValueError: the file is no price list; the message names the file and the part.
    """
    import yaml

    content = yaml.safe_load(file.read_text(encoding="utf-8"))
    try:
        return _prices(content)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ValueError(f"{file}: no price list: {type(error).__name__}: {error}") from error


def _prices(content: Any) -> Prices:
    sources = content["sources"]

    def price(entry: Mapping[str, Any]) -> Price:
        usd = float(entry["usd"])
        if usd <= 0:
            raise ValueError(f"{entry} is no price")
        return Price(usd=usd, unit=str(entry["unit"]), source=str(sources[entry["source"]]))

    def instances(entry: Mapping[str, Any]) -> dict[str, Price]:
        return {name: price({**entry, "usd": usd}) for name, usd in entry["usd"].items()}

    date = content["date"]
    if not isinstance(date, datetime.date):
        raise TypeError(f"date: {date!r} is no date")
    return Prices(
        date=date,
        region=str(content["region"]),
        hours=int(content["hours_a_month"]),
        monthly={name: price(entry) for name, entry in content["monthly"].items()},
        hourly={name: price(entry) for name, entry in content["hourly"].items()},
        alarm=price(content["alarms"]["standard"]),
        fast_alarm=price(content["alarms"]["high_resolution"]),
        interface_endpoint=price(content["interface_endpoint"]),
        hosting=instances(content["hosting"]),
        notebooks=instances(content["notebooks"]),
        tracking_servers=instances(content["tracking_servers"]),
        serverless=tuple(price(entry) for entry in content["serverless"]),
        by_use={name: tuple(price(entry) for entry in entries) for name, entries in content["by_use"].items()},
        free=frozenset(content["free"]),
    )
