"""What the raw data must look like. The pipeline stops at Validate where they do not, and says which rule broke."""

import pandera.pandas as pa

CARRIER = r"^[0-9A-Z]{2}$"
AIRPORT = r"^[A-Z]{3}$"


def _minutes(column: str, low: int, high: int) -> pa.Column:
    return pa.Column(float, pa.Check.in_range(low, high), nullable=True, coerce=True, name=column)


FLIGHTS = pa.DataFrameSchema(
    {
        "year": pa.Column(int, pa.Check.in_range(1987, 2100), coerce=True),
        "month": pa.Column(int, pa.Check.in_range(1, 12), coerce=True),
        "day": pa.Column(int, pa.Check.in_range(1, 31), coerce=True),
        "hour": pa.Column(int, pa.Check.in_range(0, 24), coerce=True),
        "minute": pa.Column(int, pa.Check.in_range(0, 59), coerce=True),
        "time_hour": pa.Column(str, pa.Check.str_matches(r"^\d{4}-\d{2}-\d{2}[T ]\d{2}:00:00"), coerce=True),
        "carrier": pa.Column(str, pa.Check.str_matches(CARRIER)),
        "flight": pa.Column(int, pa.Check.ge(1), coerce=True),
        "tailnum": pa.Column(str, nullable=True),
        "origin": pa.Column(str, pa.Check.str_matches(AIRPORT)),
        "dest": pa.Column(str, pa.Check.str_matches(AIRPORT)),
        "distance": pa.Column(float, pa.Check.in_range(1, 12_500), coerce=True),
        "dep_delay": _minutes("dep_delay", -120, 3_000),
        "arr_delay": _minutes("arr_delay", -180, 3_000),
        "air_time": _minutes("air_time", 1, 1_200),
    },
    unique=["time_hour", "minute", "carrier", "flight", "origin"],
    name="flights",
)

WEATHER = pa.DataFrameSchema(
    {
        "origin": pa.Column(str, pa.Check.str_matches(AIRPORT)),
        "time_hour": pa.Column(str, pa.Check.str_matches(r"^\d{4}-\d{2}-\d{2}[T ]\d{2}:00:00"), coerce=True),
        "temp": pa.Column(float, pa.Check.in_range(-60, 140), nullable=True, coerce=True),
        "humid": pa.Column(float, pa.Check.in_range(0, 100), nullable=True, coerce=True),
        # No upper bound: anemometers do break (1,048 mph on 12 February 2013); ingest drops what cannot be.
        "wind_speed": pa.Column(float, pa.Check.ge(0), nullable=True, coerce=True),
        "wind_gust": pa.Column(float, pa.Check.ge(0), nullable=True, coerce=True),
        "precip": pa.Column(float, pa.Check.in_range(0, 20), nullable=True, coerce=True),
        "pressure": pa.Column(float, pa.Check.in_range(850, 1_100), nullable=True, coerce=True),
        "visib": pa.Column(float, pa.Check.in_range(0, 10), nullable=True, coerce=True),
    },
    unique=["origin", "time_hour"],
    name="weather",
)

PLANES = pa.DataFrameSchema(
    {
        "tailnum": pa.Column(str, pa.Check.str_length(1, 8)),
        "year": pa.Column(float, pa.Check.in_range(1903, 2100), nullable=True, coerce=True),
        "seats": pa.Column(float, pa.Check.in_range(1, 900), nullable=True, coerce=True),
    },
    unique=["tailnum"],
    name="planes",
)

TABLES = {"flights": FLIGHTS, "weather": WEATHER, "planes": PLANES}
