"""A `Modelfile` for Ollama: Alpaca's template in Go's template language, where to stop, and the demo's sampling.

Written to Ollama's reference (ollama/ollama, docs/modelfile.mdx, read 2026-11-25). Its own defaults are taken out: a
`top_k` of 40, and in older versions a penalty on repetitions.
"""

from alpaca_nb.inference.sampling import DEMO_NEW_TOKENS, Sampling
from alpaca_nb.prompts import PROMPT_WITHOUT_INPUT

NO_LIMIT = 1_000_000  # more than any vocabulary holds; 0 is not everywhere taken for "no limit"
STOPS = ("### Instruction:", "### Input:")  # a model that goes on by itself writes the next task


def modelfile(gguf_name: str) -> str:
    """The text of the `Modelfile` that stands beside the GGUF file."""
    usual = Sampling()
    template = PROMPT_WITHOUT_INPUT.format(instruction="{{ .Prompt }}")
    stops = "\n".join(f'PARAMETER stop "{stop}"' for stop in STOPS)
    return f"""\
# ollama create alpaca -f Modelfile && ollama run alpaca "Name three rivers."
# Alpaca is single-turn: the template holds one instruction, without an input field (as in Stanford's demo).
FROM ./{gguf_name}
TEMPLATE \"\"\"{template}\"\"\"
PARAMETER temperature {usual.temperature:g}
PARAMETER top_p {usual.top_p:g}
PARAMETER top_k {NO_LIMIT}
PARAMETER repeat_penalty 1
PARAMETER num_predict {DEMO_NEW_TOKENS}
{stops}
"""
