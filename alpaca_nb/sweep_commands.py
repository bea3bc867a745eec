"""A sweep as commands for a cluster: a Slurm array, SkyPilot jobs, or plain shell; printed, never run.

All jobs must see the sweep's folder, so it belongs on storage that the machines share. Sources: sbatch(1) for
`--parsable`, `--array` and `--dependency`; SkyPilot's `sky jobs launch`.
"""

import shlex
from collections.abc import Callable, Sequence

from alpaca_nb.run_progress import as_typed
from alpaca_nb.sweep import SHARED, Sweep

PROGRAM = "alpaca-nb"


def commands_for(sweep: Sweep, kind: str, recipe: str, options: Sequence[str], more: Sequence[str] = ()) -> str:
    """The commands of one kind; `more` are options of the runner to hand on."""
    folder = as_typed(sweep.folder)
    parameters = [word for option in options for word in ("-p", option)]
    base = shlex.join([PROGRAM, "sweep", recipe, *parameters, "--run-dir", folder, *more, "--only"])
    compare = shlex.join([PROGRAM, "compare", *(as_typed(run_dir) for run_dir in sweep.run_dirs)])
    return "\n".join(COMMANDS[kind](sweep, base, f"{compare} --out {shlex.quote(folder)}"))


def _shell(sweep: Sweep, base: str, compare: str) -> list[str]:
    shared = [f"{base} {SHARED}"] if sweep.shared_stages else []
    return [*shared, *(f"{base} {place}" for place in range(len(sweep.points))), compare]


def _slurm(sweep: Sweep, base: str, compare: str) -> list[str]:
    lines = ["# add --gres, --time and --partition as your cluster wants them"]
    after = ""
    if sweep.shared_stages:
        lines.append(f"shared=$(sbatch --parsable --wrap {shlex.quote(f'{base} {SHARED}')})")
        after = " --dependency=afterok:$shared"
    last = len(sweep.points) - 1
    point = shlex.quote(f"{base} $SLURM_ARRAY_TASK_ID")
    lines.append(f"points=$(sbatch --parsable{after} --array=0-{last} --wrap {point})")
    lines.append(f"sbatch --dependency=afterany:$points --wrap {shlex.quote(compare)}")
    return lines


def _skypilot(sweep: Sweep, base: str, compare: str) -> list[str]:
    launch = "sky jobs launch --yes --name"
    lines = [
        "# mount one shared volume (no bucket: files are appended to) at the sweep's folder; add --gpus as you like"
    ]
    if sweep.shared_stages:
        lines.append(f"{launch} sweep-{SHARED} {shlex.quote(f'{base} {SHARED}')}    # wait for it, then:")
    lines += [
        f"{launch} sweep-{place} --detach-run {shlex.quote(f'{base} {place}')}" for place in range(len(sweep.points))
    ]
    return [*lines, f"{compare}    # when all are done"]


COMMANDS: dict[str, Callable[[Sweep, str, str], list[str]]] = {
    "shell": _shell,
    "slurm": _slurm,
    "skypilot": _skypilot,
}
