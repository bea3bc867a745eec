"""From a teacher's text to candidates and rejections. Nothing is lost without a reason, nothing raises.

`REASONS` (in `pieces`) lists every reason there is. What is cut at the token limit, by a stop text or by a content
filter is never a candidate under `repaired`; `stanford` knows only the token limit, as the original does.
"""

from collections.abc import Sequence

from alpaca_nb.generation.parse_numbered import numbered_pieces
from alpaca_nb.generation.parse_published import published_pieces
from alpaca_nb.generation.parse_structured import is_structured, structured_pieces
from alpaca_nb.generation.pieces import Parsed, as_parsed
from alpaca_nb.generation.protocol import Protocol


def parse_answer(
    text: str,
    *,
    request_index: int,
    first_position: int,
    finish_reason: str,
    protocol: Protocol = "repaired",
    stop_texts: Sequence[str] = (),
) -> Parsed:
    """Take apart an answer that goes on from `{first_position}. Instruction:`, or that holds tasks as JSON.

    A task's position is its place in the answer, counted from `first_position`, whatever number the teacher wrote.
    `stop_texts` are the stop texts of the request: where there are any, a last task without a separator was cut.
    """
    cut = _cut_reason(finish_reason, stop_texts)
    if protocol == "stanford":
        pieces = published_pieces(text, first_position, cut_at_limit=finish_reason == "length")
    elif is_structured(text):
        pieces = structured_pieces(text, cut)
    else:
        pieces = numbered_pieces(text, first_position, cut)
    return as_parsed(text, pieces, request_index=request_index, first_position=first_position)


def _cut_reason(finish_reason: str, stop_texts: Sequence[str]) -> str | None:
    """The reason for a task that the answer's end cuts in two; None where the teacher simply ended."""
    if finish_reason == "length":
        return "cut_by_length"
    if finish_reason == "content_filter":
        return "cut_by_filter"
    return "cut_by_stop" if stop_texts else None
