"""Stage 01: the tasks written by people from which everything else grows, read, checked and described.

`load` reads a file and names every fault in it, `survey` counts, `figures` draws, and `stage` is the edge to the run
folder; `seed_tasks.jsonl` holds the kit's own 175 tasks.
"""
