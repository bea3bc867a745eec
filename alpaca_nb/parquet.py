"""A data set as one Parquet file, the form that data hubs and data frames read fastest."""

import os
from collections.abc import Sequence
from pathlib import Path

from alpaca_nb.files import sync_folder
from alpaca_nb.records import Example


def write_parquet(path: Path, rows: Sequence[Example]) -> Path:
    """Write the columns instruction, input and output, atomically."""
    import pyarrow
    import pyarrow.parquet

    columns = {name: [getattr(row, name) for row in rows] for name in Example.__annotations__}
    neighbour = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with neighbour.open("wb") as file:
            pyarrow.parquet.write_table(pyarrow.table(columns), file)
            file.flush()
            os.fsync(file.fileno())
        neighbour.replace(path)
    finally:
        neighbour.unlink(missing_ok=True)
    sync_folder(path.parent)
    return path
