"""Starting torchrun out of a notebook: live progress, a failing process's own words, nothing left behind.

torchrun starts one process for each CPU share or GPU, tells each its number (its rank) and ends all when one fails.
A notebook's kernel cannot do it: a process that has touched CUDA cannot be forked, and its death would be the kernel's.
"""

import contextlib
import json
import os
import re
import shlex
import signal
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from alpaca_nb import processes
from alpaca_nb.errors import TrainingError

OnProgress = Callable[[int, int, str], None]  # (steps done, steps in all, note)
PROGRESS_MARK = "PROGRESS "  # begins a line of progress: {"step", "steps", "note"} as JSON
LINES_KEPT = 200
_SIGKILL = 9  # by number, because Windows has no such name
# glibc's: bytes from which a tensor gets pages of its own, freed bytes that may stay, whether huge pages are asked for.
# The first is a little more than a square weight of SmolLM2-135M in bfloat16 (648 KiB), which needs none of its own.
# With 1 MiB, activations of ever new sizes leave holes: a run of `tiny` then took 6.5 GB instead of 5.3
# (benchmarks/results/recipes_2026-12-01.json).
ALLOCATOR = (("mmap_threshold", 704 << 10), ("trim_threshold", 256 << 20), ("hugetlb", 1))
# By oneDNN, which compiles one for each shape, and attention has one for each row's length. With fewer than a layer
# needs, each layer compiles them all again (64 cost a third of the speed).
MATMUL_PROGRAMS_KEPT = "384"
SECONDS_FOR_MACHINES_TO_JOIN = 3600
_FAILURE = re.compile(r"rank\s*: (\d+) \(local_rank: (\d+)\).*\n.*exitcode\s*: (-?\d+)")
_CONSEQUENCE = re.compile(
    r"[Cc]onnection (closed|reset|refused)|Broken pipe|Timed out|NCCL|recv|SignalException|SIGTERM"
    r"|gloo/transport|Dist(Network|Store|Backend)Error"
)


@dataclass(frozen=True)
class Machines:
    """The machines of a run: `endpoint` is host:port of the first one, `number` (from 0) says which of them this is."""

    nodes: int = 1
    endpoint: str = ""
    number: int = 0


@dataclass(frozen=True)
class Failure:
    """How one process ended: `message` is its own, empty where it left none (killed from outside)."""

    rank: int
    exit_status: int  # negative: the signal's number
    message: str


def run_torchrun(
    module: str,
    options: Sequence[str],
    *,
    number_of_processes: int,
    log_folder: Path,
    machines: Machines = Machines(),
    on_progress: OnProgress | None = None,
) -> None:
    """Run `python -m module options` in `number_of_processes` processes here; returns when all have ended well.

    Where there are several machines, each of the others must run `command_elsewhere`; this one is the first.

    Each process's output goes to `log_folder`. Raises `TrainingError` with the words of the process that failed first;
    on any exception, the stop button's included, every process is ended before it passes on.
    """
    log_folder.mkdir(parents=True, exist_ok=True)
    began = time.time()
    process = processes.start(
        command(module, options, number_of_processes, log_folder, machines),
        environment=environment(number_of_processes),
    )
    last_lines: deque[str] = deque(maxlen=LINES_KEPT)
    try:
        assert process.stdout is not None
        for line in process.stdout:
            if PROGRESS_MARK not in line:
                last_lines.append(line)
            elif on_progress is not None and (said := progress_in(line)) is not None:
                on_progress(*said)
        status = process.wait()
    finally:
        processes.stop(process)
    if status != 0:
        raise TrainingError(why("".join(last_lines), log_folder, status, began))


def progress_in(line: str) -> tuple[int, int, str] | None:
    """(step, steps, note) of a line of progress; None where it is torn, for no run shall end because of that.

    torchrun passes on what it finds in a process's log ten times a second, half lines too, and puts the process's name
    before each piece; so something may follow the JSON, or its end be missing.
    """
    try:
        said, _ = json.JSONDecoder().raw_decode(line.partition(PROGRESS_MARK)[2])
        return int(said["step"]), int(said["steps"]), str(said["note"])
    except (ValueError, KeyError, TypeError):
        return None


def command(
    module: str,
    options: Sequence[str],
    number_of_processes: int,
    log_folder: Path | None,
    machines: Machines = Machines(),
) -> list[str]:
    """torchrun's command line; with a `log_folder` only local rank 0 shows on screen, and the logs hold all."""
    torchrun = [sys.executable, "-m", "torch.distributed.run", *rendezvous(machines)]
    torchrun += ["--nproc-per-node", str(number_of_processes)]
    if log_folder is not None:
        torchrun += ["--log-dir", str(log_folder), "--tee", "3", "--local-ranks-filter", "0"]
    return [*torchrun, "-m", module, *options]


