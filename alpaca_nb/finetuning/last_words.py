"""What a training process leaves behind when it fails: its exception in a file, which appears whole or not at all."""

import os
from collections.abc import Callable
from pathlib import Path

from torch.distributed.elastic.multiprocessing import errors

ERROR_FILE_VARIABLE = "TORCHELASTIC_ERROR_FILE"  # torchrun tells each process so where it looks afterwards


class WholeErrorFile(errors.ErrorHandler):
    """torchrun's own handler, except that the file is renamed into place.

    Written in place, the file is for a moment empty; torchrun ends the other processes when one has failed, may cut one
    of them off in that moment, and then dies of the empty file instead of saying who failed (seen with torch 2.13).
    """

    def record_exception(self, e: BaseException) -> None:
        """Write `e` with its traceback for torchrun to read; without torchrun it is only logged."""
        wanted = os.environ.get(ERROR_FILE_VARIABLE)
        if not wanted:
            super().record_exception(e)
            return
        part = Path(f"{wanted}.part")
        os.environ[ERROR_FILE_VARIABLE] = str(part)
        try:
            super().record_exception(e)
        finally:
            os.environ[ERROR_FILE_VARIABLE] = wanted
        part.replace(wanted)


def record(main: Callable[[], None]) -> Callable[[], None]:
    """Decorate a process's main function: an exception that leaves it is written down, then goes on."""
    return errors.record(main, error_handler=WholeErrorFile())
