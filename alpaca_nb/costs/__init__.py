"""Stage 06: what this run cost, what the article's job cost then and would cost now, and the report.

Money spent: `accounting` (seconds to dollars), `ledger_bill` and `teacher_bills` (tokens to dollars, to the cent).
Money imagined: `estimates` carry uncertainty, `measurements` take it from the run, `what_if` and `jobs` price a job,
`sensitivity` and `own_gpu` compare, `projection` is the article's arithmetic. Tables with date and source: `rental`,
`hardware` (token prices and cards stand in `alpaca_nb/prices.csv` and `gpus.csv`, which other stages read too).
The article: `claims` compares `claims.yaml` with `recomputed` and `this_run`. Pages: `report`, `compare_page`.
"""
