"""The cost notebook's and the report's tables, as rows of text: one place decides how dollars and ranges read."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from alpaca_nb.costs.accounting import SECONDS_PER_HOUR, StageCost, electricity_dollars
from alpaca_nb.costs.claims import CheckedClaim
from alpaca_nb.costs.estimates import Estimate
from alpaca_nb.costs.hardware import POWER
from alpaca_nb.costs.jobs import GPU_TODAY, TEACHER_TODAY, Priced, teachers_of_today
from alpaca_nb.costs.ledger_bill import LedgerBill, in_cents
from alpaca_nb.costs.projection import ARTICLE_REQUEST
from alpaca_nb.costs.recomputed import Range
from alpaca_nb.costs.rental import (
    ARTICLE_GPU,
    BEFORE_THE_ARTICLE,
    RENTALS,
    THIS_AUTUMN,
    Rental,
    median_of,
    middle_of,
    rate,
    rentals,
)
from alpaca_nb.costs.stage import THEN_AND_NOW, Analysis
from alpaca_nb.prices import price_of

COST_HEADER = (
    "Stage",
    "Seconds",
    "of them in cells",
    "Core hours",
    "GPU hours",
    "Teacher $",
    "Electricity $",
    "Rent $",
)
BILL_HEADER = ("What", "Tokens or attempts", "Dollars", "Cents, rounded together")
CLAIM_HEADER = ("Claim", "Claimed", "Recomputed", "Unit", "Verdict", "This run")
PRICE_HEADER = ("What", "Price", "Source and age")
JOB_HEADER = ("Job", "Data", "GPU hours", "Training", "Together", "95 % range")


def cost_rows(costs: Sequence[StageCost]) -> list[tuple[str, ...]]:
    """One row a stage, under `COST_HEADER`."""
    return [
        (
            cost.stage,
            f"{cost.seconds:,.1f}",
            f"{cost.cell_seconds:,.1f}",
            f"{cost.core_hours:.3f}",
            f"{cost.gpu_hours:.3f}",
            f"{cost.teacher_usd:.4f}",
            f"{cost.electricity_usd:.5f}",
            f"{cost.rental_usd:.4f}",
        )
        for cost in costs
    ]


def bill_rows(bills: Mapping[str, Sequence[LedgerBill]]) -> list[tuple[str, ...]]:
    """The lines of all teachers' bills and their totals, under `BILL_HEADER`; what is not added stands last."""
    rows: list[tuple[str, ...]] = []
    for stage, found in bills.items():
        for bill in found:
            name = f"{stage[:2]} {bill.price.model or 'teacher'}"
            cents = in_cents([line.usd for line in bill.lines])
            rows += [
                (f"{name}: {line.name}", f"{line.count:,}", f"{line.usd:.6f}", f"{cent:.2f}")
                for line, cent in zip(bill.lines, cents, strict=True)
            ]
            total = sum(cents, Decimal(0))
            rows.append((f"{name}: together", f"{bill.attempts:,} attempts", f"{bill.usd:.6f}", f"{total:.2f}"))
            tiers = ", ".join(f"{count} {tier}" for tier, count in bill.by_tier.items()) or "none"
            memo = f"{bill.retries} retries, {bill.free_failures} failures without a bill; answers by tier: {tiers}"
            rows.append(
                (
                    f"{name}: of it without a row ({memo})",
                    f"{bill.wasted_answers:,} answers",
                    f"{bill.wasted_usd:.6f}",
                    "",
                )
            )
    return rows


def claim_rows(claims: Sequence[CheckedClaim]) -> list[tuple[str, ...]]:
    """One row a claim, under `CLAIM_HEADER`."""
    return [
        (c.claim.claim, amount(c.claim.value), recomputed(c.recomputed), c.claim.unit, c.verdict, c.this_run)
        for c in claims
    ]


def job_rows(jobs: Sequence[Priced]) -> list[tuple[str, ...]]:
    """One row a job, under `JOB_HEADER`."""
    return [
        (
            each.name,
            dollars(each.cost.data_usd.value),
            f"{each.cost.gpu_hours.value:,.1f}",
            dollars(each.cost.training_usd.value),
            dollars(each.cost.usd.value),
            estimate_range(each.cost.usd),
        )
        for each in jobs
    ]


