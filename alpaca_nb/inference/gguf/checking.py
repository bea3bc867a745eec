"""Is the GGUF file the same model? Tokens, greedy texts, probabilities and held-out loss beside Hugging Face's."""

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from itertools import takewhile
from multiprocessing import get_context
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING

import psutil

from alpaca_nb.errors import ModelError
from alpaca_nb.inference.generate import continue_rows, cut_at_end, end_ids, fitting_threads, left_pad
from alpaca_nb.inference.gguf.llama_cpp import LlamaCpp, load_binding
from alpaca_nb.prompts import alpaca_prompt
from alpaca_nb.records import EvaluationTask

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

NEW_TOKENS = 32  # of each greedy answer compared
TIMED = 5  # prompts that the speed is measured on


@dataclass(frozen=True)
class Reference:
    """What the Hugging Face model says to a task: its greedy answer, and ln p of that and of the task's own answer."""

    task: EvaluationTask
    prompt: list[int]
    greedy: list[int]
    greedy_log_p: list[float]
    known: list[int]
    known_log_p: list[float]
    text: str


@dataclass(frozen=True)
class Checked:
    """One file beside the original; losses in nats a token, over the tasks' own answers."""

    name: str
    megabytes: float
    memory_megabytes: float  # what loading and answering added to a process of its own
    tokens_per_second: float  # reading the prompt included, the end token not heeded
    prompts: int
    same_text: int
    same_prefix: float  # mean share of the greedy text up to the first difference
    mean_difference: float  # of ln p, absolute, over the original's greedy tokens
    loss: float
    original_loss: float


def references(
    model: "PreTrainedModel", tokenizer: "PreTrainedTokenizerBase", tasks: Sequence[EvaluationTask]
) -> list[Reference]:
    """Ask the original, in its own number format; the model should be loaded in float32."""
    found = []
    end = min(end_ids(model))
    for task in tasks:
        prompt = list(tokenizer(alpaca_prompt(task.instruction, task.input)).input_ids)
        pad = tokenizer.pad_token_id
        row = continue_rows(model, *left_pad([prompt], pad), NEW_TOKENS, pad)[0]
        greedy = cut_at_end(row, end_ids(model))[0]
        known = [*tokenizer(task.reference, add_special_tokens=False).input_ids, end] if task.reference else []
        text = str(tokenizer.decode(greedy, skip_special_tokens=True)).strip()
        both = _log_p(model, prompt, greedy), _log_p(model, prompt, known)
        found.append(Reference(task, prompt, greedy, both[0], known, both[1], text))
    return found


def check(file: Path, tokenizer: "PreTrainedTokenizerBase", original: Sequence[Reference], *, threads: int) -> Checked:
    """Compare a file with the original; raises `ModelError` where it reads a prompt as other tokens."""
    memory, speed = memory_and_speed(file, [one.task for one in original], threads)
    llama = LlamaCpp(file, threads=threads)
    for one in original:
        same_tokens(llama, one)
    answers = [llama.answer(one.task.instruction, one.task.input, NEW_TOKENS) for one in original]
    differences, losses, original_losses, prefixes = [], [], [], []
    for one, answer in zip(original, answers, strict=True):
        measured = llama.log_probabilities(one.prompt, one.greedy)
        differences += [abs(m - o) for m, o in zip(measured, one.greedy_log_p, strict=True) if m is not None]
        own = zip(llama.log_probabilities(one.prompt, one.known), one.known_log_p, strict=True)
        pairs = [(m, o) for m, o in own if m is not None]
        losses += [-m for m, _ in pairs]
        original_losses += [-o for _, o in pairs]
        prefixes.append(_same_share(one.text, answer.text))
    return Checked(
        name=file.stem.rpartition("-")[2],
        megabytes=round(file.stat().st_size / 1e6, 1),
        memory_megabytes=round(memory / 1e6, 1),
        tokens_per_second=round(speed, 1),
        prompts=len(original),
        same_text=sum(one.text == answer.text for one, answer in zip(original, answers, strict=True)),
        same_prefix=round(fmean(prefixes), 4),
        mean_difference=round(fmean(differences), 5),
        loss=round(fmean(losses), 4) if losses else 0.0,
        original_loss=round(fmean(original_losses), 4) if losses else 0.0,
    )


def memory_and_speed(file: Path, tasks: Sequence[EvaluationTask], threads: int) -> tuple[float, float]:
    """(bytes of memory, tokens a second) of a file, in a process of its own: what ran before must not count."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as alone:
        try:
            return alone.submit(_measure, file, [(t.instruction, t.input) for t in tasks[:TIMED]], threads).result()
        except BrokenProcessPool:
            raise ModelError(f"llama.cpp broke off with {file}; is there enough memory?") from None


def _measure(file: Path, questions: Sequence[tuple[str, str]], threads: int) -> tuple[float, float]:
    load_binding()
    before = psutil.Process().memory_info().rss
    llama = LlamaCpp(file, threads=threads)
    llama.answer(*questions[0], 1)  # the first one warms up
    written = [llama.answer(*question, NEW_TOKENS, ignore_eos=True) for question in questions]
    speed = sum(one.new_tokens for one in written) / sum(one.seconds for one in written)
    return float(psutil.Process().memory_info().rss - before), speed


def same_tokens(llama: LlamaCpp, one: Reference) -> None:
    """Raise `ModelError` where llama.cpp cuts a prompt into other tokens than training did."""
    text = alpaca_prompt(one.task.instruction, one.task.input)
    got = llama.tokens(text)
    if got != one.prompt:
        place = len(list(takewhile(lambda pair: pair[0] == pair[1], zip(got, one.prompt, strict=False))))
        raise ModelError(
            f"llama.cpp reads the task {one.task.id} as other tokens than transformers (from token {place} on: "
            f"{got[place : place + 4]} instead of {one.prompt[place : place + 4]}); the file would answer worse"
        )


def _log_p(model: "PreTrainedModel", prompt: list[int], continuation: list[int]) -> list[float]:
    import torch

    if not continuation:
        return []
    ids = torch.tensor([prompt + continuation], device=model.device)
    with torch.inference_mode(), fitting_threads(model):
        scores = torch.log_softmax(model(input_ids=ids).logits[0, len(prompt) - 1 : -1].float(), dim=-1)
    chosen: list[float] = scores.gather(1, ids[0, len(prompt) :, None])[:, 0].tolist()
    return chosen


def _same_share(wanted: str, got: str) -> float:
    alike = len(list(takewhile(lambda pair: pair[0] == pair[1], zip(wanted, got, strict=False))))
    return alike / max(len(wanted), len(got), 1)
