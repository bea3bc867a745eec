"""`alpaca-nb lab`: JupyterLab on the notebooks, ready to work.

The first notebook is open, the file browser shows its neighbours, the kernel is this Python's, and nothing is asked or
fetched from the network (`jupyterlab/labconfig/` switches the news off). The root is the folder around the notebooks,
so that links out of them lead somewhere and a finished report can be opened from the file browser.
"""

import argparse
import os
from collections.abc import Callable
from pathlib import Path

from alpaca_nb.errors import InputFileError
from alpaca_nb.runs import NOTEBOOKS_FOLDER, STAGES

CONFIG_FOLDER = Path(__file__).resolve().parent / "jupyterlab"
EXAMPLES = """\
examples:
  alpaca-nb lab                               opens the browser at notebook 01; Run > Run All Cells, then the next
  alpaca-nb lab --notebooks my_copies         your own copies of the notebooks
  alpaca-nb lab -- --no-browser --port=9000   what follows -- is JupyterLab's own"""


def add_lab(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", add: Callable[..., argparse.ArgumentParser]
) -> None:
    """Declare the command."""
    command = add(commands, "lab", _lab, "open the notebooks in JupyterLab, to read and run them by hand", EXAMPLES)
    command.add_argument("--notebooks", type=Path, metavar="DIR", help="open your own copies (default: the kit's)")
    command.add_argument("jupyter", nargs="*", metavar="OPTION", help="after --: options of JupyterLab itself")


def _lab(options: argparse.Namespace) -> int:
    notebooks = (options.notebooks or NOTEBOOKS_FOLDER).expanduser().resolve()
    if not (notebooks / f"{STAGES[0]}.ipynb").exists():
        raise InputFileError(
            f"{options.notebooks or notebooks} holds no {STAGES[0]}.ipynb: which folder has the notebooks?"
        )
    os.environ.update(environment())
    from jupyterlab.labapp import LabApp

    LabApp.launch_instance([*arguments(notebooks), *options.jupyter])
    return 0


def arguments(notebooks: Path) -> list[str]:
    """What JupyterLab is told about the folder of `notebooks`."""
    first = f"--LabApp.default_url=/lab/tree/{notebooks.name}/{STAGES[0]}.ipynb"
    told = [f"--ServerApp.root_dir={notebooks.parent}", first]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        told.append("--allow-root")  # in a container; the server listens on loopback and asks for its token
    return told


def environment() -> dict[str, str]:
    """Variables for the server and its kernels: this Python's kernel, as quiet as in `alpaca-nb run`."""
    from alpaca_nb.execution import QUIET_ENVIRONMENT

    quiet = {name: value for name, value in QUIET_ENVIRONMENT.items() if name != "MPLBACKEND"}  # a reader may plot
    config = os.pathsep.join(filter(None, [str(CONFIG_FOLDER), os.environ.get("JUPYTER_CONFIG_PATH")]))
    return {**quiet, "JUPYTER_CONFIG_PATH": config, "JUPYTER_PREFER_ENV_PATH": "1"}
