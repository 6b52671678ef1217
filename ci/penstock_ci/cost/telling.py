"""An estimate as people read it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from penstock_ci.cost.estimate import Estimate
    from penstock_ci.cost.prices import Prices
    from penstock_ci.output import Output


def summary(found: Estimate, prices: Prices) -> str:
    """One line: the sum, what is outside of it, and how old the prices are."""
    outside = []
    if found.by_use:
        outside.append(f"{sum(len(line.names) for line in found.by_use)} by use")
    if found.unknown:
        outside.append(f"{len(found.unknown)} without a known price")
    without = f"; not in it: {', '.join(outside)}" if outside else ""
    prices_of = f"list prices of {prices.region}, {prices.date.isoformat()}"
    return f"estimate: {found.monthly:,.2f} USD a month ({prices_of}){without}"


def show(output: Output, found: Estimate, prices: Prices) -> None:
    """The whole estimate: what stands there all month, what costs by use, what is not known, and the sum."""
    if found.lines:
        output.table(
            ["USD a month", "resource", "type", "how"],
            [[f"{line.monthly:,.2f}", line.name, line.type, line.what] for line in found.lines],
        )
    if found.by_use:
        output.line("\nby use, not in the sum (USD):")
        for use in found.by_use:
            units = "; ".join(f"{_amount(price.usd)} per {price.unit}" for price in use.prices)
            output.line(f"  {use.type} ({', '.join(use.names)}): {units}")
    if found.unknown:
        output.line("\nwithout a known price, not in the sum:")
        for line in found.unknown:
            output.line(f"  {line.type} {line.name}: {line.why}")
    output.line(("\n" if found.lines or found.by_use or found.unknown else "") + summary(found, prices))


def _amount(usd: float) -> str:
    """A unit's price without needless digits: 0.023, 0.0000166667, 5."""
    return f"{usd:.10f}".rstrip("0").rstrip(".")
