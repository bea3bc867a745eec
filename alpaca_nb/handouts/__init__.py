"""The notebooks on paper and on the wall: slides for a talk, and a reader, made from the lessons by one command each.

`lessons` puts the outputs of a finished run beside the text as it stands in `notebooks/`; `slides` and `reader` hand
that to nbconvert with the templates beside them. What they write is one HTML file each that needs no network.

    python -m alpaca_nb.handouts slides --run-dir RUN
    python -m alpaca_nb.handouts reader --run-dir RUN
"""
