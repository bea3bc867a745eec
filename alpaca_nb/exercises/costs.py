"""Checks of notebook 06's exercises: verdicts, a break-even, electricity, a request's bill, MFU, and unbilled hours."""

from alpaca_nb.costs.claims import VERDICTS, Relation, verdict
from alpaca_nb.costs.jobs import job_then
from alpaca_nb.costs.projection import ARTICLE_REQUEST, break_even_rows_kept
from alpaca_nb.costs.recomputed import Range
from alpaca_nb.costs.rental import ARTICLE_GPU_HOURS
from alpaca_nb.exercises.answers import (
    Check,
    Feedback,
    NotAnAnswer,
    as_items,
    as_number,
    compare_function,
    compare_number,
    near,
    right,
    wrong,
)
from alpaca_nb.files import read_json
from alpaca_nb.prices import Price, price_of
from alpaca_nb.records import Usage
from alpaca_nb.runs import Stage, read_record

PREDICT: tuple[tuple[Relation, float, Range | None], ...] = (  # the notebook shows them in this order
    ("below", 100, (36, 123)),
    ("equals", 20, (16, 16)),
    ("at_least", 50, (57, 71)),
    ("rounds_to", 7, (6.738, 6.738)),
    ("below", 600, None),
)
_WHY = (
    "36 lies below 100 and 123 does not, so the claim agrees with a part of the range.",
    "All of the range is 16, and 2 % around 20 do not reach it.",
    "All of the range is at least 50.",
    "6.738 rounds to 7 at both ends.",
    "There is no figure to compare with, so nothing can be said.",
)
ROWS, BUDGET_USD, USUAL_MFU, ELSEWHERE_USD_PER_KWH = 52_000, 500.0, 0.40, 0.40
SEEDS, PAIRS, ARTICLE_USD = 175, 179, 600.0
PLAUSIBLE = {"minutes a seed": (1, 240), "minutes a pair": (0.1, 60), "dollars an hour": (5, 500)}


def verdicts(answer: object, stage: Stage) -> Feedback:
    """What the rule says of five claims."""
    said = [str(item).strip() for item in as_items(answer, len(PREDICT))]
    wanted = [verdict(*claim) for claim in PREDICT]
    missed = [number for number, pair in enumerate(zip(said, wanted, strict=True)) if pair[0] != pair[1]]
    if not missed:
        return right("The verdict is read off the numbers; an opinion has no place to come in.")
    first = missed[0]
    if said[first] not in VERDICTS:
        return wrong(f"{said[first]!r} is none of the four verdicts: {', '.join(VERDICTS)}.")
    return wrong(f"{len(PREDICT) - len(missed)} of {len(PREDICT)} are right. Look at number {first + 1}: {_WHY[first]}")


def break_even_of_gpt_4(answer: object, stage: Stage) -> Feedback:
    """Rows that a request must keep for 52,000 rows by gpt-4 at its price of March 2023 to cost $500."""
    price = price_of("gpt-4", on="2023-03-31")
    wanted = break_even_rows_kept(ROWS, BUDGET_USD, ARTICLE_REQUEST, price)
    davinci = break_even_rows_kept(ROWS, BUDGET_USD, ARTICLE_REQUEST, price_of("text-davinci-003", on="2023-03-13"))
    prompt, completion = ARTICLE_REQUEST.prompt_tokens, ARTICLE_REQUEST.completion_tokens
    dear, cheap = price.usd_per_million_output, price.usd_per_million_input
    swapped, a_row = prompt * dear + completion * cheap, ROWS / 1e6 / BUDGET_USD
    return compare_number(
        answer,
        wanted,
        [
            (davinci, "That is text-davinci-003. gpt-4 cost $30 and $60 per million tokens."),
            (swapped * a_row, "The prices are swapped: tokens written cost more than tokens read."),
            (completion * dear * a_row, "The prompt costs money, too."),
            ((prompt + completion) * cheap * a_row, "That takes $30 for all tokens. Those written cost $60."),
            (1 / wanted, "Turned round: rows a request, not requests a row."),
            (ROWS / wanted, "That is how many requests $500 buy. How many rows must each of them keep?"),
        ],
        praise=f"{wanted:.1f} of the 16 that can be new: teacher and filters decide whether so many are kept.",
        otherwise="Dollars of one request (765 tokens read, 1,760 written), times 52,000 rows, divided by $500.",
        within=0.02,
    )  # fmt: skip


def dearer_electricity(answer: object, stage: Stage) -> Feedback:
    """Dollars of electricity that the whole run takes at 40 cents a kilowatt-hour."""
    run = read_json(stage.need("costs.json", made_by="06_cost_analysis"))
    assert isinstance(run, dict)
    here = run["this_run"]
    assert isinstance(here, dict)
    kwh, usd = as_number(here["kwh"]), as_number(here["usd"])
    old = as_number(stage.parameters["usd_per_kwh"])
    return compare_number(
        answer,
        kwh * ELSEWHERE_USD_PER_KWH,
        [
            (kwh * old, f"That is at {old:g} dollars a kilowatt-hour, as before."),
            (kwh, "Those are kilowatt-hours. Each costs 40 cents."),
            (usd * ELSEWHERE_USD_PER_KWH, "You multiply dollars by dollars. Start from the kilowatt-hours."),
            (kwh * ELSEWHERE_USD_PER_KWH * 1000, "Watt-hours: a thousand of them are one kilowatt-hour."),
            (kwh * 40, "40 cents are 0.40 dollars."),
            (kwh * 3600 * ELSEWHERE_USD_PER_KWH, "An hour has 3,600 seconds: divide by them."),
        ],
        praise=f"{kwh:.4f} kWh at 40 cents. For a laptop's run that is next to nothing: rented cards and paid tokens "
        "are what costs.",
        otherwise="analysis.kwh, times dollars a kilowatt-hour.",
        within=0.02,
    )


