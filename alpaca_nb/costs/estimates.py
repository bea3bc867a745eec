"""Numbers with their uncertainty, carried through sums and products.

An `Estimate` is a value with a 95 % range. Ranges of independent quantities combine in quadrature: on the scale itself
for sums, on the logarithmic scale for products and quotients, where a range of "half to double" is symmetric.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

Z_95 = 1.959964  # standard deviations to each side that hold 95 % of a normal distribution


@dataclass(frozen=True)
class Estimate:
    """A non-negative number, with `low` ≤ `value` ≤ `high`."""

    value: float
    low: float
    high: float

    def __post_init__(self) -> None:
        if not 0 <= self.low <= self.value <= self.high or not math.isfinite(self.high):
            raise ValueError(f"not an estimate: {self.low} ≤ {self.value} ≤ {self.high}")

    def __add__(self, other: "Estimate | float") -> "Estimate":
        b = exactly(other)
        value = self.value + b.value
        below = math.hypot(self.value - self.low, b.value - b.low)
        above = math.hypot(self.high - self.value, b.high - b.value)
        return Estimate(value, max(0.0, value - below), value + above)

    __radd__ = __add__

    def __mul__(self, other: "Estimate | float") -> "Estimate":
        b = exactly(other)
        return _scaled(self.value * b.value, self, b)

    __rmul__ = __mul__

    def __truediv__(self, other: "Estimate | float") -> "Estimate":
        b = exactly(other)
        if b.low <= 0:
            raise ZeroDivisionError("division by an estimate that may be zero")
        return _scaled(self.value / b.value, self, Estimate(1 / b.value, 1 / b.high, 1 / b.low))


def exactly(value: "Estimate | float") -> Estimate:
    """A number known without error, as an estimate; an estimate as it is."""
    return value if isinstance(value, Estimate) else Estimate(value, value, value)


def mean_of(samples: Sequence[float]) -> Estimate:
    """The mean of independent samples, with 1.96 standard errors to each side; one sample says nothing of its error.

    With one sample the range is from none to double. Raises ValueError without samples.
    """
    if not samples:
        raise ValueError("no samples, no mean")
    mean = math.fsum(samples) / len(samples)
    if len(samples) == 1:
        return Estimate(mean, 0.0, 2 * mean)
    variance = math.fsum((sample - mean) ** 2 for sample in samples) / (len(samples) - 1)
    half = Z_95 * math.sqrt(variance / len(samples))
    return Estimate(mean, max(0.0, mean - half), mean + half)


def _scaled(value: float, a: Estimate, b: Estimate) -> Estimate:
    """The product's range: the factors by which each may be off combine in quadrature on the logarithmic scale."""
    if value == 0:
        return Estimate(0.0, 0.0, 0.0) if a.high * b.high == 0 else Estimate(0.0, 0.0, a.high * b.high)
    above = math.exp(math.hypot(math.log(a.high / a.value), math.log(b.high / b.value)))
    if a.low == 0 or b.low == 0:
        return Estimate(value, 0.0, value * above)
    below = math.exp(-math.hypot(math.log(a.value / a.low), math.log(b.value / b.low)))
    return Estimate(value, min(value, value * below), max(value, value * above))
