"""The comparison as a page of its own, `compare.html`, with `compare.json` beside it: a table and a figure."""

import io
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import matplotlib.style
from jinja2 import Environment, StrictUndefined
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from alpaca_nb.costs.compare import (
    Outcome,
    RunSummary,
    comparison_table,
    differing,
    measured_outcomes,
    read_runs,
    value_of,
)
from alpaca_nb.files import write_json, write_text
from alpaca_nb.plots import BLUE, DOTS_PER_INCH, GREY, STYLE, figure_html, new_figures

FOLDER = Path(__file__).parent
PAGE, TWIN = "compare.html", "compare.json"
# At most three panels: how good, how dear, how long; the first of each group that was measured.
PANELS = (
    ("right answers, lenient", "held-out loss", "rows kept per request", "rows"),
    ("won, by people", "won, by a judge model", "gain over untuned, lenient", "training speed", "candidates rejected"),
    ("cost",),
    ("time",),
)


def compare_runs(run_dirs: Sequence[Path], out: Path) -> tuple[list[RunSummary], Path]:
    """Read run folders and write the page and its twin into the folder `out`; returns the summaries and the page."""
    summaries = read_runs(run_dirs)
    figure, alt = panels(summaries)
    header, rows = comparison_table(summaries)
    changed = differing(summaries)
    template = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    page = template.from_string((FOLDER / "compare_template.html").read_text(encoding="utf-8")).render(
        style=(FOLDER / "report.css").read_text(encoding="utf-8"),
        figure=figure_html(_png(figure), alt),
        header=header,
        differences=rows[: len(changed)],
        outcomes=rows[len(changed) :],
    )
    write_json(out / TWIN, {"differing": changed, "runs": [asdict(each) for each in summaries]})
    return summaries, write_text(out / PAGE, page)


def panels(summaries: Sequence[RunSummary]) -> tuple[Figure, str]:
    """Bars side by side, one panel an outcome and one bar a run; returns (figure, alt text)."""
    chosen = _chosen(summaries)
    figure, all_axes = new_figures(len(chosen), 3.2 * len(chosen) + 1.2, 0.42 * len(summaries) + 1.3)
    labels = [_label(each, summaries) for each in reversed(summaries)]
    for axes, outcome in zip(all_axes, chosen, strict=True):
        found = [each.outcomes.get(outcome.name) for each in reversed(summaries)]
        values = [each.value if each else 0.0 for each in found]
        axes.barh(range(len(values)), values, color=BLUE)
        for place, each in enumerate(found):
            words = outcome.form.format(each.value) if each else "not measured"
            end = 0.0 if each is None else max(each.value, each.high or each.value, 0.0)
            axes.annotate(words, (end, place), xytext=(4, 0), textcoords="offset points", va="center", fontsize=8.5)
            if each is not None and each.low is not None and each.high is not None:
                axes.plot([each.low, each.high], [place, place], color=GREY, linewidth=2, linestyle="-")
        axes.set_yticks(range(len(labels)), labels if axes is all_axes[0] else [""] * len(labels))
        better = f", {outcome.better} is better" if outcome.better else ""
        axes.set_title(outcome.name, fontsize=10)
        axes.set_xlabel(f"{outcome.unit}{better}", fontsize=9)
        axes.margins(x=0.35)
        axes.xaxis.set_major_locator(MaxNLocator(4))
        if outcome.form.endswith("%}"):
            axes.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        axes.grid(axis="y", visible=False)
    return figure, _alt(summaries, chosen)


def _chosen(summaries: Sequence[RunSummary]) -> list[Outcome]:
    measured = {outcome.name: outcome for outcome in measured_outcomes(summaries)}
    found: dict[str, Outcome] = {}
    for group in PANELS:
        name = next((name for name in group if name in measured and name not in found), "")
        if name:
            found[name] = measured[name]
    return list(found.values())


def _label(summary: RunSummary, summaries: Sequence[RunSummary]) -> str:
    """A run by what makes it different where that is one parameter, else by its folder."""
    changed = [name for name in differing(summaries) if name in summary.parameters]
    if len(changed) == 1 and len({value_of(each, changed[0]) for each in summaries}) == len(summaries):
        return f"{changed[0]} = {value_of(summary, changed[0])}"
    return summary.name if len(summary.name) <= 40 else f"{summary.name[:37]}…"


def _alt(summaries: Sequence[RunSummary], chosen: Sequence[Outcome]) -> str:
    told = []
    for outcome in chosen:
        values = [
            f"{_label(each, summaries)} {outcome.form.format(found.value)}"
            for each in summaries
            if (found := each.outcomes.get(outcome.name))
        ]
        told.append(f"{outcome.name} ({outcome.unit}): {', '.join(values)}")
    return f"Horizontal bars for {len(summaries)} runs. {'. '.join(told)}."


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    with matplotlib.style.context(STYLE):
        figure.savefig(buffer, format="png", dpi=DOTS_PER_INCH, metadata={"Software": None})
    return buffer.getvalue()
