"""MODEL_CARD.md from what the run's records say: base, data, settings, results, licence, limits.

What a record does not hold is called "not recorded", never guessed. The front matter is the Hugging Face hub's, written
by huggingface_hub.
"""

from pathlib import Path

from alpaca_nb.files import Json
from alpaca_nb.prices import OFFLINE_MODEL
from alpaca_nb.runs import StageRecord, read_record

SETTINGS = ("base_model", "epochs", "batch_size", "learning_rate", "max_length", "number_of_processes", "seed")
LICENCES = {"smollm2-135m": "apache-2.0"}  # of base models that the kit knows; anything else is looked up by a person
NOT_RECORDED = "not recorded"


def model_card(run_dir: Path) -> str:
    """The card as Markdown; raises `InputFileError` where a record is damaged."""
    from huggingface_hub import ModelCard, ModelCardData

    generated = read_record(run_dir, "02_generate_data")
    tuned = read_record(run_dir, "03_finetune_fsdp")
    compared = read_record(run_dir, "05_blind_comparison")
    base = str(_parameter(tuned, "base_model"))
    offline = _metric(generated, "teacher_model") == OFFLINE_MODEL
    data = ModelCardData(
        license=LICENCES.get(base, "other") if offline else "other",
        language="en",
        tags=["alpaca", "instruction-tuning", "alpaca-nb"],
        base_model=base if "/" in base and not Path(base).is_absolute() else None,
        pipeline_tag="text-generation",
    )
    settings = "\n".join(f"| {name} | {_parameter(tuned, name)} |" for name in SETTINGS)
    results = "\n".join(f"| {name} | {value} |" for name, value in _results(tuned, compared))
    text = f"""\
---
{data.to_yaml()}
---
# {base}, fine-tuned in Alpaca's way with alpaca-nb

**Use it for** study of instruction tuning. It has no feedback from people in it and is not fit for production.

**Prompt:** Alpaca's template, single-turn (one instruction, perhaps an input, one answer). Another prompt, or a chat,
answers visibly worse.

## Data

{_metric(generated, "rows")} rows in Alpaca's format, written by {_metric(generated, "teacher")} \
({_metric(generated, "teacher_model")}), of {_metric(generated, "candidates")} candidates.

## Training

| | |
|---|---|
{settings}
| rows | {_metric(tuned, "rows_trained")} |
| hardware | {tuned.device if tuned else NOT_RECORDED} |
| seconds | {tuned.seconds if tuned else NOT_RECORDED} |
| code | alpaca-nb, commit {tuned.commit if tuned else NOT_RECORDED} |

## Results

| | |
|---|---|
{results}

## Licence

The base model's licence holds for the weights too, and so may the terms of the teacher that wrote the data: \
{"the kit's own code wrote it (Apache-2.0)" if offline else "read its provider's terms before sharing"}.

## Limits

It invents facts, repeats stereotypes and can be brought to abuse, as the article said of Alpaca; notebook 04 probes it
(`known_failures.csv`). Answers are watermarked only in `alpaca-nb demo`.
"""
    return str(ModelCard(text))


def _results(tuned: StageRecord | None, compared: StageRecord | None) -> list[tuple[str, Json]]:
    found = []
    for record, part in ((tuned, "training"), (compared, "comparison")):
        for name, value in (record.metrics if record else {}).items():
            if isinstance(value, int | float) and not isinstance(value, bool):
                found.append((f"{part}: {name}", f"{value:g}"))
    return list(found) or [("results", NOT_RECORDED)]


def _parameter(record: StageRecord | None, name: str) -> Json:
    value = record.parameters.get(name, NOT_RECORDED) if record else NOT_RECORDED
    return f"{value:g}" if isinstance(value, float) else value


def _metric(record: StageRecord | None, name: str) -> Json:
    return record.metrics.get(name, NOT_RECORDED) if record else NOT_RECORDED
