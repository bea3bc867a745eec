"""Drawn answers, streamed answers, models too large for a device, and the commands `chat` and `answer`."""

import dataclasses
import io
import json
import sys
import threading
import weakref
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import torch
from scipy.stats import chisquare

from alpaca_nb.cli import main
from alpaca_nb.errors import InputFileError, ModelError
from alpaca_nb.inference.chat import Settings, converse, messages
from alpaca_nb.inference.generate import answer_batch, greedy, left_pad, next_logits
from alpaca_nb.inference.run_models import Loaded, load
from alpaca_nb.inference.sampling import GREEDY, Sampling, processors, shares
from alpaca_nb.inference.task_file import read_tasks
from alpaca_nb.models import load_model, load_tokenizer
from alpaca_nb.models.placing import free_memory, load_placed, parameters_in
from alpaca_nb.prompts import alpaca_prompt
from alpaca_nb.records import Answer, EvaluationTask

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

NEW_TOKENS = 12
TASKS = [
    EvaluationTask(f"t{number}", "own", instruction, input)
    for number, (instruction, input) in enumerate(
        [("Name a river.", ""), ("Sort the words.", "pear apple fig"), ("Add them.", "1 2 3 4 5"), ("Say hello.", "")]
        * 2
    )
]


@pytest.fixture(scope="module")
def model(random_models: dict[str, Path]) -> "PreTrainedModel":
    return load_model(random_models["tuned"], "float32")


@pytest.fixture(scope="module")
def tokenizer(random_models: dict[str, Path]) -> "PreTrainedTokenizerBase":
    return load_tokenizer(random_models["tuned"])


@pytest.fixture(scope="module")
def loaded(model: "PreTrainedModel", tokenizer: "PreTrainedTokenizerBase") -> Loaded:
    return Loaded("tuned", model, tokenizer)


# ---- drawing ----


def test_the_noise_draws_as_the_shares_say() -> None:
    logits = torch.tensor([2.0, 1.5, 1.0, 0.2, -0.5, -1.0, -4.0])
    sampling = Sampling(temperature=0.8, top_p=0.95)
    wanted = shares(logits, sampling)
    assert wanted.sum() == pytest.approx(1) and (wanted == 0).any()
    names = [str(number) for number in range(4000)]
    ids = torch.zeros((len(names), 1), dtype=torch.long)
    drawn = Counter(processors(sampling, names)(ids, logits.repeat(len(names), 1)).argmax(-1).tolist())
    possible = [token for token in range(7) if wanted[token] > 0]
    assert set(drawn) <= set(possible)
    expected = (wanted.double() / wanted.double().sum() * len(names))[possible].tolist()
    assert chisquare([drawn[token] for token in possible], expected).pvalue > 0.01


def test_shares_are_the_softmax_within_the_bounds() -> None:
    logits = torch.tensor([3.0, 1.0, 0.0, -2.0])
    torch.testing.assert_close(shares(logits, Sampling(1.0, 1.0)), torch.softmax(logits, -1))
    assert shares(logits, GREEDY).tolist() == [1, 0, 0, 0]
    assert (shares(logits, Sampling(1.0, 1.0, top_k=2)) > 0).tolist() == [True, True, False, False]


def test_a_drawn_answer_depends_on_seed_and_question_and_not_on_the_batch(
    model: "PreTrainedModel", tokenizer: "PreTrainedTokenizerBase"
) -> None:
    sampling = Sampling(temperature=1.0, top_p=1.0)
    together = answer_batch(model, tokenizer, TASKS, "tuned", NEW_TOKENS, sampling)
    alone = [answer_batch(model, tokenizer, [task], "tuned", NEW_TOKENS, sampling)[0] for task in TASKS]
    assert [a.text for a in together] == [a.text for a in alone]
    assert together[0].text != together[4].text  # the same question under another name
    other = answer_batch(model, tokenizer, TASKS, "tuned", NEW_TOKENS, dataclasses.replace(sampling, seed=18))
    assert all(one.text != two.text for one, two in zip(together, other, strict=True))
    assert together[1].prompt_tokens == len(tokenizer(alpaca_prompt("Sort the words.", "pear apple fig")).input_ids)


@pytest.mark.parametrize("change", [{"temperature": -0.1}, {"temperature": 3}, {"top_p": 0}, {"top_p": 1.1}])
def test_settings_out_of_range_are_refused(change: dict[str, float]) -> None:
    with pytest.raises(InputFileError, match=f"{next(iter(change))}=.* is outside its range"):
        Sampling(**change).checked()  # type: ignore[arg-type]


# ---- memory ----


