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
    _add_demo(command)
    _add_export(command)


def _chat(options: argparse.Namespace) -> int:
    from alpaca_nb.inference.chat import chat

    return chat(options)


def _answer(options: argparse.Namespace) -> int:
    from alpaca_nb.inference.answer_file import answer

    return answer(options)


def _export(options: argparse.Namespace) -> int:
    if options.format == "gguf":
        from alpaca_nb.inference.gguf.command import export_gguf

        return export_gguf(options)
    from alpaca_nb.inference.sharing import export_diff

    return export_diff(options)


def _demo(options: argparse.Namespace) -> int:
    from alpaca_nb.inference.demo.command import run_demo

    return run_demo(options)


def _add_demo(command: Add) -> None:
    parser = command(
        "demo",
        _demo,
        "serve a web page on which both models answer: moderated, watermarked, with a flag button",
        "examples:\n"
        "  alpaca-nb demo papermill_runs/output/tiny                    then open http://127.0.0.1:7860\n"
        "  alpaca-nb demo papermill_runs/output/tiny --word-filter      hold answers with listed words back",
    )
    add = parser.add_argument
    add("run_dir", type=Path, metavar="RUN_DIR", help="a run folder whose notebook 03 has finished")
    add("--host", default="127.0.0.1", help="address to listen on (default: 127.0.0.1, this computer only)")
    add("--port", type=_port, default=7860, metavar="N", help="0 takes a free one (default: 7860)")
    add("--word-filter", nargs="?", const="", metavar="FILE", help="filter words: the kit's list, or one word a line")
    add("--per-minute", type=_positive, default=20, metavar="N", help="questions of one visitor (default: 20)")
    add("--tuned-only", action="store_true", help="do not load the untuned model (half the memory)")


def _add_export(command: Add) -> None:
    parser = command(
        "export",
        _export,
        "write a run's model in another form: one file for llama.cpp, or a difference to the base model",
        "examples:\n"
        "  alpaca-nb export papermill_runs/output/tiny --format gguf --quantization q8_0\n"
        "  alpaca-nb export papermill_runs/output/tiny --format gguf --quantization f16,q8_0,q4_0   a table\n"
        "  alpaca-nb export papermill_runs/output/tiny --format diff --output tiny_diff\n"
        "  alpaca-nb export tiny_diff --format diff --recover --base FOLDER --output model",
    )
    add = parser.add_argument
    add("run_dir", type=Path, metavar="RUN_DIR", help="a finished run (with --recover: a difference)")
    add("--format", choices=("gguf", "diff"), required=True)
    add("--output", "-o", type=Path, metavar="DIR", help="where to (default: RUN_DIR/gguf, RUN_DIR/diff)")
    add(
        "--quantization",
        default="q8_0",
        metavar="NAME",
        help="f32, f16, bf16, q8_0, q5_1, q5_0, q4_1 or q4_0; several with commas (default: q8_0). For K-quants "
        "(q4_k_m) give the f16 file to llama.cpp's own llama-quantize",
    )
    add("--prompts", type=_positive, default=20, metavar="N", help="held-out questions compared (default: 20)")
    add("--threads", type=_positive, default=1, metavar="N", help="of llama.cpp when comparing (default: 1)")
    add("--no-check", action="store_true", help="write only; the comparison needs the extra `gguf`")
    add("--base", metavar="NAME", help="diff: the base model (default: the one the run was made from)")
    add("--recover", action="store_true", help="diff: put base and difference together again")


def _add_chat(command: Add) -> None:
    parser = command(
        "chat",
        _chat,
        "talk to a run's model in the terminal; every message stands alone, as in the original",
        "examples:\n"
        "  alpaca-nb chat papermill_runs/output/tiny\n"
        "  alpaca-nb chat papermill_runs/output/tiny --untuned --temperature 0\n"
        "  alpaca-nb chat papermill_runs/output/tiny --gguf papermill_runs/output/tiny/gguf/tiny-q8_0.gguf",
    )
    _add_model(parser)
    parser.add_argument("--gguf", type=Path, metavar="FILE", help="run this file with llama.cpp instead (extra `gguf`)")
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


def _port(text: str) -> int:
    number = int(text)
    if not 0 <= number <= 65535:
        raise argparse.ArgumentTypeError("must be from 0 to 65535")
    return number


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return number
