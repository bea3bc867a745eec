"""Checks of notebook 04's exercises: padding and masks, the place where an answer begins, sampling, speed, style."""

import math
import random
from collections.abc import Iterator, Sequence

from alpaca_nb.exercises.answers import (
    Check,
    Feedback,
    NotAnAnswer,
    as_function,
    as_items,
    as_number,
    compare_function,
    compare_number,
    near,
    right,
    same,
    wrong,
)
from alpaca_nb.inference.generate import left_pad
from alpaca_nb.inference.speed_limit import BITS_PER_WEIGHT, BOARDS, GIGABYTE
from alpaca_nb.prompts import alpaca_prompt
from alpaca_nb.record_files import read_records
from alpaca_nb.records import Answer, CheckableTask
from alpaca_nb.runs import Stage, read_record

THREE_ROWS = ([5, 6, 7, 8], [9], [3, 4])  # the notebook shows them
BOARD, QUANTIZATION = BOARDS[-1], "q4_0"  # Raspberry Pi 5
TOLD_APART = 0.7  # share of the answers whose author is named, from which on a style is plain
_SHARES: tuple[tuple[list[float], float], ...] = (
    ([0.1, 0.55, 0.05, 0.3], 0.8),
    ([0.1, 0.55, 0.05, 0.3], 0.5),
    ([0.2, 0.1, 0.4, 0.3], 1.0),
    ([0.03, 0.9, 0.07], 0.95),
)


def mask_by_hand(answer: object, stage: Stage) -> Feedback:
    """The attention mask of three rows, padded on the left."""
    rows = as_items(answer, len(THREE_ROWS))
    said = [list(row) if isinstance(row, list | tuple) else [row] for row in rows]
    input_ids, mask = (tensor.tolist() for tensor in left_pad(THREE_ROWS, pad_id=0))
    if same(said, mask):
        return right(
            "The token ids stand the same way: every row ends in text, for its last token is the one continued."
        )
    mirrored = [row[::-1] for row in mask]
    mistakes = (
        (input_ids, "Those are the padded token ids. The mask says of each place only whether it is text: 1 or 0."),
        (mirrored, "That is padding on the right: the model would go on from a filler. What must stand last in a row?"),
        ([[1 - place for place in row] for row in mask], "Turned round: 1 is text, 0 is filler."),
        ([[1 - place for place in row] for row in mirrored], "Padded on the right, and turned round: 1 is text."),
        ([[1] * len(row) for row in THREE_ROWS], "A batch is a rectangle: the fillers have a place in the mask, too."),
        ([[1] * 4] * 3, "With ones only, attention reads the fillers as text, and no error says so."),
    )
    for result, explanation in mistakes:
        if same(said, result):
            return wrong(explanation)
    if any(len(row) != 4 for row in said):
        return wrong("The longest row has 4 tokens, so every row of the mask has 4 places.")
    return wrong("Count the tokens of each row from the right edge: so many ones, and zeros before them.")


def space_at_the_end(answer: object, stage: Stage) -> Feedback:
    """Number and last token of the first question's prompt with one space more at its end."""
    from alpaca_nb.models import load_tokenizer

    tokenizer = load_tokenizer(stage.need("model", made_by="03_finetune_fsdp"))
    question = _questions(stage)[0]
    prompt = alpaca_prompt(question.instruction, question.input)
    plain, spaced = tokenizer(prompt).input_ids, tokenizer(prompt + " ").input_ids
    number, text = as_items(answer, 2)
    count, last = as_number(number), str(text)
    if count == len(prompt) + 1:
        return wrong("Those are characters. Ask the tokenizer: len(tokenizer(text).input_ids).")
    if count == len(plain) != len(spaced):
        return wrong("That is the prompt without the space. Does the space get lost in your text? prompt + ' '")
    if count != len(spaced):
        return wrong(f"{count:g} tokens are {'more' if count > len(spaced) else 'fewer'} than the tokenizer counts.")
    if last not in (tokenizer.decode([spaced[-1]]), tokenizer.convert_ids_to_tokens(spaced[-1])):
        if last == tokenizer.decode([plain[-1]]):
            return wrong("The count is right, and the last token is not the colon any more: decode ids[-1].")
        return wrong(f"The count is right. {last!r} is not the last token: decode ids[-1], alone, and keep its space.")
    return right(
        "In training every answer followed the colon directly. After your space the model stands at a place that it "
        "has never seen, and what it learned to write there does not fit: compare likeliest_next for both."
    )


