"""Two ways of reading a teacher's answers: the original's to the letter, and one that mends what is only formal."""

from typing import Literal

from alpaca_nb.errors import RecipeError

Protocol = Literal["repaired", "stanford"]

PROTOCOLS: dict[Protocol, str] = {
    "repaired": "keeps a task whose three fields are there, whatever its number and separators look like; drops what "
    "was cut, merged or copied",
    "stanford": "keeps what Stanford Alpaca's generate_instruction.py keeps, to the letter, defects included",
}


def check_protocol(name: str) -> Protocol:
    """Return `name` as a protocol, or raise `RecipeError`."""
    for protocol in PROTOCOLS:
        if name == protocol:
            return protocol
    raise RecipeError(f"protocol is {name!r}; it must be one of {', '.join(PROTOCOLS)}")
