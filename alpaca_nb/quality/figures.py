"""The pictures of the quality report, each with alt text that holds its numbers."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from alpaca_nb import plots
from alpaca_nb.quality.report import Lengths
from alpaca_nb.quality.verbs import VerbCounts

INNER_RING, OUTER_RING = (0.28, 0.62), (0.63, 0.82)  # radii; the labels of the outer ring stand outside it
SMALLEST_INSIDE, SMALLEST_OUTSIDE = 3.5, 1.9  # degrees; a narrower wedge stays without its word
TINTS = (0.25, 0.45, 0.6, 0.72)  # of a verb's colour towards white, from its first object to its fourth
RING_COLOURS = (plots.BLUE, plots.ORANGE, plots.GREEN, plots.PURPLE, plots.RED, plots.SKY)


def sunburst(counts: VerbCounts, title: str, verbs: int = 20, objects: int = 4) -> tuple[Figure, str]:
    """Inner ring: the most frequent verbs; outer ring: the most frequent objects of each. Returns (figure, alt text).

    As in the original's picture, a verb is as wide as its shown objects together.
    """
    top = counts.top(verbs, objects)
    figure, axes = plots.new_figure(7.2, 7.4)
    axes.set(aspect="equal", xlim=(-1.08, 1.08), ylim=(-1.08, 1.08))
    axes.axis("off")
    degrees = 360 / max(1, sum(count for _, _, nouns in top for _, count in nouns))
    angle = 90.0
    for place, (verb, _, nouns) in enumerate(top):
        colour = RING_COLOURS[place % len(RING_COLOURS)]
        span = degrees * sum(count for _, count in nouns)
        _wedge(axes, INNER_RING, angle, span, colour)
        _label(axes, verb, sum(INNER_RING) / 2, angle, span, _readable_on(colour))
        for tint, (noun, count) in zip(TINTS, nouns, strict=False):
            _wedge(axes, OUTER_RING, angle, degrees * count, _towards_white(colour, tint))
            _label(axes, noun, OUTER_RING[1] + 0.02, angle, degrees * count, "black", outside=True)
            angle -= degrees * count
    axes.text(0, 0, f"{counts.distinct}\ndifferent\npairs", ha="center", va="center", fontsize=11)
    left_out = f"; {counts.questions} questions left out" if counts.questions else ""
    axes.set_title(f"{title}\n({counts.method}{left_out})", fontsize=10)
    return figure, _sunburst_words(counts, top)


def _sunburst_words(counts: VerbCounts, top: list[tuple[str, int, list[tuple[str, int]]]]) -> str:
    leaders = "; ".join(
        f"{verb} {total} ({', '.join(f'{noun} {count}' for noun, count in nouns[:2])})"
        for verb, total, nouns in top[:5]
    )
    share = f"{counts.with_object / counts.instructions:.0%}" if counts.instructions else "0 %"
    return (
        f"Sunburst of verbs and their objects, found by {counts.method}: {counts.with_object} of {counts.instructions} "
        f"instructions ({share}) have both, in {counts.distinct} different pairs. The {len(top)} most frequent verbs "
        f"cover {sum(total for _, total, _ in top)} of them, led by {leaders}."
        + (f" {counts.questions} questions are left out." if counts.questions else "")
    )


def lengths(sets: Sequence[tuple[str, Sequence[Lengths]]], unit: str = "words") -> tuple[Figure, str]:
    """Lines: the share of rows by length for each field and set, on a doubling scale. Returns (figure, alt text)."""
    fields = ("instruction", "input", "output")
    figure, axes = plots.new_figures(len(fields))
    sentences = []
    for axis, field in zip(axes, fields, strict=True):
        for name, measured in sets:
            found = [each for each in measured if (each.field, each.unit) == (field, unit)]
            if not found:
                continue
            sizes = [1 << power for power in range(max(found[0].counts).bit_length())]
            total = sum(found[0].counts.values())
            axis.plot(sizes, [100 * found[0].counts.get(size, 0) / total for size in sizes], marker="o", label=name)
            sentences.append(f"{field}s of {name}: median {found[0].median:g}, longest {found[0].longest}")
        axis.set_xscale("log", base=2)
        axis.xaxis.set_major_formatter(lambda size, _: f"{size:g}")
        axis.set(title=f"{field.capitalize()}s", xlabel=f"length (up to … {unit})", ylim=(0, None))
    axes[0].set_ylabel("share of the non-empty ones (%)")
    if len(sets) > 1:
        figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=len(sets), frameon=False)
    return figure, f"Three line charts of lengths in {unit}. {'; '.join(sentences)}."


def _wedge(axes: Axes, radii: tuple[float, float], start: float, span: float, colour: object) -> None:
    """A piece of a ring, clockwise from `start`, in degrees."""
    from matplotlib.patches import Wedge

    inner, outer = radii
    axes.add_patch(
        Wedge(
            (0, 0), outer, start - span, start, width=outer - inner, facecolor=colour, edgecolor="white", linewidth=0.8
        )
    )


def _label(
    axes: Axes, word: str, radius: float, start: float, span: float, colour: str, *, outside: bool = False
) -> None:
    """A word along its wedge's ray, never upside down; too narrow a wedge gets none."""
    if span < (SMALLEST_OUTSIDE if outside else SMALLEST_INSIDE):
        return
    middle = (start - span / 2) % 360
    turned = 90 < middle < 270
    axes.text(
        radius * np.cos(np.radians(middle)),
        radius * np.sin(np.radians(middle)),
        word,
        rotation=middle - 180 if turned else middle,
        rotation_mode="anchor",
        ha=("right" if turned else "left") if outside else "center",
        va="center",
        fontsize=7 if outside else 8,
        color=colour,
    )


def _towards_white(colour: str, share: float) -> tuple[float, float, float]:
    red, green, blue = to_rgb(colour)
    return red + (1 - red) * share, green + (1 - green) * share, blue + (1 - blue) * share


def _readable_on(colour: str) -> str:
    """Black or white, whichever stands out more (relative luminance as in WCAG)."""
    parts = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in to_rgb(colour)]
    luminance = 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]
    return "black" if luminance > 0.18 else "white"
