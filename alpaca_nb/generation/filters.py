"""The rules a candidate must pass before it is compared with others; each has a name, so that it can be counted.

Six rules on the instruction are the original's and hold under both protocols; two on the output are the kit's own and
hold under `repaired` only. Any of them can be switched off: hand on fewer names.
"""

from collections.abc import Collection

from alpaca_nb.choices import names_in
from alpaca_nb.errors import RecipeError
from alpaca_nb.generation.protocol import Protocol
from alpaca_nb.instruction_rules import RULES as INSTRUCTION_RULES
from alpaca_nb.instruction_rules import reject_reason as instruction_reject_reason
from alpaca_nb.records import Candidate

PUBLISHED_FILTERS = frozenset(INSTRUCTION_RULES)
OUTPUT_FILTERS = frozenset({"empty_output", "copied_input"})
ALL_FILTERS = PUBLISHED_FILTERS | OUTPUT_FILTERS


def reject_reason(candidate: Candidate, filters: Collection[str] = ALL_FILTERS) -> str | None:
    """The first of `filters` that a candidate breaks, or None. The published rules on the instruction come first."""
    if reason := instruction_reject_reason(candidate.instruction, filters):
        return reason
    output = candidate.output.strip()
    if "empty_output" in filters and not output:
        return "empty_output"
    copied = bool(output) and output in (candidate.input.strip(), candidate.instruction.strip())
    if "copied_input" in filters and copied:
        return "copied_input"  # to the letter: "write it in capitals" must not fall
    return None


def filters_of(protocol: Protocol, switched_on: Collection[str] = ALL_FILTERS) -> frozenset[str]:
    """Those of the filters switched on that `protocol` has. Raises `RecipeError` for a name that is no filter."""
    if unknown := set(switched_on) - ALL_FILTERS:
        raise RecipeError(
            f"no filter is called {', '.join(sorted(unknown))}; there are {', '.join(sorted(ALL_FILTERS))}"
        )
    return frozenset(switched_on) & (PUBLISHED_FILTERS if protocol == "stanford" else ALL_FILTERS)


def all_but(names: str) -> frozenset[str]:
    """All filters but those that `names` switches off, separated by commas. Raises `RecipeError` for an unknown one."""
    return ALL_FILTERS - names_in(names, ALL_FILTERS, "filters_off")
