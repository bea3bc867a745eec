"""The launch files for several machines: whole, and calling what exists with options that exist."""

import os
import re
import shlex
import shutil
import socket
import subprocess
from pathlib import Path

import jsonschema
import pytest
import yaml
from conftest import REPOSITORY
from training_rows import with_settings

from alpaca_nb.cli import _parser
from alpaca_nb.errors import RecipeError
from alpaca_nb.finetuning.rendezvous import endpoint
from alpaca_nb.finetuning.settings import check_settings
from alpaca_nb.finetuning.stage import command_of_machine
from alpaca_nb.parameters import read_declarations
from alpaca_nb.recipes import RECIPES_FOLDER
from alpaca_nb.runs import NOTEBOOKS_FOLDER

CLUSTER = REPOSITORY / "papermill_runs" / "cluster"
MEETING = {"MASTER_ADDR": "head.example", "MASTER_PORT": "29501"}
needs_bash = pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")


def said_by(tmp_path: Path, number: int) -> list[str]:
    """What one_machine.sh would run on machine `number` of 2, with `alpaca-nb` and `python` that only print."""
    for name in ("alpaca-nb", "python"):
        printer = tmp_path / name
        printer.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\necho "$MASTER_ADDR:$MASTER_PORT"\n')
        printer.chmod(0o755)
    script = [str(CLUSTER / "one_machine.sh"), str(tmp_path / "run"), "smoke", "2", str(number), "8"]
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(["bash", *script], capture_output=True, text=True, check=True, env={"PATH": path, **MEETING})
    return done.stdout.splitlines()


@needs_bash
def test_the_first_machine_runs_notebook_03(tmp_path: Path) -> None:
    *words, place = said_by(tmp_path, 0)
    assert place == "head.example:29501"  # notebook 03 reads it
    options = _parser().parse_args(words)
    assert (options.recipe, options.first, options.last) == ("smoke", "03", "03")
    given = dict(pair.split("=") for pair in options.parameter)
    assert given == {"number_of_processes": "8", "nodes": "2"}
    assert given.keys() <= read_declarations(NOTEBOOKS_FOLDER / "03_finetune_fsdp.ipynb").keys()


@needs_bash
def test_the_other_machines_run_what_the_notebook_prints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in MEETING.items():
        monkeypatch.setenv(name, value)
    settings = with_settings(number_of_processes=8, nodes=2)
    printed = shlex.split(command_of_machine(tmp_path / "run" / "finetuning", settings, 1))
    assert said_by(tmp_path, 1)[:-1] == printed[1:]


def test_the_machines_meet_at_the_first_ones_name_unless_told_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in MEETING:
        monkeypatch.delenv(name, raising=False)
    assert endpoint() == f"{socket.gethostname()}:29500"
    monkeypatch.setenv("MASTER_ADDR", "10.0.0.1")
    for port in ("http", "0", "65536", "-1"):
        monkeypatch.setenv("MASTER_PORT", port)
        assert check_settings(with_settings(), rows=20, held_out_rows=4) == []  # one machine needs none
        with pytest.raises(RecipeError, match=f"MASTER_PORT is '{port}'; it must be a port"):
            check_settings(with_settings(number_of_processes=1, nodes=2), rows=20, held_out_rows=4)
    monkeypatch.setenv("MASTER_PORT", "29501")
    assert endpoint() == "10.0.0.1:29501"


@needs_bash
@pytest.mark.parametrize("file", ["one_machine.sh", "slurm.sbatch"])
def test_scripts_are_bash(file: str) -> None:
    subprocess.run(["bash", "-n", str(CLUSTER / file)], check=True)


def test_slurm_starts_one_task_a_machine() -> None:
    text = (CLUSTER / "slurm.sbatch").read_text(encoding="utf-8")
    options = dict(re.findall(r"^#SBATCH --([a-z-]+)=(\S+)$", text, flags=re.MULTILINE))
    assert options["ntasks-per-node"] == "1" and int(options["nodes"]) > 1
    recipe = re.findall(r"RECIPE:-(\w+)", text)[0]
    assert (RECIPES_FOLDER / f"{recipe}.yaml").is_file()
    body = text.split("#SBATCH")[-1]
    assert set(re.findall(r"papermill_runs/\S+\.sh", body)) == {"papermill_runs/cluster/one_machine.sh"}


