"""Answering questions: padding that changes nothing, ends that are seen, work that is never lost or mixed up."""

import dataclasses
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import torch

from alpaca_nb.checkable_tasks import make_tasks
from alpaca_nb.checkable_tasks.marking import is_right
from alpaca_nb.errors import InputFileError
from alpaca_nb.evaluation_sets.load import evaluation_tasks
from alpaca_nb.files import sha256_of, write_json
from alpaca_nb.inference.figures import answer_lengths
from alpaca_nb.inference.generate import (
    answer_batch,
    batches_by_length,
    cut_at_end,
    end_ids,
    fitting_threads,
    greedy,
    left_pad,
    likeliest_next,
)
from alpaca_nb.inference.questions import held_out_questions, training_file
from alpaca_nb.inference.side_by_side import one_of_each_topic
from alpaca_nb.inference.stage import answer_all, answer_open_tasks, summary
from alpaca_nb.models import load_model, load_tokenizer, model_folder
from alpaca_nb.prompts import alpaca_prompt
from alpaca_nb.record_files import read_records
from alpaca_nb.records import Answer, CheckableTask, EvaluationTask
from alpaca_nb.runs import begin_stage
from alpaca_nb.similarity.rouge_l import rouge_l

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

NEW_TOKENS = 8


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Path]]:
    """Two different random models: one stands for the untuned, one for the tuned."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ALPACA_NB_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield {
            "untuned": model_folder("random-llama-1m", seed=17),
            "tuned": model_folder("random-llama-1m", seed=18),
        }


@pytest.fixture(scope="module")
def model(folders: dict[str, Path]) -> "PreTrainedModel":
    return load_model(folders["untuned"], "float32")


@pytest.fixture(scope="module")
def tokenizer(folders: dict[str, Path]) -> "PreTrainedTokenizerBase":
    return load_tokenizer(folders["untuned"])


@pytest.fixture
def questions() -> list[CheckableTask]:
    return held_out_questions(12, 17, None)


# ---- one batch ----


def test_left_pad_puts_pads_before_the_text_and_masks_them() -> None:
    input_ids, attention_mask = left_pad([[5, 6, 7], [8]], pad_id=2)
    assert input_ids.tolist() == [[5, 6, 7], [2, 2, 8]]
    assert attention_mask.tolist() == [[1, 1, 1], [0, 0, 1]]


def test_a_padded_batch_gives_what_each_prompt_gives_alone(
    model: "PreTrainedModel", tokenizer: "PreTrainedTokenizerBase", questions: list[CheckableTask]
) -> None:
    rows = [tokenizer(alpaca_prompt(q.instruction, q.input)).input_ids for q in questions]
    assert len({len(row) for row in rows}) > 3  # else nothing is padded
    alone = [greedy(model, *left_pad([row], 2), NEW_TOKENS, 2)[0] for row in rows]
    together = greedy(model, *left_pad(rows, 2), NEW_TOKENS, 2)
    assert together == alone
    input_ids, attention_mask = left_pad(rows, 2)
    unmasked = greedy(model, input_ids, torch.ones_like(attention_mask), NEW_TOKENS, 2)
    assert unmasked != alone  # the mask is what makes it so


def test_generation_ignores_the_callers_random_state(
    model: "PreTrainedModel", tokenizer: "PreTrainedTokenizerBase", questions: list[CheckableTask]
) -> None:
    texts = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        texts.append([answer.text for answer in answer_batch(model, tokenizer, questions, "tuned", NEW_TOKENS)])
    assert texts[0] == texts[1]


def test_cut_at_end_keeps_the_end_token_and_says_stop() -> None:
    assert cut_at_end([5, 1, 2, 2], {1}) == ([5, 1], "stop")
    assert cut_at_end([1, 5], {1, 9}) == ([1], "stop")
    assert cut_at_end([5, 6], {1}) == ([5, 6], "length")


def test_an_answer_stops_at_the_models_own_end_token(
    folders: dict[str, Path], tokenizer: "PreTrainedTokenizerBase", questions: list[CheckableTask]
) -> None:
    model = load_model(folders["untuned"], "float32")
    free = answer_batch(model, tokenizer, questions[:3], "untuned", NEW_TOKENS)
    assert {(answer.finish_reason, answer.new_tokens) for answer in free} == {("length", NEW_TOKENS)}

    prompt = tokenizer(alpaca_prompt(questions[0].instruction, questions[0].input)).input_ids
    written = greedy(model, *left_pad([prompt], 2), NEW_TOKENS, 2)[0]
    assert model.generation_config is not None
    model.generation_config.eos_token_id = [written[2], 1]  # declare a token it does write to be an end
    first = written.index(written[2])
    stopped = answer_batch(model, tokenizer, questions[:3], "untuned", NEW_TOKENS)[0]
    assert end_ids(model) == {written[2], 1}
    assert (stopped.finish_reason, stopped.new_tokens) == ("stop", first + 1)
    assert free[0].text.startswith(tokenizer.decode(written[:first], skip_special_tokens=True).strip())


def test_the_likeliest_token_is_the_one_that_greedy_takes(
    model: "PreTrainedModel", tokenizer: "PreTrainedTokenizerBase", questions: list[CheckableTask]
) -> None:
    prompt = alpaca_prompt(questions[0].instruction, questions[0].input)
    ranking = likeliest_next(model, tokenizer, prompt, 5)
    first = greedy(model, *left_pad([tokenizer(prompt).input_ids], 2), 1, 2)[0]
    assert ranking[0][0] == tokenizer.decode(first)
    shares = [share for _, share in ranking]
    assert shares == sorted(shares, reverse=True)
    assert 0 < sum(shares) < 1


def test_a_small_model_gets_one_thread_and_the_callers_number_comes_back(model: "PreTrainedModel") -> None:
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        with fitting_threads(model):
            assert torch.get_num_threads() == 1
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_batches_hold_every_question_once_and_like_lengths_together(
    tokenizer: "PreTrainedTokenizerBase", questions: list[CheckableTask]
) -> None:
    batches = batches_by_length(tokenizer, questions, 5)
    assert [len(batch) for batch in batches] == [5, 5, 2]
    assert {q.id for batch in batches for q in batch} == {q.id for q in questions}
    lengths = [len(tokenizer(alpaca_prompt(q.instruction, q.input)).input_ids) for batch in batches for q in batch]
    assert lengths == sorted(lengths)


# ---- the questions ----


def test_no_question_is_a_row_of_the_training_data(tmp_path: Path, questions: list[CheckableTask]) -> None:
    rows = [{"instruction": q.instruction, "input": q.input, "output": q.answer} for q in questions[:6]]
    dataset = write_json(tmp_path / "dataset.json", rows)
    held_out = held_out_questions(12, 17, dataset)
    trained_on = {(row["instruction"], row["input"]) for row in rows}
    assert len(held_out) == 12
    assert not trained_on & {(q.instruction, q.input) for q in held_out}
    assert held_out == held_out_questions(12, 17, dataset)
    assert held_out != held_out_questions(12, 18, dataset)


def test_no_question_is_a_training_row_in_other_words(tmp_path: Path) -> None:
    count = 80
    kit_made = make_tasks(400, seed="17:0")  # as the offline teacher makes its rows
    rows = [{"instruction": t.instruction, "input": t.input, "output": t.answer} for t in kit_made]
    dataset = write_json(tmp_path / "dataset.json", rows)
    trained_on = {(t.instruction, t.input) for t in kit_made}
    exact_only = make_tasks(count, "17:held-out", exclude=frozenset(trained_on))
    held_out = held_out_questions(count, 17, dataset)

    def near(question: CheckableTask) -> bool:
        text = f"{question.instruction}\n{question.input}"
        return any(
            is_right(question, row["output"], "strict") and rouge_l(text, f"{row['instruction']}\n{row['input']}") > 0.7
            for row in rows
        )

    assert any(map(near, exact_only))  # else this test shows nothing
    assert len({(q.instruction, q.input) for q in held_out}) == len({q.id for q in held_out}) == count
    assert not any(map(near, held_out))
    assert not trained_on & {(q.instruction, q.input) for q in held_out}
    assert held_out == held_out_questions(count, 17, dataset)


def test_a_like_question_with_another_answer_stays(tmp_path: Path, questions: list[CheckableTask]) -> None:
    rows = [{"instruction": f"{q.instruction} Please.", "input": q.input, "output": "42 elephants"} for q in questions]
    dataset = write_json(tmp_path / "dataset.json", rows)
    assert held_out_questions(12, 17, dataset) == questions
    rows = [row | {"output": q.answer} for row, q in zip(rows, questions, strict=True)]
    asked = {(q.instruction, q.input) for q in held_out_questions(12, 17, write_json(dataset, rows))}
    assert asked.isdisjoint((q.instruction, q.input) for q in questions if len(q.instruction.split()) > 4)


def test_the_training_file_is_the_named_one_else_the_runs_own(tmp_path: Path) -> None:
    assert training_file("", tmp_path) is None
    own = write_json(tmp_path / "dataset.json", [])
    named = write_json(tmp_path / "mine.json", [])
    assert training_file("", tmp_path) == own
    assert training_file(str(named), tmp_path) == named
    with pytest.raises(InputFileError, match="dataset_path: no file at"):
        training_file(str(tmp_path / "gone.json"), tmp_path)
    begin_stage("03_finetune_fsdp", str(tmp_path), seed=17, dataset_path="../mine.json").finish()
    with pytest.raises(InputFileError, match=r"03 trained on dataset_path=\.\./mine\.json; give notebook 04 the same"):
        training_file("", tmp_path)


# ---- the whole stage ----


def ask(run_dir: Path, questions: list[CheckableTask], folders: dict[str, Path], **changes: int) -> list[Answer]:
    settings = {"max_new_tokens": NEW_TOKENS, "batch_size": 5} | changes
    return answer_all(run_dir, questions, folders, **settings)  # type: ignore[arg-type]


def test_open_tasks_are_answered_beside_the_questions_and_leave_when_no_longer_wanted(
    tmp_path: Path, folders: dict[str, Path]
) -> None:
    tasks = evaluation_tasks("kit")[:3]

    def answered(chosen: list[EvaluationTask]) -> list[Path]:
        return answer_open_tasks(tmp_path, chosen, folders, max_new_tokens=4, batch_size=2)  # type: ignore[arg-type]

    questions_path, answers_path = answered(tasks)
    assert read_records(questions_path, EvaluationTask) == tasks
    answers = read_records(answers_path, Answer)
    assert [(a.question_id, a.model) for a in answers] == [(t.id, m) for m in ("untuned", "tuned") for t in tasks]
    assert not (tmp_path / "answers.jsonl").exists()
    assert answered([]) == [] and not answers_path.exists()


def without_seconds(answers: list[Answer]) -> list[Answer]:
    return [dataclasses.replace(answer, seconds=0.0) for answer in answers]


def test_both_models_answer_every_question_in_order(
    tmp_path: Path, questions: list[CheckableTask], folders: dict[str, Path]
) -> None:
    answers = ask(tmp_path, questions, folders)
    wanted = [(which, q.id) for which in ("untuned", "tuned") for q in questions]
    assert [(answer.model, answer.question_id) for answer in answers] == wanted
    assert read_records(tmp_path / "answers.jsonl", Answer) == answers
    untuned, tuned = answers[: len(questions)], answers[len(questions) :]
    assert [a.text for a in untuned] != [a.text for a in tuned]
    totals = summary(answers)
    assert totals["tuned"]["new_tokens"] == sum(answer.new_tokens for answer in tuned)
    assert totals["tuned"]["stopped"] == sum(answer.finish_reason == "stop" for answer in tuned)
    assert totals["untuned"]["seconds"] > 0


def interrupted(run_dir: Path) -> None:
    """Make a finished run look as if it had died while it wrote its third batch; mark what it had finished."""
    path = run_dir / "answers.jsonl"
    answers = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    kept = [json.dumps(answer | {"text": "KEPT"}) for answer in answers[:10]]
    path.write_text("\n".join(kept) + "\n" + json.dumps(answers[10])[:30], encoding="utf-8")


def test_a_stopped_run_goes_on_where_it_was(
    tmp_path: Path, questions: list[CheckableTask], folders: dict[str, Path]
) -> None:
    whole = ask(tmp_path, questions, folders)
    interrupted(tmp_path)
    resumed = ask(tmp_path, questions, folders)
    assert [answer.text for answer in resumed[:10]] == ["KEPT"] * 10
    assert without_seconds(resumed[10:]) == without_seconds(whole[10:])


def test_other_questions_models_or_settings_are_asked_anew(
    tmp_path: Path, questions: list[CheckableTask], folders: dict[str, Path]
) -> None:
    other_model = shutil.copytree(folders["tuned"], tmp_path / "other")
    (other_model / "chat_template.jinja").write_text("x")
    assert sha256_of(other_model) != sha256_of(folders["tuned"])
    for number, change in enumerate(
        (
            lambda run: ask(run, [dataclasses.replace(questions[0], input="other"), *questions[1:]], folders),
            lambda run: ask(run, questions, folders | {"tuned": other_model}),
            lambda run: ask(run, questions, folders, max_new_tokens=NEW_TOKENS - 1),
        )
    ):
        run = tmp_path / str(number)
        run.mkdir()
        ask(run, questions, folders)
        interrupted(run)
        assert "KEPT" not in {answer.text for answer in change(run)}


def test_a_damaged_file_of_answers_is_not_trusted(
    tmp_path: Path, questions: list[CheckableTask], folders: dict[str, Path]
) -> None:
    whole = ask(tmp_path, questions, folders)
    path = tmp_path / "answers.jsonl"
    path.write_text(path.read_text(encoding="utf-8").replace('"text"', '"words"', 1), encoding="utf-8")
    assert without_seconds(ask(tmp_path, questions, folders)) == without_seconds(whole)


def test_the_table_shows_one_question_of_each_topic_and_cuts_long_answers(questions: list[CheckableTask]) -> None:
    answers = [
        Answer(q.id, which, "word " * 100, 100, 0.1, "length") for which in ("untuned", "tuned") for q in questions
    ]
    rows = one_of_each_topic(questions, answers)
    assert len(rows) == len({row[0] for row in rows})
    assert rows[0][1] == f"{questions[0].instruction}\n{questions[0].input}".strip()
    assert all(len(cell) <= 162 for row in rows for cell in row)


def test_the_figure_says_medians_and_cuts_in_its_alt_text(questions: list[CheckableTask]) -> None:
    answers = [Answer(q.id, "untuned", "x", 32, 0.1, "length") for q in questions]
    answers += [Answer(q.id, "tuned", "x", 3, 0.1, "stop") for q in questions]
    figure, alt = answer_lengths(answers, 32)
    assert "untuned: median 32 tokens, 12 of 12 cut" in alt
    assert "tuned: median 3 tokens, 0 of 12 cut" in alt
    assert figure.axes[0].get_xlim()[1] > 32
