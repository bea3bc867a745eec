"""Alpaca's templates, byte for byte."""

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from alpaca_nb.prompts import alpaca_prompt

# SHA-256 of the two values of PROMPT_DICT in `train.py`, tatsu-lab/stanford_alpaca @ 761dc5b.
WITH_INPUT = "28811e9850d9511bab334d167a03a8a37614535fdb28d645492efac8e9951c0f"
WITHOUT_INPUT = "35101bc36d10997c7d926d8f21f7d173aec6523f3a57d78821b944a89925cdca"


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def test_the_templates_are_the_published_ones() -> None:
    assert sha256(alpaca_prompt("{instruction}", "{input}")) == WITH_INPUT
    assert sha256(alpaca_prompt("{instruction}")) == WITHOUT_INPUT


@given(instruction=st.text(), input=st.text(min_size=1))
def test_braces_and_markers_in_a_task_stay_what_they_are(instruction: str, input: str) -> None:
    prompt = alpaca_prompt(instruction, input)
    assert f"### Instruction:\n{instruction}\n\n### Input:\n{input}\n\n### Response:" in prompt
    assert prompt.endswith("### Response:")
    assert f"### Instruction:\n{instruction}\n\n### Response:" in alpaca_prompt(instruction)
