"""The data set's card: what the file holds, who wrote it, and under which terms it may be used."""

from collections.abc import Mapping

from alpaca_nb.files import Json
from alpaca_nb.prices import OFFLINE_MODEL

_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))  # the hub's names
_OFFLINE_TERMS = (
    "These rows were written by the kit's own code (the offline teacher, task families with computed answers), not by "
    "a language model. They are under the kit's licence, Apache-2.0."
)
_MODEL_TERMS = (
    "These rows were written by a language model. The terms of its provider decide what they may be used for; many "
    "forbid training competing models. Read them before you share the rows. (The original Alpaca data is "
    "CC BY-NC 4.0 for that reason.)"
)
_ASKED = {
    "numbered": "one numbered list a request, carried on by the teacher",
    "structured": "one JSON list a request, held to a schema",
    "list": "one line of a list of instructions at a time, then its answer",
    "published": "Stanford's published prompt and settings, faults included",
}


def dataset_card(metrics: Mapping[str, Json], novelty_threshold: float, sha256: str, evaluated: str = "") -> str:
    """The card as Markdown, from the stage's numbers; the front matter is what the Hugging Face hub reads.

    `sha256` is that of `dataset.json`; `evaluated` names the evaluation that the rows were held against, if any.
    """
    from huggingface_hub import DatasetCard, DatasetCardData

    offline = metrics["teacher"] == OFFLINE_MODEL
    rows = metrics["rows"]
    assert isinstance(rows, int)
    data = DatasetCardData(
        language="en",
        license="apache-2.0" if offline else "other",
        pretty_name="Instruction data made with alpaca-nb",
        size_categories=next((name for below, name in _SIZES if rows < below), "1M<n<10M"),
        task_categories=["text-generation"],
        tags=["instruction-tuning", "alpaca", "synthetic"],
        configs=[{"config_name": "default", "data_files": "dataset.json"}],
    )
    body = _body(metrics, novelty_threshold, sha256, evaluated)
    terms = _OFFLINE_TERMS if offline else _MODEL_TERMS
    return str(DatasetCard(f"---\n{data.to_yaml()}\n---\n\n{body}\n## Terms\n\n{terms}\n\n{_LIMITS}"))


_LIMITS = """\
## Limits

Nobody has read these rows one by one. Answers may be wrong, and the tasks lean towards what the teacher likes to write.
"""


def _body(metrics: Mapping[str, Json], novelty_threshold: float, sha256: str, evaluated: str) -> str:
    rejected = metrics["rejected"]
    assert isinstance(rejected, dict)
    lines = "\n".join(f"| {reason} | {count} |" for reason, count in rejected.items())
    held_against = evaluated or "no evaluation file"
    return f"""\
# Instruction data made with alpaca-nb

{metrics["rows"]} rows in Alpaca's format (`instruction`, `input`, `output`), made from seed tasks by a teacher that was
asked for new ones.

- **Teacher:** {metrics["teacher"]} (asked as `{metrics["teacher_model"]}`)
- **Asked for:** {_ASKED[str(metrics["asked_for"])]}
- **Requests:** {metrics["requests"]}, {metrics["prompt_tokens"]} tokens in, {metrics["completion_tokens"]} tokens out
- **Cost:** ${metrics["usd"]:.4f} (price: {metrics["price_source"]})
- **Kept:** {metrics["rows"]} of {metrics["candidates"]} candidates; a candidate is dropped if the ROUGE-L of its
  instruction with any seed or kept row is above {novelty_threshold:g}
- **Held against:** {held_against}
- **SHA-256 of `dataset.json`:** {sha256}
- **Beside this file:** `generation/dataset.parquet` (the same rows), `generation/provenance.jsonl` (origin of each
  row), `rejected.jsonl` (what was dropped, and why)

| rejected because | candidates |
|---|---|
{lines}
"""
