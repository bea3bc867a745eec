"""Published verdicts: the real file gives the published counts, in either order, and damaged files are refused."""

import asyncio
import json
from pathlib import Path

import pytest

from alpaca_nb.comparison.bias import points_of
from alpaca_nb.comparison.engine import VerdictFile, compare
from alpaca_nb.comparison.length import length_controlled, longer_wins
from alpaca_nb.comparison.published import PUBLISHED, PublishedJudge, count, count_file, read_annotations
from alpaca_nb.errors import InputFileError
from alpaca_nb.evaluation_sets.categories import category_counts, category_of_app

ALPACA = "alpaca-7b"


@pytest.fixture
def real_file(upstream_data: Path) -> Path:
    return upstream_data / "alpaca_eval_selfinstruct_gpt4_annotations.json"


def test_the_real_file_gives_the_published_counts(real_file: Path) -> None:
    rate = count(read_annotations(real_file), ALPACA)
    assert (rate.wins, rate.losses, rate.ties) == (63, 181, 8)
    assert round(100 * rate.wilson.value, 1) == 26.6
    recorded = PUBLISHED[1]
    assert (recorded.wins, recorded.losses, recorded.ties) == (rate.wins, rate.losses, rate.ties)


def test_the_engine_gives_the_same_counts_whatever_the_order(real_file: Path, tmp_path: Path) -> None:
    annotations = read_annotations(real_file)
    contests = [annotation.contest for annotation in annotations]
    for seed in (1, 2):
        file = VerdictFile(tmp_path / f"{seed}.jsonl")
        judged = asyncio.run(compare(PublishedJudge(annotations), contests, seed, file))
        assert sum(points_of(judged.verdicts, ALPACA)) == 63 + 8 / 2
        assert [verdict.winner for verdict in judged.verdicts].count(ALPACA) == 63
        assert 90 < sum(verdict.shown_first == ALPACA for verdict in judged.verdicts) < 162
        assert not judged.undecided


def test_length_does_not_explain_the_verdicts_on_the_252(real_file: Path) -> None:
    annotations = read_annotations(real_file)
    points = [0.5 if a.side == "tie" else float(a.side == "B") for a in annotations]
    rival, own = ([len(a.contest.texts[place]) for a in annotations] for place in (0, 1))
    assert (round(sum(own) / 252), round(sum(rival) / 252)) == (305, 312)
    controlled, longer = length_controlled(points, own, rival), longer_wins(points, own, rival)
    assert controlled is not None and controlled.low < sum(points) / 252 < controlled.high
    assert longer is not None and 0.5 < longer.low < longer.high < 0.68


def test_the_articles_three_categories(real_file: Path, upstream_data: Path) -> None:
    tasks = [json.loads(line) for line in (upstream_data / "user_oriented_instructions.jsonl").open(encoding="utf-8")]
    joined = {
        " ".join(f"{task['instruction']} {task['instances'][0]['input']}".split()): task["motivation_app"]
        for task in tasks
    }
    rows = []
    for annotation in read_annotations(real_file):
        app = joined[" ".join(annotation.contest.instruction.split())]
        rows.append((category_of_app(app), {"A": 0.0, "B": 1.0}.get(annotation.side or "", 0.5)))
    counts = category_counts(rows)
    assert {name: counts[name] for name in ("email", "social media", "productivity")} == {
        "email": (3, 5, 1),
        "social media": (9, 24, 3),
        "productivity": (8, 28, 1),
    }
    assert tuple(map(sum, zip(*counts.values(), strict=True))) == (63, 181, 8)


GOOD = {
    "instruction": "Say hello.",
    "generator_1": "x",
    "generator_2": "y",
    "output_1": "Hi",
    "output_2": "Ho",
    "preference": 2,
}


@pytest.mark.parametrize(
    ("preference", "side"), [(1, "A"), (2, "B"), (0, "tie"), (1.5, "tie"), (1.02, "A"), (1.98, "B"), (None, None)]
)
def test_every_way_of_writing_a_preference(tmp_path: Path, preference: object, side: object) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps([{**GOOD, "preference": preference}]))
    assert read_annotations(path)[0].side == side


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"output_1": None}, "row 0: 'output_1' should be text"),
        ({"preference": 3}, "row 0: preference"),
        ({"preference": "2"}, "row 0: preference"),
        ({"preference": 0.5}, "means nothing"),
        ({"generator_2": "x"}, "both outputs are by 'x'"),
    ],
)
def test_a_damaged_row_is_named(tmp_path: Path, change: dict[str, object], words: str) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps([{**GOOD, **change}]))
    with pytest.raises(InputFileError, match=words):
        read_annotations(path)


def test_a_file_about_another_model_is_not_counted_as_losses(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps([GOOD, {**GOOD, "generator_2": "z"}]))
    assert count_file(path, "x").wins == 0 and count_file(path, "x").losses == 2
    with pytest.raises(InputFileError, match="row 1: judges 'x' and 'z', not 'y'"):
        count_file(path, "y")
    path.write_text(json.dumps([{**GOOD, "preference": None}]))
    with pytest.raises(InputFileError, match="no verdict in it"):
        count_file(path, "x")


@pytest.mark.parametrize("text", ["{}", "[]", "[1]", "nonsense"])
def test_another_file_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(InputFileError):
        read_annotations(tmp_path / "a.json")
