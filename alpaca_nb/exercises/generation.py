"""Checks of notebook 02's exercises: ROUGE-L, the filter, the yield and its price, and what the faults cost."""

import math
from collections.abc import Sequence

from alpaca_nb.exercises.answers import (
    Check,
    Feedback,
    as_items,
    as_number,
    compare_function,
    compare_number,
    near,
    right,
    wrong,
)
from alpaca_nb.files import Json, read_json, read_jsonl
from alpaca_nb.generation.faults import costs_of_faults
from alpaca_nb.generation.fold import NEAR_DUPLICATE
from alpaca_nb.generation.novelty import NoveltyFilter
from alpaca_nb.generation.seeds import read_seed_tasks
from alpaca_nb.generation.settings import GenerationSettings, settings_of
from alpaca_nb.generation.ways import Way
from alpaca_nb.prices import price_of
from alpaca_nb.record_files import read_records
from alpaca_nb.records import Rejection
from alpaca_nb.runs import Stage
from alpaca_nb.similarity.rouge_l import rouge_l, words_of
from alpaca_nb.teacher.recorded import recorded_answers

ROWS_WANTED, LOWER_THRESHOLD = 52_000, 0.5
THIS_STAGE = "02_generate_data"
KEPT, NEW = (  # the notebook shows them
    "List three cities in Italy and their rivers.",
    ("List three rivers in Italy and their cities.", "In Italy, list three cities and the rivers that cross them."),
)
_FIVE_LINE_CASES: tuple[tuple[list[str], float], ...] = (
    ([], 0.7),
    (["a b c d e f g h i j", "a b c d e f g x y z"], 0.7),  # 0.7 exactly: not above
    (["a b c d e f", "a b c d e x", "a b c d y x"], 0.7),  # the third is close to the second only, which is dropped
    (["a b", "c d", "A b!"], 0.7),
)
_TEXTS_COMPARED = 120  # of the run; each is compared with all before it, one pair after the other
_MOST_SHOWN = 10


def two_scores(answer: object, stage: Stage) -> Feedback:
    """ROUGE-L of two new instructions with a kept one."""
    said = [as_number(item) for item in as_items(answer, 2)]
    for name, new, value in zip("AB", NEW, said, strict=True):
        if not near(value, rouge_l(KEPT, new), 0.005):
            return wrong(f"{name}: {_mistake_in_score(value, KEPT, new)}")
    return right("A asks for another thing and is dropped; B asks for nearly the same and is kept. ROUGE-L sees the "
                 "order of words, not their sense.")  # fmt: skip


def _mistake_in_score(value: float, kept: str, new: str) -> str:
    a, b = words_of(kept), words_of(new)
    wanted = rouge_l(kept, new)
    common = round(wanted * (len(a) + len(b)) / 2)
    bag, union = len({*a} & {*b}), len({*a} | {*b})
    mistakes = (
        (2 * bag / (len(a) + len(b)), "you count the words that both have, in any order. ROUGE-L wants one sequence "
         "that runs through both texts from left to right."),
        (bag / union, "that is shared words over all words. ROUGE-L is the harmonic mean of two shares."),
        (common / len(a), "that is its share of the kept text. Take the harmonic mean with its share of the new one."),
        (common / len(b), "that is its share of the new text. Take the harmonic mean with its share of the kept one."),
        ((common / len(a) + common / len(b)) / 2, "that is the arithmetic mean of the shares; wanted is the harmonic."),
        (float(common), "that is the length of the sequence. Divide it by the length of each text, and take the mean."),
        (wanted * 100, "a score goes from 0 to 1, not to 100."),
    )  # fmt: skip
    for result, said in mistakes:
        if near(value, result, 0.005):
            return said
    side = "high" if value > wanted else "low"
    return f"{value:g} is too {side}. Write both as lists of words, and underline the sequence that both have."


