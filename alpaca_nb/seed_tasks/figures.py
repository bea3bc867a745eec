"""The two pictures of stage 01; each comes with alt text that holds its numbers."""

from collections.abc import Sequence
from statistics import median

from matplotlib.figure import Figure

from alpaca_nb.plots import BLUE, ORANGE, new_figure, new_figures
from alpaca_nb.records import SeedTask
from alpaca_nb.seed_tasks.survey import first_words, words_in


def length_histograms(tasks: Sequence[SeedTask]) -> tuple[Figure, str]:
    """Return (figure, alt text): words of the instructions at the left, of the first answers at the right."""
    figure, axes = new_figures(2)
    sentences = []
    columns = (
        ("instructions", [words_in(task.instruction) for task in tasks], BLUE),
        ("answers", [words_in(task.instances[0].output) for task in tasks], ORANGE),
    )
    for axis, (name, lengths, colour) in zip(axes, columns, strict=True):
        middle = median(lengths)
        width = max(1, -(-max(lengths) // 25))  # whole words, so that no bar covers more lengths than its neighbours
        axis.hist(lengths, bins=range(0, max(lengths) + width + 1, width), color=colour)
        axis.axvline(middle, color="black", linestyle="--", linewidth=1, label=f"median {middle:g}")
        axis.set(title=name.capitalize(), xlabel="length (words)", ylabel="tasks", xlim=(0, None))
        axis.legend(frameon=False)
        sentences.append(f"{name} have {min(lengths)} to {max(lengths)} words, median {middle:g}")
    return figure, f"Two histograms of {len(tasks)} seed tasks: {'; '.join(sentences)}."


def first_word_bars(tasks: Sequence[SeedTask], shown: int = 12) -> tuple[Figure, str]:
    """Return (figure, alt text): how often the most frequent first words of the instructions occur."""
    counts = first_words(tasks)
    top = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))[:shown]
    words, heights = [word for word, _ in top], [count for _, count in top]
    figure, axis = new_figure()
    axis.barh(words[::-1], heights[::-1], color=BLUE)
    axis.set(xlabel="tasks that begin with the word", xticks=range(0, max(heights) + 1, max(1, max(heights) // 6)))
    axis.grid(visible=False, axis="y")
    leaders = ", ".join(f"{word} {count}" for word, count in top[:3])
    return figure, (
        f"Bar chart of the {len(top)} most frequent first words, led by {leaders}; "
        f"{len(tasks)} seed tasks begin with {len(counts)} different words."
    )