def what_sorting_saves(answer: object, stage: Stage) -> Feedback:
    """Share of padding among the prompts' places: batches in the file's order, and by length."""
    size = int(stage.parameters["inference_batch_size"])
    tokens = {answer.question_id: answer.prompt_tokens for answer in _answers(stage)}
    lengths = [tokens[question.id] for question in _questions(stage)]
    wanted = padding_share(lengths, size), padding_share(sorted(lengths), size)
    said = [as_number(item) for item in as_items(answer, 2)]
    if all(near(value, goal, 0.01) or abs(value - goal) < 1e-4 for value, goal in zip(said, wanted, strict=True)):
        return right(f"Sorting takes the padding from {wanted[0]:.1%} to {wanted[1]:.1%} of the places, and changes no "
                     "answer. The kit does it, and gives each question its own answer back.")  # fmt: skip
    whole = padding_share(lengths, len(lengths))
    for value, goal in zip(said, wanted, strict=True):
        if near(value, goal, 0.01):
            continue
        if near(value, 100 * goal, 0.01):
            return wrong("A share lies between 0 and 1; you give per cent.")
        if near(value, 1 - goal, 0.01):
            return wrong("That is the share of text. Padding is what is left.")
        if near(value, goal / (1 - goal), 0.01):
            return wrong("That is padding against text. Divide by all places, text and padding together.")
        if near(value, whole, 0.01):
            return wrong("That pads all questions to the longest of them. A batch is padded to its own longest.")
    if near(said[0], wanted[1], 0.01) and near(said[1], wanted[0], 0.01):
        return wrong("The two are swapped: first the file's order, then sorted.")
    first = next(n for n, (value, goal) in enumerate(zip(said, wanted, strict=True)) if not near(value, goal, 0.01))
    return wrong(f"The {('first', 'second')[first]} is not right yet. For each batch: its longest prompt times its "
                 "number of prompts are the places; what is no text is padding. Add up before you divide.")  # fmt: skip


def padding_share(lengths: Sequence[int], batch_size: int) -> float:
    """Places filled with padding, of all places, if `lengths` are batched in this order."""
    batches = [lengths[start : start + batch_size] for start in range(0, len(lengths), batch_size)]
    places = sum(max(batch) * len(batch) for batch in batches)
    return 1 - sum(lengths) / places


def nucleus(answer: object, stage: Stage) -> Feedback:
    """A function (shares, top_p) that names the tokens which may still be drawn, the likeliest first."""
    return compare_function(
        answer,
        [*_SHARES, *_drawn_shares()],
        _nucleus,
        [
            (_stays_below, "Nearly: the token with which the sum reaches top_p is one of them; else it stays below."),
            (lambda shares, top_p: [n for n, share in enumerate(shares) if share >= 1 - top_p], "top_p is no limit for "
             "a single share: take the likeliest tokens until their shares together reach it."),
            (lambda shares, top_p: sorted(_nucleus(shares, top_p)), "The right tokens, but in the vocabulary's order. "
             "Give the likeliest first."),
            (lambda shares, top_p: [sorted(shares, reverse=True)[n] for n in range(len(_nucleus(shares, top_p)))],
             "Those are shares. Asked for are the tokens' places in the list."),
            (_in_the_lists_order, "You go through the list as it stands. The likeliest token has to come first: sort."),
            (lambda shares, top_p: len(_nucleus(shares, top_p)), "Give the tokens themselves, not how many there are."),
        ],
        praise="That is top_p. One share of 0.9 makes it greedy; where all are small, it lets hundreds pass.",
    )  # fmt: skip


def _nucleus(shares: Sequence[float], top_p: float) -> list[int]:
    chosen: list[int] = []
    total = 0.0
    for place in sorted(range(len(shares)), key=lambda place: -shares[place]):
        chosen.append(place)
        total += shares[place]
        if total >= top_p - 1e-9:
            break
    return chosen


def _stays_below(shares: Sequence[float], top_p: float) -> list[int]:
    chosen = _nucleus(shares, top_p)
    return chosen[:-1] if math.fsum(shares[place] for place in chosen) > top_p + 1e-9 else chosen


