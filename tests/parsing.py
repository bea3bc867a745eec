"""How the parser's tests call it, and what they read of its result."""

from completions import FRAGMENTS
from hypothesis import strategies as st
from the_original import Row

from alpaca_nb.generation.parse import parse_answer
from alpaca_nb.generation.pieces import Parsed
from alpaca_nb.generation.protocol import Protocol

FINISH_REASONS = ["stop", "length", "content_filter", ""]
any_text = st.lists(st.one_of(st.sampled_from(FRAGMENTS), st.text(max_size=8)), max_size=40).map("".join)


def parse(text: str, finish_reason: str = "stop", protocol: Protocol = "repaired", *stop_texts: str) -> Parsed:
    return parse_answer(
        text,
        request_index=3,
        first_position=4,
        finish_reason=finish_reason,
        protocol=protocol,
        stop_texts=stop_texts,
    )


def rows(parsed: Parsed) -> list[Row]:
    return [(each.instruction, each.input, each.output) for each in parsed.candidates]


def cleaned(tasks: list[Row]) -> list[Row]:
    return [(instruction, given.strip(), output.strip()) for instruction, given, output in tasks]
