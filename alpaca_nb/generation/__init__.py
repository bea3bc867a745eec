"""Stage 02: ask a teacher for new tasks and keep the good and new ones.

`stage.generate` is the edge that reads and writes the run folder; `prompt`, `parse`, `filters`, `novelty` and `fold`
are the pure parts it calls, in that order.
"""
