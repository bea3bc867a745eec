"""Solutions of notebook 04, one function an exercise; `stage` is the notebook's own, and so are the names it imports.

What a function returns is what belongs into the exercise's cell. The tests hold every one against a finished run.
"""

from collections.abc import Callable, Sequence

from alpaca_nb.models import load_tokenizer
from alpaca_nb.prompts import alpaca_prompt
from alpaca_nb.record_files import read_records
from alpaca_nb.records import Answer, CheckableTask
from alpaca_nb.runs import Stage, read_record


def exercise_1(stage: Stage) -> list[list[int]]:
    """Predict: the mask of three rows. Zeros first, so that every row ends in text."""
    return [[1, 1, 1, 1], [0, 0, 0, 1], [0, 0, 1, 1]]


def exercise_2(stage: Stage) -> tuple[int, str]:
    """Change one thing: a space behind the colon becomes a token of its own."""
    tokenizer = load_tokenizer(stage.path("model"))
    question = read_records(stage.path("questions.jsonl"), CheckableTask)[0]
    ids = tokenizer(alpaca_prompt(question.instruction, question.input) + " ").input_ids
    return len(ids), tokenizer.decode([ids[-1]])


def exercise_3(stage: Stage) -> list[float]:
    """Compute: padding as a share of all places, in the file's order and by length."""
    answers = read_records(stage.path("answers.jsonl"), Answer)
    tokens = {answer.question_id: answer.prompt_tokens for answer in answers}
    questions = read_records(stage.path("questions.jsonl"), CheckableTask)
    lengths, size = [tokens[question.id] for question in questions], int(stage.parameters["inference_batch_size"])

    def padding(ordered: list[int]) -> float:
        batches = [ordered[start : start + size] for start in range(0, len(ordered), size)]
        return 1 - sum(ordered) / sum(max(batch) * len(batch) for batch in batches)

    return [padding(lengths), padding(sorted(lengths))]


def exercise_4(stage: Stage) -> Callable[[Sequence[float], float], list[int]]:
    """Write five lines: top_p. Likeliest first; the token that reaches the limit is still among them."""

    def my_top_p(shares: Sequence[float], top_p: float) -> list[int]:
        chosen: list[int] = []
        for place in sorted(range(len(shares)), key=lambda place: shares[place], reverse=True):
            if sum(shares[other] for other in chosen) < top_p - 1e-9:
                chosen.append(place)
        return chosen

    return my_top_p


def exercise_5(stage: Stage) -> float:
    """Compute: a ceiling. Bytes a second, divided by the bytes of all weights."""
    record = read_record(stage.run_dir, "03_finetune_fsdp")
    assert record is not None
    return 17.1e9 / (float(str(record.metrics["parameters"])) * 4.5 / 8)


def exercise_6(stage: Stage) -> Callable[[str], str]:
    """Research: the tuned model learned to be brief, so length alone gives it away."""

    def by_length(text: str) -> str:
        return "tuned" if len(text) < 25 else "untuned"

    return by_length