def test_a_batch_too_large_for_the_memory_is_halved(
    random_models: dict[str, Path], tokenizer: "PreTrainedTokenizerBase"
) -> None:
    model = load_model(random_models["tuned"], "float32")
    whole = answer_batch(model, tokenizer, TASKS, "tuned", NEW_TOKENS)
    generate, sizes, most = model.generate, [], 3
    held: list[weakref.ref[torch.Tensor]] = []

    def hungry(*arguments: Any, **options: Any) -> torch.Tensor:
        sizes.append(len(options["input_ids"]))
        assert not any(one() is not None for one in held), "what a failed try held must be free for the next"
        if sizes[-1] > most:
            keys_and_values = torch.zeros(1000)
            held.append(weakref.ref(keys_and_values))
            torch.empty(1 << 60)  # a real refusal by the allocator
        result: torch.Tensor = generate(*arguments, **options)
        return result

    model.generate = hungry  # type: ignore[method-assign, assignment]
    halved = answer_batch(model, tokenizer, TASKS, "tuned", NEW_TOKENS)
    assert sizes == [8, 4, 2, 2, 4, 2, 2]
    assert [(a.question_id, a.text) for a in halved] == [(a.question_id, a.text) for a in whole]
    most = 0
    with pytest.raises(ModelError, match=r"even one question \(t0\)"):
        answer_batch(model, tokenizer, TASKS, "tuned", NEW_TOKENS)


def test_a_model_larger_than_the_memory_allowed_is_spread_and_answers_alike(
    random_models: dict[str, Path], model: "PreTrainedModel", tokenizer: "PreTrainedTokenizerBase"
) -> None:
    assert parameters_in(random_models["tuned"]) == model.num_parameters()
    assert free_memory()["cpu"] > 0
    spread = load_placed(random_models["tuned"], "float32", free={"cpu": 2_500_000})
    assert {str(place) for place in spread.hf_device_map.values()} == {"cpu", "disk"}
    prompt = left_pad([tokenizer(alpaca_prompt("Name a river.")).input_ids], 2)
    assert greedy(spread, *prompt, NEW_TOKENS, 2) == greedy(model, *prompt, NEW_TOKENS, 2)
    roomy = load_placed(random_models["tuned"], "float32", free={"cpu": 20_000_000})
    assert not hasattr(roomy, "hf_device_map")


def test_a_task_longer_than_the_model_reads_is_refused_before_the_others_are_answered(
    random_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tasks = [{"instruction": "Name a river."}, {"instruction": "Sum up.", "input": "many words " * 500}]
    (tmp_path / "tasks.json").write_text(json.dumps(tasks), encoding="utf-8")
    output = tmp_path / "out.jsonl"
    command = ["answer", str(random_run), str(tmp_path / "tasks.json"), "--output", str(output), "--batch-size", "1"]
    assert main(command) == 2
    said = capsys.readouterr().err
    assert "row_00002 has" in said and "reads at most 1024; shorten it" in said and "1 of 2" not in said
    assert not output.exists()


def test_an_answer_ends_where_the_model_s_positions_do(loaded: Loaded) -> None:
    stream = loaded.stream("Repeat.", "words " * 750, 800, GREEDY)
    list(stream)
    assert stream.answer is not None and stream.answer.prompt_tokens > 600
    assert stream.answer.finish_reason == "stop" or stream.answer.new_tokens + stream.answer.prompt_tokens == 1024


# ---- streaming ----


def test_the_pieces_make_the_answer_that_a_batch_gives(loaded: Loaded) -> None:
    stream = loaded.stream("Name a river.", "", NEW_TOKENS, GREEDY)
    pieces = list(stream)
    (batch,) = answer_batch(loaded.model, loaded.tokenizer, TASKS[:1], "tuned", NEW_TOKENS)
    assert len(pieces) > 3
    assert "".join(pieces).strip() == batch.text
    assert stream.answer is not None
    assert dataclasses.replace(stream.answer, question_id="t0", seconds=0) == dataclasses.replace(batch, seconds=0)


def test_the_same_seed_streams_the_same_text(loaded: Loaded) -> None:
    hot = Sampling(temperature=1.0, top_p=1.0)
    one, two, other = (
        "".join(loaded.stream("Name a river.", "", NEW_TOKENS, sampling))
        for sampling in (hot, hot, dataclasses.replace(hot, seed=5))
    )
    assert one == two != other


def test_a_stream_given_up_stops_the_model(loaded: Loaded) -> None:
    stream = loaded.stream("Name a river.", "", 800, GREEDY)
    running = threading.active_count()
    pieces = iter(stream)
    next(pieces)
    pieces.close()  # type: ignore[attr-defined]
    assert stream.answer is None
    assert threading.active_count() == running  # the writer has ended, long before its 800 tokens


def test_a_failure_in_the_model_reaches_the_reader(random_models: dict[str, Path]) -> None:
    broken = load_model(random_models["tuned"], "float32")
    del broken.lm_head
    stream = Loaded("tuned", broken, load_tokenizer(random_models["tuned"])).stream("Hello", "", 4, GREEDY)
    with pytest.raises(AttributeError, match="lm_head"):
        list(stream)


# ---- files of tasks ----


ROWS = [{"instruction": "Name a river."}, {"instruction": "Add.", "input": "1, 2", "output": "3"}]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.json", json.dumps(ROWS)),
        ("a.jsonl", "\n".join(map(json.dumps, ROWS))),
        ("a.csv", 'instruction,input,output\nName a river.,,\nAdd.,"1, 2",3\n'),
        ("a.data", '\ufeffinput,instruction,output\r\n,Name a river.,\r\n"1, 2",Add.,3\r\n'),
    ],
)
def test_every_form_of_file_gives_the_same_tasks(tmp_path: Path, name: str, text: str) -> None:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8", newline="")
    assert read_tasks(str(path)) == [
        EvaluationTask("row_00001", "own", "Name a river.", ""),
        EvaluationTask("row_00002", "own", "Add.", "1, 2", "3"),
    ]


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.csv", "question,answer\nx,y\n", "no column `instruction`"),
        ("a.csv", "instruction,input\nAdd.,1\n,2\n", "line 3: the instruction is empty"),
        ("a.csv", "instruction,input\nAdd.,1,2\n", "line 2: more fields"),
        ("a.json", '[{"instruction": "x"}, {"input": "y"}]', "instruction is missing"),
        ("a.json", "[]", "no rows|no tasks"),
        ("a.pdf", "%PDF-1.7", "neither JSON, JSON lines nor CSV"),
        ("a.pdf", "x" * 200_000, "neither JSON, JSON lines nor CSV"),  # longer than the csv module's longest field
    ],
)
def test_a_bad_file_is_refused_with_its_line(tmp_path: Path, name: str, text: str, said: str) -> None:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputFileError, match=said):
        read_tasks(str(path))


