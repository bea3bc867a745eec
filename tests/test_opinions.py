"""Opinions on open answers: the right contests, honest summaries, and notebook 05 with a judge model over real HTTP."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest
from stub_endpoint import StubReply, completion, stub_endpoint
from test_judge_model import answers_in

from alpaca_nb.comparison import opinions as op
from alpaca_nb.comparison.answer_files import contests_of_files, read_answers
from alpaca_nb.comparison.engine import Judged, VerdictFile
from alpaca_nb.comparison.figures_published import power_curve, published_rates
from alpaca_nb.comparison.judge_model import judge_settings
from alpaca_nb.comparison.pairing import Contest
from alpaca_nb.comparison.published import PUBLISHED
from alpaca_nb.comparison.ratings import RATINGS_FILE, Rating, fingerprint, rating_record
from alpaca_nb.comparison.statistics import win_rate
from alpaca_nb.errors import BudgetError, InputFileError, LedgerError, RecipeError
from alpaca_nb.evaluation_sets.load import evaluation_tasks
from alpaca_nb.files import write_json
from alpaca_nb.record_files import read_records, write_records
from alpaca_nb.records import Answer, CheckableTask, EvaluationTask, Verdict
from alpaca_nb.runs import read_record
from alpaca_nb.teacher.ledger import Ledger

SEED = 17
KIT = evaluation_tasks("kit")[:30]


def make_run(folder: Path, tasks: list[EvaluationTask] = KIT) -> Path:
    """A run folder after notebook 04: two checkable questions, and open tasks, two of three answered well."""
    checkable = [
        CheckableTask(f"q{i}", "addition", "Add one.", str(i), str(i + 1), (str(i + 1),), "number") for i in (1, 2)
    ]
    write_records(folder / "questions.jsonl", checkable)
    answers = [Answer(task.id, "untuned", "no idea", 2, 0.1, "stop") for task in checkable]
    answers += [Answer(task.id, "tuned", task.answer, 2, 0.1, "stop") for task in checkable]
    write_records(folder / "answers.jsonl", answers)
    write_records(folder / "open_questions.jsonl", tasks)
    opened = [Answer(task.id, "untuned", "hm", 2, 0.1, "length") for task in tasks]
    for number, task in enumerate(tasks):
        opened.append(Answer(task.id, "tuned", "hm" if number % 3 == 0 else f"good: {task.reference}", 9, 0.1, "stop"))
    write_records(folder / "open_answers.jsonl", opened)
    return folder


def rival_file(folder: Path, tasks: list[EvaluationTask] = KIT) -> Path:
    rows = [
        {
            "instruction": f"{task.instruction}\n\n{task.input}".strip(),
            "output": f"fair {n}",
            "generator": "somebody-7b",
        }
        for n, task in enumerate(reversed(tasks))
    ]
    return write_json(folder / "rival.json", rows)


def test_open_answers_come_before_checkable_ones_and_rivals_are_joined_by_their_words(tmp_path: Path) -> None:
    run_dir = make_run(tmp_path)
    own = op.opinion_contests(run_dir)
    assert len(own) == 30 and own[0].models == ("tuned", "untuned") and own[0].category == "email"
    others = op.opinion_contests(run_dir, rival_path=str(rival_file(tmp_path)))
    assert others[0].models == ("tuned", "somebody-7b") and others[0].texts[1] == "fair 29"
    with pytest.raises(RecipeError, match="'davinci' is not known: untuned or text-davinci-003"):
        op.opinion_contests(run_dir, "davinci")
    (run_dir / "open_answers.jsonl").unlink()
    assert [contest.category for contest in op.opinion_contests(run_dir)] == ["numbers", "numbers"]
    with pytest.raises(InputFileError, match="with an evaluation_set"):
        op.opinion_contests(run_dir, rival_path=str(tmp_path / "rival.json"))


def test_a_rival_that_skipped_a_task_is_refused(tmp_path: Path) -> None:
    run_dir, path = make_run(tmp_path), rival_file(tmp_path)
    write_json(path, json.loads(path.read_text())[:-1])
    with pytest.raises(InputFileError, match=r"no answer of somebody-7b to kit_001"):
        op.opinion_contests(run_dir, rival_path=str(path))


def test_davincis_published_answers_fit_the_252(
    davincis_tasks: list[EvaluationTask], upstream_data: Path, tmp_path: Path
) -> None:
    contests = op.opinion_contests(make_run(tmp_path / "run", davincis_tasks), "text-davinci-003")
    assert len(contests) == 252 and contests[0].models == ("tuned", "text-davinci-003")
    # The reference of AlpacaEval is another sampling of the same model: 38 of 252 are equal to the letter.
    references = {
        " ".join(row["instruction"].split()): row["output_1"].split()
        for row in json.loads((upstream_data / "alpaca_eval_selfinstruct_gpt4_annotations.json").read_text("utf-8"))
    }
    same = sum(references[" ".join(f"{c.instruction} {c.input}".split())] == c.texts[1].split() for c in contests)
    assert same == 38


@pytest.mark.parametrize(
    ("second", "words"),
    [
        ([{"instruction": "One", "output": "x"}], "1 only in the first, 0 only in the second"),
        ([{"instruction": "One", "output": "x"}, {"instruction": "One ", "output": "y"}], "answers the same task as"),
        ([{"instruction": "One", "target": "x"}], "no answer in it"),
        ([{"output": "x"}], "expected an object with an instruction"),
        ([], "no answers in it"),
    ],
)
def test_answer_files_that_do_not_fit_are_refused(tmp_path: Path, second: list[dict[str, str]], words: str) -> None:
    one = write_json(tmp_path / "one.json", [{"instruction": t, "output": "a"} for t in ("One", "Two")])
    with pytest.raises(InputFileError, match=words):
        contests_of_files(one, write_json(tmp_path / "two.json", second))


def test_the_names_come_from_the_generator_or_the_file(tmp_path: Path) -> None:
    path = write_json(tmp_path / "mine.json", [{"instruction": "One", "input": "x", "answer": " a "}])
    found = read_answers(path)[0]
    assert (found.model, found.text, found.key) == ("mine", "a", "One x")
    twins = contests_of_files(path, path)
    assert twins[0].models == ("mine (1)", "mine (2)")


def test_ratings_become_verdicts_and_agreement(tmp_path: Path) -> None:
    run_dir = make_run(tmp_path)
    contests = op.opinion_contests(run_dir)
    with Ledger(run_dir / RATINGS_FILE, {"contests": fingerprint(contests)}) as ledger:
        for rater in ("ann", "bob"):
            for contest in contests[:20]:
                if contest.identical:
                    continue  # nobody is asked
                rating = Rating(rater, contest.question_id, "tuned", "untuned", "A", 2.0)
                ledger.append(rating_record(rating, "2026-11-25T10:00:00+00:00"))
    file = VerdictFile(run_dir / "comparison.jsonl")
    judged, usd = asyncio.run(op.opinions("people", contests, SEED, file, run_dir, None, 1))
    again, _ = asyncio.run(op.opinions("people", contests, SEED, file, run_dir, None, 1))
    file.settle(again.verdicts)
    assert again == judged and read_records(run_dir / "comparison.jsonl", Verdict) == judged.verdicts, "once each"
    summary = op.summary_of(judged, contests)
    assert usd == 0 and summary is not None
    assert (summary.rate.wins, summary.rate.ties, summary.identical, summary.undecided) == (13, 10, 10, 7)
    assert summary.habits.asked == 0 and "tuned against untuned: 13 : 0, 10 ties" in " ".join(summary.words())
    assert "23 pairs (10 of identical answers, ties without asking)" in " ".join(op.rater_lines(run_dir, contests))
    model = [
        Verdict(v.question_id, "model", "tuned", "untuned" if n == 1 else v.winner)
        for n, v in enumerate(judged.verdicts)
    ]
    rows = op.agreement_rows(op.winners_by_judge(model, run_dir, contests, SEED))
    assert rows[0][:2] == ("model and people", 13), "nobody agreed on what nobody judged"
    assert rows[0][2].startswith("92.3 %")

    # The same questions with another rival, whom nobody has rated, and with other answers.
    another_rival = op.opinion_contests(run_dir, rival_path=str(rival_file(tmp_path)))
    with pytest.raises(InputFileError, match=r"nobody has rated these pairs yet: .*--rival or --rival-path"):
        asyncio.run(op.opinions("people", another_rival, SEED, VerdictFile(), run_dir, None, 1))
    opened = run_dir / "open_answers.jsonl"
    opened.write_text(opened.read_text().replace("good: ", "made anew: "))
    others = op.opinion_contests(run_dir)
    with pytest.raises(InputFileError, match="of other pairs than these"):
        asyncio.run(op.opinions("people", others, SEED, VerdictFile(), run_dir, None, 1))
    assert op.winners_by_judge([], run_dir, others, SEED) == {}
    assert "not counted" in " ".join(op.rater_lines(run_dir, others))


def test_categories_add_up_and_nobodys_opinion_is_no_summary() -> None:
    contests = [Contest(f"q{i}", "t", "", ("tuned", "x"), ("a", "b"), category="ab"[i % 2]) for i in range(4)]
    verdicts = [
        Verdict(c.question_id, "model", "tuned", w) for c, w in zip(contests, ("tuned", "x", "tie", "x"), strict=True)
    ]
    assert [row[:4] for row in op.category_rows(verdicts, contests)] == [("a", 1, 0, 1), ("b", 0, 2, 0)]
    assert op.summary_of(Judged([], {"q0": "no verdict"}), contests) is None


def test_figures_say_their_numbers() -> None:
    _, alt = published_rates([(count.name, count.rate()) for count in PUBLISHED])
    assert "90 : 89" in alt and "26.6 %" in alt
    _, alt = power_curve(179)
    assert "60.4 %" in alt and "55% takes 783" in alt
    assert published_rates([("all ties", win_rate(0, 0, 3))])[1]


def test_errors_of_the_judge_name_the_judges_parameters(tmp_path: Path) -> None:
    contests = [Contest("q", "t", "", ("tuned", "x"), ("a", "b"))]

    def ask(base_url: str, model: str, budget: float) -> None:
        settings = judge_settings(base_url, model, budget, "100,1000")
        asyncio.run(op.opinions("model", contests, SEED, VerdictFile(), tmp_path, settings, 1))

    with stub_endpoint(lambda number, prompt: completion("Verdict: A")) as stub:
        with pytest.raises(BudgetError, match=r"of judge_budget_usd .* Raise judge_budget_usd"):
            ask(stub.base_url, "judge-1", 0.0)
        with pytest.raises(LedgerError, match="judge_model was 'judge-1' and is now 'judge-2'"):
            ask(stub.base_url, "judge-2", 1.0)
    assert stub.requests == []


@pytest.mark.slow
def test_notebook_05_with_a_judge_model(tmp_path: Path) -> None:
    run_dir, rival = make_run(tmp_path / "run"), rival_file(tmp_path)

    def judge(number: int, prompt: str) -> StubReply:
        a, b = answers_in(prompt)
        if a == b:
            raise AssertionError("identical answers were asked about")
        best = "A" if a.startswith("good") or (a.startswith("fair") and b == "hm") else "B"
        return completion("I had rather not." if "subject line" in prompt else f"Verdict: {best}")

    command = [
        sys.executable, "-m", "alpaca_nb.cli", "run", "smoke", "--run-dir", str(run_dir), "--from", "05",
        "--until", "05", "-p", "judge=model", "-p", "judge_model=stub-1", "-p", f"rival_path={rival}", "-p",
    ]  # fmt: skip
    with stub_endpoint(judge) as stub:
        command.append(f"judge_base_url={stub.base_url}")
        first = subprocess.run(command, capture_output=True, text=True, timeout=300)
        assert first.returncode == 0, first.stdout + first.stderr
        assert len(stub.requests) == 60, "every pair in both orders"
        second = subprocess.run(command, capture_output=True, text=True, timeout=300)
        assert second.returncode == 0 and len(stub.requests) == 60
    record = read_record(run_dir, "05_blind_comparison")
    assert record is not None
    found = record.metrics["model"]
    assert isinstance(found, dict)
    # 30 tasks: tuned is worse in every third (10) and good in 20; the judge refuses the one on a subject line.
    refused = sum("subject line" in f"{task.instruction}" for task in KIT)
    assert (found["wins"] + found["losses"], found["undecided"], found["ties"]) == (30 - refused, refused, 0)
    assert found["rival"] == "somebody-7b" and found["losses"] == 10
    assert record.metrics["usd"] == 0 and "open_answers.jsonl" in record.inputs
    verdicts = read_records(run_dir / "comparison.jsonl", Verdict)
    assert {verdict.measure for verdict in verdicts} == {"strict", "lenient", "model"}
