"""environment.yml (what was tested), pyproject.toml (what should work) and `make` (what is installed) agree."""

import importlib.metadata
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

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


def ranges() -> dict[str, Requirement]:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project.get("optional-dependencies", {})
    lines = project["dependencies"] + [line for extra in extras.values() for line in extra]
    return {canonicalize_name(Requirement(line).name): Requirement(line) for line in lines}


def test_every_range_has_a_pin_inside_it_and_no_pin_is_left_over() -> None:
    assert set(pins()) == set(ranges())
    outside = {name: str(pin) for name, pin in pins().items() if not ranges()[name].specifier.contains(pin)}
    assert outside == {}


def test_every_pin_says_what_needs_it() -> None:
    text = (REPOSITORY / "environment.yml").read_text(encoding="utf-8")
    silent = [line for line in text.splitlines() if re.match(r"\s+- \S+==", line) and "  # " not in line]
    assert silent == []


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_make_installs_the_pins() -> None:
    listed = subprocess.run(["make", "--silent", "pins"], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert {canonicalize_name(Requirement(line).name) for line in listed.stdout.split()} == set(pins())
    assert listed.stdout.split() == [line for line in pip_lines() if not line.startswith("-")]
    recipe = subprocess.run(
        ["make", "--dry-run", "--always-make", "install"], cwd=REPOSITORY, capture_output=True, text=True, check=True
    ).stdout
    torch_first, rest = re.findall(r"pip install.*", recipe)
    assert "--no-deps" in torch_first and "torch==" in torch_first
    assert "--constraint .venv/pins.txt" in rest and ".[dev]" in rest


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
