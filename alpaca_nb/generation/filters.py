"""The rules a candidate must pass before it is compared with others; each has a name, so that it can be counted."""

from alpaca_nb.instruction_rules import reject_reason as instruction_reject_reason
from alpaca_nb.records import Candidate


def reject_reason(candidate: Candidate) -> str | None:
    """The first rule that a candidate breaks, or None. The published rules on the instruction come first."""
    if reason := instruction_reject_reason(candidate.instruction):
        return reason
    output = _plain(candidate.output)
    if not output:
        return "empty_output"
    if output in (_plain(candidate.input), _plain(candidate.instruction)):
        return "copied_input"
    return None


def _plain(text: str) -> str:
    """Text as compared for copying: case and white space do not make a difference."""
    return " ".join(text.casefold().split())
