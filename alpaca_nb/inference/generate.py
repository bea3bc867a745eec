"""Answers in batches, the way a causal language model needs them: padded on the left.

Each function is small because notebook 04 shows it: pad, generate, cut at the end-of-text token. A prompt is encoded
as training encodes it, `tokenizer(prompt).input_ids`. Shapes: batch questions, seq tokens of the longest prompt.
"""

import contextlib
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Literal, Protocol, TypeVar

from alpaca_nb.errors import ModelError
from alpaca_nb.inference.sampling import GREEDY, Sampling, processors, shares
from alpaca_nb.prompts import alpaca_prompt
from alpaca_nb.records import Answer, FinishReason

SMALL_MODEL_PARAMETERS = 500_000_000

if TYPE_CHECKING:
    import torch
    from transformers import LogitsProcessorList, PreTrainedModel, PreTrainedTokenizerBase

    from alpaca_nb.models.loading import Dtype


class Question(Protocol):
    """What is asked: a held-out task, a task of an evaluation set, or a row of the user's own file."""

    @property
    def id(self) -> str: ...
    @property
    def instruction(self) -> str: ...
    @property
    def input(self) -> str: ...


Asked = TypeVar("Asked", bound=Question)


def answer_batch(
    model: "PreTrainedModel",
    tokenizer: "PreTrainedTokenizerBase",
    questions: Sequence[Question],
    which: Literal["untuned", "tuned"],
    max_new_tokens: int,
    sampling: Sampling = GREEDY,
) -> list[Answer]:
    """Let `model` answer all `questions` at once; each answer carries an equal share of the batch's seconds.

    Where the memory does not suffice, the batch is halved until it does. Raises `ModelError` where one question alone
    is too much, or longer than the model reads.
    """
    from accelerate.utils.memory import clear_device_cache

    started = time.perf_counter()
    prompts = [tokenizer(alpaca_prompt(q.instruction, q.input)).input_ids for q in questions]
    input_ids, attention_mask = left_pad(prompts, tokenizer.pad_token_id)
    chosen = processors(sampling, [q.id for q in questions])
    halves: Sequence[Sequence[Question]] = ()
    try:
        new_ids = continue_rows(model, input_ids, attention_mask, max_new_tokens, tokenizer.pad_token_id, chosen)
    except RuntimeError as error:
        halves = _halves(questions, error)  # raises what is no lack of memory
    if halves:  # not within `except`: the error holds on to the tensors of the try that failed
        clear_device_cache(garbage_collection=True)
        return [a for half in halves for a in answer_batch(model, tokenizer, half, which, max_new_tokens, sampling)]
    seconds = (time.perf_counter() - started) / len(questions)
    answers = []
    for question, prompt, row in zip(questions, prompts, new_ids, strict=True):
        ids, finish_reason = cut_at_end(row, end_ids(model))
        text = str(tokenizer.decode(ids, skip_special_tokens=True)).strip()
        answers.append(Answer(question.id, which, text, len(ids), round(seconds, 4), finish_reason, len(prompt)))
    return answers


def left_pad(rows: Sequence[Sequence[int]], pad_id: int) -> "tuple[torch.Tensor, torch.Tensor]":
    """Return (input_ids, attention_mask), both (batch, seq): pads stand before the text and are masked with 0."""
    import torch

    longest = max(len(row) for row in rows)
    input_ids = [[pad_id] * (longest - len(row)) + list(row) for row in rows]
    attention_mask = [[0] * (longest - len(row)) + [1] * len(row) for row in rows]
    return torch.tensor(input_ids), torch.tensor(attention_mask)


def greedy(
    model: "PreTrainedModel",
    input_ids: "torch.Tensor",
    attention_mask: "torch.Tensor",
    max_new_tokens: int,
    pad_id: int,
) -> list[list[int]]:
    """Return the new token ids of each row: the likeliest next token, again and again, until all rows have ended.

    Rows that end early are filled with `pad_id`. Nothing is drawn at random, so the same input gives the same output.
    """
    return continue_rows(model, input_ids, attention_mask, max_new_tokens, pad_id)


def continue_rows(
    model: "PreTrainedModel",
    input_ids: "torch.Tensor",
    attention_mask: "torch.Tensor",
    max_new_tokens: int,
    pad_id: int,
    chosen: "LogitsProcessorList | None" = None,
    **options: object,
) -> list[list[int]]:
    """Return the new token ids of each row; `chosen` changes the scores before the highest is taken.

    `options` go to transformers' `generate` (a streamer, a criterion to stop at). `generate` itself never draws: the
    noise of `sampling.processors` does. A row ends where the model's positions do; raises `ModelError` for a prompt
    that leaves no place for an answer.
    """
    import torch
    from transformers import GenerationConfig

    config = GenerationConfig(  # type: ignore[no-untyped-call]
        do_sample=False,
        max_new_tokens=min(max_new_tokens, room_after(input_ids.shape[1], model)),
        eos_token_id=sorted(end_ids(model)),
        pad_token_id=pad_id,
        watermarking_config=options.pop("watermarking_config", None),
        min_new_tokens=options.pop("min_new_tokens", None),
    )
    with torch.inference_mode(), fitting_threads(model):
        output = model.generate(  # type: ignore[operator]
            input_ids=input_ids.to(model.device),
            attention_mask=attention_mask.to(model.device),
            generation_config=config,
            logits_processor=chosen,
            **options,
        )
    rows: list[list[int]] = output[:, input_ids.shape[1] :].tolist()  # generate returns the prompt as well
    return rows


