"""What the offline teacher takes for tokens: how many a text has, and where a text ends that may have only so many."""

import re

from alpaca_nb.records import FinishReason

_TOKEN = re.compile(r"\s?[^\W_]{1,6}|\s?[^\w\s]|\s?_|\s+")


def count_tokens(text: str) -> int:
    """About as many tokens as a byte-pair vocabulary would need: word pieces of up to six letters, marks one by one."""
    return len(_TOKEN.findall(text))


def cut(text: str, finish_reason: FinishReason, max_tokens: int, stops: tuple[str, ...]) -> tuple[str, FinishReason]:
    """End a text as an endpoint would: before the first stop string, or at the token limit, whichever comes first."""
    places = [place for stop in stops if (place := text.find(stop)) >= 0]
    if places:
        text, finish_reason = text[: min(places)], "stop"
    if len(text) <= max_tokens or count_tokens(text) <= max_tokens:  # no token is shorter than a letter
        return text, finish_reason
    end = next(token.start() for number, token in enumerate(_TOKEN.finditer(text)) if number == max_tokens)
    return text[:end], "length"
