"""environment.yml (what was tested), pyproject.toml (what should work) and `make` (what is installed) agree."""

import importlib.metadata
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import REPOSITORY
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version


def pip_lines() -> list[str]:
    environment = yaml.safe_load((REPOSITORY / "environment.yml").read_text(encoding="utf-8"))
    (section,) = [entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict)]
    return [str(line) for line in section]


def pins() -> dict[str, Version]:
    lines = [line for line in pip_lines() if not line.startswith("-")]
    parsed = [Requirement(line) for line in lines]
    return {canonicalize_name(r.name): Version(next(iter(r.specifier)).version) for r in parsed}


def project() -> dict[str, Any]:
    return tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]  # type: ignore[no-any-return]


def by_name(lines: list[str]) -> dict[str, Requirement]:
    return {canonicalize_name(Requirement(line).name): Requirement(line) for line in lines}


def ranges() -> dict[str, Requirement]:
    """What is always installed: the dependencies and the extra `dev`."""
    return by_name(project()["dependencies"] + project()["optional-dependencies"]["dev"])


def choices() -> dict[str, Requirement]:
    """What a user may add: the other extras."""
    extras: dict[str, list[str]] = project()["optional-dependencies"]
    return by_name([line for name, lines in extras.items() if name != "dev" for line in lines])


def test_every_range_has_a_pin_inside_it_and_no_pin_is_left_over() -> None:
    assert set(pins()) == set(ranges())
    outside = {name: str(pin) for name, pin in pins().items() if not ranges()[name].specifier.contains(pin)}
    assert outside == {}


def test_what_a_user_may_add_is_named_in_a_comment_with_the_version_tested() -> None:
    text = (REPOSITORY / "environment.yml").read_text(encoding="utf-8")
    comments = " ".join(line.partition("#")[2] for line in text.splitlines() if line.lstrip().startswith("#"))
    named = {
        canonicalize_name(name): Version(version) for name, version in re.findall(r"([\w.-]+)==([\w.]+)", comments)
    }
    assert {name for name in choices() if name not in named} == set()
    assert {name: version for name, version in named.items() if not choices()[name].specifier.contains(version)} == {}


def test_conda_needs_one_named_channel_and_gives_only_python_and_pip() -> None:
    environment = yaml.safe_load((REPOSITORY / "environment.yml").read_text(encoding="utf-8"))
    assert environment["channels"] == ["conda-forge"]
    assert [entry for entry in environment["dependencies"] if isinstance(entry, str)] == ["python=3.11", "pip"]


def test_every_pin_says_what_needs_it() -> None:
    text = (REPOSITORY / "environment.yml").read_text(encoding="utf-8")
    silent = [line for line in text.splitlines() if re.match(r"\s+- \S+==", line) and "  # " not in line]
    assert silent == []


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_make_installs_the_pins() -> None:
    written = REPOSITORY / ".venv" / "pins.txt"
    before = written.stat().st_mtime_ns if written.exists() else None
    listed = subprocess.run(["make", "--silent", "pins"], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert {canonicalize_name(Requirement(line).name) for line in listed.stdout.split()} == set(pins())
    assert listed.stdout.split() == [line for line in pip_lines() if not line.startswith("-")]
    recipe = subprocess.run(
        ["make", "--dry-run", "--always-make", "install"], cwd=REPOSITORY, capture_output=True, text=True, check=True
    ).stdout
    torch_first, rest = re.findall(r"pip install.*", recipe)
    assert "--no-deps" in torch_first and "torch==" in torch_first
    assert "--constraint .venv/pins.txt" in rest and ".[dev]" in rest
    after = written.stat().st_mtime_ns if written.exists() else None
    assert after == before, "a dry run must write nothing: is there a line with $(MAKE) in the recipe?"


@pytest.mark.skipif(
    Path(sys.prefix) != REPOSITORY / ".venv",
    reason="another environment than make's own, so other versions may be meant",
)
def test_what_make_installed_is_what_was_pinned() -> None:
    found = {name: Version(importlib.metadata.version(name)) for name in pins()}
    other = {
        name: f"{found[name]} instead of {pin}" for name, pin in pins().items() if found[name].public != pin.public
    }
    assert other == {}