def requests_for_alpaca(answer: object, stage: Stage) -> Feedback:
    """Requests for 52,000 rows at the run's own yield."""
    kept, rejected = _provenance(stage), _rejected(stage)
    requests = len(recorded_answers(stage.need("generation", "ledger.jsonl", made_by=THIS_STAGE)))
    wanted = math.ceil(ROWS_WANTED * requests / len(kept))
    shown, listed = (int(stage.parameters[name]) for name in ("seeds_per_request", "tasks_per_request"))
    early, late = _shares_kept(kept, rejected)
    return compare_number(
        answer,
        wanted,
        [
            (ROWS_WANTED / (listed - shown), f"That is so only if all {listed - shown} new tasks of a list are kept."),
            (ROWS_WANTED / listed, f"{shown} of a list's {listed} tasks are seeds, and not all others are kept."),
            (ROWS_WANTED * requests / (len(kept) + len(rejected)), "You count what was rejected, too."),
            (ROWS_WANTED * len(kept) / requests, "Upside down: rows a request says how many rows one request brings."),
            (ROWS_WANTED, "That is a request a row. How many rows did a request of your run bring?"),
        ],
        praise=f"{len(kept) / requests:.1f} rows a request. Expect more all the same: of the first half of your run's "
        f"candidates {early:.0%} were kept, of the second {late:.0%}, and the pool goes on growing.",
        otherwise="Take the rows and the requests that the run printed: how many rows does one request bring?",
        within=0.02,
    )  # fmt: skip


def _shares_kept(kept: Sequence[dict[str, Json]], rejected: Sequence[Rejection]) -> tuple[float, float]:
    """Which share was kept of the first half of all candidates, and of the second, in the order in which they came."""
    places = [(int(str(row["request_index"])), int(str(row["position"])), 1) for row in kept]
    places += [(bad.request_index, bad.position, 0) for bad in rejected]
    fates = [fate for *_, fate in sorted(places)]
    half = len(fates) // 2
    return sum(fates[:half]) / max(1, half), sum(fates[half:]) / max(1, len(fates) - half)


def novelty_filter(answer: object, stage: Stage) -> Feedback:
    """A function (texts, threshold) that keeps what is new, in order."""
    texts = _instructions(stage)[:_TEXTS_COMPARED]
    cases = [*_FIVE_LINE_CASES, (texts, LOWER_THRESHOLD), (texts, 0.3)]
    return compare_function(
        answer,
        cases,
        _kept,
        [
            (_kept_below, "At the edge: a score of exactly the threshold is not above it, so the text is kept."),
            (_new_among_all_before, "You compare with every earlier text. One that was dropped counts no more."),
            (_unlike_the_last, "You compare with one kept text only. A new text must be unlike all of them."),
            (_alone, "You drop both texts of a pair. The first of them was there first, and stays."),
            (_dropped, "These are the texts that are dropped; give those that are kept."),
            (lambda texts, threshold: len(_kept(texts, threshold)), "Give the texts that are kept, not their number."),
            (lambda texts, threshold: list(dict.fromkeys(texts)), "You drop equal texts only. Compare by rouge_l."),
        ],
        praise=f"The same as the kit's filter, on {len(texts)} instructions of your run as well. Yours compares every "
        "pair; at 52,000 rows those would be 1.35 billion.",
    )


def _kept(texts: Sequence[str], threshold: float) -> list[str]:
    known = NoveltyFilter(threshold)
    return [text for text in texts if known.add(text)]


def _kept_below(texts: Sequence[str], threshold: float) -> list[str]:
    kept: list[str] = []
    for text in texts:
        if all(rouge_l(text, other) < threshold for other in kept):
            kept.append(text)
    return kept


def _new_among_all_before(texts: Sequence[str], threshold: float) -> list[str]:
    return [t for n, t in enumerate(texts) if all(rouge_l(t, other) <= threshold for other in texts[:n])]


def _unlike_the_last(texts: Sequence[str], threshold: float) -> list[str]:
    kept: list[str] = []
    for text in texts:
        if not kept or rouge_l(text, kept[-1]) <= threshold:
            kept.append(text)
    return kept


def _alone(texts: Sequence[str], threshold: float) -> list[str]:
    return [t for n, t in enumerate(texts) if all(rouge_l(t, u) <= threshold for m, u in enumerate(texts) if m != n)]


def _dropped(texts: Sequence[str], threshold: float) -> list[str]:
    kept = _kept(texts, threshold)
    return [text for text in texts if text not in kept]