SKYPILOT_TASK = {  # what SkyPilot 0.14.1 takes in a task (sky/utils/schemas.py), of the fields that the file has
    "type": "object",
    "additionalProperties": False,
    "required": ["name", "num_nodes", "resources", "workdir", "volumes", "envs", "setup", "run"],
    "properties": {
        "name": {"type": "string", "pattern": r"^[a-zA-Z]([-_.a-zA-Z0-9]*[a-zA-Z0-9])?$"},
        "workdir": {"type": "string"},
        "num_nodes": {"type": "integer", "minimum": 1},
        "resources": {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                "accelerators": {"type": "string", "pattern": r"^[\w-]+(:\d+)?$"},
                "disk_size": {"type": "integer", "minimum": 1},
            },
        },
        "volumes": {
            "type": "object",
            "propertyNames": {"pattern": "^/"},  # a relative path would be taken below the working folder
            "additionalProperties": {"type": "string"},
        },
        "envs": {
            "type": "object",
            "propertyNames": {"pattern": "^[a-zA-Z_][a-zA-Z0-9_]*$"},
            "additionalProperties": {"type": "string"},
        },
        "setup": {"type": "string"},
        "run": {"type": "string"},
    },
}


def test_the_skypilot_file_is_a_task() -> None:
    task = yaml.safe_load((CLUSTER / "skypilot.yaml").read_text(encoding="utf-8"))
    jsonschema.validate(task, SKYPILOT_TASK)


@needs_bash
def test_the_slurm_file_starts_every_machine_with_its_number(tmp_path: Path) -> None:
    """Run by bash, with an `srun` that starts both tasks and an `alpaca-nb` and a `python` that only print."""
    programs = {
        "alpaca-nb": 'printf "%s kit %s\\n" "$MASTER_ADDR:$MASTER_PORT" "$*"\n',
        "python": 'printf "python %s\\n" "$*"\n',
        "scontrol": '[ "$*" = "show hostnames a[1-2]" ] && printf "a1\\na2\\n" && seq 20000\n',  # a pipe holds less
        "srun": 'while [ "${1#--}" != "$1" ]; do shift; done\n'
        'for SLURM_NODEID in 0 1; do export SLURM_NODEID; "$@"; done\n',
    }
    for name, code in programs.items():
        (tmp_path / name).write_text(f"#!/usr/bin/env bash\nset -eu\n{code}")
        (tmp_path / name).chmod(0o755)
    given = {"SLURM_SUBMIT_DIR": str(REPOSITORY), "SLURM_JOB_ID": "41", "SLURM_JOB_NODELIST": "a[1-2]"}
    given |= {"SLURM_CPUS_PER_TASK": "32", "SLURM_NNODES": "2", "SLURM_GPUS_ON_NODE": "8"}
    given |= {"RUN_DIR": str(tmp_path / "run"), "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(
        ["bash", str(CLUSTER / "slurm.sbatch")], capture_output=True, text=True, check=True, env=given
    )
    first, second = done.stdout.splitlines()
    place, _, words = first.partition(" kit ")
    options = _parser().parse_args(shlex.split(words))
    assert (options.recipe, options.first, options.last) == ("stanford", "03", "03")
    assert set(options.parameter) == {"number_of_processes=8", "nodes=2"} and place == "a1:20041"
    for words in ("--nnodes 2", "--node-rank 1", "--master-addr a1", "--master-port 20041", "--nproc-per-node 8"):
        assert words in second


@needs_bash
def test_skypilot_calls_the_script_that_is_there() -> None:
    task = yaml.safe_load((CLUSTER / "skypilot.yaml").read_text(encoding="utf-8"))
    assert (RECIPES_FOLDER / f"{task['envs']['RECIPE']}.yaml").is_file()
    assert task["num_nodes"] == 2 and task["workdir"] == "."
    assert list(task["volumes"]) == [str(Path(task["envs"]["RUN_DIR"]).parent)]  # the run folder is on shared storage
    subprocess.run(["bash", "-n"], input=task["run"], text=True, check=True)
    (script,) = re.findall(r"^exec (\S+)", task["run"], flags=re.MULTILINE)
    assert (REPOSITORY / script).is_file() and os.access(REPOSITORY / script, os.X_OK)
