"""Every claim of the article, worked out anew: one function a claim, each a range (low, high) over what is known.

A function returns None where no figure exists from which anything could be worked out. The sources of the constants
stand with the claims in `claims.yaml`.
"""

import math
from collections.abc import Callable

from alpaca_nb.costs.accounting import SECONDS_PER_HOUR
from alpaca_nb.costs.hardware import DATA_CENTRE_OVERHEAD
from alpaca_nb.costs.projection import (
    ARTICLE_REQUEST,
    ARTICLE_REQUEST_LOW,
    ARTICLE_ROWS,
    ARTICLE_TRAINING_TOKENS,
    MOST_TASKS_PER_REQUEST,
    Request,
    break_even_rows_kept,
    project_data,
    training_hours_7b,
)
from alpaca_nb.costs.rental import ARTICLE_GPU, BEFORE_THE_ARTICLE, article_training_range
from alpaca_nb.costs.what_if import LLAMA_WEIGHTS, OPERATIONS_PER_WEIGHT
from alpaca_nb.gpus import gpu_named
from alpaca_nb.prices import price_of

Range = tuple[float, float]
LLAMA_7B_PARAMETERS, LLAMA_65B_PARAMETERS = 6.738e9, 65.286e9
AUTHORS_WINS, AUTHORS_LOSSES = 90, 89
_HOURS_PER_YEAR = 8760
_HALF_OF_PEAK = 0.5


def wilson(wins: int, comparisons: int, z: float = 1.959964) -> Range:
    """Wilson's 95 % interval for a share (JASA 22, 1927), as shares of one."""
    share, n = wins / comparisons, comparisons
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return centre - half, centre + half


def _twenty_at_a_time() -> Range:
    asked, shown, stopped_before = 20, 3, 20
    return stopped_before - shown - 1, asked


def _data_dollars() -> Range:
    price = price_of("text-davinci-003", on=BEFORE_THE_ARTICLE)
    best = Request(ARTICLE_REQUEST_LOW.prompt_tokens, ARTICLE_REQUEST_LOW.completion_tokens, MOST_TASKS_PER_REQUEST, "")
    worst = Request(ARTICLE_REQUEST.prompt_tokens, ARTICLE_REQUEST.completion_tokens, MOST_TASKS_PER_REQUEST / 4, "")
    return project_data(ARTICLE_ROWS, best).dollars(price), project_data(ARTICLE_ROWS, worst).dollars(price)


def _rows_kept_needed() -> Range:
    price = price_of("text-davinci-003", on=BEFORE_THE_ARTICLE)
    low, high = (
        break_even_rows_kept(ARTICLE_ROWS, 500, request, price) for request in (ARTICLE_REQUEST_LOW, ARTICLE_REQUEST)
    )
    return low, high


def _training_hours() -> Range:
    seconds_per_epoch_on_40_gb = 5163
    at_half_of_peak = training_hours_7b(ARTICLE_ROWS, 8 * gpu_named(ARTICLE_GPU).flops, _HALF_OF_PEAK)
    return at_half_of_peak, 3 * seconds_per_epoch_on_40_gb / SECONDS_PER_HOUR


def _training_dollars() -> Range:
    return article_training_range(until=BEFORE_THE_ARTICLE)


def _total_dollars() -> Range:
    (data_low, data_high), (train_low, train_high) = _data_dollars(), _training_dollars()
    return data_low + train_low, data_high + train_high


def _ninety_to_eighty_nine() -> Range:
    low, high = wilson(AUTHORS_WINS, AUTHORS_WINS + AUTHORS_LOSSES)
    return 100 * low, 100 * high


def _similar_to_davinci() -> Range:
    wins, losses, draws = 205, 584, 16
    by_gpt4 = 100 * (wins + draws / 2) / (wins + losses + draws)
    return by_gpt4, 100 * AUTHORS_WINS / (AUTHORS_WINS + AUTHORS_LOSSES)


