"""The commands over several runs, `alpaca-nb compare` and `alpaca-nb sweep`: their options, and what they print."""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeAlias

AddCommand = Callable[..., argparse.ArgumentParser]  # as in `cli`
Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def add_compare(commands: Commands, add_command: AddCommand) -> None:
    """Declare `compare`."""
    command = add_command(
        commands,
        "compare",
        _compare,
        "say what differed between runs, and what it did to quality and cost",
        "examples:\n"
        "  alpaca-nb compare papermill_runs/output/tiny papermill_runs/output/tiny-1a2b3c4d\n"
        "  alpaca-nb compare runs/a runs/b runs/c --out runs      writes runs/compare.html and runs/compare.json",
    )
    command.add_argument("run_dirs", type=Path, nargs="+", metavar="RUN_DIR", help="run folders; the first is the base")
    command.add_argument(
        "--out", type=Path, metavar="DIR", help="where the page goes (default: the first one's parent)"
    )


def add_sweep(commands: Commands, add_command: AddCommand) -> None:
    """Declare `sweep`."""
    command = add_command(
        commands,
        "sweep",
        _sweep,
        "run a recipe once for each value of some parameters, and compare the runs",
        "examples:\n"
        "  alpaca-nb sweep tiny -p learning_rate=1e-4,2e-4,4e-4       stages 01 and 02 once, 03 to 06 three times\n"
        "  alpaca-nb sweep tiny -p epochs=1,2 -p batch_size=12,24     all four combinations\n"
        "  alpaca-nb sweep tiny -p seed=1,2,3 --until 02              the data only\n"
        "  alpaca-nb sweep tiny -p epochs=1,2 --print slurm           the commands for a cluster, nothing is run",
    )
    add = command.add_argument
    add("recipe", help="a name from `alpaca-nb recipes`, or a YAML file")
    add(
        "-p",
        "--parameter",
        action="append",
        default=[],
        metavar="NAME=V1,V2,…",
        help='values separated by commas ("in quotes" where one holds a comma); one value alone is fixed',
    )
    add("--run-dir", type=Path, metavar="DIR", help="folder of the sweep (default: papermill_runs/output/sweep-…)")
    add("--until", dest="last", default="06", metavar="NN", help="last stage, 01 to 06")
    add("--notebooks", type=Path, metavar="DIR", help="run your own copies of the notebooks (default: the kit's)")
    add("--only", default="", metavar="POINT", help="`shared`, or one point's number from 0: what cluster jobs run")
    add(
        "--print",
        dest="print_commands",
        choices=("shell", "slurm", "skypilot"),
        help="print the commands for a cluster instead of running anything",
    )


def _compare(options: argparse.Namespace) -> int:
    out = options.out or options.run_dirs[0].expanduser().resolve().parent
    _print_comparison(options.run_dirs, out)
    return 0


def _sweep(options: argparse.Namespace) -> int:
    from alpaca_nb import runner, sweep
    from alpaca_nb.runs import NOTEBOOKS_FOLDER

    notebooks = (options.notebooks or NOTEBOOKS_FOLDER).expanduser().resolve()
    chosen = runner.Options(last=runner.stage_named(options.last), notebooks_folder=notebooks)
    planned = sweep.plan(options.recipe, options.parameter, options.run_dir, chosen)
    if options.print_commands:
        from alpaca_nb.sweep_commands import commands_for

        more = ["--until", chosen.last[:2]] if options.last != "06" else []
        more += ["--notebooks", str(options.notebooks)] if options.notebooks else []
        print(commands_for(planned, options.print_commands, options.recipe, options.parameter, more))
        return 0
    run_dirs = sweep.run(planned, options.only)
    if not options.only:
        print()
        _print_comparison(run_dirs, planned.folder)
    return 0


def _print_comparison(run_dirs: Sequence[Path], out: Path) -> None:
    from alpaca_nb.costs.compare import comparison_table
    from alpaca_nb.costs.compare_page import compare_runs
    from alpaca_nb.run_progress import as_typed

    summaries, page = compare_runs(run_dirs, out)
    header, rows = comparison_table(summaries)
    widths = [max(len(row[column]) for row in [header, *rows]) for column in range(len(header))]
    for row in [header, *rows]:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    print(f"\nComparison: {as_typed(page)}")
