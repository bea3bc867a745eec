"""Stanford Alpaca as six notebooks: each stage is a notebook, a folder here and a part of the run folder."""

__version__ = "0.1.0"