def price_of_the_faults(answer: object, stage: Stage) -> Feedback:
    """By how many per cent a good row becomes dearer where all of the original's faults are at work."""
    settings, way = _settings(stage), _way(stage)
    if way.name != "numbered":
        return Feedback("open", f"this run asked in another way ({way.name}); the faults are those of numbered lists")
    answers = recorded_answers(stage.need("generation", "ledger.jsonl", made_by=THIS_STAGE))
    none, *_, every = costs_of_faults(answers, way, settings, [price_of("text-davinci-003")])
    (cheap,), (dear,) = none.usd, every.usd
    return compare_number(
        answer,
        100 * (dear / cheap - 1),
        [
            (dear / cheap, "That is the ratio of the two. By how many per cent is the one above the other?"),
            (dear / cheap - 1, "That is a share. In per cent it is a hundred times as much."),
            (100 * (1 - cheap / dear), "That is in per cent of the dearer one. What is added to the cheaper?"),
            (dear - cheap, "Those are dollars. Put them into per cent of the bill without a fault."),
            (100 * (none.good / every.good - 1), "You compare rows. Dollars grow less: behind a stop text nothing is "
             "written, and nothing is paid."),
        ],
        praise=f"${cheap:.2f} become ${dear:.2f} for 52,002 good rows: the same answers hold {none.good} good rows, "
        f"of which the original's way of reading finds {every.good}.",
        otherwise="Take the dollars of text-davinci-003 in the table's first and last row.",
        within=0.004,
    )  # fmt: skip


def lower_threshold(answer: object, stage: Stage) -> Feedback:
    """Rows of the run that a threshold of 0.5 would leave."""
    seeds, rows = [task.instruction for task in _way(stage).seeds], _instructions(stage)
    known, alone = NoveltyFilter(LOWER_THRESHOLD), NoveltyFilter(LOWER_THRESHOLD)
    for text in seeds:
        known.keep(text)
    wanted = sum(known.add(text) for text in rows)
    scores = [float(str(row["nearest_score"])) for row in _provenance(stage)]
    return compare_number(
        answer,
        wanted,
        [
            (sum(alone.add(text) for text in rows), "You left the seeds out: a row that repeats one is dropped too."),
            (sum(score <= LOWER_THRESHOLD for score in scores), "These scores are to the nearest text kept at the "
             "run's threshold. At 0.5 some of those texts go themselves, and their neighbours stay."),
            (len(rows) - wanted, "Those are the rows that go; asked for are those that stay."),
            (wanted + len(seeds), "The seeds are counted with them: len(known) knows both."),
        ],
        praise=f"{wanted} of {len(rows)} rows, so each costs {len(rows) / max(1, wanted):.1f} times as much. Whether "
        "a model learns more from such rows, only training tells.",
        otherwise="Let the filter keep the seeds' instructions, then add the rows' in order; count what it keeps.",
        within=1e-9,
    )  # fmt: skip


def rightly_dropped(answer: object, stage: Stage) -> Feedback:
    """How many of the first near duplicates a reader would have kept; any count is an answer, and gets its interval."""
    found = sum(bad.reason == NEAR_DUPLICATE for bad in _rejected(stage))
    if not found:
        return Feedback("open", "no candidate of this run was dropped as a near duplicate")
    shown, value = min(found, _MOST_SHOWN), as_number(answer)
    if not value.is_integer():
        return wrong(f"A count is asked for: how many of the {shown} pairs?")
    if not 0 <= value <= shown:
        return wrong(f"{shown} pairs are shown, so the count lies between 0 and {shown}.")
    from scipy.stats import binomtest

    interval = binomtest(int(value), shown).proportion_ci(method="wilson")
    return right(
        f"{value:.0f} of {shown}. From so few pairs one only knows that {interval.low:.0%} to {interval.high:.0%} are "
        f"dropped wrongly (95 % interval). The run dropped {found}. How many would you have to read to know the share "
        "to ten per cent, and does your neighbour count the same?"
    )


def _settings(stage: Stage) -> GenerationSettings:
    return settings_of(stage.parameters, to_send=False)


def _way(stage: Stage) -> Way:
    seeds = read_seed_tasks(stage.need("seed_tasks.jsonl", made_by="01_seed_tasks"))
    return _settings(stage).way(seeds, str(stage.parameters["published_path"]))


def _instructions(stage: Stage) -> list[str]:
    rows = read_json(stage.need("dataset.json", made_by=THIS_STAGE))
    return [str(row["instruction"]) for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def _provenance(stage: Stage) -> list[dict[str, Json]]:
    lines = read_jsonl(stage.need("generation", "provenance.jsonl", made_by=THIS_STAGE))
    return [value for _, value in lines if isinstance(value, dict)]


def _rejected(stage: Stage) -> list[Rejection]:
    return read_records(stage.need("rejected.jsonl", made_by=THIS_STAGE), Rejection)


CHECKS: dict[str, Check] = {
    "02.1": two_scores,
    "02.2": requests_for_alpaca,
    "02.3": novelty_filter,
    "02.4": price_of_the_faults,
    "02.5": lower_threshold,
    "02.6": rightly_dropped,
}