def test_standard_input_may_be_plain_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO("Name a river.\n\nWas heißt „rot“?\n".encode())))
    assert [task.instruction for task in read_tasks("-")] == ["Name a river.", "Was heißt „rot“?"]


# ---- the commands ----


def test_answer_writes_alpaca_rows_and_goes_on_where_it_was(
    random_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tasks, output = tmp_path / "tasks.json", tmp_path / "out.jsonl"
    tasks.write_text(json.dumps(ROWS), encoding="utf-8")
    command = ["answer", str(random_run), str(tasks), "--max-new-tokens", "6", "--batch-size", "1"]
    assert main([*command, "--output", str(output)]) == 0
    rows = [json.loads(line) for line in output.read_text(encoding="utf-8").splitlines()]
    assert [(row["instruction"], row["model"], row["new_tokens"]) for row in rows] == [
        ("Name a river.", "tuned", 6),
        ("Add.", "tuned", 6),
    ]
    assert rows[1]["reference"] == "3" and rows[0]["finish_reason"] == "length"
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []
    capsys.readouterr()
    assert main(command) == 0  # the same answers, to standard output
    shown = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["output"] for row in shown] == [row["output"] for row in rows]
    assert main([*command, "--untuned"]) == 0
    untuned = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["output"] for row in untuned] != [row["output"] for row in rows]
    assert main([*command, "--output", str(tasks)]) == 2
    assert main([*command, "--output", str(tmp_path)]) == 2
    capsys.readouterr()
    assert main([*command, "--output", str(tasks / "out.jsonl")]) == 2
    assert "Not a directory" in capsys.readouterr().err


def test_a_folder_without_a_model_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["chat", str(tmp_path / "nothing")]) == 2
    assert main(["chat", str(tmp_path)]) == 2
    said = capsys.readouterr().err
    assert "is no folder" in said and "run the notebooks up to 03 first" in said
    with pytest.raises(InputFileError, match="notebook 03 left no record"):
        load(tmp_path, "untuned")


def test_lines_become_messages() -> None:
    lines = ["one", "", "two \\", "lines", '"""', "three", "", "more", '"""', "/reset", "open \\"]
    assert list(messages(iter(lines))) == ["one", "two \nlines", "three\n\nmore", "/reset", "open"]


def test_a_chat_keeps_nothing_between_messages_but_settings_and_input(
    loaded: Loaded, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = []

    def begin(instruction: str, input: str, limit: int, sampling: Sampling) -> Any:
        asked.append((instruction, input, limit, sampling.temperature))
        return loaded.stream(instruction, input, limit, sampling)

    said = ["Name a river.", "/settings temperature 0.5", "/settings max_new_tokens 5", "/input 1 2 3", "Add them."]
    said += ["/nonsense", "/settings top_p 7", "/settings colour 1", "/reset", "Name a river.", "/quit", "never"]
    converse(begin, Settings(GREEDY, NEW_TOKENS), iter(said))
    river = ("Name a river.", "", NEW_TOKENS, 0.0)
    assert asked == [river, ("Add them.", "1 2 3", 5, 0.5), river]
    out = capsys.readouterr().out
    (answer,) = answer_batch(loaded.model, loaded.tokenizer, TASKS[:1], "tuned", NEW_TOKENS)
    assert out.count(answer.text) == 2
    assert "[5 tokens, " in out and "no command" in out and "outside its range" in out and "no setting 'colour'" in out


def test_the_likeliest_token_has_the_highest_share(loaded: Loaded) -> None:
    logits = next_logits(loaded.model, loaded.tokenizer, alpaca_prompt("Name a river."))
    assert int(shares(logits, Sampling()).argmax()) == int(logits.argmax())
    assert isinstance(Answer("q", "tuned", "x", 1, 0.1, "stop").prompt_tokens, int)  # old files have no such field
