"""The run folder: one folder a run, through which alone the stages talk, and the record each stage leaves.

A notebook calls `begin_stage` in its plan cell, works with `stage.path(...)` and `stage.show(...)`, and calls
`stage.finish(...)` in its last cell. That call writes `NN_stage.json`, last and atomically: the only proof that the
stage is done (what papermill stores about a notebook is not one; it says "completed" of a notebook whose kernel died).
Paths inside a record are relative to the run folder, so a run folder can be moved or shared; those of the kit's own
files begin with `<kit>/`.
"""

import contextlib
import dataclasses
import importlib.metadata
import os
import platform
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from alpaca_nb.errors import InputFileError
from alpaca_nb.files import Json, read_json, sha256_of, write_json

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Parameter = str | int | float | bool

STAGES = (
    "01_seed_tasks",
    "02_generate_data",
    "03_finetune_fsdp",
    "04_inference",
    "05_blind_comparison",
    "06_cost_analysis",
)
KIT_FOLDER = Path(__file__).resolve().parent.parent
NOTEBOOKS_FOLDER = KIT_FOLDER / "notebooks"
OUTPUT_FOLDER = KIT_FOLDER / "papermill_runs" / "output"
KIT_MARK = "<kit>/"  # how a record names files of the kit, wherever the run folder stands
PACKAGES_IN_RECORD = ("torch", "transformers", "openai", "datasets", "papermill", "numpy", "alpaca-nb")


@dataclass(frozen=True)
class StageRecord:
    """What `NN_stage.json` holds; `inputs` and `outputs` map paths (relative to the run folder) to SHA-256.

    `seconds` are those of the notebook's own work, from `begin_stage` to `finish`. `wall_seconds` are those of the
    whole stage, the notebook's start and imports included: the runner adds them, and a notebook run by hand has none.
    """

    stage: str
    status: str
    started: str
    seconds: float
    parameters: dict[str, Parameter]
    inputs: dict[str, str]
    outputs: dict[str, str]
    figures: dict[str, str]  # path → alt text
    metrics: dict[str, Json]
    versions: dict[str, str]
    device: str
    commit: str
    wall_seconds: float | None = None

    @property
    def whole_seconds(self) -> float:
        """How long the machine was in use for the stage, as far as it is known."""
        return self.seconds if self.wall_seconds is None else self.wall_seconds


@dataclass
class Stage:
    """A stage at work: where its files go, and what will be written about it."""

    name: str
    run_dir: Path
    parameters: dict[str, Parameter]
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    figures: dict[str, str] = field(default_factory=dict)
    _clock: float = field(default_factory=time.monotonic)

    def path(self, *parts: str) -> Path:
        """Return a path inside the run folder; its parent folder exists afterwards."""
        path = self.run_dir.joinpath(*parts)
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def need(self, *parts: str, made_by: str) -> Path:
        """Return a path that an earlier stage made; raises `InputFileError` naming that stage if it is absent."""
        path = self.run_dir.joinpath(*parts)
        if not path.exists():
            raise InputFileError(
                f"{path.relative_to(self.run_dir)} is not in the run folder {_seen_from_here(self.run_dir)}: "
                f"run notebook {made_by} first, or set run_dir to the folder of another run"
            )
        return path

    def show(self, figure: "Figure", name: str, alt: str) -> None:
        """Show a figure in the notebook with its alt text and keep it as `figures/NN_name.png` for the report."""
        from alpaca_nb import plots

        path = self.path("figures", f"{self.name[:2]}_{name}.png")
        self.figures[path.relative_to(self.run_dir).as_posix()] = alt
        plots.show(figure, alt, save_as=path)

    def finish(
        self,
        *,
        inputs: Sequence[Path] = (),
        outputs: Sequence[Path] = (),
        metrics: Mapping[str, object] | None = None,
        device: str | None = None,
    ) -> StageRecord:
        """Write the stage record (atomically, as the very last act) and return it.

        `device` (a `device_description`) is what the stage's work ran on, where processes other than this one did it.
        """
        record = StageRecord(
            stage=self.name,
            status="done",
            started=self.started.isoformat(timespec="seconds"),
            seconds=round(time.monotonic() - self._clock, 3),
            parameters=self.parameters,
            inputs={self._relative(p): sha256_of(p) for p in inputs},
            outputs={self._relative(p): sha256_of(p) for p in outputs},
            figures=self.figures,
            metrics=dict(metrics or {}),  # type: ignore[arg-type]
            versions=versions(),
            device=device or device_description(),
            commit=commit(),
        )
        write_json(record_path(self.run_dir, self.name), dataclasses.asdict(record))
        print(f"Stage {self.name} done in {record.seconds:.1f} s; record: {self.name[:2]}_stage.json")
        return record

    def _relative(self, path: Path) -> str:
        real = path.resolve()
        if real.is_relative_to(KIT_FOLDER) and not real.is_relative_to(self.run_dir):
            return KIT_MARK + real.relative_to(KIT_FOLDER).as_posix()
        return Path(os.path.relpath(path, self.run_dir)).as_posix()


