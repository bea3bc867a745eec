"""Stage 05: the answers of two models, shown blind in random order, judged, counted, and given an interval.

- who against whom: `answer_files` joins answers by their tasks, `pairing` hides who wrote what
- who judges: `judge` (the interface, and code as judge), `judge_model` with `judge_prompt`, `published`, and people:
  `rating_session`, `rating_server` and `rating_page/` behind the command `rate_command`, `ratings` read back
- `engine` asks any of them and keeps every verdict; `opinions` does so for a run
- how sure, and how fair: `statistics`, `planning`, `length`, `bias`, `agreement`, `raters`, `reproduction`
- `stage` reads and writes the run folder's files, `figures` and `figures_published` draw
"""
