"""Everything that talks to a teacher model: client, ledger, budget, and the offline teacher's process.

`recorded.open_teacher` puts the pieces together; generation and judging both ask through it. Nothing here knows
what is asked: a request has a number and a prompt, an answer is bytes.
"""
