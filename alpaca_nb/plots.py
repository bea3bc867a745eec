"""One look for every figure, and one way to show it: with its alt text.

`IPython.display.Image(alt=...)` is dropped by JupyterLab and by nbconvert; an HTML figure keeps it, so that is what
`show` emits. Colours are Okabe and Ito's (safe for colour-blind readers), line styles differ too.
"""

import base64
import html
import io
from pathlib import Path

import matplotlib.style
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from alpaca_nb.tables import NO_FORMULAS

BLUE, ORANGE, GREEN, PURPLE, RED, SKY = "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#56B4E9"
GREY = "#777777"
DOTS_PER_INCH = 120
STYLE = {
    "axes.prop_cycle": cycler(color=[BLUE, ORANGE, GREEN, PURPLE, RED, SKY])
    + cycler(linestyle=["-", "--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1))]),
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.3,
    "axes.axisbelow": True,
    "font.size": 10,
    "figure.facecolor": "white",
}


def new_figure(width: float = 7.0, height: float = 3.4) -> tuple[Figure, Axes]:
    """Return (figure, axes) in the kit's style; sizes in inches."""
    figure, axes = new_figures(1, width, height)
    return figure, axes[0]


def new_figures(columns: int, width: float = 9.0, height: float = 3.4) -> tuple[Figure, list[Axes]]:
    """Return (figure, list of axes side by side) in the kit's style; sizes in inches."""
    with matplotlib.style.context(STYLE):
        figure = Figure(figsize=(width, height), layout="constrained")
        axes = figure.subplots(1, columns, squeeze=False)[0]
    return figure, list(axes)


def show(figure: Figure, alt: str, *, save_as: Path | None = None) -> None:
    """Display a figure as HTML with alt text and caption; optionally keep the PNG.

    Raises ValueError without alt text: say what the picture shows, with its numbers.
    """
    if not alt.strip():
        raise ValueError("a figure needs alt text that says what it shows")
    from IPython.display import HTML, display

    buffer = io.BytesIO()
    with matplotlib.style.context(STYLE):
        figure.savefig(buffer, format="png", dpi=DOTS_PER_INCH, metadata={"Software": None})
    if save_as is not None:
        save_as.parent.mkdir(parents=True, exist_ok=True)
        save_as.write_bytes(buffer.getvalue())
    display(HTML(figure_html(buffer.getvalue(), alt)))  # type: ignore[no-untyped-call]


def figure_html(png: bytes, alt: str) -> str:
    """An HTML figure with the picture inside, for notebooks and for the report alike."""
    data = base64.b64encode(png).decode()
    words = html.escape(alt, quote=True)
    return (
        f'<figure><img src="data:image/png;base64,{data}" alt="{words}" style="max-width:100%">'
        f'<figcaption class="{NO_FORMULAS}">{words}</figcaption></figure>'
    )
