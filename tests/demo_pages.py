"""The web demo with two random models, for the tests that ask it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from alpaca_nb.inference.demo.answering import Demo
from alpaca_nb.inference.demo.guards import RateLimit
from alpaca_nb.inference.demo.moderation import Moderator, Nothing
from alpaca_nb.inference.run_models import Loaded
from alpaca_nb.models import load_model, load_tokenizer


def demo_of(folders: dict[str, Path], moderator: Moderator | None = None, per_minute: int = 10_000) -> Demo:
    """A demo without a page."""
    models = {
        which: Loaded(which, load_model(folder, "float32"), load_tokenizer(folder))  # type: ignore[arg-type]
        for which, folder in folders.items()
    }
    return Demo(models, moderator or Nothing(), RateLimit(per_minute))  # type: ignore[arg-type]


@contextmanager
def served(demo: Demo, flags: Path) -> Iterator[str]:
    """Serve the page on a free port of loopback; yields its address. Skips where Gradio is absent."""
    pytest.importorskip("gradio", reason='gradio is not installed: pip install -e ".[demo]"')
    from alpaca_nb.inference.demo.page import build, serve

    page = build(demo, flags)
    try:
        yield serve(page, "127.0.0.1", None, wait=False)
    finally:
        page.close(verbose=False)
