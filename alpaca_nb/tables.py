"""Small tables in a notebook: HTML with a header row, every text escaped (a model's answer may hold anything)."""

import html
from collections.abc import Iterable, Sequence

# Classes that keep MathJax (old and new) from reading "$5 and $7" as a formula.
NO_FORMULAS = "tex2jax_ignore mathjax_ignore"


def table_html(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """An HTML table; the first column heads its row, numbers stand on the right."""
    head = "".join(f'<th scope="col" style="text-align:left">{html.escape(name)}</th>' for name in header)
    body = "".join(f"<tr>{_first(row[0])}{''.join(map(_cell, row[1:]))}</tr>" for row in rows)
    return f'<table class="{NO_FORMULAS}"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'


def show_table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Show a table below a notebook cell."""
    from IPython.display import HTML, display

    display(HTML(table_html(header, rows)))  # type: ignore[no-untyped-call]


def _first(value: object) -> str:
    return f'<th scope="row" style="text-align:left">{html.escape(str(value))}</th>'


def _cell(value: object) -> str:
    side = "right" if isinstance(value, int | float) else "left"
    return f'<td style="text-align:{side};white-space:pre-wrap">{html.escape(str(value))}</td>'
