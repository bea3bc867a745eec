"""Work that grows with the length of a text, and not with its square: measured in seconds of the processor."""

import time
from collections.abc import Callable


def assert_work_grows_with_length(function: Callable[[str], object], unit: str, begin: str = "", end: str = "") -> None:
    """Have `function` read `unit` over and over, and then a text four times as long."""
    once, four_times = (work(function, begin + unit * (size // len(unit)) + end) for size in (6000, 24000))
    assert four_times < 8 * once + 0.3, "a square would be sixteen times the work"


def work(function: Callable[[str], object], text: str) -> float:
    """Seconds of the processor, the least of three: other processes do not count."""
    spent = []
    for _ in range(3):
        start = time.thread_time()
        function(text)
        spent.append(time.thread_time() - start)
    return min(spent)
