"""Which input moves the total of a job most: each in turn goes from one end of its range to the other."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from alpaca_nb.costs.estimates import exactly
from alpaca_nb.costs.what_if import LLAMA_WEIGHTS, Job, cost_of, usd_per_request
from alpaca_nb.prices import Price, Tier


@dataclass(frozen=True)
class Swing:
    """How far the total moves when one input alone goes from the end of its range that is cheaper to the dearer one."""

    input: str
    cheap: str  # in words, with units
    dear: str
    usd_cheap: float
    usd_dear: float


def swing(name: str, cheap: tuple[str, Job], dear: tuple[str, Job]) -> Swing:
    """Price two variants of a job that differ in one input; put in order by what they cost."""
    ends = sorted(((cost_of(job).usd.value, words) for words, job in (cheap, dear)), key=lambda end: end[0])
    return Swing(name, ends[0][1], ends[1][1], ends[0][0], ends[1][0])


def swings(job: Job, teachers: Sequence[tuple[Price, Tier]]) -> list[Swing]:
    """Which input moves the total most, widest first; `teachers` are the ones to choose from."""
    kept, mfu, rent, per_row = job.rows_kept, job.mfu, job.usd_per_gpu_hour, job.tokens_per_row
    by_price = sorted(teachers, key=lambda teacher: usd_per_request(replace(job, price=teacher[0], tier=teacher[1])))
    (low_price, low_tier), (high_price, high_tier) = by_price[0], by_price[-1]
    found = [
        swing(
            "teacher",
            (_teacher(low_price, low_tier), replace(job, price=low_price, tier=low_tier)),
            (_teacher(high_price, high_tier), replace(job, price=high_price, tier=high_tier)),
        ),
        swing(
            "rows kept per request",
            (f"{kept.high:.1f}", replace(job, rows_kept=exactly(kept.high))),
            (f"{kept.low:.1f}", replace(job, rows_kept=exactly(kept.low))),
        ),
        swing(
            "MFU of the training",
            (f"{mfu.high:.0%}", replace(job, mfu=exactly(mfu.high))),
            (f"{mfu.low:.0%}", replace(job, mfu=exactly(mfu.low))),
        ),
        swing(
            "rent of the GPU",
            (f"${rent.low:.2f} an hour", replace(job, usd_per_gpu_hour=exactly(rent.low))),
            (f"${rent.high:.2f} an hour", replace(job, usd_per_gpu_hour=exactly(rent.high))),
        ),
        swing("epochs", ("1", replace(job, epochs=1)), ("5", replace(job, epochs=5))),
        swing("method", ("LoRA", replace(job, method="lora")), ("full", replace(job, method="full"))),
        swing(
            "size of the model",
            ("7B", replace(job, weights=LLAMA_WEIGHTS["7B"])),
            ("13B", replace(job, weights=LLAMA_WEIGHTS["13B"])),
        ),
    ]
    if per_row.high > per_row.low:
        found.append(
            swing(
                "tokens per row",
                (f"{per_row.low:.0f}", replace(job, tokens_per_row=exactly(per_row.low))),
                (f"{per_row.high:.0f}", replace(job, tokens_per_row=exactly(per_row.high))),
            )
        )
    return sorted(found, key=lambda each: each.usd_cheap - each.usd_dear)


def _teacher(price: Price, tier: Tier) -> str:
    return price.model if tier == "standard" else f"{price.model}, {tier}"
