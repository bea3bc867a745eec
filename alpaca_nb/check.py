"""`alpaca-nb check`: is this machine ready? One line a question, each [ok], [warn] or [fail], with what to do about it.

It imports every package for real, because a package can be installed and still not load. A key is never shown.
"""

import importlib
import importlib.metadata
import itertools
import os
import platform
import re
import shutil
import sys
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

from alpaca_nb import __version__
from alpaca_nb.run_progress import as_called
from alpaca_nb.runs import KIT_FOLDER

GIB = 1 << 30
LEAST_PYTHON = (3, 11)
LEAST_CORES = 2
LEAST_MEMORY_BYTES, LEAST_DISK_BYTES = 6 * GIB, 3 * GIB  # what the recipe `tiny` needs
MODULES = {"pyyaml": "yaml"}  # where the names of package and module differ
Level = Literal["ok", "warn", "fail"]


@dataclass(frozen=True)
class Finding:
    """One answer."""

    level: Level
    text: str

    def __str__(self) -> str:
        return f"[{self.level}]{' ' * (5 - len(self.level))}{self.text}"


def print_report(teacher: Iterable[tuple[str, str]] = ()) -> int:
    """Print every finding as soon as it is known, those about a `teacher` last; return the number of failures."""
    failures = 0
    named = (Finding(cast(Level, level), text) for level, text in teacher)
    for finding in itertools.chain(findings(), named):
        print(finding, flush=True)
        failures += finding.level == "fail"
    print(f"{failures} problem(s) to mend: the lines with [fail]" if failures else f"Ready: {as_called()} run tiny")
    return failures


def findings() -> Iterator[Finding]:
    """Ask every question in turn."""
    yield _python()
    yield from _packages()
    yield _kernel()
    yield from _machine()
    yield _base_model()
    yield _gpu()


def _python() -> Finding:
    level: Level = "ok" if sys.version_info >= LEAST_PYTHON else "fail"
    cure = "" if level == "ok" else " (3.11 or newer is needed: make PYTHON=python3.12 run, or a new environment)"
    system = platform.platform(terse=True)
    return Finding(level, f"alpaca-nb {__version__}, Python {platform.python_version()}, {system}{cure}")


def _packages() -> Iterator[Finding]:
    """Every package that this kit's own metadata asks for: is it there, and does it load?"""
    tested = tested_versions()
    for line in importlib.metadata.requires("alpaca-nb") or []:
        name, _, condition = line.partition(";")
        if "extra" not in condition:
            name = re.split(r"[^\w.-]", name.strip(), maxsplit=1)[0].lower()
            yield package_finding(name, tested.get(name, ""))


def tested_versions(file: Path = KIT_FOLDER / "environment.yml") -> dict[str, str]:
    """The pins of environment.yml, package → version; none where the kit was installed without it."""
    text = file.read_text(encoding="utf-8") if file.exists() else ""
    return dict(re.findall(r"^\s*- ([\w.-]+)==(\S+)", text, flags=re.MULTILINE))


def package_finding(name: str, tested: str = "") -> Finding:
    """Import one package; say its version, and the tested one where they differ."""
    try:
        version = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return Finding("fail", f"{name} is not installed: pip install {name}{f'=={tested}' if tested else ''}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            importlib.import_module(MODULES.get(name, name.replace("-", "_")))
    except Exception as error:  # a broken package can raise anything; all of it is worth one line here
        reason = " ".join(str(error).split())
        pin = f"{name}=={tested or version}"
        return Finding(
            "fail",
            f"{name} {version} does not load: {type(error).__name__}: {reason} "
            f"(try: pip install --force-reinstall --no-deps {pin})",
        )
    same = not tested or version.split("+")[0] == tested
    return Finding("ok", f"{name} {version}{'' if same else f' (tested with {tested})'}")


def _kernel() -> Finding:
    os.environ.setdefault("JUPYTER_PREFER_ENV_PATH", "1")  # as `execution` does
    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

    try:
        program = KernelSpecManager().get_kernel_spec("python3").argv[0]
    except NoSuchKernel:
        return Finding("fail", "Jupyter has no kernel python3: python -m ipykernel install --sys-prefix")
    found = shutil.which(program) or program
    # jupyter_client replaces a bare "python" by the running interpreter
    if Path(program).name != program and Path(found).resolve() != Path(sys.executable).resolve():
        return Finding(
            "warn", f"the kernel python3 runs {found}, not this Python: python -m ipykernel install --sys-prefix"
        )
    return Finding("ok", "Jupyter kernel python3 runs this Python")


def _machine() -> Iterator[Finding]:
    import psutil

    memory, cores, free = psutil.virtual_memory().total, os.cpu_count() or 1, shutil.disk_usage(KIT_FOLDER).free
    yield _enough(cores >= LEAST_CORES, f"{cores} processor cores", "tiny wants 2: it runs, but takes twice as long")
    yield _enough(
        memory >= LEAST_MEMORY_BYTES,
        f"{memory / GIB:.0f} GiB of memory",
        "tiny wants 6: close other programs, take -p number_of_processes=1, or run smoke",
    )
    yield _enough(
        free >= LEAST_DISK_BYTES,
        f"{free / GIB:.0f} GiB of disk free",
        "tiny wants 3: free some, or put the run on another disk with --run-dir",
    )


def _enough(enough: bool, found: str, otherwise: str) -> Finding:
    return Finding("ok", found) if enough else Finding("warn", f"{found} ({otherwise})")


def _base_model() -> Finding:
    from alpaca_nb.models import smollm2
    from alpaca_nb.models.cache import cache_folder

    if (cache_folder() / smollm2.CACHED_AS).is_dir():
        return Finding("ok", "the base model of tiny (smollm2-135m) is in the cache")
    return Finding(
        "warn", "the base model of tiny (smollm2-135m) is not in the cache: the first run downloads it (93 MB)"
    )


def _gpu() -> Finding:
    try:
        import torch
    except ImportError:
        return Finding("warn", "GPU unknown, because torch does not load (its line above says what to do)")
    if torch.cuda.is_available():
        properties = torch.cuda.get_device_properties(0)
        memory = properties.total_memory / GIB
        return Finding("ok", f"{torch.cuda.device_count()} x {properties.name}, {memory:.0f} GiB each")
    if torch.backends.mps.is_available():
        return Finding("ok", "Apple's GPU (MPS): notebook 04 answers on it, notebook 03 trains on the CPU")
    return Finding("ok", "no CUDA GPU (smoke and tiny need none)")
