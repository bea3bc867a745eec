"""Runs one notebook through papermill, and believes nothing that papermill says about it afterwards.

papermill's engine is kept; added are a kernel environment without noise, a kernel log, a copy that is written
atomically and without this machine's paths, the position for the progress line, and failures told apart: a cell that
raised, a cell over its time, a kernel that died. Whether the stage is done is for its record to say (see `runner`).
"""

import logging
import os
import re
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TextIO

import nbformat
import papermill
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import NBClientEngine, NotebookExecutionManager, papermill_engines
from papermill.exceptions import PapermillExecutionError

from alpaca_nb import leftovers
from alpaca_nb.errors import StageError
from alpaca_nb.files import write_text
from alpaca_nb.parameters import RUN_DIR
from alpaca_nb.run_progress import as_typed
from alpaca_nb.runs import Parameter
from alpaca_nb.scrub import scrub_logs

ENGINE = "alpaca-nb"
KERNEL = "python3"
SECONDS_TO_START_A_KERNEL = 180
SECONDS_FOR_LATE_OUTPUT = 60  # nbclient's 4 s are too few on a machine that is busy training
QUIET_ENVIRONMENT = {
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "MPLBACKEND": "agg",
    "PYDEVD_DISABLE_FILE_VALIDATION": "1",
    "PYTHONUNBUFFERED": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "TRANSFORMERS_VERBOSITY": "error",
}
_COLOUR = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


@dataclass
class Job:
    """One notebook on its way; `cell` counts from 1 in the executed copy, 0 before the first cell."""

    notebook: Path
    output: Path
    log: Path
    parameters: Mapping[str, Parameter]
    scrub: Callable[[str], str]
    seconds_per_cell: int
    mark: str = field(default_factory=leftovers.new_mark)
    cell: int = 0
    cells: int = 0
    prompt: int = 0  # the number in the brackets of "In [5]"
    first_line: str = ""
    said: str = ""  # the last line that the running cell has printed

    def cell_started(self, cell: nbformat.NotebookNode, cell_index: int) -> None:
        """Note where the notebook is; nbclient calls this before every cell, prose included."""
        self.cell, self.said = cell_index + 1, ""
        if cell.cell_type == "code":
            self.prompt += 1
            lines = [line for line in cell.source.splitlines() if line.strip() and not line.lstrip().startswith("#")]
            self.first_line = lines[0].strip() if lines else ""

    @property
    def place(self) -> str:
        """The cell in words: position in the executed copy, prompt number and first line."""
        return f"cell {self.cell} of {self.cells}, In [{self.prompt}]: {self.first_line}"


def execute(job: Job) -> None:
    """Run the notebook to its end, or raise StageError naming notebook, cell, error and log; ends every process."""
    os.environ.setdefault("JUPYTER_PREFER_ENV_PATH", "1")  # this environment's python3 kernel, not a user-wide one
    for name in ("papermill", "asyncio", "traitlets"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)  # their news is told below, once
    papermill_engines.register(ENGINE, _Engine)
    job.log.parent.mkdir(parents=True, exist_ok=True)
    job.log.write_text("", encoding="utf-8")
    try:
        papermill.execute_notebook(
            nbformat.read(job.notebook, as_version=4),
            None,  # the engine below saves it
            parameters=dict(job.parameters),
            engine_name=ENGINE,
            kernel_name=KERNEL,
            progress_bar=False,
            start_timeout=SECONDS_TO_START_A_KERNEL,
            job=job,
        )
    except PapermillExecutionError as error:
        raise StageError(_message(job, f"{error.ename}: {error.evalue}")) from None
    except CellTimeoutError:
        raise StageError(_message(job, f"the cell took more than {job.seconds_per_cell} s (--cell-timeout)")) from None
    except DeadKernelError:
        raise StageError(_message(job, "the kernel died (out of memory, or killed)")) from None
    except (RuntimeError, OSError) as error:
        raise StageError(_message(job, f"{type(error).__name__}: {error}")) from None
    except KeyboardInterrupt as error:
        error.add_note(_message(job, str(error), verb="stopped"))
        raise
    finally:
        leftovers.end(job.mark)
        scrub_logs(job.output.parent, job.scrub)


