"""Room kept back on the disk: a file of nothing that is deleted when the disk is full, so that the last answers fit."""

import os
from pathlib import Path

SPARE_BYTES = 4 << 20  # 64 answers on their way, of 3,072 tokens each, take about 1.5 MB


class Spare:
    """The file, from its making until it is given up."""

    def __init__(self, path: Path, size: int = SPARE_BYTES) -> None:
        """Claim the room; raises OSError where it is not there. A file that a crash left is replaced."""
        self._path = path
        with path.open("wb") as file:
            try:
                if hasattr(os, "posix_fallocate"):
                    os.posix_fallocate(file.fileno(), 0, size)
                else:
                    file.write(bytes(size))  # a hole would claim nothing
            except OSError:
                path.unlink()
                raise

    def give_up(self) -> bool:
        """Delete the file; returns whether there was one."""
        try:
            self._path.unlink()
        except FileNotFoundError:
            return False
        return True