def bill_of_a_request(answer: object, stage: Stage) -> Feedback:
    """A function that prices one request: tokens read, of them cached, tokens written, and three prices a million."""
    cases: list[tuple[object, ...]] = [
        (1000, 0, 500, 2.0, 10.0, 0.5),
        (1000, 400, 500, 2.0, 10.0, 0.5),
        (0, 0, 10, 1.0, 4.0, 1.0),
    ]
    record = read_record(stage.run_dir, "02_generate_data")
    if record is not None:
        read, written = (int(as_number(record.metrics[name])) for name in ("prompt_tokens", "completion_tokens"))
        luna = price_of("gpt-6-luna")
        cases.append((read, read // 2, written, luna.usd_per_million_input, luna.usd_per_million_output, 0.01))
    return compare_function(
        answer,
        cases,
        _bill,
        [
            (lambda r, c, w, i, o, k: (r * i + c * k + w * o) / 1e6, "The cached are among those read: billed twice."),
            (lambda r, c, w, i, o, k: (r * i + w * o) / 1e6, "Tokens read from the cache have a price of their own."),
            (lambda r, c, w, i, o, k: (r * k + w * o) / 1e6, "Only the cached ones are cheaper, not all."),
            (lambda r, c, w, i, o, k: ((r - c) * o + c * k + w * i) / 1e6, "Reading and writing have swapped prices."),
            (lambda r, c, w, i, o, k: (r - c) * i + c * k + w * o, "The prices are for a million tokens."),
            (lambda r, c, w, i, o, k: ((r - c) * i + c * k + w * o) / 1e3, "A million tokens, not a thousand."),
            (lambda r, c, w, i, o, k: ((r - c) * i + w * o) / 1e6, "Cached tokens are cheap, not free."),
        ],
        praise="The same to the last digit as the kit's own, the whole of your run's tokens among the cases.",
    )  # fmt: skip


def _bill(read: int, cached: int, written: int, usd_in: float, usd_out: float, usd_cached: float) -> float:
    price = Price("any", usd_in, usd_out, "2026-01-01", "an exercise", usd_per_million_cached=usd_cached)
    return float(price.cost(Usage(read, written, cached)))


def hours_at_a_usual_mfu(answer: object, stage: Stage) -> Feedback:
    """GPU hours of the article's training at an MFU of 40 %."""
    then = job_then().mfu.value
    wanted = ARTICLE_GPU_HOURS * then / USUAL_MFU
    return compare_number(
        answer,
        wanted,
        [
            (ARTICLE_GPU_HOURS * USUAL_MFU / then, "Turned round: a higher share of the peak takes fewer hours."),
            (wanted / 8, "That is the time on eight cards at once. Asked for are the hours of all cards together."),
            (ARTICLE_GPU_HOURS * USUAL_MFU, "That takes the article's cards to have worked at their peak."),
            (ARTICLE_GPU_HOURS * (1 - USUAL_MFU), "Hours and MFU are no sum: twice the MFU is half the hours."),
            (3 * then / USUAL_MFU, "Three hours were those of the clock: on eight cards they are 24."),
        ],
        praise=f"{ARTICLE_GPU_HOURS:.0f} hours at {then:.1%} are {wanted:.2f} at 40 %: code saves more than prices do.",
        otherwise="The work stays the same: hours times MFU.",
        within=0.03,
    )


def hours_of_people(answer: object, stage: Stage) -> Feedback:
    """(minutes a seed, minutes a pair, dollars an hour, dollars in all) for what the article's bill leaves out."""
    said = [as_number(item) for item in as_items(answer, 4)]
    for (name, (low, high)), value in zip(PLAUSIBLE.items(), said, strict=False):
        if not low <= value <= high:
            raise NotAnAnswer(f"{value:g} {name}? Between {low:g} and {high:g} would be believed.")
    seed, pair, hourly, usd = said
    minutes = SEEDS * seed + PAIRS * pair
    wanted = minutes / 60 * hourly
    for result, explanation in (
        (minutes * hourly, "Minutes times dollars an hour: divide by 60."),
        (SEEDS * seed / 60 * hourly, "That is the seeds. Somebody judged 179 pairs as well."),
        (PAIRS * pair / 60 * hourly, "That is the judging. Somebody wrote 175 seeds as well."),
        (minutes / 60, "Those are hours. What do they cost?"),
    ):
        if near(usd, result, 0.02):
            return wrong(explanation)
    if not near(usd, wanted, 0.02):
        return wrong(f"175 seeds and 179 pairs are {minutes / 60:.1f} hours then; the dollars do not follow from them.")
    return right(
        f"${wanted:,.0f} for {minutes / 60:.0f} hours of people, {wanted / ARTICLE_USD:.1f} times the article's $600, "
        "which has none of it. Nor has it the base model: 82,432 hours of an A100, $123,648 at Lambda's rent of March "
        "2023."
    )


CHECKS: dict[str, Check] = {
    "06.1": verdicts,
    "06.2": break_even_of_gpt_4,
    "06.3": dearer_electricity,
    "06.4": bill_of_a_request,
    "06.5": hours_at_a_usual_mfu,
    "06.6": hours_of_people,
}
