"""The data set's card: what the file holds, who wrote it, and under which terms it may be used."""

from collections.abc import Mapping

from alpaca_nb.files import Json
from alpaca_nb.prices import OFFLINE_MODEL

_OFFLINE_TERMS = (
    "These rows were written by the kit's own code (the offline teacher, task families with computed answers), not by "
    "a language model. They are under the kit's licence, Apache-2.0."
)
_MODEL_TERMS = (
    "These rows were written by a language model. The terms of its provider decide what they may be used for; many "
    "forbid training competing models. Read them before you share the rows. (The original Alpaca data is "
    "CC BY-NC 4.0 for that reason.)"
)


def dataset_card(metrics: Mapping[str, Json], novelty_threshold: float) -> str:
    """The card as Markdown, from the stage's numbers; the front matter is what the Hugging Face hub reads."""
    offline = metrics["teacher"] == OFFLINE_MODEL
    rejected = metrics["rejected"]
    assert isinstance(rejected, dict)
    lines = "\n".join(f"| {reason} | {count} |" for reason, count in rejected.items())
    return f"""\
---
license: {"apache-2.0" if offline else "other"}
language: en
tags: [instruction-tuning, alpaca, synthetic]
---
# Instruction data made with alpaca-nb

{metrics["rows"]} rows in Alpaca's format (`instruction`, `input`, `output`), made from seed tasks by a teacher that was
asked for new ones.

- **Teacher:** {metrics["teacher"]} (asked as `{metrics["teacher_model"]}`)
- **Requests:** {metrics["requests"]}, {metrics["prompt_tokens"]} tokens in, {metrics["completion_tokens"]} tokens out
- **Cost:** ${metrics["usd"]:.4f} (price: {metrics["price_source"]})
- **Kept:** {metrics["rows"]} of {metrics["candidates"]} candidates; a candidate is dropped if the ROUGE-L of its
  instruction with any seed or kept row is above {novelty_threshold:g}
- **Beside this file:** `generation/provenance.jsonl` (origin of each row), `rejected.jsonl` (what was dropped, and why)

| rejected because | candidates |
|---|---|
{lines}

## Terms

{_OFFLINE_TERMS if offline else _MODEL_TERMS}

## Limits

Nobody has read these rows one by one. Answers may be wrong, and the tasks lean towards what the teacher likes to write.
"""
