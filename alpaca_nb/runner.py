"""Runs the notebooks of a recipe in order, each only if its record no longer holds.

A stage counts as done when its record says so: written by the notebook's last cell, after this start, with the
parameters that were injected. Everything that can be known to be wrong is an error before the first notebook starts.
"""

import contextlib
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TextIO

from filelock import FileLock, Timeout

from alpaca_nb import __version__, runs
from alpaca_nb.errors import InputFileError, RecipeError, StageError
from alpaca_nb.files import read_json, write_json
from alpaca_nb.parameters import RUN_DIR, code_of, notebook_path
from alpaca_nb.recipe_checks import check_judge_model, check_open_tasks, check_published_files, check_teacher
from alpaca_nb.recipes import Recipe, relative_path
from alpaca_nb.run_progress import as_typed, duration, shown
from alpaca_nb.runs import NOTEBOOKS_FOLDER, OUTPUT_FOLDER, STAGES, Parameter
from alpaca_nb.scrub import scrubber
from alpaca_nb.stopping import Stopped, stops_in_order
from alpaca_nb.summary import Outcome, caveat, summary_table

_HOUR = 3600
SECONDS_PER_CELL = {  # generous: they end a cell that hangs, not one that is slow
    "01_seed_tasks": _HOUR // 4,
    "02_generate_data": 48 * _HOUR,
    "03_finetune_fsdp": 7 * 24 * _HOUR,
    "04_inference": 24 * _HOUR,
    "05_blind_comparison": 24 * _HOUR,
    "06_cost_analysis": _HOUR // 2,
}
NEEDED_FILES = {  # by the first requested stage; a stage after it gets its files from the one before
    "02_generate_data": ("seed_tasks.jsonl",),
    "03_finetune_fsdp": ("dataset.json",),
    "04_inference": ("model",),
    "05_blind_comparison": ("questions.jsonl", "answers.jsonl"),
}
MADE_BY = {
    "seed_tasks.jsonl": "01",
    "dataset.json": "02",
    "model": "03",
    "questions.jsonl": "04",
    "answers.jsonl": "04",
}
_ASKING, _ANSWERING, _JUDGING = "02_generate_data", "04_inference", "05_blind_comparison"
RUN_FILE, LOCK_FILE = "run.json", ".lock"


@dataclass(frozen=True)
class Options:
    """How to run: which stages, again or not, and how long a cell may take (None: the stage's own limit)."""

    first: str = STAGES[0]
    last: str = STAGES[-1]
    force: bool = False
    seconds_per_cell: int | None = None
    notebooks_folder: Path = NOTEBOOKS_FOLDER

    @property
    def stages(self) -> tuple[str, ...]:
        """The requested stages, in order."""
        return STAGES[STAGES.index(self.first) : STAGES.index(self.last) + 1]


def stage_named(text: str) -> str:
    """Find a stage by its number or name ("3", "03", "03_finetune_fsdp"); raises RecipeError with the list."""
    for stage in STAGES:
        if text in (stage, stage[:2], stage[1:2], stage[3:]):
            return stage
    raise RecipeError(f"unknown stage {text!r}; stages are {', '.join(STAGES)}")


def run(recipe: Recipe, run_dir: Path | None = None, options: Options | None = None, out: TextIO | None = None) -> Path:
    """Run the requested stages and return the run folder.

    Raises RecipeError or InputFileError before anything runs, StageError when a stage fails, Stopped on a signal.
    """
    options, out = options or Options(), out or sys.stdout
    folder = (run_dir or OUTPUT_FOLDER / recipe.default_run_name).expanduser().resolve()
    _check(recipe, folder, options)
    folder.mkdir(parents=True, exist_ok=True)
    outcomes: list[Outcome] = []
    with stops_in_order(), _locked(folder), _run_file(recipe, folder, outcomes):
        print(f"Recipe {recipe.name} in {as_typed(folder)}", file=out, flush=True)
        try:
            for stage in options.stages:
                _run_stage(stage, recipe.stages[stage], folder, options, outcomes, out)
        finally:
            rest = [Outcome(stage, "not run", 0.0, None) for stage in options.stages[len(outcomes) :]]
            print(f"\n{summary_table([*outcomes, *rest])}", file=out, flush=True)
            if note := caveat(outcomes):
                print(f"\n{note}", file=out, flush=True)
        report = folder / "report.html"
        if report.exists():
            print(f"\n{_report_label(folder)}: {as_typed(report)}", file=out, flush=True)
    return folder


