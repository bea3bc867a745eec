"""Stage 05: the answers of two models, shown blind in random order, judged, counted, and given an interval.

`pairing` hides who wrote what, `judge` decides, `statistics` counts and says how sure one may be, `stage` reads and
writes the run folder's files, `figures` draws.
"""
