"""Stage 04: the untuned and the tuned model answer the same held-out questions.

`questions` draws them, `generate` answers a batch, `stage` does so for both models and keeps every answer as it comes,
`side_by_side` and `figures` show what came out.
"""