def _check(recipe: Recipe, folder: Path, options: Options) -> None:
    """Raise what can be known to be wrong before anything runs."""
    if not options.stages:
        raise RecipeError(f"--from {options.first[:2]} comes after --until {options.last[:2]}")
    for stage in options.stages:
        if stage not in recipe.stages:
            raise InputFileError(f"{notebook_path(stage, options.notebooks_folder)} is missing")
    if folder.exists() and not folder.is_dir():
        raise InputFileError(f"{as_typed(folder)} is a file; --run-dir is a folder")
    _check_owner(recipe, folder, options)
    checks = (
        (_ASKING, check_teacher),
        (_ANSWERING, partial(check_open_tasks, notebooks_folder=options.notebooks_folder)),
        (_JUDGING, check_judge_model),
        (_JUDGING, check_published_files),
    )
    for stage, check in checks:
        if stage in options.stages:
            try:
                check({**recipe.parameters, **recipe.stages[stage]})
            except RecipeError:
                if _will_run(stage, recipe, folder, options):
                    raise
    first = options.first
    if first == "03_finetune_fsdp" and recipe.stages[first].get("dataset_path"):
        return
    missing = [name for name in NEEDED_FILES.get(first, ()) if not (folder / name).exists()]
    if missing:
        also = " or give -p dataset_path=FILE" if first == "03_finetune_fsdp" else ""
        raise InputFileError(
            f"stage {first} reads {' and '.join(missing)}, not there in {as_typed(folder)}: "
            f"start --from {MADE_BY[missing[0]]}{also}"
        )


def _check_owner(recipe: Recipe, folder: Path, options: Options) -> None:
    """Raise RecipeError where another recipe's finished stages stand in the folder and would be written over."""
    if options.force or not (folder / RUN_FILE).exists():
        return
    run_file = read_json(folder / RUN_FILE)
    owner = run_file.get("recipe", recipe.name) if isinstance(run_file, dict) else recipe.name
    if owner == recipe.name:
        return
    for stage in options.stages:  # asked of another's folder only, because it reads whole models
        if runs.record_path(folder, stage).exists() and _will_run(stage, recipe, folder, options):
            raise RecipeError(
                f"{as_typed(folder)} holds a run of the recipe {owner}, whose {stage} would be lost: "
                "give another --run-dir, or --force to write over it"
            )


def _report_label(folder: Path) -> str:
    """Say of a report whether the stages before it have changed since it was written."""
    record = runs.read_record(folder, STAGES[-1])
    if record is None or runs.why_not_current(record, folder, record.parameters) or _records_not_in(record, folder):
        return "Report, of what was there before this run (stage 06 writes it anew)"
    return "Report"


def _will_run(stage: str, recipe: Recipe, folder: Path, options: Options) -> bool:
    """Whether a requested stage has work to do, or one before it has, whose new files would make it run again."""
    before = options.stages[: options.stages.index(stage) + 1]
    return options.force or any(
        runs.why_not_current(runs.read_record(folder, each), folder, recipe.stages[each]) for each in before
    )


