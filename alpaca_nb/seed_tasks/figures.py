"""The picture of stage 01's first words, with alt text that holds its numbers."""

from collections.abc import Sequence

from matplotlib.figure import Figure

from alpaca_nb.plots import BLUE, new_figure
from alpaca_nb.records import SeedTask
from alpaca_nb.seed_tasks.survey import first_words


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