def _rtx_4090_hours() -> Range:
    mfu_of_torchtune = 0.56
    operations = OPERATIONS_PER_WEIGHT["lora"] * LLAMA_WEIGHTS["7B"] * ARTICLE_TRAINING_TOKENS
    now = operations / (gpu_named("RTX 4090").flops * mfu_of_torchtune) / SECONDS_PER_HOUR
    hours_on_a_3090 = 88
    published_adapter = hours_on_a_3090 * gpu_named("RTX 3090").flops / gpu_named("RTX 4090").flops
    return now, published_adapter


def _gpt3_training_dollars() -> Range:
    operations, v100_operations, usd_per_v100_hour = 3.14e23, 28e12, 1.5
    lambda_labs = operations / v100_operations / SECONDS_PER_HOUR * usd_per_v100_hour
    return 1.9e6, lambda_labs


def _gpt3_inference_dollars() -> Range:
    usd_per_hour_on_demand, gigabytes_needed, gigabytes = 31.21, 350, 256
    machines = math.ceil(gigabytes_needed / gigabytes)
    return usd_per_hour_on_demand * _HOURS_PER_YEAR, machines * usd_per_hour_on_demand * _HOURS_PER_YEAR


def _gpt3_gigabytes() -> Range:
    gigabytes = 175e9 * 2 / 1e9
    return gigabytes, gigabytes


def _llama_13b_ahead() -> Range:
    # BoolQ, PIQA, HellaSwag, WinoGrande, ARC easy, ARC challenge, OpenBookQA
    gpt3, llama = (60.5, 81.0, 78.9, 70.2, 68.8, 51.4, 57.6), (78.1, 80.1, 79.2, 73.0, 74.8, 52.7, 56.4)
    ahead = 100 * sum(ours >= theirs for ours, theirs in zip(llama, gpt3, strict=True)) / len(gpt3)
    return ahead, ahead


def _pretraining_hours() -> Range:
    kwh, kilowatts = 36_000, gpu_named("A100 80 GB").watts / 1000
    hours = kwh / (kilowatts * DATA_CENTRE_OVERHEAD)
    return hours, hours


def _optimised_gpu_hours() -> Range:
    low, high = (training_hours_7b(ARTICLE_ROWS, gpu_named(ARTICLE_GPU).flops, mfu) for mfu in (0.57, 0.30))
    return low, high


def _one(value: float) -> Callable[[], Range]:
    return lambda: (value, value)


RECOMPUTED: dict[str, Callable[[], Range | None]] = {
    "smallest_llama": _one(LLAMA_7B_PARAMETERS / 1e9),
    "largest_llama": _one(LLAMA_65B_PARAMETERS / 1e9),
    "pretraining_hours": _pretraining_hours,
    "llama_13b": _llama_13b_ahead,
    "seed_tasks": _one(175),
    "twenty_at_a_time": _twenty_at_a_time,
    "rows": _one(ARTICLE_ROWS),
    "data_dollars": _data_dollars,
    "rows_kept_needed": _rows_kept_needed,
    "training_hours": _training_hours,
    "training_dollars": _training_dollars,
    "total_dollars": _total_dollars,
    "cheaper_if_optimised": _optimised_gpu_hours,
    "ninety_to_eighty_nine": _ninety_to_eighty_nine,
    "similar_to_davinci": _similar_to_davinci,
    "hallucination": lambda: None,
    "not_safety_tuned": _one(0),
    "demo_public": lambda: (0, 1),
    "rtx_4090": _rtx_4090_hours,
    "raspberry_pi": lambda: (0.1, 2.0),
    "larger_models": lambda: (13, 65),
    "more_rows": _one(82_000),
    "gpt3_training_dollars": _gpt3_training_dollars,
    "model_of_1_5_billion": lambda: (80_000, 1_600_000),
    "gpt3_inference_dollars": _gpt3_inference_dollars,
    "gpt3_on_one_machine": _gpt3_gigabytes,
}
