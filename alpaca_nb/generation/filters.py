"""The rules a candidate must pass before it is compared with others; each has a name, so that it can be counted."""

from alpaca_nb.instruction_rules import reject_reason as instruction_reject_reason
from alpaca_nb.records import Candidate


def reject_reason(candidate: Candidate) -> str | None:
    """The first rule that a candidate breaks, or None. The published rules on the instruction come first."""
    if reason := instruction_reject_reason(candidate.instruction):
        return reason
    output = candidate.output.strip()
    if not output:
        return "empty_output"
    if output in (candidate.input.strip(), candidate.instruction.strip()):
        return "copied_input"  # to the letter: "write it in capitals" must not fall
    return None