def _message(job: Job, error: str, verb: str = "failed") -> str:
    where = f"in {job.place}" if job.cell else "before its first cell"
    return f"{job.notebook.name} {verb} {where}\n  {job.scrub(error.strip())}\n  log: {as_typed(job.log)}"


class _Engine(NBClientEngine):  # type: ignore[misc]
    """papermill's nbclient engine with the kit's kernel environment, log and way of saving."""

    @classmethod
    def execute_notebook(
        cls, nb: nbformat.NotebookNode, kernel_name: str, *, job: Job, start_timeout: int, **_: object
    ) -> nbformat.NotebookNode:
        """Execute `nb` in place and return it; papermill calls this."""
        job.cells = len(nb.cells)
        book = _Book(nb, job)
        book.notebook_start()
        try:
            with job.log.open("a", encoding="utf-8", buffering=1) as log:
                client = _Client(
                    book,
                    kernel_name=kernel_name,
                    timeout=job.seconds_per_cell,
                    startup_timeout=start_timeout,
                    iopub_timeout=SECONDS_FOR_LATE_OUTPUT,
                    on_cell_start=job.cell_started,
                    extra_arguments=["--log-level=ERROR"],  # no warning about unencrypted loopback sockets
                    log=logging.getLogger("papermill"),
                )
                client.kernel_log = log
                environment = {**os.environ, **QUIET_ENVIRONMENT, leftovers.MARK_VARIABLE: job.mark}
                client.execute(env=environment, cwd=str(job.notebook.parent), stdout=log, stderr=log)
        except (CellTimeoutError, DeadKernelError, KeyboardInterrupt) as error:
            book.note_failure(error)
            raise
        finally:
            book.notebook_complete()
        return nb


class _Book(NotebookExecutionManager):  # type: ignore[misc]
    """The executed copy: saved after every cell, whole or not at all, without paths, keys and papermill's metadata."""

    def __init__(self, nb: nbformat.NotebookNode, job: Job) -> None:
        super().__init__(nb, output_path=str(job.output), progress_bar=False)
        self.job = job

    def save(self, **_: object) -> None:
        """Write the copy; the injected `run_dir` becomes ".", the folder in which the copy lies."""
        copy = deepcopy(self.nb)
        _keep(copy.metadata, "kernelspec", "language_info")
        for cell in copy.cells:
            _keep(cell.metadata, "tags")
            if "injected-parameters" in cell.metadata.get("tags", []):
                cell.source = re.sub(rf"^{RUN_DIR} = .*$", f'{RUN_DIR} = "."', cell.source, flags=re.MULTILINE)
        write_text(self.job.output, self.job.scrub(nbformat.writes(copy)) + "\n")
        self.last_save_time = self.now()

    def note_failure(self, error: BaseException) -> None:
        """Add an error output where papermill would leave none: time-out, dead kernel, interruption."""
        cell = self.nb.cells[max(self.job.cell - 1, 0)]
        if cell.cell_type == "code":
            output = nbformat.v4.new_output("error", ename=type(error).__name__, evalue=str(error), traceback=[])
            cell.outputs.append(output)


class _Client(PapermillNotebookClient):  # type: ignore[misc]
    """papermill's client that also writes what cells print, and their tracebacks, to the stage's log."""

    kernel_log: TextIO

    def process_message(
        self, msg: dict[str, object], cell: nbformat.NotebookNode, cell_index: int
    ) -> nbformat.NotebookNode | None:
        output = super().process_message(msg, cell, cell_index)
        if output is not None and output.output_type == "stream":
            text = self.nb_man.job.scrub("".join(output.text))
            self.kernel_log.write(text)
            self.nb_man.job.said = next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "")
        elif output is not None and output.output_type == "error":
            now = datetime.now().strftime("%H:%M:%S")
            self.kernel_log.write(f"\n[{now}] {self.nb_man.job.place}\n")
            self.kernel_log.write(_COLOUR.sub("", "\n".join(output.traceback)) + "\n")
        return output  # type: ignore[no-any-return]


def _keep(metadata: dict[str, object], *names: str) -> None:
    for name in metadata.keys() - set(names):
        del metadata[name]
