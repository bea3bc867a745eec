"""Stand-ins for `sbatch` and `sky` on a PATH: strict about options, they run each job at once in its turn.

They know no more of the real programs than sbatch(1) and `sky jobs launch --help` (SkyPilot 0.14.1) say of the options
that are printed. Another option ends them with status 2, and so does a job that waits for one that never was submitted.
"""

import os
import sys
from pathlib import Path

_SBATCH = """
import argparse, os, pathlib, re, subprocess, sys

parser = argparse.ArgumentParser(prog="sbatch", allow_abbrev=False)
parser.add_argument("--parsable", action="store_true")
parser.add_argument("--array", type=re.compile(r"0-(\\d+)").fullmatch)
parser.add_argument("--dependency", type=re.compile(r"(afterok|afterany):(\\d+)").fullmatch)
parser.add_argument("--wrap", required=True)
options = parser.parse_args()
jobs = pathlib.Path(os.environ["STUB_JOBS"])
number = 100 + len(list(jobs.iterdir()))
status = 0
if options.dependency:
    before = jobs / options.dependency[2]
    if not before.exists():
        parser.error(f"no job {options.dependency[2]}")
    status = int(before.read_text()) if options.dependency[1] == "afterok" else 0
tasks = range(int(options.array[1]) + 1) if options.array else [None]
for task in tasks if status == 0 else ():
    more = {} if task is None else {"SLURM_ARRAY_TASK_ID": str(task)}
    done = subprocess.run(["sh", "-c", options.wrap], stdout=sys.stderr, env={**os.environ, **more})
    status = max(status, done.returncode)
(jobs / str(number)).write_text(str(status))
print(number if options.parsable else f"Submitted batch job {number}")
"""
_SKY = """
import argparse, os, pathlib, re, subprocess, sys

parser = argparse.ArgumentParser(prog="sky", allow_abbrev=False)
parser.add_argument("group", choices=["jobs"])
parser.add_argument("command", choices=["launch"])
parser.add_argument("--yes", "-y", action="store_true")
parser.add_argument("--name", "-n", type=re.compile(r"[a-zA-Z][\\w.-]*").fullmatch, required=True)
parser.add_argument("--detach-run", "-d", action="store_true")
parser.add_argument("entrypoint", nargs="+")
options = parser.parse_args()
done = subprocess.run(["bash", "-c", " ".join(options.entrypoint)])
(pathlib.Path(os.environ["STUB_JOBS"]) / options.name[0]).write_text(str(done.returncode))
"""
_KIT = "import sys\nfrom alpaca_nb.cli import main\nsys.exit(main())\n"


def environment_with_schedulers(folder: Path) -> dict[str, str]:
    """Write the programs into `folder`; returns an environment that finds them, and keeps statuses in `folder/jobs`."""
    (folder / "jobs").mkdir(parents=True)
    for name, code in (("sbatch", _SBATCH), ("sky", _SKY), ("alpaca-nb", _KIT)):
        program = folder / name
        program.write_text(f"#!{sys.executable}\n{code}", encoding="utf-8")
        program.chmod(0o755)
    path = f"{folder}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "STUB_JOBS": str(folder / "jobs")}
