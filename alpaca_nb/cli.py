"""The command `alpaca-nb`: reads the command line, calls the rooms, and turns errors into messages and exit statuses.

0: done; 1: a stage failed; 2: bad input, nothing ran; 128 + n: stopped by signal n. Imports are made inside the
commands, so that `--help` and a mistyped option answer at once.
"""

import argparse
import errno
import functools
import io
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from alpaca_nb import __version__
from alpaca_nb.choices import RIVALS
from alpaca_nb.completion import add_completion, answer_the_shell
from alpaca_nb.errors import KitError, StageError
from alpaca_nb.estimate_command import add_estimate
from alpaca_nb.lab_command import add_lab
from alpaca_nb.many_runs import add_compare, add_sweep

PROGRAM = "alpaca-nb"
FAILED, BAD_INPUT = 1, 2
# What a disk or its owner refuses, wherever the kit writes: the error names the file, and no traceback helps.
OF_THE_DISK = (
    errno.EACCES, errno.EDQUOT, errno.EFBIG, errno.EISDIR, errno.ENOSPC, errno.ENOTDIR, errno.EPERM, errno.EROFS,
)  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit status."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a console without "→" shows "?" instead of failing
    parser = _parser()
    answer_the_shell(parser)
    if not (sys.argv[1:] if arguments is None else arguments):
        parser.print_help()
        return BAD_INPUT
    options = parser.parse_args(arguments)
    try:
        return int(options.command(options))
    except KitError as error:
        return _say(error, FAILED if isinstance(error, StageError) else BAD_INPUT)
    except KeyboardInterrupt as error:
        return _say(error, getattr(error, "exit_status", 130))
    except BrokenPipeError:  # `alpaca-nb recipes | head`
        sys.stdout = open(os.devnull, "w")  # noqa: PTH123, SIM115
        return FAILED
    except OSError as error:
        if error.errno not in OF_THE_DISK:
            raise
        return _say(error, BAD_INPUT)


def _say(error: BaseException, status: int) -> int:
    """Print an error without its traceback; return `status`."""
    notes = "".join(f"\n{note}" for note in getattr(error, "__notes__", []))
    print(f"{PROGRAM}: error: {str(error) or type(error).__name__}{notes}", file=sys.stderr, flush=True)
    return status


def _run(options: argparse.Namespace) -> int:
    from alpaca_nb import recipes, runner
    from alpaca_nb.run_progress import as_called, as_typed
    from alpaca_nb.runs import NOTEBOOKS_FOLDER

    notebooks = (options.notebooks or NOTEBOOKS_FOLDER).expanduser().resolve()
    recipe = recipes.load(options.recipe, options.parameter, notebooks_folder=notebooks)
    chosen = runner.Options(
        first=runner.stage_named(options.first),
        last=runner.stage_named(options.last),
        force=options.force,
        seconds_per_cell=options.cell_timeout,
        notebooks_folder=notebooks,
    )
    folder = runner.run(recipe, options.run_dir, chosen)
    if (folder / "model").is_dir():
        print(f"Next:   {as_called()} chat {as_typed(folder)}   (talk to the model; --help names what else there is)")
    return 0


def _recipes(options: argparse.Namespace) -> int:
    from alpaca_nb import recipes

    found = recipes.listed()
    width = max((len(name) for name, _ in found), default=0)
    for name, comment in found:
        print(f"{name:<{width}}  {comment.rpartition('# ')[2]}")  # the comment begins with the command itself
    return 0


def _check(options: argparse.Namespace) -> int:
    from datetime import UTC, datetime

    from alpaca_nb import check
    from alpaca_nb.teacher.checking import teacher_answers

    today = datetime.now(UTC).date()
    teacher = teacher_answers(options.teacher_base_url, options.teacher_model, options.price, today)
    return FAILED if check.print_report(teacher) else 0


def _inspect(options: argparse.Namespace) -> int:
    from alpaca_nb.quality import command

    return command.inspect(options)


def _rate(options: argparse.Namespace) -> int:
    from alpaca_nb.comparison import rate_command

    return rate_command.rate(options)