def _run_stage(
    stage: str,
    parameters: Mapping[str, Parameter],
    folder: Path,
    options: Options,
    outcomes: list[Outcome],
    out: TextIO,
) -> None:
    """Skip a stage whose record holds, else run its notebook and demand a new record; appends to `outcomes`."""
    record = runs.read_record(folder, stage)
    reason = "--force" if options.force else runs.why_not_current(record, folder, parameters)
    if record is not None and stage == STAGES[-1]:
        reason = reason or _records_not_in(record, folder)
    if not reason and record is not None:
        outcomes.append(Outcome(stage, "skipped", record.whole_seconds, record))
        news = "but its code has" if _code_changed(stage, folder, options) else "nothing"
        print(f"{stage} · skipped: done before, {news} changed (--force runs it again)", file=out, flush=True)
        return
    if record is not None:
        print(f"{stage} · runs again: {reason}", file=out, flush=True)
    from alpaca_nb import execution  # papermill takes a second to import; a run that skips all needs none of it

    runs.record_path(folder, stage).unlink(missing_ok=True)
    job = execution.Job(
        notebook=notebook_path(stage, options.notebooks_folder),
        output=folder / f"{stage}.ipynb",
        log=folder / "logs" / f"{stage}.log",
        parameters={**parameters, RUN_DIR: relative_path(folder, options.notebooks_folder)},
        scrub=scrubber(folder),
        seconds_per_cell=options.seconds_per_cell or SECONDS_PER_CELL[stage],
    )
    started = time.monotonic()
    status = "failed"
    try:
        with shown(stage, job, folder, out):
            execution.execute(job)
        record = runs.add_wall_seconds(_new_record(stage, parameters, folder), folder, time.monotonic() - started)
        status = "done"
    except Stopped:
        status = "stopped"
        raise
    finally:
        if status != "done":
            record = None
            runs.record_path(folder, stage).unlink(missing_ok=True)
        seconds = time.monotonic() - started
        outcomes.append(Outcome(stage, status, seconds, record))
        print(f"{stage} · {status} · {duration(seconds)}", file=out, flush=True)


def _records_not_in(report: runs.StageRecord, folder: Path) -> str:
    """Which records are new since the last stage, the reader of them all, took those that it found."""
    names = [path.name for path in (runs.record_path(folder, stage) for stage in STAGES[:-1]) if path.exists()]
    new = [name for name in names if name not in report.inputs]
    return f"new: {', '.join(new)}" if new else ""


def _code_changed(stage: str, folder: Path, options: Options) -> bool:
    """Whether the notebook has other code than the executed copy; a reason to tell, not to spend hours or dollars."""
    copy = folder / f"{stage}.ipynb"
    return copy.exists() and code_of(copy) != code_of(notebook_path(stage, options.notebooks_folder))


def _new_record(stage: str, parameters: Mapping[str, Parameter], folder: Path) -> runs.StageRecord:
    """The record that the notebook just wrote; raises StageError where it wrote none, or about other parameters."""
    record = runs.read_record(folder, stage)
    if record is None:
        raise StageError(
            f"{stage}.ipynb ran to its end but left no {runs.record_path(folder, stage).name}: "
            f"its last cell must call stage.finish(...)\n  log: {as_typed(folder / 'logs' / f'{stage}.log')}"
        )
    if record.parameters != dict(parameters):
        names = sorted(k for k in {*parameters, *record.parameters} if parameters.get(k) != record.parameters.get(k))
        raise StageError(
            f"{stage}.ipynb recorded other parameters than it was given: {', '.join(names)} "
            "(begin_stage must get every parameter of the `parameters` cell by keyword)"
        )
    return record


@contextlib.contextmanager
def _run_file(recipe: Recipe, folder: Path, outcomes: list[Outcome]) -> Iterator[None]:
    """Keep run.json true at every moment: running, then done, failed or stopped."""
    value = {
        "recipe": recipe.name,
        "parameters": recipe.parameters,
        "kit_version": __version__,
        "started": _now(),
        "finished": None,
        "status": "running",
        "stages": {},
    }
    write_json(folder / RUN_FILE, value)
    status = "failed"
    try:
        yield
        status = "done"
    except Stopped:
        status = "stopped"
        raise
    finally:
        stages = {item.stage: {"status": item.status, "seconds": round(item.seconds, 3)} for item in outcomes}
        write_json(folder / RUN_FILE, {**value, "finished": _now(), "status": status, "stages": stages})


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Let one runner at a time into a run folder; the system frees the lock however the runner ends."""
    lock = FileLock(folder / LOCK_FILE, blocking=False)
    try:
        lock.acquire()
    except Timeout:
        raise InputFileError(f"another alpaca-nb run is at work in {as_typed(folder)}") from None
    try:
        yield
    finally:
        lock.release()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