def _in_the_lists_order(shares: Sequence[float], top_p: float) -> list[int]:
    total, chosen = 0.0, []
    for place, share in enumerate(shares):
        chosen.append(place)
        total += share
        if total >= top_p - 1e-9:
            break
    return chosen


def _drawn_shares() -> Iterator[tuple[list[float], float]]:
    """Cases without two equal shares and without a sum that meets top_p exactly."""
    rng = random.Random(4)
    for size in (3, 5, 8, 20):
        weights = [rng.random() ** 3 + 0.001 for _ in range(size)]
        yield [weight / sum(weights) for weight in weights], rng.choice((0.5, 0.7, 0.9))


def speed_of_a_small_board(answer: object, stage: Stage) -> Feedback:
    """Tokens a second that a Raspberry Pi 5 could write at most with the run's own model in q4_0."""
    record = read_record(stage.run_dir, "03_finetune_fsdp")
    if record is None:
        return Feedback("open", "notebook 03 has left no record in this run folder: run it first.")
    weights = float(str(record.metrics["parameters"]))
    bits, bandwidth = BITS_PER_WEIGHT[QUANTIZATION], BOARD.gigabytes_per_second * GIGABYTE
    most = bandwidth / (weights * bits / 8)
    return compare_number(
        answer,
        most,
        [
            (most / 8, "A byte has eight bits: you divide bytes of bandwidth by bits of weights."),
            (most * bits / 8, "That is a byte for each weight. q4_0 takes 4.5 bits."),
            (most * bits / 4, "Nearly: a block of 32 weights shares a 16-bit scale, so q4_0 takes 4.5 bits, not 4."),
            (most * bits / 32, "That is float32. q4_0 takes 4.5 bits a weight."),
            (most * bits / 16, "That is 16 bits a weight. q4_0 takes 4.5."),
            (1 / most, "That is seconds a token. Turn it round."),
            (most / 1000**3, "The bandwidth is in gigabytes a second: times a thousand million."),
            (bandwidth / (6.74e9 * bits / 8), "That is LLaMA-7B. Take the weights of your own model."),
        ],
        praise=f"{weights / 1e6:,.0f} million weights are {weights * bits / 8 / 1e6:,.1f} MB a token. LLaMA-7B stays "
        f"below {bandwidth / (6.74e9 * bits / 8):.1f} tokens/s there, however fast the processor is.",
        otherwise="Bandwidth in bytes a second, divided by the bytes of all weights.",
        within=0.02,
    )  # fmt: skip


def who_wrote_it(answer: object, stage: Stage) -> Feedback:
    """A function that names the model, "tuned" or "untuned", from an answer's text alone."""
    function = as_function(answer)
    answers = _answers(stage)
    said = [function(a.text) for a in answers]
    odd = next((name for name in said if name not in ("tuned", "untuned")), None)
    if any(name not in ("tuned", "untuned") for name in said):
        raise NotAnAnswer(f'Your function must say "tuned" or "untuned", and says {odd!r}.')
    share = sum(name == a.model for name, a in zip(said, answers, strict=True)) / len(answers)
    if share < 1 - TOLD_APART:
        return wrong(f"It names the author of {share:.0%} of {len(answers)} answers: worse than a coin. Turn it round.")
    if len(set(said)) == 1:
        return wrong(f"It always says {said[0]!r}, and is right half the time. What differs: length, first word, end?")
    if share < TOLD_APART:
        return wrong(
            f"It names the author of {share:.0%} of {len(answers)} answers; a coin has 50 %. Look at the table of "
            "*Before and after*: what can you see without knowing what is right?"
        )
    return right(
        f"It names the author of {share:.0%} of {len(answers)} answers without knowing a single right one. So a judge "
        "may know it as well: notebook 05 hides the names, but no hidden name hides a style."
    )


def _questions(stage: Stage) -> list[CheckableTask]:
    return read_records(stage.need("questions.jsonl", made_by="04_inference"), CheckableTask)


def _answers(stage: Stage) -> list[Answer]:
    return read_records(stage.need("answers.jsonl", made_by="04_inference"), Answer)


CHECKS: dict[str, Check] = {
    "04.1": mask_by_hand,
    "04.2": space_at_the_end,
    "04.3": what_sorting_saves,
    "04.4": nucleus,
    "04.5": speed_of_a_small_board,
    "04.6": who_wrote_it,
}
