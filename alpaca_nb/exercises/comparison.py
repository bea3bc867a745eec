"""Checks of notebook 05's exercises: rulings in two orders, a marking to be fooled, length, intervals, peeking."""

from collections import defaultdict

from alpaca_nb.checkable_tasks.marking import is_right
from alpaca_nb.comparison.judge import both_orders
from alpaca_nb.comparison.pairing import Side, blind_pair, unblind
from alpaca_nb.comparison.stage import Pair, contest_of, read_pairs
from alpaca_nb.comparison.statistics import share_right, sign_test, win_rate
from alpaca_nb.exercises.answers import (
    Check,
    Feedback,
    NotAnAnswer,
    as_items,
    as_number,
    as_text,
    compare_function,
    compare_number,
    near,
    right,
    wrong,
)
from alpaca_nb.runs import Stage

PREDICT: tuple[tuple[Side | None, Side | None], ...] = (  # the notebook shows them in this order
    ("A", "B"),
    ("A", "A"),
    ("tie", "tie"),
    ("B", "tie"),
    ("B", None),
)
_WHY = (
    "“A”, and then “B” of the swapped pair, is the same answer both times.",
    "“A” in both orders names two different answers: the judge looked at the place.",
    "A tie in both orders is the same verdict twice.",
    "“B” first and a tie when swapped: the judge changed its mind though only the order had changed.",
    "One order has no verdict, so nothing can be compared: the pair is left out, and counted as left out.",
)
LOOKS, SIGNIFICANT = 10, 0.05
Z = 1.959964  # of a 95 % interval
_PAIRS_OF_TEXTS = (("Rome", "The capital of Italy is Rome."), ("no", "ja"), ("  Yes  ", "Nope"), ("a b", "abcd"))


def rulings(answer: object, stage: Stage) -> Feedback:
    """What `both_orders` makes of five pairs of verdicts."""
    said = [str(item).strip() for item in as_items(answer, len(PREDICT))]
    wanted = [str(both_orders(first, swapped).side) for first, swapped in PREDICT]
    missed = [number for number, pair in enumerate(zip(said, wanted, strict=True)) if pair[0] != pair[1]]
    if not missed:
        return right(
            "Asked twice, a judge that knows what it prefers loses nothing, and one that looks at places ties."
        )
    return wrong(
        f"{len(PREDICT) - len(missed)} of {len(PREDICT)} are right. Look at number {missed[0] + 1}: {_WHY[missed[0]]}"
    )


def fooled(answer: object, stage: Stage) -> Feedback:
    """A useless answer to the run's first question with a number that lenient marking takes for right."""
    text = as_text(answer)
    task = next((pair.task for pair in _pairs(stage) if pair.task.match == "number"), None)
    if task is None:
        return Feedback("open", "this run has no question whose answer is a number; take another seed.")
    if is_right(task, text, "strict"):
        return wrong("That is simply right. Say something that helps nobody, and yet holds the expected answer.")
    if not is_right(task, text, "lenient"):
        return wrong(
            f"Lenient marking is not fooled: {task.answer} does not stand in it as a number of its own, outside of the "
            "task's own words."
        )
    return right(
        "A person would shake the head, lenient marking nods: it looks for the answer, not for sense. Strict marking "
        "refuses it, and refuses polite right sentences as well. That is why both stand in every table."
    )


def longer(answer: object, stage: Stage) -> Feedback:
    """A judge that prefers the longer of two texts."""
    pairs = _pairs(stage)
    cases = [*_PAIRS_OF_TEXTS, *((pair.untuned, pair.tuned) for pair in pairs)]
    points = {"tuned": 0, "untuned": 0, "tie": 0}
    for pair in pairs:
        shown, order = blind_pair(contest_of(pair), int(stage.parameters["seed"]))
        points[unblind(_longer(shown.answer_a, shown.answer_b), order)] += 1
    rate = win_rate(points["tuned"], points["untuned"], points["tie"])
    return compare_function(
        answer,
        cases,
        _longer,
        [
            (lambda a, b: _longer(b, a), "Turned round: your judge prefers the shorter one."),
            (lambda a, b: "A" if len(a) > len(b) else "B", "And where both have the same length? That is a tie."),
            (lambda a, b: "A" if len(a) >= len(b) else "B", "And where both have the same length? That is a tie."),
            (lambda a, b: _by_number(len(a.split()), len(b.split())), "You count words. Count characters."),
            (lambda a, b: _by_number(len(a.strip()), len(b.strip())), "Do not strip: count every character."),
            (lambda a, b: max(a, b, key=len), "Say which side is longer, “A”, “B” or “tie”, not the text itself."),
            (lambda a, b: len(a) > len(b), "Say “A”, “B” or “tie”, not True or False."),
        ],
        praise=f"On your run this judge says of the tuned model: {rate.words()}. It knows nothing of right and wrong, "
        "and no interval can see that: it knows the choice of questions only.",
    )


