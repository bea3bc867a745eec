"""The cost notebook's and the report's tables, as rows of text: one place decides how dollars and ranges read."""

from collections.abc import Sequence

from alpaca_nb.costs.accounting import SECONDS_PER_HOUR, StageCost, electricity_dollars
from alpaca_nb.costs.claims import CheckedClaim
from alpaca_nb.costs.projection import ARTICLE_REQUEST, MODEST_EFFICIENCY
from alpaca_nb.costs.stage import TEACHER_TODAY, Analysis

COST_HEADER = ("Stage", "Seconds", "Core hours", "Teacher $", "Electricity $", "Rent $")
CLAIM_HEADER = ("Claim", "Claimed", "Recomputed", "Unit", "Verdict", "This run")


def cost_rows(costs: Sequence[StageCost]) -> list[tuple[str, ...]]:
    """One row a stage, under `COST_HEADER`."""
    return [
        (
            cost.stage,
            f"{cost.seconds:,.1f}",
            f"{cost.core_hours:.3f}",
            f"{cost.teacher_usd:.4f}",
            f"{cost.electricity_usd:.5f}",
            f"{cost.rental_usd:.4f}",
        )
        for cost in costs
    ]


def claim_rows(claims: Sequence[CheckedClaim]) -> list[tuple[str, ...]]:
    """One row a claim, under `CLAIM_HEADER`."""
    return [
        (c.claim.claim, amount(c.claim.value), amount_range(c.low, c.high), c.claim.unit, c.verdict, c.this_run)
        for c in claims
    ]


def projection_rows(analysis: Analysis) -> list[tuple[str, str]]:
    """The projection as (what, how much) for the notebook's and the report's table."""
    data, rates = analysis.data, analysis.rates
    rows = [
        (
            f"Requests for {data.rows:,} rows, {ARTICLE_REQUEST.rows_kept:.0f} kept of 16 (assumed)",
            f"{data.requests:,}",
        ),
        ("Tokens read and written", f"{data.prompt_tokens / 1e6:.1f} M and {data.completion_tokens / 1e6:.1f} M"),
        *((f"Data with {bill.model} (price of {bill.as_of})", dollars(bill.usd)) for bill in analysis.bills),
    ]
    if analysis.own_request and analysis.own_data_usd is not None:
        rows.append(
            (
                f"Data with {TEACHER_TODAY} at this run's {analysis.own_request.rows_kept:.1f} rows a request",
                dollars(analysis.own_data_usd),
            )
        )
    rows += [
        ("The article's 24 A100 hours, rents of March 2023", dollar_range(analysis.rent_then)),
        ("The same 24 hours, rents since August 2026", dollar_range(analysis.rent_now)),
        (
            f"7B, 3 epochs, packed, one H200 at {MODEST_EFFICIENCY:.0%} of its measured speed (estimate)",
            f"{analysis.h200_hours:.1f} h, {dollars(analysis.h200_usd)} at ${rates.usd_per_gpu_hour:.2f} an hour",
        ),
    ]
    if analysis.training_seconds_here is not None:
        seconds = analysis.training_seconds_here
        power = electricity_dollars(seconds, rates.watts, rates.usd_per_kwh)
        rows.append(
            (
                f"This run's model on this machine, {data.rows:,} rows",
                f"{seconds / SECONDS_PER_HOUR:.1f} h, {dollars(power)} of electricity",
            )
        )
    return rows


def amount(value: float) -> str:
    """A number as one reads it: whole where it is whole or large, else two decimals."""
    return f"{value:,.0f}" if float(value).is_integer() or abs(value) >= 1000 else f"{value:,.2f}"


def amount_range(low: float, high: float) -> str:
    """A range of numbers, or the one number."""
    return amount(low) if low == high else f"{amount(low)} to {amount(high)}"


def dollars(usd: float) -> str:
    """Dollars, with cents below a hundred."""
    return f"${usd:,.2f}" if usd < 100 else f"${usd:,.0f}"


def dollar_range(ends: tuple[float, float]) -> str:
    """A range of dollars."""
    return f"{dollars(ends[0])} to {dollars(ends[1])}"
