"""The edge of stage 02: reads the seeds from the run folder, asks, folds, writes rows, provenance and rejections."""

import dataclasses
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from alpaca_nb.errors import LedgerError
from alpaca_nb.files import Json, appearing, json_line, sha256_of, write_json_list, write_jsonl, write_text
from alpaca_nb.generation.asking import ask_until_complete
from alpaca_nb.generation.card import dataset_card
from alpaca_nb.generation.fold import Fold, empty_fold
from alpaca_nb.generation.kept_rows import KeptRows
from alpaca_nb.generation.rejections import Rejections
from alpaca_nb.generation.settings import GenerationSettings
from alpaca_nb.generation.spending import note
from alpaca_nb.generation.ways import Answers, Way
from alpaca_nb.parquet import write_parquet
from alpaca_nb.prices import OFFLINE_MODEL, Price
from alpaca_nb.progress import Progress
from alpaca_nb.quality.evaluation_set import EvaluationSet
from alpaca_nb.records import Rejection
from alpaca_nb.runs import Stage
from alpaca_nb.teacher.ledger import NO_ROOM
from alpaca_nb.teacher.recorded import RecordedTeacher, open_teacher
from alpaca_nb.teacher.totals import Totals

LEDGER = ("generation", "ledger.jsonl")
REJECTED = ("rejected.jsonl",)
PROVENANCE = ("generation", "provenance.jsonl")


@dataclass(frozen=True)
class Generated:
    """What stage 02 made: the fold, the bill, and the files."""

    folded: Fold
    totals: Totals
    usd: float
    price: Price
    teacher: str  # "offline" or the model's name: what the rows are labelled with
    asked_for: str  # the way of asking
    files: list[Path]

    @property
    def rejected_by_reason(self) -> dict[str, int]:
        """Rejections counted, the commonest first."""
        return dict(self.folded.rejected.by_reason.most_common())

    def sample_of(self, reason: str) -> Rejection:
        """The first rejection with this reason."""
        return self.folded.rejected.first[reason]

    def metrics(self, settings: GenerationSettings) -> dict[str, Json]:
        """The numbers for the stage record."""
        return {
            "teacher": self.teacher,
            "teacher_model": settings.teacher.model,
            "requests": self.totals.answers,
            "candidates": len(self.folded.kept) + len(self.folded.rejected),
            "rows": len(self.folded.kept),
            "rejected": dict(self.rejected_by_reason),
            "protocol": settings.protocol,
            "asked_for": self.asked_for,
            "repaired_rows": sum(bool(row.candidate.repairs) for row in self.folded.kept),
            "prompt_tokens": self.totals.prompt_tokens,
            "completion_tokens": self.totals.completion_tokens,
            "usd": self.usd,
            "price_source": f"{self.price.source} ({self.price.as_of})",
        }


async def ask_one(stage: Stage, settings: GenerationSettings, way: Way, item: int) -> Answers:
    """Ask one item (or find it in the ledger) and return its answers; `generate` will not ask it again.

    It is asked alone where the rest will travel in batches: nobody wants to wait a day for one answer.
    """
    async with open_teacher(
        dataclasses.replace(settings.teacher, service_tier=""), stage.path(*LEDGER), way.configuration()
    ) as teacher:
        return await way.ask(teacher, item)


async def generate(
    stage: Stage, settings: GenerationSettings, way: Way, evaluation: EvaluationSet | None = None
) -> Generated:
    """Ask until `number_of_rows` rows are kept, then write them. Run again after a crash, it goes on.

    A candidate that `evaluation` holds is rejected.
    Raises `BudgetError`, `TeacherError`, `LedgerError`; what was answered until then is recorded.
    """
    rejected = Rejections()
    folded = empty_fold(
        [task.instruction for task in way.seeds],
        way.read,
        wanted=settings.number_of_rows,
        threshold=settings.novelty_threshold,
        protocol=settings.read_as,
        filters=settings.filters,
        check=evaluation.find if evaluation else None,
        rejected=rejected,
        kept=KeptRows(stage.path("generation")),
    )
    progress = Progress("Rows kept", settings.number_of_rows, stage.run_dir)
    try:
        async with open_teacher(settings.teacher, stage.path(*LEDGER), way.configuration()) as teacher:
            with appearing(stage.path(*REJECTED), "growing") as file:
                rejected.write = lambda rejection: file.write(json_line(vars(rejection)))
                await ask_until_complete(
                    lambda item: way.ask(teacher, item),
                    folded,
                    concurrency=sys.maxsize if settings.teacher.tier == "batch" else settings.concurrency,
                    new_tasks=way.new_tasks,
                    report=lambda asked: progress.update(len(folded.kept), note(folded, asked, teacher)),
                )
        return _write(stage, settings, way, folded, teacher, evaluation.path.name if evaluation else "")
    except OSError as error:
        if error.errno not in NO_ROOM:
            raise
        raise LedgerError(
            f"the disk that holds {stage.run_dir} is full. What was answered is recorded and is not asked again: make "
            f"room and run again."
        ) from None


def _write(
    stage: Stage, settings: GenerationSettings, way: Way, folded: Fold, teacher: RecordedTeacher, evaluated: str
) -> Generated:
    """Write the final files, the data set last."""
    provenance = write_jsonl(stage.path(*PROVENANCE), _provenance(settings, way, folded))
    label = _label(settings, folded.kept[0].model)
    generated = Generated(
        folded, teacher.totals, float(teacher.budget.spent_usd), teacher.budget.price, label, way.name, []
    )
    copy = write_parquet(stage.path("generation", "dataset.parquet"), (row.example for row in folded.kept))
    rows = write_json_list(stage.path("dataset.json"), (vars(row.example) for row in folded.kept))
    text = dataset_card(generated.metrics(settings), settings.novelty_threshold, sha256_of(rows), evaluated)
    card = write_text(stage.path("DATASET_CARD.md"), text)
    generated.files.extend([teacher.ledger.path, stage.path(*REJECTED), provenance, copy, rows, card])
    return generated


def _provenance(settings: GenerationSettings, way: Way, folded: Fold) -> Iterator[dict[str, Json]]:
    """One record a row, in the order of the data set; `usage` is that of the whole request, or of an item's two."""
    seeds = len(way.seeds)
    for row in folded.kept:
        index = row.candidate.request_index
        is_seed = row.nearest_index < seeds
        yield {
            "request_index": index,
            "position": row.candidate.position,
            "start": row.candidate.start,
            "end": row.candidate.end,
            "repairs": list(row.candidate.repairs),
            "seed_ids": [task.id for task in way.seeds_of(index // way.requests_per_item)],
            "asked_for": way.name,
            "teacher": _label(settings, row.model),
            "model": row.model,
            "usage": None if row.usage is None else vars(row.usage),
            "nearest_kind": "seed" if is_seed else "row",
            "nearest_index": row.nearest_index - (0 if is_seed else seeds),
            "nearest_score": row.nearest_score,
            "nearest_text": folded.texts[row.nearest_index],
        }


def _label(settings: GenerationSettings, model: str) -> str:
    """Who wrote a row. The offline teacher is called so under whatever name it was asked."""
    if model.startswith(OFFLINE_MODEL):
        return OFFLINE_MODEL
    return model or settings.teacher.model