def _seen_from_here(folder: Path) -> str:
    """A folder as one would type it in a notebook; on Windows another drive has no way from here."""
    try:
        return Path(os.path.relpath(folder)).as_posix()
    except ValueError:
        return folder.as_posix()


def begin_stage(name: str, run_dir: str, **parameters: Parameter) -> Stage:
    """Open (or make) the run folder for one stage; `parameters` are the notebook's own, without `run_dir`.

    An earlier record of the stage goes if it is about other parameters. One about the same stays until `finish` writes
    it anew, so that who opens a finished run to look or to solve exercises leaves it finished: it holds only as long as
    all files in it have the contents that it names (`why_not_current`).
    """
    if name not in STAGES:
        raise ValueError(f"{name!r} is no stage; stages are {', '.join(STAGES)}")
    folder = Path(run_dir).expanduser().resolve()
    folder.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(InputFileError):  # of a damaged record, which goes
        earlier = read_record(folder, name)
        if earlier is not None and earlier.parameters == parameters:
            return Stage(name, folder, dict(parameters))
    record_path(folder, name).unlink(missing_ok=True)
    return Stage(name, folder, dict(parameters))


def record_path(run_dir: Path, stage: str) -> Path:
    """Where the record of `stage` (its full name, `01_seed_tasks`) stands."""
    return run_dir / f"{stage[:2]}_stage.json"


def read_record(run_dir: Path, stage: str) -> StageRecord | None:
    """Read a stage's record; None where the stage has not finished. A damaged record raises `InputFileError`."""
    path = record_path(run_dir, stage)
    if not path.exists():
        return None
    value = read_json(path)
    try:
        return StageRecord(**value)  # type: ignore[arg-type]
    except TypeError as error:
        raise InputFileError(f"{path}: not a stage record ({error}); delete it to run the stage again") from None


def add_wall_seconds(record: StageRecord, run_dir: Path, wall_seconds: float) -> StageRecord:
    """Write into a stage's record, atomically, how long the whole stage took; returns the new record."""
    timed = dataclasses.replace(record, wall_seconds=round(wall_seconds, 3))
    write_json(record_path(run_dir, record.stage), dataclasses.asdict(timed))
    return timed


def why_not_current(record: StageRecord | None, run_dir: Path, parameters: Mapping[str, Parameter]) -> str:
    """Say in a few words why a stage must run (again); an empty string means that its record still holds."""
    if record is None:
        return "not run yet"
    wanted = {name: value for name, value in parameters.items() if name != "run_dir"}
    if record.parameters != wanted:
        changed = sorted(k for k in {*wanted, *record.parameters} if wanted.get(k) != record.parameters.get(k))
        return f"changed: {', '.join(changed)}"
    for kind, files in (("input", record.inputs), ("output", record.outputs)):
        for name, digest in files.items():
            path = KIT_FOLDER / name.removeprefix(KIT_MARK) if name.startswith(KIT_MARK) else run_dir / name
            if not path.exists():
                return f"{kind} {name} is gone"
            if sha256_of(path) != digest:
                return f"{kind} {name} has changed"
    return ""


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that decide a run's numbers."""
    found = {"python": platform.python_version()}
    for package in PACKAGES_IN_RECORD:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            found[package] = "absent"
    return found


def device_description(gpus: int | None = None) -> str:
    """The hardware in words: the `gpus` in use, the CPU where they are 0; what a stage costs follows from it.

    By default it is every GPU there is, and torch is asked about them only where a stage has loaded it already.
    """
    torch = sys.modules.get("torch")
    if gpus is None:
        gpus = torch.cuda.device_count() if torch is not None and torch.cuda.is_available() else 0
    if torch is not None and gpus > 0:
        return f"{gpus} x {torch.cuda.get_device_name(0)}"
    return f"CPU, {os.cpu_count()} cores, {platform.machine()}, {platform.system()}"


def commit() -> str:
    """The kit's git commit, with `-dirty` where files differ from it; "unknown" outside a checkout."""
    try:
        answer = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"],
            cwd=KIT_FOLDER,
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return answer.stdout.strip()
