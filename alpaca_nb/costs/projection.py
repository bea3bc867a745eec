"""From a few measured numbers to any number of rows: requests, tokens, dollars, training time.

Two things decide the price of the data: how many tokens one request takes, and how many of the tasks it returns are
kept. The first is measured on the original's own prompts and rows; the second was never published, so it is a
parameter here, and the break-even says which value a claim needs.
"""

import math
from dataclasses import dataclass

from alpaca_nb.costs.accounting import SECONDS_PER_HOUR, number_in
from alpaca_nb.prices import Price
from alpaca_nb.runs import StageRecord


@dataclass(frozen=True)
class Request:
    """What one request to a teacher takes and gives, on average."""

    prompt_tokens: float
    completion_tokens: float
    rows_kept: float
    origin: str


@dataclass(frozen=True)
class DataProjection:
    """Requests and tokens that a number of rows takes."""

    rows: int
    requests: int
    prompt_tokens: int
    completion_tokens: int

    def dollars(self, price: Price) -> float:
        """Dollars at a model's price for the tokens it reads and the tokens it writes."""
        return float(price.usd(self.prompt_tokens, self.completion_tokens))


# Prompt: mean of 400 prompts drawn from the original's 175 seeds. Completion: at most 16 new tasks of about 110 tokens
# (upper) or of the 96.8 measured on 2,000 published rows (lower). Tokens of GPT-3's tokenizer (r50k). Ten kept of 16
# is an assumption.
ARTICLE_REQUEST = Request(765, 1760, 10, "the original's prompt, 16 tasks of 110 tokens, 10 of them kept (assumed)")
ARTICLE_REQUEST_LOW = Request(765, 1550, 10, "the original's prompt, 16 tasks of 97 tokens, 10 of them kept (assumed)")
MOST_TASKS_PER_REQUEST = 16

# Alpaca's three epochs over 52,002 rows: 19.9 M tokens without padding; 6.607e9 parameters take part in matrix
# products, six operations each and token (forward and backward).
ARTICLE_ROWS = 52_002
ARTICLE_TRAINING_TOKENS = 19.9e6
LLAMA_7B_MATMUL_PARAMETERS = 6.607e9


def measured_request(generation: StageRecord | None) -> Request | None:
    """What a request took and gave in this run; None where generation has not run or kept nothing."""
    requests, rows = number_in(generation, "requests"), number_in(generation, "rows")
    prompt, completion = number_in(generation, "prompt_tokens"), number_in(generation, "completion_tokens")
    if not requests or not rows or prompt is None or completion is None:
        return None
    return Request(prompt / requests, completion / requests, rows / requests, "measured in this run")


def project_data(rows: int, request: Request) -> DataProjection:
    """Requests (rounded up: half a request cannot be sent) and their tokens for `rows` kept rows."""
    requests = math.ceil(rows / request.rows_kept)
    return DataProjection(
        rows, requests, round(requests * request.prompt_tokens), round(requests * request.completion_tokens)
    )


def break_even_rows_kept(rows: int, budget_usd: float, request: Request, price: Price) -> float:
    """How many rows a request must keep on average for `rows` rows to cost no more than `budget_usd`."""
    return rows * float(price.usd(round(request.prompt_tokens), round(request.completion_tokens))) / budget_usd


def training_hours_7b(rows: int, flops_per_second: float, efficiency: float) -> float:
    """GPU hours for three epochs of a 7B LLaMA over `rows` rows of Alpaca's mean length, packed without padding."""
    tokens = ARTICLE_TRAINING_TOKENS * rows / ARTICLE_ROWS
    return 6 * LLAMA_7B_MATMUL_PARAMETERS * tokens / (flops_per_second * efficiency) / SECONDS_PER_HOUR