def price_rows(analysis: Analysis) -> list[tuple[str, ...]]:
    """Every price and rent that stands behind the figures, with its source and age, under `PRICE_HEADER`."""
    bought = [bill.price for bills in analysis.teachers.values() for bill in bills]
    priced = [each.job.price for each in analysis.jobs] + [price for price, _ in teachers_of_today()]
    drawn = [price_of(model, on=day) for model, day in THEN_AND_NOW]
    named = {(price.model, price.as_of): price for price in [*bought, *priced, *drawn]}
    rows: list[tuple[str, ...]] = [
        (
            f"{price.model}, per million tokens",
            f"${price.usd_per_million_input:g} in, ${price.usd_per_million_output:g} out",
            price.origin,
        )
        for price in named.values()
    ]
    rows.append(_rent_row(ARTICLE_GPU, f"until {BEFORE_THE_ARTICLE}", rentals(ARTICLE_GPU, until=BEFORE_THE_ARTICLE)))
    cards = sorted({rental.gpu for rental in RENTALS if rental.date >= THIS_AUTUMN})
    rows += [_rent_row(card, f"since {THIS_AUTUMN}", rentals(card, since=THIS_AUTUMN)) for card in cards]
    rates = analysis.rates
    rent, power = f"${rates.usd_per_gpu_hour:.2f}", f"${rates.usd_per_kwh:g}"
    rows += [
        ("one GPU hour, parameter usd_per_gpu_hour", rent, _given(rates.usd_per_gpu_hour, _rented())),
        ("one kWh, parameter usd_per_kwh", power, _given(rates.usd_per_kwh, _figures("electricity"))),
        (
            "CO2 of one kWh, parameter grams_co2_per_kwh",
            f"{rates.grams_co2_per_kwh:g} g",
            _given(rates.grams_co2_per_kwh, _figures("carbon")),
        ),
    ]
    return rows


def _rent_row(card: str, period: str, found: Sequence[Rental]) -> tuple[str, ...]:
    """One card's rents of a period: the median and both ends, each with its origin."""
    ends = dollar_range((found[0].usd_per_gpu_hour, found[-1].usd_per_gpu_hour))
    origins = dict.fromkeys(rental.origin for rental in (*middle_of(found), found[0], found[-1]))
    price = f"{rate(median_of(found))} ({ends})"
    return f"{card}, one hour (median and range {period})", price, "; ".join(origins)


def _figures(kind: str) -> dict[float, str]:
    """The figures of one kind in `power.csv`, with their origins."""
    return {row.value: row.origin for row in POWER if row.kind == kind}


def _rented() -> dict[float, str]:
    """The rents of the card of today, with their origins."""
    return {row.usd_per_gpu_hour: row.origin for row in rentals(GPU_TODAY)}


def _given(value: float, known: Mapping[float, str]) -> str:
    """Where a parameter's value comes from: a row of a table, else the recipe."""
    return known.get(value, "given in the recipe")


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
        ("The article's 24 A100 hours, rents of March 2023", dollar_range(analysis.rent_then)),
        ("The same 24 hours, rents since August 2026", dollar_range(analysis.rent_now)),
    ]
    if analysis.own_request and analysis.own_data_usd is not None:
        rows.append(
            (
                f"Data with {TEACHER_TODAY} at this run's {analysis.own_request.rows_kept:.1f} rows a request",
                dollars(analysis.own_data_usd),
            )
        )
    if analysis.own_yield is not None:
        kept = analysis.own_yield
        rows.append(("Rows kept per request in this run", f"{kept.value:.1f} ({kept.low:.1f} to {kept.high:.1f})"))
    if analysis.tokens_per_second is not None:
        speed = analysis.tokens_per_second
        rows.append(("Training tokens a second here", f"{speed.value:,.0f} ({speed.low:,.0f} to {speed.high:,.0f})"))
    if analysis.training_seconds_here is not None:
        found = analysis.training_seconds_here
        power = electricity_dollars(found.value, rates.watts, rates.usd_per_kwh)
        hours, low, high = (seconds / SECONDS_PER_HOUR for seconds in (found.value, found.low, found.high))
        rows.append(
            (
                f"This run's model on this machine, {data.rows:,} rows",
                f"{hours:.1f} h ({low:.1f} to {high:.1f}), {dollars(power)} of electricity",
            )
        )
    return rows


def amount(value: float) -> str:
    """A number as one reads it: whole where it is whole or large, else two decimals."""
    return f"{value:,.0f}" if float(value).is_integer() or abs(value) >= 1000 else f"{value:,.2f}"


def amount_range(low: float, high: float) -> str:
    """A range of numbers, or the one number."""
    return amount(low) if low == high else f"{amount(low)} to {amount(high)}"


def recomputed(found: Range | None) -> str:
    """A recomputed range; a dash where there is none."""
    return "–" if found is None else amount_range(*found)


def dollars(usd: float) -> str:
    """Dollars, with cents below a hundred; less than a cent is not nothing."""
    if 0 < usd < 0.01:
        return "less than $0.01"
    return f"${usd:,.2f}" if usd < 100 else f"${usd:,.0f}"


def dollar_range(ends: tuple[float, float]) -> str:
    """A range of dollars."""
    return f"{dollars(ends[0])} to {dollars(ends[1])}"


def estimate_range(found: Estimate) -> str:
    """The range of an estimate in dollars."""
    return dollar_range((found.low, found.high))
