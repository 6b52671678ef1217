"""Stage 4: the first months of flights and weather, and the planes, in the raw zone."""

from __future__ import annotations

from calendar import month_abbr
from collections.abc import Iterable

from penstock_ci.demo import source
from penstock_ci.demo.session import Facts, Session


def land(session: Session, months: Iterable[int], *, planes: bool = False) -> dict[str, int]:
    """Months arrive in the raw zone; rows by table."""
    months = tuple(months)
    session.say(f"{month_abbr[months[0]]} to {month_abbr[months[-1]]} {source.YEAR} land")
    return source.land(
        session.client("s3"), session.outputs["rawBucket"], months, session.settings.sample, planes=planes
    )


def run(session: Session) -> Facts:
    """Land them."""
    months = session.settings.calendar.first
    rows = land(session, months, planes=True)
    return {
        "months": f"{month_abbr[months[0]]} to {month_abbr[months[-1]]} {source.YEAR}",
        **{f"{name}, rows": count for name, count in rows.items()},
    }
