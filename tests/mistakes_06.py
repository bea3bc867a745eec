"""Wrong answers that readers of notebook 06 are likely to give, and words of the explanation they must get."""

from typing import Any

from alpaca_nb.costs.jobs import job_then
from alpaca_nb.files import read_json
from alpaca_nb.runs import Stage


def this_run(stage: Stage, name: str) -> float:
    costs: Any = read_json(stage.run_dir / "costs.json")
    return float(costs["this_run"][name])


MFU = job_then().mfu.value
SAID = ["holds with a footnote", "not reproducible", "holds", "holds", "unsupported"]
MISTAKES: dict[str, list[tuple[Any, str]]] = {
    "06.1": [
        (["holds", *SAID[1:]], "4 of 5 are right. Look at number 1: 36 lies below 100"),
        ([SAID[0], "holds with a footnote", *SAID[2:]], "2 % around 20 do not reach it"),
        ([*SAID[:4], "not reproducible"], "There is no figure to compare with"),
        (["true", *SAID[1:]], "'true' is none of the four verdicts"),
        ("holds", "A list of 5 items is asked for"),
    ],
    "06.2": [
        (5.25, "That is text-davinci-003"),
        (52_000 * (765 * 60 + 1760 * 30) / 1e6 / 500, "The prices are swapped"),
        (52_000 * 1760 * 60 / 1e6 / 500, "The prompt costs money, too"),
        (52_000 * 2525 * 30 / 1e6 / 500, "Those written cost $60"),
        (500 / 0.12855, "how many requests $500 buy"),
        (16, "is too high"),
    ],
    "06.3": [
        (lambda stage: this_run(stage, "kwh") * float(stage.parameters["usd_per_kwh"]), "as before"),
        (lambda stage: this_run(stage, "kwh"), "Those are kilowatt-hours"),
        (lambda stage: this_run(stage, "usd") * 0.4, "dollars by dollars"),
        (lambda stage: this_run(stage, "kwh") * 400, "Watt-hours"),
        (lambda stage: this_run(stage, "kwh") * 40, "40 cents are 0.40 dollars"),
        (1000, "is too high"),
    ],
    "06.4": [
        ((lambda r, c, w, i, o, k: (r * i + c * k + w * o) / 1e6), "billed twice"),
        ((lambda r, c, w, i, o, k: (r * i + w * o) / 1e6), "a price of their own"),
        ((lambda r, c, w, i, o, k: ((r - c) * i + w * o) / 1e6), "cheap, not free"),
        ((lambda r, c, w, i, o, k: (r - c) * i + c * k + w * o), "for a million tokens"),
        ((lambda r, c, w, i, o, k: r), "cases are right. The first that is not"),
        ((lambda r, w: r + w), "Your function raises TypeError"),
        (3.2, "A function is asked for"),
    ],
    "06.5": [
        (24 * 0.4 / MFU, "Turned round"),
        (24 * MFU / 0.4 / 8, "eight cards at once"),
        (24 * 0.4, "worked at their peak"),
        (24 * 0.6, "no sum"),
        (10, "is too high"),
    ],
    "06.6": [
        ((20, 2, 25, (175 * 20 + 179 * 2) * 25), "divide by 60"),
        ((20, 2, 25, 175 * 20 / 60 * 25), "That is the seeds"),
        ((20, 2, 25, 179 * 2 / 60 * 25), "That is the judging"),
        ((20, 2, 25, (175 * 20 + 179 * 2) / 60), "Those are hours"),
        ((20, 2, 25, 7), "do not follow from them"),
        ((1200, 2, 25, 7), "1200 minutes a seed?"),
        (1600, "A list of 4 items is asked for"),
    ],
}
