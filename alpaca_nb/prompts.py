"""Alpaca's two prompt templates, once, for training and for inference alike.

They are those of `train.py` in tatsu-lab/stanford_alpaca @ 761dc5b, byte for byte: nothing, not even a newline,
follows `### Response:`. A model asked with another text than it was trained on answers visibly worse.
"""

PROMPT_WITH_INPUT = (
    "Below is an instruction that describes a task, paired with an input that provides further context. "
    "Write a response that appropriately completes the request.\n\n"
    "### Instruction:\n{instruction}\n\n### Input:\n{input}\n\n### Response:"
)
PROMPT_WITHOUT_INPUT = (
    "Below is an instruction that describes a task. "
    "Write a response that appropriately completes the request.\n\n"
    "### Instruction:\n{instruction}\n\n### Response:"
)


def alpaca_prompt(instruction: str, input: str = "") -> str:
    """Return the text a model is given for one task; an empty `input` chooses the shorter template."""
    template = PROMPT_WITH_INPUT if input else PROMPT_WITHOUT_INPUT
    return template.format(instruction=instruction, input=input)