def _teacher(options: argparse.Namespace) -> int:
    from alpaca_nb.offline_teacher import MODEL

    if options.model == MODEL:
        from alpaca_nb.offline_teacher.serving import serve_as_told

        return serve_as_told(options)
    from alpaca_nb.errors import RecipeError
    from alpaca_nb.local_teacher.serving import serve
    from alpaca_nb.offline_teacher.serving import options_of_its_own

    if given := options_of_its_own(options):
        raise RecipeError(f"{', '.join(given)}: only the offline teacher has that, not --model {options.model}")
    return serve(options.model, options.port, threads=options.threads)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=PROGRAM,
        description="Stanford Alpaca as six notebooks: from 175 seed tasks to a fine-tuned model and its bill.",
        epilog="first steps:\n  alpaca-nb check        is this machine ready?\n"
        "  alpaca-nb run tiny     all six notebooks: no key, no GPU, 4 to 8 minutes\n"
        "  alpaca-nb lab          the same by hand, in JupyterLab",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"{PROGRAM} {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_run(commands)
    _command(commands, "recipes", _recipes, "list the recipes, each with its time and price")
    _add_check(commands)
    add_lab(commands, _command)
    add_estimate(commands, _command)
    _add_inspect(commands)
    add_compare(commands, _command)
    add_sweep(commands, _command)
    _add_rate(commands)
    _add_teacher(commands)
    from alpaca_nb.inference.command_line import add_commands

    add_commands(functools.partial(_command, commands))
    add_completion(commands, _command)
    return parser


