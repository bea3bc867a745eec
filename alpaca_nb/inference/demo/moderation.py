"""Looking at texts before they are shown: OpenAI's moderation endpoint, a list of words, or plainly nothing.

A moderator that cannot be reached lets nothing through: unknown is not harmless.
"""

import os
import re
from pathlib import Path
from typing import Protocol

from alpaca_nb.errors import InputFileError
from alpaca_nb.inference.failures import RUDE_WORDS

KEY_VARIABLE = "OPENAI_API_KEY"
MODEL = "omni-moderation-latest"
SECONDS = 20.0


class Moderator(Protocol):
    """`notice` is shown on the page; `piecewise` says whether a text may be shown while it is still written."""

    notice: str
    piecewise: bool

    def objection(self, text: str) -> str:
        """Why `text` must not be shown; empty where nothing was found."""


class Nothing:
    """No moderation at all, and the page says so."""

    notice = "Nothing is moderated here: no key for a moderation service is set, and no word filter is switched on."
    piecewise = True

    def objection(self, text: str) -> str:
        return ""


class Words:
    """A list of words that no shown text may hold, in any case. Crude: it knows words, not meanings."""

    piecewise = True

    def __init__(self, words: frozenset[str]) -> None:
        self.notice = f"A filter of {len(words)} words is on. It is crude: it knows words, not meanings."
        self._found = re.compile(rf"(?<!\w)({'|'.join(map(re.escape, sorted(words)))})(?!\w)", re.IGNORECASE)

    def objection(self, text: str) -> str:
        return "a listed word" if self._found.search(text) else ""


class OpenAIModeration:
    """OpenAI's free moderation endpoint, asked about the whole question and the whole answer."""

    notice = f"Questions and answers are sent to OpenAI's moderation ({MODEL}) before an answer is shown."
    piecewise = False

    def __init__(self, base_url: str | None = None) -> None:
        from openai import OpenAI

        self._client = OpenAI(base_url=base_url, timeout=SECONDS, max_retries=1)

    def objection(self, text: str) -> str:
        from openai import OpenAIError

        try:
            (result,) = self._client.moderations.create(model=MODEL, input=text).results
        except (OpenAIError, ValueError) as error:
            return f"the moderation could not be asked ({type(error).__name__})"
        named = [name for name, found in result.categories.model_dump().items() if found]
        return f"moderation: {', '.join(named) or 'flagged'}" if result.flagged else ""


class Both:
    """The word filter first, which costs nothing, then OpenAI's moderation."""

    piecewise = False

    def __init__(self, words: Words, service: OpenAIModeration) -> None:
        self.notice = f"{service.notice} {words.notice}"
        self._asked: tuple[Moderator, ...] = (words, service)

    def objection(self, text: str) -> str:
        return next(filter(None, (one.objection(text) for one in self._asked)), "")


def moderator(words_file: str | None, base_url: str | None = None) -> Moderator:
    """OpenAI's moderation if a key is set, the word filter if it was asked for, both, or `Nothing`.

    `words_file` is a file with one word a line, or empty for the kit's own list; raises `InputFileError`.
    """
    words = Words(_read(Path(words_file)) if words_file else RUDE_WORDS) if words_file is not None else None
    service = OpenAIModeration(base_url) if os.environ.get(KEY_VARIABLE, "").strip() else None
    if words is not None and service is not None:
        return Both(words, service)
    return words or service or Nothing()


def _read(path: Path) -> frozenset[str]:
    try:
        words = frozenset(path.read_text(encoding="utf-8").split("\n"))
    except (OSError, UnicodeDecodeError) as error:
        raise InputFileError(f"{path}: the word list cannot be read ({error})") from None
    words = frozenset(word.strip() for word in words if word.strip())
    if not words:
        raise InputFileError(f"{path}: no words in it")
    return words
