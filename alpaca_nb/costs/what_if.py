"""What another job would cost: other teacher, tier, GPU, size, number of rows, epochs, full training or LoRA.

Every input that is measured or read from several sources is an `Estimate`; its range is carried through to the dollars.

Operations: a token costs 6 per weight in full training (2 forwards, 4 backwards; Kaplan et al., arXiv 2001.08361) and
4 with LoRA, whose frozen weights need no gradients of their own; the adapters' own operations are left out.
MFU is the useful share of a card's dense bf16 peak (`gpus.csv`), padding and recomputation not counted as useful.
"""

from dataclasses import dataclass, replace
from typing import Literal

from alpaca_nb.costs.estimates import Estimate, exactly
from alpaca_nb.costs.projection import ARTICLE_ROWS, ARTICLE_TRAINING_TOKENS, Request
from alpaca_nb.costs.rental import median_of, rentals
from alpaca_nb.gpus import Gpu
from alpaca_nb.prices import Price, Tier
from alpaca_nb.records import Usage

Method = Literal["full", "lora"]
OPERATIONS_PER_WEIGHT: dict[Method, float] = {"full": 6.0, "lora": 4.0}
# LLaMA's weights that take part in matrix products: all but the embedding (32,000 × width); arXiv 2302.13971, table 2.
LLAMA_WEIGHTS = {"7B": 6.607e9, "13B": 12.852e9, "30B": 32.316e9, "65B": 65.024e9}
ARTICLE_TOKENS_PER_ROW = exactly(ARTICLE_TRAINING_TOKENS / 3 / ARTICLE_ROWS)
# PyTorch's blog of 2024-03: 57 % on A100, 37 % on H100; torchtune's README of 2024-10 (RTX 4090, LoRA of 8B): 56 %.
USUAL_MFU = Estimate(0.40, 0.30, 0.57)


@dataclass(frozen=True)
class Job:
    """A whole Alpaca: rows from a teacher, and a model trained on them."""

    rows: int
    request: Request
    rows_kept: Estimate  # of one request
    price: Price
    gpu: Gpu
    usd_per_gpu_hour: Estimate
    tier: Tier = "standard"
    weights: float = LLAMA_WEIGHTS["7B"]
    method: Method = "full"
    epochs: int = 3
    tokens_per_row: Estimate = ARTICLE_TOKENS_PER_ROW
    mfu: Estimate = USUAL_MFU


@dataclass(frozen=True)
class JobCost:
    """What a job costs, with ranges."""

    requests: Estimate
    data_usd: Estimate
    gpu_hours: Estimate
    training_usd: Estimate

    @property
    def usd(self) -> Estimate:
        """Data and training together."""
        return self.data_usd + self.training_usd


def cost_of(job: Job) -> JobCost:
    """Price a job; raises `ZeroDivisionError` where a request may keep nothing or a card may do nothing."""
    requests = exactly(job.rows) / job.rows_kept
    hours = gpu_hours(job)
    return JobCost(requests, requests * usd_per_request(job), hours, hours * job.usd_per_gpu_hour)


def usd_per_request(job: Job) -> float:
    """Dollars of one request of mean length, without a cache."""
    thousand = Usage(round(1000 * job.request.prompt_tokens), round(1000 * job.request.completion_tokens))
    return float(job.price.cost(thousand, tier=job.tier)) / 1000


def gpu_hours(job: Job) -> Estimate:
    """Hours of one card; two cards take half the time and the same hours in sum."""
    operations = OPERATIONS_PER_WEIGHT[job.method] * job.weights
    tokens = job.tokens_per_row * (job.rows * job.epochs)
    return tokens * operations / (job.mfu * job.gpu.flops) / 3600


def implied_mfu(job: Job, hours: float) -> float:
    """The MFU that measured GPU hours amount to."""
    return gpu_hours(replace(job, mfu=exactly(1.0))).value / hours


def rent_of(gpu: str, *, since: str = "", until: str = "9999") -> Estimate:
    """Rent of a period as an estimate: from the cheapest to the dearest, the median in between."""
    found = rentals(gpu, since=since, until=until)
    return Estimate(median_of(found), found[0].usd_per_gpu_hour, found[-1].usd_per_gpu_hour)
