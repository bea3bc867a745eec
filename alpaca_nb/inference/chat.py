"""`alpaca-nb chat RUN_DIR`: a terminal in which answers appear as they are written.

Alpaca is single-turn, as the original was: its template has one instruction and one answer, and the model was never
shown a conversation. So each message stands alone here; what was said before is not sent along.
"""

import contextlib
import dataclasses
import sys
from argparse import Namespace
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from alpaca_nb.errors import InputFileError, ModelError
from alpaca_nb.inference.sampling import Sampling
from alpaca_nb.records import Answer

HELP = """\
A message is an instruction, and each stands alone: Alpaca has never seen a conversation.
  /input TEXT            an input for the instructions that follow (/input alone takes it away)
  /settings              show the settings
  /settings NAME VALUE   change one: temperature, top_p, top_k, seed, max_new_tokens
  /reset                 no input, and the settings as they were at the start
  /help, /quit           (or Ctrl-D)
A line that ends in \\ goes on in the next one; text between two lines \"\"\" may have any number of lines.
Ctrl-C stops an answer."""


class Writing(Protocol):
    """An answer being written (`streaming.Stream`, or llama.cpp's)."""

    answer: Answer | None

    def __iter__(self) -> Iterator[str]: ...


Begin = Callable[[str, str, int, Sampling], Writing]


@dataclass(frozen=True)
class Settings:
    """What a message is asked with."""

    sampling: Sampling
    max_new_tokens: int
    input: str = ""

    def changed(self, name: str, value: str) -> "Settings":
        """A copy with one setting changed; raises `InputFileError` for an unknown name or a bad value."""
        kinds: dict[str, Callable[[str], int | float]] = {
            "temperature": float,
            "top_p": float,
            "top_k": int,
            "seed": int,
            "max_new_tokens": int,
        }
        try:
            number = kinds[name](value)
        except KeyError:
            raise InputFileError(f"no setting {name!r}; there are {', '.join(kinds)}") from None
        except ValueError:
            raise InputFileError(f"{name}: {value!r} is not a number") from None
        if name == "max_new_tokens":
            if number < 1:
                raise InputFileError("max_new_tokens must be 1 or more")
            return dataclasses.replace(self, max_new_tokens=int(number))
        return dataclasses.replace(self, sampling=dataclasses.replace(self.sampling, **{name: number}).checked())  # type: ignore[arg-type]

    def __str__(self) -> str:
        shown = {
            **dataclasses.asdict(self.sampling),
            "max_new_tokens": self.max_new_tokens,
            "input": self.input or "none",
        }
        return "\n".join(f"  {name:<15} {value}" for name, value in shown.items())


def chat(options: Namespace) -> int:
    """Run the command; `options` has run_dir, untuned, gguf, the sampling and max_new_tokens."""
    settings = Settings(options.sampling.checked(), options.max_new_tokens)
    begin = _model(options)
    print(f"The {'untuned' if options.untuned else 'tuned'} model listens. /help says what it understands.")
    converse(begin, settings, messages(_lines()))
    return 0


def converse(begin: Begin, settings: Settings, said: Iterator[str]) -> None:
    """Answer every message of `said` until it ends or says /quit."""
    at_start = settings
    for message in said:
        command, _, rest = message.partition(" ")
        try:
            if command in ("/quit", "/exit"):
                return
            if command == "/help":
                print(HELP)
            elif command == "/reset":
                settings = at_start
                print("  no input, settings as at the start")
            elif command == "/input":
                settings = dataclasses.replace(settings, input=rest.strip())
            elif command == "/settings":
                if rest.strip():
                    name, _, value = rest.strip().partition(" ")
                    settings = settings.changed(name, value.strip())
                print(settings)
            elif command.startswith("/") and command[1:].isalpha():
                print(f"  {command} is no command; /help lists them")
            else:
                _answer(begin, settings, message)
        except (InputFileError, ModelError) as error:
            print(f"  {error}")


def messages(lines: Iterator[str]) -> Iterator[str]:
    """Join lines into messages: a backslash at the end goes on, and so does everything between two lines of three
    quotation marks. Empty messages are left out."""
    for line in lines:
        parts = []
        if line.strip() == '"""':
            for line in lines:
                if line.strip() == '"""':
                    break
                parts.append(line)
        else:
            while line.endswith("\\"):
                parts.append(line[:-1])
                line = next(lines, "")
            parts.append(line)
        if message := "\n".join(parts).strip():
            yield message


def _answer(begin: Begin, settings: Settings, instruction: str) -> None:
    """Print the pieces as they come; Ctrl-C ends this answer and not the program."""
    writing = begin(instruction, settings.input, settings.max_new_tokens, settings.sampling)
    try:
        for piece in writing:
            print(piece, end="", flush=True)
    except KeyboardInterrupt:
        print(" …", end="")
    print()
    if (answer := writing.answer) is not None:
        speed = answer.new_tokens / max(answer.seconds, 1e-6)
        print(f"  [{answer.new_tokens} tokens, {answer.seconds:.1f} s, {speed:.0f} tokens/s, {answer.finish_reason}]")


def _model(options: Namespace) -> Begin:
    if options.gguf is not None:
        from alpaca_nb.inference.gguf.llama_cpp import LlamaCpp

        return LlamaCpp(options.gguf).stream
    from alpaca_nb.inference.run_models import load

    return load(options.run_dir, "untuned" if options.untuned else "tuned").stream


def _lines() -> Iterator[str]:
    """Lines typed, with editing and history where Python has readline; they end at Ctrl-D."""
    interactive = sys.stdin.isatty()
    if interactive:
        with contextlib.suppress(ImportError):  # Windows has none: plain input
            import readline  # noqa: F401
    while True:
        try:
            yield input("> " if interactive else "")
        except EOFError:
            return
        except KeyboardInterrupt:
            if not interactive:
                raise
            print("\n  (/quit or Ctrl-D leaves)")