def _longer(a: str, b: str) -> Side:
    return _by_number(len(a), len(b))


def _by_number(a: int, b: int) -> Side:
    return "A" if a > b else "B" if b > a else "tie"


def none_right(answer: object, stage: Stage) -> Feedback:
    """The upper end of Wilson's 95 % interval for no right answer among the run's questions."""
    questions = len(_pairs(stage))
    upper = share_right(0, questions).high
    return compare_number(
        answer,
        upper,
        [
            (0.0, "So says the bootstrap, which can only draw what it has seen. A model that is right once in "
             "a hundred cases often has none in a sample."),
            (100 * upper, "You give per cent. Write a share between 0 and 1."),
            (3 / questions, "That is the rule of three, the upper end that is right in 95 of 100 cases on this side. "
             "Wilson's interval leaves 2.5 % on each side."),
            (1 - 0.025 ** (1 / questions), "That is the exact end (Clopper and Pearson). Asked for is Wilson's."),
            (Z / questions, "The square of z, over n plus the square of z."),
            (Z**2 / questions, "Nearly: the square of z is added to n below the line."),
            (0.5, "That is the middle of all shares, not the end of an interval."),
        ],
        praise=f"0 right of {questions} fits a model that is right in up to {upper:.1%} of all cases.",
        otherwise="With none right, Wilson's formula shrinks to z²/(n + z²), with z = 1.96.",
        within=0.005,
    )  # fmt: skip


def half_as_wide(answer: object, stage: Stage) -> Feedback:
    """Questions that make an interval half as wide as with this run's."""
    now = len(_pairs(stage))
    return compare_number(
        answer,
        4 * now,
        [
            (2 * now, f"Twice as many make it narrower by a factor of {2**0.5:.2f} only: the width goes with 1/√n."),
            (now * 2**0.5, "Turned round: the width goes with 1/√n, so n goes with the square of what you want."),
            (3 * now, "That is how many must be added. Asked for are all of them."),
            (4, "Four times as many, yes: how many is that in your run?"),
            (now**2, "The width goes with 1/√n: half the width is four times n, whatever n is."),
        ],
        praise=f"{4 * now:,} questions instead of {now:,}. Half of that again takes sixteen times as many.",
        otherwise="The width of an interval goes with 1/√n.",
        within=0.001,
    )


def peeking(answer: object, stage: Stage) -> Feedback:
    """The chance that one of ten looks at two equal models says that they differ."""
    questions = len(_pairs(stage))
    exact = false_alarms(questions, LOOKS)
    value = as_number(answer)
    if value > 1:
        raise NotAnAnswer("A share between 0 and 1 is asked for.")
    if near(value, 1 - (1 - SIGNIFICANT) ** LOOKS, 0.01):
        return wrong("That holds for ten separate experiments. Ten looks at the same growing data are alike.")
    if near(value, SIGNIFICANT, 0.02):
        return wrong("That is one look, at the end. Every further look is a further chance to be wrong.")
    if near(value, LOOKS * SIGNIFICANT, 0.01):
        return wrong("Chances of things that can happen together do not add up.")
    if abs(value - exact) > 0.03:
        return wrong(
            f"{value:.1%} is too {'high' if value > exact else 'low'}. Toss {questions} coins, look after each tenth "
            "of them with sign_test(wins, losses), note whether any look falls below 0.05; repeat a few thousand times."
        )
    return right(
        f"Exactly it is {exact:.1%}: looking ten times finds a difference that is not there "
        f"{exact / SIGNIFICANT:.1f} times as often as the test promises. So decide beforehand how many comparisons "
        "there will be, or pay for looking: with stricter limits."
    )


def false_alarms(comparisons: int, looks: int) -> float:
    """Exact chance that the sign test rejects at any of `looks` evenly spaced looks though both sides are equal."""
    marks = {round(comparisons * look / looks) for look in range(1, looks + 1)}
    chance, alarm = {0: 1.0}, 0.0  # wins so far → probability of it without an alarm yet
    for done in range(1, comparisons + 1):
        after: defaultdict[int, float] = defaultdict(float)
        for wins, probability in chance.items():
            after[wins] += probability / 2
            after[wins + 1] += probability / 2
        chance = dict(after)
        if done in marks:
            for wins in [wins for wins in chance if sign_test(wins, done - wins) <= SIGNIFICANT]:
                alarm += chance.pop(wins)
    return alarm


def _pairs(stage: Stage) -> list[Pair]:
    questions = stage.need("questions.jsonl", made_by="04_inference")
    return read_pairs(questions, stage.need("answers.jsonl", made_by="04_inference"))


CHECKS: dict[str, Check] = {
    "05.1": rulings,
    "05.2": fooled,
    "05.3": longer,
    "05.4": none_right,
    "05.5": half_as_wide,
    "05.6": peeking,
}
