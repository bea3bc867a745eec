"""Keeps transformers' warnings and progress bars off a notebook's page while the kit handles the cases itself."""

import contextlib
import warnings
from collections.abc import Iterator

# tqdm, which transformers imports, advises every notebook to install widgets; the kit has its own progress line.
warnings.filterwarnings("ignore", message="IProgress not found")


@contextlib.contextmanager
def quiet_transformers() -> Iterator[None]:
    """Only errors are logged and no bar is drawn inside; the user's own settings hold again afterwards."""
    from transformers.utils import logging

    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()  # type: ignore[no-untyped-call]
