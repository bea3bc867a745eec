"""Everything that talks to a teacher model: client, ledger, budget, pace, batches, the kit's own teachers' processes.

`recorded.open_teacher` puts the pieces together; generation and judging both ask through it. Nothing here knows
what is asked: a request has a number and a question, an answer is bytes.

What it promises, and which tests try to break it:

- G1 An answer whose bytes arrived is on the disk, fsynced, before it is parsed or counted. (The file of a batch can be
    fetched again for thirty days; its lines are recorded before they are counted.)  test_ledger, test_crashes
- G2 After SIGKILL at any moment nothing recorded is asked again; at most the requests on their way are sent twice. A
    batch is never ordered twice: its key is in the ledger before it exists.  test_crashes, test_teacher_batches
- G3 `spent + reserved ≤ budget_usd` at every moment, restarts included: the worst case is reserved before a request
    leaves, and settled by its usage. What may have been billed counts at its worst.  test_budget, test_totals
- G4 The same recipe, seed and answers give the same bytes of `dataset.json`, whatever the concurrency, the order of
    arrival and the number of crashes: answers are taken by number.  test_generation, test_crashes
- G5 Another configuration does not mix into an old ledger: it is refused, and what changed is named.  test_ledger
- G6 One writer: a second process is refused (on POSIX; Windows has no such lock).  test_ledger
- G7 Final files appear whole or not at all.  test_files
- G8 The key is read from the environment; no file, notebook, log or message holds it.  test_faults_end_to_end
- G9 A price that is not known is refused, unless it is given.  test_budget, test_capabilities

On a full disk the answers on their way still find room, and nothing more is asked; in a folder that cannot be written
nothing is begun (test_ledger).

The bound behind G3 needs no tokenizer (see `budget`), but it trusts the endpoint to keep `max_completion_tokens` and to
add no long text of its own to the prompt. A usage beyond the bound is not believed: it counts at the worst case and is
shown as unclear in the accounts (`totals`).
"""
