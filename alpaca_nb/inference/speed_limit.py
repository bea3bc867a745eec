"""How fast a model can write at best: every token needs every weight once, so memory decides.

    tokens a second  ≤  memory bandwidth (bytes a second) / bytes read for one token

A batch shares one reading among its rows, which is why batches are quick. The published measurements are from issues
and pull requests of ggml-org/llama.cpp, as named. Bandwidths, read on 2026-11-25: Pi 5, LPDDR4X-4267 through a 32-bit
interface, "up to 17GB/s" (raspberrypi/documentation, bcm2712.adoc). Pi 4, an estimate: LPDDR4 at 3,200 MHz (The
Official Raspberry Pi Beginner's Guide, third edition, appendix F; bcm2711.adoc says LPDDR4-2400, three quarters of
it), and 32 bits, a width that neither states.
"""

from dataclasses import dataclass

GIGABYTE = 1e9
BITS_PER_WEIGHT = {"f32": 32.0, "f16": 16.0, "q8_0": 8.5, "q4_0": 4.5}  # a block of 32 shares a 16-bit scale


@dataclass(frozen=True)
class Board:
    """A computer's memory: `gigabytes_per_second` is the peak that its data sheet allows."""

    name: str
    gigabytes_per_second: float
    parameters: float  # of the model that somebody measured there
    quantization: str
    measured: str
    source: str


BOARDS = (
    Board("Raspberry Pi 4, 4 GB", 12.8, 6.74e9, "q4_0", "0.1 tokens/s, swapping", "llama.cpp #58 (2023-03-12)"),
    Board(
        "Raspberry Pi (board not named; as Pi 5)",
        17.1,
        8.03e9,
        "q4_0",
        "2.0 to 2.5 tokens/s",
        "llama.cpp #9774, q4_0 assumed",
    ),
    Board("Raspberry Pi 5, 8 GB", 17.1, 6.74e9, "q4_0", "8.1 tokens/s, of the prompt", "llama.cpp pull request 6928"),
)


def bytes_per_token(parameters: float, quantization: str) -> float:
    """What one new token reads: all the weights (the cache of keys and values is small beside them)."""
    return parameters * BITS_PER_WEIGHT[quantization] / 8


def at_most(board: Board) -> float:
    """The most tokens a second that the board's memory allows, for the model that was measured there."""
    return board.gigabytes_per_second * GIGABYTE / bytes_per_token(board.parameters, board.quantization)


def rows() -> list[tuple[str, str, str, str, str]]:
    """(board, model, GB a token, limit, what was measured) for the notebook's table."""
    return [
        (
            board.name,
            f"{board.parameters / 1e9:.1f} billion, {board.quantization}",
            f"{bytes_per_token(board.parameters, board.quantization) / GIGABYTE:.1f} GB",
            f"{at_most(board):.1f} tokens/s",
            f"{board.measured} ({board.source})",
        )
        for board in BOARDS
    ]
