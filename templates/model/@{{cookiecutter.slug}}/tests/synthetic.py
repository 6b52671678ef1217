"""Small raw tables in the form of the real ones, made from a seed, so that tests need no download."""

from pathlib import Path

import numpy as np
import pandas as pd

ORIGINS = ["EWR", "JFK", "LGA"]
CARRIERS = ["AA", "B6", "UA"]
DESTINATIONS = {"BOS": (190, 40), "ORD": (730, 115), "LAX": (2450, 330)}
UTC_OFFSET = pd.Timedelta(hours=5)


def flights(first: str, days: int, a_day: int = 120, seed: int = 0) -> pd.DataFrame:
    """Flights of local days, with delays that come in waves and hit airports and airlines unequally."""
    random = np.random.default_rng(seed)
    count = days * a_day
    day = np.repeat(np.arange(days), a_day)
    minute = np.sort(random.integers(6 * 60, 22 * 60, (days, a_day)), axis=1).ravel()
    local = pd.Timestamp(first) + pd.to_timedelta(day, unit="D") + pd.to_timedelta(minute, unit="min")
    origin, carrier = random.choice(ORIGINS, count), random.choice(CARRIERS, count)
    destination = random.choice(list(DESTINATIONS), count)
    wave = 30 * np.sin(minute / 200 + day) * (origin == "EWR") + 15 * (carrier == "AA")
    departure = np.round(random.normal(0, 8, count) + np.maximum(wave, 0))
    air_time = np.array([DESTINATIONS[name][1] for name in destination], dtype=float)
    arrival = np.round(departure + random.normal(-3, 6, count))
    table = pd.DataFrame(
        {
            "year": local.year,
            "month": local.month,
            "day": local.day,
            "dep_delay": departure,
            "arr_delay": arrival,
            "carrier": carrier,
            "flight": np.arange(count) + 1,
            "tailnum": [f"N{number:03d}" for number in random.integers(0, 40, count)],
            "origin": origin,
            "dest": destination,
            "air_time": air_time,
            "distance": [DESTINATIONS[name][0] for name in destination],
            "hour": local.hour,
            "minute": local.minute,
            "time_hour": (local.floor("h") + UTC_OFFSET).strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
    )
    cancelled = random.random(count) < 0.02
    table.loc[cancelled, ["dep_delay", "arr_delay", "air_time"]] = np.nan
    return table


def weather(first: str, days: int, seed: int = 0) -> pd.DataFrame:
    """Hourly weather of the airports."""
    random = np.random.default_rng(seed)
    hours = pd.date_range(first, periods=days * 24, freq="h")
    frames = []
    for origin in ORIGINS:
        columns = {
            "temp": random.normal(50, 10, len(hours)),
            "humid": random.uniform(20, 100, len(hours)),
            "wind_speed": random.gamma(2, 4, len(hours)),
            "wind_gust": np.where(random.random(len(hours)) < 0.2, 25.0, np.nan),
            "precip": np.where(random.random(len(hours)) < 0.1, 0.1, 0.0),
            "pressure": random.normal(1015, 5, len(hours)),
            "visib": np.full(len(hours), 10.0),
        }
        times = hours.strftime("%Y-%m-%dT%H:%M:%SZ")
        frames.append(pd.DataFrame({"origin": origin, "time_hour": times, **columns}))
    return pd.concat(frames, ignore_index=True)


def planes() -> pd.DataFrame:
    """The aircraft of `flights`."""
    numbers = range(40)
    return pd.DataFrame(
        {
            "tailnum": [f"N{number:03d}" for number in numbers],
            "year": [float("nan") if number == 0 else 1990 + number % 20 for number in numbers],
            "seats": [100 + 5 * number for number in numbers],
        }
    )


def raw_zone(folder: Path, months: int = 3, days: int = 14, first: str = "2013-01-01") -> Path:
    """A raw zone with the first days of some months."""
    for number, start in enumerate(pd.date_range(first, periods=months, freq="MS")):
        tables = {
            "flights": flights(f"{start:%Y-%m-%d}", days, seed=number),
            "weather": weather(f"{start:%Y-%m-%d}", days + 1, seed=number),
        }
        for name, table in tables.items():
            place = folder / name / f"year={start.year}" / f"month={start.month:02d}"
            place.mkdir(parents=True)
            table.to_parquet(place / "part-0.parquet", index=False)
    (folder / "planes").mkdir()
    planes().to_parquet(folder / "planes" / "part-0.parquet", index=False)
    return folder