def room_after(prompt_tokens: int, model: "PreTrainedModel", whose: str = "a task") -> int:
    """How many tokens a model can write after a prompt; raises `ModelError` where there is no place for one.

    Beyond the positions that it was trained on a model writes nonsense, and nothing fails.
    """
    positions: int = getattr(model.config.get_text_config(), "max_position_embeddings", 1 << 62)
    if prompt_tokens >= positions:
        raise ModelError(f"{whose} has {prompt_tokens} tokens, and the model reads at most {positions}; shorten it")
    return positions - prompt_tokens


def next_logits(model: "PreTrainedModel", tokenizer: "PreTrainedTokenizerBase", prompt: str) -> "torch.Tensor":
    """The scores of every possible next token after `prompt`, (vocabulary,), in float32."""
    import torch

    ids = torch.tensor([tokenizer(prompt).input_ids], device=model.device)
    with torch.inference_mode(), fitting_threads(model):
        logits: torch.Tensor = model(input_ids=ids).logits[0, -1]
    return logits.float().cpu()


def likeliest_next(
    model: "PreTrainedModel", tokenizer: "PreTrainedTokenizerBase", prompt: str, count: int
) -> list[tuple[str, float]]:
    """Return the `count` likeliest next tokens after `prompt`, best first, each with its probability."""
    best = shares(next_logits(model, tokenizer, prompt), Sampling(temperature=1.0, top_p=1.0)).topk(count)
    return [(str(tokenizer.decode([int(i)])), float(p)) for p, i in zip(best.values, best.indices, strict=True)]


def end_ids(model: "PreTrainedModel") -> set[int]:
    """The token ids that end an answer, as the model's own generation configuration names them."""
    eos = model.generation_config.eos_token_id if model.generation_config is not None else model.config.eos_token_id
    return {eos} if isinstance(eos, int) else set(eos or ())


def cut_at_end(ids: Sequence[int], ends: set[int]) -> tuple[list[int], FinishReason]:
    """Return the ids up to and with the first end token and "stop", or all of them and "length" where none occurs."""
    for position, token in enumerate(ids):
        if token in ends:
            return list(ids[: position + 1]), "stop"
    return list(ids), "length"


def batches_by_length(
    tokenizer: "PreTrainedTokenizerBase", questions: Sequence[Asked], batch_size: int
) -> list[list[Asked]]:
    """Group questions whose prompts have about the same length in tokens, so that little is padded."""
    lengths = {q.id: len(tokenizer(alpaca_prompt(q.instruction, q.input)).input_ids) for q in questions}
    ordered = sorted(questions, key=lambda question: (lengths[question.id], question.id))
    return [ordered[start : start + batch_size] for start in range(0, len(ordered), batch_size)]


@contextlib.contextmanager
def fitting_threads(model: "PreTrainedModel") -> Iterator[None]:
    """Let a small model compute on one CPU thread.

    Its matrices are so small that threads mostly wait for each other. With 135 million parameters a second thread makes
    an idle machine 1.6 times faster and one that is busy with other work several times slower.
    """
    import torch

    before = torch.get_num_threads()
    if model.num_parameters() < SMALL_MODEL_PARAMETERS:
        torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def answering_dtype() -> "Dtype":
    """The quickest number format: bfloat16 where the hardware multiplies it natively, else float32."""
    import torch

    if torch.cuda.is_available():
        return "bfloat16"
    capabilities = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
    return "bfloat16" if capabilities.get("avx512_bf16") or capabilities.get("amx_bf16") else "float32"


def _halves(questions: Sequence[Question], error: RuntimeError) -> tuple[Sequence[Question], Sequence[Question]]:
    """Two halves of a batch that was too large for the memory; other errors are raised again."""
    from accelerate.utils.memory import should_reduce_batch_size

    if not should_reduce_batch_size(error):
        raise error
    if len(questions) == 1:
        raise ModelError(
            f"the memory does not suffice to answer even one question ({questions[0].id}): {error}; "
            "lower max_new_tokens, shorten the question, or take a smaller model"
        ) from error
    middle = len(questions) // 2
    return questions[:middle], questions[middle:]
