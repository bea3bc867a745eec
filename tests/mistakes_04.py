"""Wrong answers that readers of notebook 04 are likely to give, and words of the explanation they must get."""

from typing import Any

from alpaca_nb.exercises.inference import padding_share
from alpaca_nb.models import load_tokenizer
from alpaca_nb.prompts import alpaca_prompt
from alpaca_nb.record_files import read_records
from alpaca_nb.records import Answer, CheckableTask
from alpaca_nb.runs import Stage, read_record


def spaced(stage: Stage) -> tuple[int, int, str, str]:
    """Tokens and characters of the first prompt, its last token, and the last with a space more."""
    tokenizer = load_tokenizer(stage.run_dir / "model")
    question = read_records(stage.run_dir / "questions.jsonl", CheckableTask)[0]
    prompt = alpaca_prompt(question.instruction, question.input)
    plain, more = tokenizer(prompt).input_ids, tokenizer(prompt + " ").input_ids
    return len(plain), len(prompt) + 1, tokenizer.decode([plain[-1]]), tokenizer.decode([more[-1]])


def padding(stage: Stage, size: int = 0) -> tuple[float, float]:
    tokens = {a.question_id: a.prompt_tokens for a in read_records(stage.run_dir / "answers.jsonl", Answer)}
    lengths = [tokens[q.id] for q in read_records(stage.run_dir / "questions.jsonl", CheckableTask)]
    size = size or int(stage.parameters["inference_batch_size"])
    return padding_share(lengths, size), padding_share(sorted(lengths), size)


def ceiling(stage: Stage, bits: float = 4.5) -> float:
    record = read_record(stage.run_dir, "03_finetune_fsdp")
    assert record is not None
    return 17.1e9 / (float(str(record.metrics["parameters"])) * bits / 8)


def below(shares: list[float], top_p: float) -> list[int]:
    chosen: list[int] = []
    for place in sorted(range(len(shares)), key=lambda place: -shares[place]):
        if sum(shares[other] for other in [*chosen, place]) > top_p + 1e-9:
            break
        chosen.append(place)
    return chosen


def unsorted(shares: list[float], top_p: float) -> list[int]:
    chosen, total = [], 0.0
    for place, share in enumerate(shares):
        if total >= top_p - 1e-9:
            break
        chosen.append(place)
        total += share
    return chosen


def least_first(shares: list[float], top_p: float) -> list[int]:
    return sorted(range(len(shares)), key=lambda place: shares[place])[:2]


MISTAKES: dict[str, list[tuple[Any, str]]] = {
    "04.1": [
        ([[1, 1, 1, 1], [1, 0, 0, 0], [1, 1, 0, 0]], "padding on the right"),
        ([[0, 0, 0, 0], [1, 1, 1, 0], [1, 1, 0, 0]], "Turned round"),
        ([[5, 6, 7, 8], [0, 0, 0, 9], [0, 0, 3, 4]], "Those are the padded token ids"),
        ([[1, 1, 1, 1], [1], [1, 1]], "A batch is a rectangle"),
        ([[1, 1, 1, 1]] * 3, "With ones only"),
        ([[1, 1, 1, 1], [0, 0, 1], [0, 1, 1]], "every row of the mask has 4 places"),
        ([[1, 1, 1, 1], [0, 0, 1, 1], [0, 0, 1, 1]], "Count the tokens of each row"),
        ([1, 1, 1], "every row of the mask has 4 places"),
    ],
    "04.2": [
        (lambda stage: (spaced(stage)[1], " "), "Those are characters"),
        (lambda stage: (spaced(stage)[0], spaced(stage)[2]), "without the space"),
        (lambda stage: (spaced(stage)[0] + 1, spaced(stage)[2]), "not the colon any more"),
        (lambda stage: (spaced(stage)[0] + 1, "Response"), "is not the last token"),
        (lambda stage: (spaced(stage)[0] + 2, " "), "more than the tokenizer counts"),
        (12, "A list of 2 items is asked for"),
    ],
    "04.3": [
        (lambda stage: tuple(100 * share for share in padding(stage)), "you give per cent"),
        (lambda stage: tuple(1 - share for share in padding(stage)), "the share of text"),
        (lambda stage: (padding(stage)[0] / (1 - padding(stage)[0]), padding(stage)[1]), "padding against text"),
        (lambda stage: (padding(stage, 1000)[0], padding(stage)[1]), "padded to its own longest"),
        (lambda stage: padding(stage)[::-1], "The two are swapped"),
        (lambda stage: (padding(stage)[0], 0.0), "The second is not right yet"),
    ],
    "04.4": [
        (below, "else it stays below"),
        (unsorted, "The likeliest token has to come first"),
        ((lambda shares, top_p: [n for n, share in enumerate(shares) if share >= 1 - top_p]), "no limit for a single"),
        (least_first, "cases are right. The first that is not"),
        ((lambda shares, top_p: shares.sort()), "does it end with return?"),
        ([1, 3], "A function is asked for"),
    ],
    "04.5": [
        (lambda stage: ceiling(stage) / 8, "A byte has eight bits"),
        (lambda stage: ceiling(stage, 8), "a byte for each weight"),
        (lambda stage: ceiling(stage, 4), "shares a 16-bit scale"),
        (lambda stage: ceiling(stage, 32), "That is float32"),
        (lambda stage: 1 / ceiling(stage), "seconds a token"),
        (lambda stage: ceiling(stage) / 1e9, "a thousand million"),
        (17.1e9 / (6.74e9 * 4.5 / 8), "That is LLaMA-7B"),
    ],
    "04.6": [
        ((lambda text: "tuned"), "It always says 'tuned'"),
        ((lambda text: "untuned" if len(text) < 25 else "tuned"), "worse than a coin"),
        ((lambda text: "tuned" if sum(map(ord, text)) % 2 else "untuned"), "a coin has 50 %"),
        ((lambda text: "the tuned one"), 'must say "tuned" or "untuned"'),
        ((lambda text: text.index("qqq")), "Your function raises ValueError"),
        ("tuned", "A function is asked for"),
    ],
}