def _add_run(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    command = _command(
        commands,
        "run",
        _run,
        "run the notebooks of a recipe in order",
        "examples:\n"
        "  alpaca-nb run tiny                               all six notebooks; a second call goes on where it stopped\n"
        "  alpaca-nb run tiny -p epochs=2 -p seed=4         other values, in a run folder of their own\n"
        "  alpaca-nb run tiny --from 03 -p dataset_path=my.json --run-dir my_run\n"
        "  alpaca-nb run tiny --until 02                    only the data\n"
        "  alpaca-nb run ./my_recipe.yaml                   a recipe of your own",
    )
    add = command.add_argument
    add(
        "recipe",
        nargs="?",
        default="tiny",
        help="a name from `alpaca-nb recipes`, or a YAML file (default: tiny)",
    )
    add(
        "--run-dir",
        type=Path,
        metavar="DIR",
        help="the run folder (default: papermill_runs/output/RECIPE, with a suffix made from the -p options)",
    )
    add("--from", dest="first", default="01", metavar="NN", help="first stage, 01 to 06")
    add("--until", dest="last", default="06", metavar="NN", help="last stage, 01 to 06")
    add(
        "-p",
        "--parameter",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="set a notebook parameter, read by its declared type; may be repeated",
    )
    add("--notebooks", type=Path, metavar="DIR", help="run your own copies of the notebooks (default: the kit's)")
    add("--force", action="store_true", help="run stages again even where nothing has changed")
    add(
        "--cell-timeout",
        type=_positive_seconds,
        metavar="SECONDS",
        help="stop a stage when one cell takes longer (default: generous, by stage)",
    )


def _add_teacher(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    from alpaca_nb.offline_teacher.serving import EXAMPLES, add_options
    from alpaca_nb.prices import LOCAL_MODELS, OFFLINE_MODEL

    command = _command(
        commands,
        "teacher",
        _teacher,
        "serve a teacher on this machine under OpenAI's HTTP API: the offline teacher, or a small real model",
        EXAMPLES,
    )
    add = command.add_argument
    add("--port", type=int, default=8010, help="port on 127.0.0.1; 0 takes a free one (default: 8010)")
    add(
        "--model",
        choices=(OFFLINE_MODEL, *LOCAL_MODELS),
        default=OFFLINE_MODEL,
        help=f"{OFFLINE_MODEL}: tasks by rule, no model (default); else a real model, with the extra `local` installed",
    )
    add("--threads", type=int, default=0, help="of a real model (default: half of the cores)")
    add_options(command)


def _add_check(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    command = _command(
        commands,
        "check",
        _check,
        "say whether this machine, and a teacher that you name, are ready",
        "examples:\n"
        "  alpaca-nb check                                  this machine; nothing is sent anywhere\n"
        "  alpaca-nb check --teacher-model gpt-6-luna       its price and shutdown date, from the kit's own tables\n"
        "  alpaca-nb check --teacher-base-url https://api.openai.com/v1 --teacher-model gpt-6-luna\n"
        "                                                   asks that address for its list of models, which is free",
    )
    add = command.add_argument
    add("--teacher-base-url", default="", metavar="URL", help="an endpoint to ask for its list of models")
    add("--teacher-model", default="", metavar="NAME", help="the model that you mean to ask")
    add("--price", default="", metavar="IN,OUT", help="its price, as price_usd_per_million gives it to a run")


def _add_inspect(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    command = _command(
        commands,
        "inspect",
        _inspect,
        "look for the known defects in a data set in Alpaca's format, and mend what is safe to mend",
        "examples:\n"
        "  alpaca-nb inspect papermill_runs/output/tiny/dataset.json\n"
        "  alpaca-nb inspect alpaca_data.json --eval-file user_oriented_instructions.jsonl --json report.json\n"
        "  alpaca-nb inspect alpaca_data.json --fix mended.json      also writes mended.changes.jsonl",
    )
    add = command.add_argument
    add("file", type=Path, metavar="FILE", help="JSON list or JSON lines; tasks with `instances` are read too")
    add("--eval-file", type=Path, metavar="FILE", help="tasks that the data must not hold, in either form")
    add("--fix", type=Path, metavar="OUT", help="write a mended copy and a log of every change; overwrites nothing")
    add("--json", type=Path, metavar="OUT", help="write every finding, with its row; overwrites nothing")
    add(
        "--samples", type=_number_of_samples, default=1, metavar="N", help="findings shown for each defect (default: 1)"
    )
    add("--tokenizer", type=Path, metavar="DIR", help="a model folder, to count lengths in its tokens too")


def _add_rate(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    command = _command(
        commands,
        "rate",
        _rate,
        "let people compare the answers of two models blind, in the browser",
        "examples:\n"
        "  alpaca-nb rate papermill_runs/output/tiny --limit 30\n"
        "  alpaca-nb rate papermill_runs/output/tiny --host 0.0.0.0      a class rates on the network of the room\n"
        "  alpaca-nb rate papermill_runs/output/laptop --rival text-davinci-003    the rival of notebook 05\n"
        "  alpaca-nb rate my_folder --answers ours.json theirs.json     any two answer files on the same tasks",
    )
    add = command.add_argument
    add("run_dir", type=Path, metavar="RUN_DIR", help="run folder; ratings go to its folder comparison/")
    whom = command.add_mutually_exclusive_group()
    whom.add_argument(
        "--rival",
        choices=RIVALS,
        default=RIVALS[0],
        help="whom the tuned model meets, as in notebook 05 (default: untuned)",
    )
    whom.add_argument("--rival-path", type=Path, metavar="FILE", help="another model's answers to the same open tasks")
    whom.add_argument("--answers", type=Path, nargs=2, metavar="FILE", help="compare these two answer files instead")
    add("--limit", type=int, metavar="N", help="rate so many pairs, the same for everybody (default: all that differ)")
    add("--host", default="127.0.0.1", help="address to serve on; 0.0.0.0 lets others in (default: 127.0.0.1)")
    add("--port", type=int, default=8020, help="port; 0 takes a free one (default: 8020)")
    add("--seed", type=int, default=17, help="every rater's order follows from it (default: 17)")


def _command(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
    name: str,
    function: object,
    summary: str,
    epilog: str = "",
) -> argparse.ArgumentParser:
    command = commands.add_parser(
        name,
        help=summary,
        description=f"{summary[0].upper()}{summary[1:]}.",
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.set_defaults(command=function)
    return command


def _number_of_samples(text: str) -> int:
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError("must be 0 or a positive whole number")
    return number


def _positive_seconds(text: str) -> int:
    seconds = int(text)
    if seconds <= 0:
        raise argparse.ArgumentTypeError("must be a positive whole number of seconds")
    return seconds


if __name__ == "__main__":
    sys.exit(main())
