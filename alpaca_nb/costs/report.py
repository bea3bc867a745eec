"""`report.html`: the whole run on one page that needs nothing but a browser: no network, no scripts, no other file.
`report.json` holds the same for programs, with the pictures' names and words in place of the pictures.

The page is a template filled once; Jinja escapes every text that goes in, because a model's answer is hostile input:
it may hold `<script>` as well as anything else. Pictures travel inside the page.
"""

import html
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from jinja2 import Environment, StrictUndefined

from alpaca_nb.costs.claims import CheckedClaim
from alpaca_nb.costs.report_parts import (
    CATEGORY_HEADER,
    COMPARISON_HEADER,
    AnswerPair,
    Headline,
    answer_pairs,
    category_note,
    category_rows,
    comparison_rows,
    flat,
    headlines,
    readable,
    together,
)
from alpaca_nb.costs.stage import Analysis
from alpaca_nb.costs.tables import (
    BILL_HEADER,
    JOB_HEADER,
    PRICE_HEADER,
    amount,
    bill_rows,
    job_rows,
    price_rows,
    projection_rows,
    recomputed,
)
from alpaca_nb.files import write_json, write_text
from alpaca_nb.plots import figure_html
from alpaca_nb.runs import STAGES, Parameter, StageRecord

FOLDER = Path(__file__).parent
TITLES = {
    "01_seed_tasks": "Seed tasks",
    "02_generate_data": "Generate data",
    "03_finetune_fsdp": "Fine-tune",
    "04_inference": "Inference",
    "05_blind_comparison": "Blind comparison",
    "06_cost_analysis": "Cost analysis",
}
LIMITATIONS = (
    "Held-out questions come from the same families of tasks as the training rows: what is measured is learning of "
    "these formats and families, not general ability.",
    "Strict marking rewards a short answer in the expected form; lenient marking forgives wordy ones. Read both.",
    "Dollars cover tokens (failed and lost attempts included), electricity or rent of the finished stages; hardware, "
    "stages that were run again and people's time are not in them, nor is this last stage.",
    "Projections multiply; they do not know how the yield of new tasks falls as a data set grows. Their ranges hold "
    "what was measured or listed, not what nobody thought of.",
)
OFFLINE_LIMITATION = (
    "The rows were written by the kit's offline teacher, a program with correct templates, not by a language model. "
    "Nothing here is output of a GPT model."
)
INSTRUCT_LIMITATION = (
    "The base model of this run was instruction-tuned by its makers already, in another chat format: part of the gain "
    "is learning the new format."
)


@dataclass(frozen=True)
class StageSection:
    """What the report shows of one stage; `figures` are ready HTML with the picture inside."""

    number: str
    title: str
    status: str
    seconds: str  # of the whole stage
    cell_seconds: str  # of them in its cells
    usd: str
    device: str
    figures: list[str]
    alts: Mapping[str, str]  # path of each figure → what it shows
    comparison: list[tuple[str, ...]]  # rows below COMPARISON_HEADER; of stage 05 alone
    categories: list[tuple[str, ...]]  # rows below CATEGORY_HEADER; of stage 05 alone
    category_note: str
    metrics: list[tuple[str, str]]
    parameters: list[tuple[str, str]]


@dataclass(frozen=True)
class Report:
    """Everything the template needs."""

    title: str
    headlines: Sequence[Headline]
    sections: Sequence[StageSection]
    answers: Sequence[AnswerPair]
    claims: Sequence[CheckedClaim]
    bills: Sequence[tuple[str, ...]]  # rows below BILL_HEADER
    jobs: Sequence[tuple[str, ...]]  # rows below JOB_HEADER
    prices: Sequence[tuple[str, ...]]  # rows below PRICE_HEADER
    projection: Sequence[tuple[str, str]]
    versions: Mapping[str, str]
    devices: Sequence[str]
    commits: Sequence[str]
    seeds: Sequence[str]
    limitations: Sequence[str]


