"""What comes from strangers, made harmless: length, characters, the template's own words, and how often."""

import re
import threading
import time
import unicodedata
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from alpaca_nb.errors import InputFileError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

LONGEST_INSTRUCTION, LONGEST_INPUT = 2000, 4000  # characters
MOST_PROMPT_TOKENS = 2048  # English needs a quarter of it; rare letters take several tokens each
MOST_NEW_TOKENS = 600
QUESTIONS_PER_MINUTE = 20
CLIENTS_REMEMBERED = 10_000
# Nothing here may be tried twice at one place (`*+`): strangers choose the text, and a slow match would stop everybody.
HEADINGS = re.compile(r"(?<!#)#(?:#|[^\S\n])*+(instruction|input|response)[^\S\n]*+:", re.IGNORECASE)


class RefusedError(InputFileError):
    """A question that is not answered; the message is shown to whoever asked."""


def clean(text: str, special_tokens: Iterable[str]) -> str:
    """Text without control and invisible direction characters, special tokens and the template's headings.

    A heading such as `### Response:` would end the user's part of the prompt and begin the model's; its marks go, its
    word stays. A special token leaves a space, so that what stood around it makes no other one.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = "".join(c for c in text if c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Co", "Cn"))
    text = unicodedata.normalize("NFC", text)
    longest_first = sorted(special_tokens, key=len, reverse=True)
    specials = re.compile("|".join(map(re.escape, longest_first)) or r"(?!)")
    before = None
    while before != text:
        before = text
        text = HEADINGS.sub(r"\1:", specials.sub(" ", text))
    return text.strip()


def special_tokens(tokenizer: "PreTrainedTokenizerBase") -> list[str]:
    """Every text that the tokenizer reads as a token of its own kind, those without a name (`<repo_name>`) too."""
    added = tokenizer.added_tokens_decoder.values()
    return sorted({*tokenizer.all_special_tokens, *(token.content for token in added if token.special)})


def checked_question(instruction: str, input: str, special_tokens: Iterable[str]) -> tuple[str, str]:
    """The cleaned question; raises `RefusedError` where it is empty or too long."""
    for name, text, most in (("instruction", instruction, LONGEST_INSTRUCTION), ("input", input, LONGEST_INPUT)):
        if len(text) > most:
            raise RefusedError(f"The {name} has {len(text):,} characters; {most:,} are allowed.")
    tokens = list(special_tokens)
    instruction, input = clean(instruction, tokens), clean(input, tokens)
    if not instruction:
        raise RefusedError("Please write an instruction.")
    return instruction, input


class RateLimit:
    """At most so many questions a minute from one client; counts in a sliding window."""

    def __init__(self, per_minute: int = QUESTIONS_PER_MINUTE, clock: Callable[[], float] = time.monotonic) -> None:
        self.per_minute, self._clock = per_minute, clock
        self._asked: OrderedDict[str, deque[float]] = OrderedDict()
        self._lock = threading.Lock()

    def admit(self, client: str) -> None:
        """Count one question of `client`; raises `RefusedError` where it is one too many."""
        with self._lock:
            now = self._clock()
            times = self._asked.setdefault(client, deque())
            self._asked.move_to_end(client)
            while len(self._asked) > CLIENTS_REMEMBERED:
                self._asked.popitem(last=False)
            while times and times[0] <= now - 60:
                times.popleft()
            if len(times) >= self.per_minute:
                wait = 60 - (now - times[0])
                raise RefusedError(f"{self.per_minute} questions a minute are allowed; try again in {wait:.0f} s.")
            times.append(now)
