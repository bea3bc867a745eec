"""Sweeps: one recipe at several values of some parameters, with everything that does not depend on them done once.

The stages before the first that knows a swept parameter run once, in `shared/`; their files and records are then
given to one run folder a point, where the ordinary runner finds them done and runs the rest. A second call goes on
where the first stopped. At the end the points are compared (`costs.compare`).
"""

import contextlib
import csv
import hashlib
import itertools
import json
import os
import re
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TextIO

from alpaca_nb import recipes, runner, runs
from alpaca_nb.errors import RecipeError, StageError
from alpaca_nb.recipes import Recipe
from alpaca_nb.run_progress import as_typed
from alpaca_nb.runs import OUTPUT_FOLDER, STAGES

SHARED = "shared"
_NOT_SHARED = {runner.RUN_FILE, runner.LOCK_FILE, ".progress.json"}
_APPENDED = ".jsonl"  # a later run may append to such a file, so it is always copied
_LARGE_BYTES = 1 << 20  # from here on files are linked: models, which are only ever replaced whole


@dataclass(frozen=True)
class Point:
    """One combination of values; `name` is its folder."""

    name: str
    recipe: Recipe


@dataclass(frozen=True)
class Sweep:
    """A checked sweep: its folder, its points, and the stages that all of them share."""

    folder: Path
    points: tuple[Point, ...]
    shared_stages: tuple[str, ...]
    options: runner.Options

    @property
    def run_dirs(self) -> list[Path]:
        """One run folder a point."""
        return [self.folder / point.name for point in self.points]


def plan(
    name_or_path: str,
    options: Sequence[str],
    run_dir: Path | None = None,
    chosen: runner.Options | None = None,
    *,
    recipes_folder: Path = recipes.RECIPES_FOLDER,
) -> Sweep:
    """Check a sweep before anything runs: every point's recipe is loaded; raises `RecipeError`."""
    chosen = chosen or runner.Options()
    fixed, swept = _split(options)
    if not swept:
        raise RecipeError("a sweep needs a parameter with several values, as in -p learning_rate=1e-5,2e-5")
    folders = {"notebooks_folder": chosen.notebooks_folder, "recipes_folder": recipes_folder}
    points = []
    for values in itertools.product(*swept.values()):
        assignments = [f"{name}={value}" for name, value in zip(swept, values, strict=True)]
        recipe = recipes.load(name_or_path, [*fixed, *assignments], **folders)
        points.append(Point(_folder_name(assignments), recipe))
    if any(one.recipe.stages == other.recipe.stages for one, other in itertools.combinations(points, 2)):
        raise RecipeError("two points of the sweep have the same values")
    first = points[0].recipe
    knowing = [stage for stage in STAGES if swept.keys() & first.stages.get(stage, {}).keys()]
    shared = tuple(stage for stage in chosen.stages if stage < knowing[0])
    if knowing[0] not in chosen.stages:
        raise RecipeError(f"no requested stage depends on {', '.join(swept)}: the first that does is {knowing[0]}")
    folder = run_dir or OUTPUT_FOLDER / f"sweep-{first.name}-{_short_hash(options)}"
    return Sweep(folder.expanduser().resolve(), tuple(points), shared, chosen)


def run(sweep: Sweep, only: str = "", out: TextIO | None = None) -> list[Path]:
    """Run a sweep and return the points' run folders; `only` is `shared` or a point's number from 0.

    A point that fails does not stop the others; `StageError` at the end names all that failed.
    """
    out = out or sys.stdout
    places = _chosen(sweep, only)
    if sweep.shared_stages and only in ("", SHARED):
        print(f"Once for all points: {', '.join(sweep.shared_stages)}", file=out, flush=True)
        until = replace(sweep.options, last=sweep.shared_stages[-1])
        runner.run(sweep.points[0].recipe, sweep.folder / SHARED, until, out)
    failures = []
    for place in places:
        point, folder = sweep.points[place], sweep.folder / sweep.points[place].name
        print(f"\nPoint {place} of 0 to {len(sweep.points) - 1}: {point.name}", file=out, flush=True)
        share(sweep.folder / SHARED, folder, sweep.shared_stages)
        try:
            runner.run(point.recipe, folder, sweep.options, out)
        except StageError as error:
            print(f"{point.name}: {error}", file=out, flush=True)
            failures.append(point.name)
    if failures:
        raise StageError(
            f"{len(failures)} of {len(places)} points failed: {', '.join(failures)}. The others are done in "
            f"{as_typed(sweep.folder)}; run the sweep again to go on with these"
        )
    return sweep.run_dirs


def share(shared: Path, folder: Path, stages: Sequence[str]) -> None:
    """Give a point's folder the files of the shared stages, records last; nothing to do where it has those records.

    Large files are linked, not copied, where the file system can.
    """
    records = [runs.record_path(shared, stage) for stage in stages]
    for record in records:
        if not record.exists():
            raise StageError(f"{as_typed(record)} is not there: the shared stages have not run (--only {SHARED})")
    if all(_same_bytes(record, folder / record.name) for record in records):
        return
    for path in sorted(shared.rglob("*")):
        if path.is_file() and path not in records and path.name not in _NOT_SHARED:
            _give(path, folder / path.relative_to(shared))
    for record in records:
        _give(record, folder / record.name)


def _give(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)
    if source.suffix != _APPENDED and source.stat().st_size >= _LARGE_BYTES:
        with contextlib.suppress(OSError):  # another file system, or one without links
            os.link(source, target)
            return
    shutil.copy2(source, target)


def _same_bytes(one: Path, other: Path) -> bool:
    return other.exists() and one.read_bytes() == other.read_bytes()


def _split(options: Sequence[str]) -> tuple[list[str], dict[str, list[str]]]:
    """Options with one value, and those with several; values are separated as in a CSV line, quotes included."""
    fixed: list[str] = []
    swept: dict[str, list[str]] = {}
    for option in options:
        name, equals, text = option.partition("=")
        values = next(csv.reader([text], skipinitialspace=True), [])
        if not equals or len(values) < 2:
            fixed.append(option if not equals or not values else f"{name}={values[0]}")
        elif name.strip() in swept:
            raise RecipeError(f"-p {name.strip()} is given twice; write all its values in one")
        else:
            swept[name.strip()] = values
    return fixed, swept


def _chosen(sweep: Sweep, only: str) -> list[int]:
    if only == SHARED:
        return []
    if not only:
        return list(range(len(sweep.points)))
    if not only.isdecimal() or int(only) >= len(sweep.points):
        raise RecipeError(f"--only is {only!r}; it must be {SHARED}, or a point from 0 to {len(sweep.points) - 1}")
    return [int(only)]


def _folder_name(assignments: Sequence[str]) -> str:
    """Readable where the values are short and plain; a hash keeps two points apart where they are not."""
    text = ",".join(assignments)
    plain = re.sub(r"[^A-Za-z0-9._=,+-]+", "_", text)
    return plain if plain == text and len(text) <= 80 else f"{plain[:60]}-{_short_hash(assignments)}"


def _short_hash(texts: Sequence[str]) -> str:
    return hashlib.sha256(json.dumps(list(texts)).encode()).hexdigest()[:8]