def build_report(
    run_dir: Path, analysis: Analysis, own_figures: Mapping[str, str], own_parameters: Mapping[str, Parameter]
) -> Report:
    """Collect the page's content; `own_figures` (path → alt) and `own_parameters` are those of the running stage 06."""
    records = analysis.records
    usd = {cost.stage: cost.usd for cost in analysis.costs}
    sections = [
        _section(run_dir, stage, records.get(stage), usd.get(stage), own_figures, own_parameters) for stage in STAGES
    ]
    done = list(records.values())
    seeds = [str(record.parameters["seed"]) for record in done if "seed" in record.parameters]
    seeds += [str(own_parameters["seed"])] if "seed" in own_parameters else []
    return Report(
        title=f"alpaca-nb: report of the run “{run_dir.name}”",
        headlines=headlines(analysis),
        sections=sections,
        answers=answer_pairs(run_dir),
        claims=analysis.claims,
        bills=bill_rows(analysis.teachers),
        jobs=job_rows(analysis.jobs),
        prices=price_rows(analysis),
        projection=projection_rows(analysis),
        versions=together(record.versions for record in done),
        devices=list(dict.fromkeys(record.device for record in done)),
        commits=list(dict.fromkeys(record.commit for record in done)),
        seeds=list(dict.fromkeys(seeds)),
        limitations=_limitations(records),
    )


def write_report(path: Path, report: Report) -> Path:
    """Fill the template and write the page, atomically."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters.update(amount=amount, recomputed=recomputed)
    template = environment.from_string((FOLDER / "report_template.html").read_text(encoding="utf-8"))
    style = (FOLDER / "report.css").read_text(encoding="utf-8")
    headers = {
        "comparison": COMPARISON_HEADER, "category": CATEGORY_HEADER, "bill": BILL_HEADER, "job": JOB_HEADER,
        "price": PRICE_HEADER,
    }  # fmt: skip
    return write_text(path, template.render(report=report, style=style, headers=headers))


def write_report_json(path: Path, report: Report) -> Path:
    """Write what the page says as JSON, atomically."""
    value = asdict(report)
    for section in value["sections"]:
        del section["figures"]
    return write_json(path, value)


def _section(
    run_dir: Path,
    stage: str,
    record: StageRecord | None,
    usd: float | None,
    own_figures: Mapping[str, str],
    own_parameters: Mapping[str, Parameter],
) -> StageSection:
    is_this = stage == STAGES[-1]
    figures = own_figures if is_this else record.figures if record else {}
    parameters = own_parameters if is_this else record.parameters if record else {}
    return StageSection(
        number=stage[:2],
        title=TITLES[stage],
        status="this page" if is_this else "done" if record else "not run",
        seconds=f"{record.whole_seconds:,.1f}" if record else "–",
        cell_seconds=f"{record.seconds:,.1f}" if record else "–",
        usd=_dollars(usd),
        device=record.device if record else "–",
        figures=[_figure(run_dir / path, alt) for path, alt in figures.items()],
        alts=dict(figures),
        comparison=comparison_rows(record) if stage == "05_blind_comparison" else [],
        categories=category_rows(record) if stage == "05_blind_comparison" else [],
        category_note=category_note(record) if stage == "05_blind_comparison" else "",
        metrics=flat(record.metrics) if record else [],
        parameters=[(name, readable(value)) for name, value in parameters.items()],
    )


def _dollars(usd: float | None) -> str:
    """A stage's bill to a hundredth of a cent."""
    if usd is None:
        return "–"
    return "below 0.0001" if 0 < usd < 0.0001 else f"{usd:,.4f}"


def _figure(path: Path, alt: str) -> str:
    """HTML of a picture, its words escaped here because the template lets it through as it is."""
    if not path.is_file():
        return html.escape(f"The picture {path.name} is missing. It showed: {alt}")
    return figure_html(path.read_bytes(), alt)


def _limitations(records: Mapping[str, StageRecord]) -> list[str]:
    found = []
    generation, training = records.get("02_generate_data"), records.get("03_finetune_fsdp")
    if generation and generation.metrics.get("teacher") == "offline":
        found.append(OFFLINE_LIMITATION)
    if training and training.metrics.get("base_model") == "smollm2-135m":
        found.append(INSTRUCT_LIMITATION)
    return [*found, *LIMITATIONS]