def rendezvous(machines: Machines) -> list[str]:
    """How the machines find each other: they meet at the first one's endpoint and keep the numbers they are given.

    Numbers given by hand, because the first machine's rank 0 speaks to the notebook; torchrun's dynamic rendezvous
    would hand them out by address.
    """
    if machines.nodes == 1:
        return ["--standalone"]
    host, _, port = machines.endpoint.rpartition(":")
    where = ["--nnodes", str(machines.nodes), "--node-rank", str(machines.number)]
    where += ["--master-addr", host, "--master-port", port]
    return [*where, "--rdzv-conf", f"timeout={SECONDS_FOR_MACHINES_TO_JOIN}"]


def command_elsewhere(module: str, options: Sequence[str], number_of_processes: int, machines: Machines) -> str:
    """What to type on another machine; it waits for the first one, so the order of starting does not matter."""
    return shlex.join(["python", *command(module, options, number_of_processes, None, machines)[1:]])


def environment(number_of_processes: int) -> dict[str, str]:
    """Each process gets its share of the cores, and settings that keep a CPU's memory small; nothing else reads them.

    Left to itself, glibc's allocator lets tensors leave holes that none fits again, and oneDNN keeps 1,024 compiled
    matrix products where packs of ever new lengths want new ones. For SmolLM2-135M on two processes both together took
    a third of the memory. Huge pages make up for the time that fresh pages cost. On Windows torchrun asks for libuv,
    without which torch is built there (pytorch/pytorch#139990), unless it is told not to.
    """
    threads = max(1, (os.cpu_count() or 1) // number_of_processes)
    tunables = [os.environ.get("GLIBC_TUNABLES", ""), *(f"glibc.malloc.{name}={value}" for name, value in ALLOCATOR)]
    settings = {
        "OMP_NUM_THREADS": str(threads),
        "GLIBC_TUNABLES": ":".join(filter(None, tunables)),
        "ONEDNN_PRIMITIVE_CACHE_CAPACITY": os.environ.get("ONEDNN_PRIMITIVE_CACHE_CAPACITY", MATMUL_PROGRAMS_KEPT),
    }
    return {**settings, "USE_LIBUV": "0"} if sys.platform == "win32" else settings


def why(output: str, log_folder: Path, status: int, since: float) -> str:
    """Say in a few lines which process failed first and what it said; the others' complaints are consequences."""
    failures = [
        Failure(int(rank), int(code), message_of(log_folder, int(local), since, last_words=not code.startswith("-")))
        for rank, local, code in _FAILURE.findall(output)
    ]
    where = f"every process's output is in {log_folder.parent.name}/{log_folder.name}"
    if not failures:
        last = "".join(output.splitlines(keepends=True)[-10:]).strip()
        return f"training did not start (torchrun's exit status {status}); {where}. Last lines:\n{last}"
    first = min(failures, key=_likely_consequence)
    return f"training failed in process {first.rank}: {in_words(first)}; {where}"


def in_words(failure: Failure) -> str:
    """A process's own message, or what its exit status says."""
    if failure.message:
        return failure.message
    if failure.exit_status == -_SIGKILL:
        return "killed (signal 9): out of memory? Lower max_tokens_per_pack or number_of_processes, or free memory"
    if failure.exit_status < 0:
        return f"ended by signal {-failure.exit_status} ({signal.Signals(-failure.exit_status).name})"
    return f"exit status {failure.exit_status} without a message"


def message_of(log_folder: Path, local_rank: int, since: float, last_words: bool) -> str:
    """What `@record` wrote about a rank's exception since `since` (epoch seconds); where there is nothing, or half a
    file, the last line of its stderr if `last_words` are wanted, else nothing."""
    starts = sorted(log_folder.glob(f"*/attempt_0/{local_rank}"), key=lambda folder: folder.stat().st_mtime)
    for folder in starts[-1:]:  # a run that goes on finds the logs of the one that was broken off
        if folder.stat().st_mtime < since - 1:
            continue
        with contextlib.suppress(OSError, ValueError, KeyError):
            message = json.loads((folder / "error.json").read_text(encoding="utf-8"))["message"]
            return str(message["message"] if isinstance(message, dict) else message)
        with contextlib.suppress(OSError, IndexError):
            if last_words:
                return (folder / "stderr.log").read_text(encoding="utf-8", errors="replace").strip().splitlines()[-1]
    return ""


def _likely_consequence(failure: Failure) -> tuple[int, int]:
    """Sort key: an exception of its own or SIGKILL first, then lost connections, then what torchrun itself ended."""
    if failure.message:
        return (1 if _CONSEQUENCE.search(failure.message) else 0, failure.rank)
    return (2 if failure.exit_status == -signal.SIGTERM else 0, failure.rank)
