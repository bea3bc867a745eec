"""Stage 03: fine-tune a base model on instruction data with FSDP2, on two CPU processes or on many GPUs alike.

Order of reading: `encode` (text to tokens and labels), `plan` (which rows in which step, on which process), `packing`
and `attention` (rows end to end), `loop` (sharding and the optimizer step), `lora` (adapters instead of all weights),
`shares` (loading), `train` (what each process runs), `save`, `launch` (torchrun out of a notebook), `stage` (the files
of the run folder). `preflight` foresees memory, disk and time.
"""

import alpaca_nb.models  # noqa: F401  (before anything here imports transformers: it silences advice about widgets)
