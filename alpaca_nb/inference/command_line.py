"""The options of `chat`, `answer`, `demo` and `export`; importing this module imports no model library."""

import argparse
from collections.abc import Callable
from pathlib import Path

from alpaca_nb.inference.sampling import DEMO_NEW_TOKENS, Sampling

Add = Callable[[str, Callable[[argparse.Namespace], int], str, str], argparse.ArgumentParser]


def add_commands(command: Add) -> None:
    """Add the four commands; `command` makes a parser from a name, a function, a summary and examples."""
    _add_chat(command)
    _add_answer(command)


def _chat(options: argparse.Namespace) -> int:
    from alpaca_nb.inference.chat import chat

    return chat(options)


def _answer(options: argparse.Namespace) -> int:
    from alpaca_nb.inference.answer_file import answer

    return answer(options)


def _add_chat(command: Add) -> None:
    parser = command(
        "chat",
        _chat,
        "talk to a run's model in the terminal; every message stands alone, as in the original",
        "examples:\n"
        "  alpaca-nb chat papermill_runs/output/tiny\n"
        "  alpaca-nb chat papermill_runs/output/tiny --untuned --temperature 0",
    )
    _add_model(parser)
    _add_sampling(parser)


def _add_answer(command: Add) -> None:
    parser = command(
        "answer",
        _answer,
        "let a run's model answer a file of tasks: JSON, JSON lines, CSV, or standard input",
        "examples:\n"
        "  alpaca-nb answer papermill_runs/output/tiny my_tasks.json --output answers.jsonl\n"
        "  echo 'Name three rivers.' | alpaca-nb answer papermill_runs/output/tiny -",
    )
    _add_model(parser)
    add = parser.add_argument
    add("file", metavar="FILE", help="tasks with instruction and input; - reads standard input, also plain lines")
    add("--output", "-o", type=Path, metavar="OUT", help="JSON lines; a call that was stopped goes on there")
    add("--batch-size", type=_positive, default=8, metavar="N", help="tasks answered at once (default: 8)")
    _add_sampling(parser)


def _add_model(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run_dir", type=Path, metavar="RUN_DIR", help="a run folder whose notebook 03 has finished")
    parser.add_argument("--untuned", action="store_true", help="the model from before fine-tuning")


def _add_sampling(parser: argparse.ArgumentParser) -> None:
    """`--temperature` and so on, gathered as `options.sampling`; the defaults are those of Stanford's demo."""
    usual = Sampling()
    parser.set_defaults(sampling=usual)
    for name, kind, meaning in (
        ("temperature", float, "0: always the likeliest token"),
        ("top_p", float, "only the likeliest tokens that together reach this share"),
        ("top_k", int, "only so many of the likeliest; 0: no limit"),
        ("seed", int, "the same seed draws the same answer"),
    ):
        parser.add_argument(
            f"--{name.replace('_', '-')}",
            type=kind,
            action=_Sample,
            dest=name,
            default=argparse.SUPPRESS,
            metavar="N",
            help=f"{meaning} (default: {getattr(usual, name)})",
        )
    parser.add_argument(
        "--max-new-tokens",
        type=_positive,
        default=DEMO_NEW_TOKENS,
        metavar="N",
        help=f"limit of one answer (default: {DEMO_NEW_TOKENS}, as in Stanford's demo)",
    )


class _Sample(argparse.Action):
    """Changes one value of `options.sampling`."""

    def __call__(
        self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, values: object, option: str | None = None
    ) -> None:
        import dataclasses

        namespace.sampling = dataclasses.replace(namespace.sampling, **{self.dest: values})


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return number
