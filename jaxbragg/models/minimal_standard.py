"""The random numbers of the C program, so that the same seed gives the same mosaic domains.

Derived from nanoBragg (MIT, see NOTICE). The generator is Park and Miller's minimal standard one, shuffled through a
table of 32 entries, and returns float32.

References:
    Press, Teukolsky, Vetterling & Flannery (1992), Numerical Recipes in C, 2nd edition, §7.1, "ran1".
"""

import numpy as np

_MULTIPLIER = 16807
_MODULUS = 2**31 - 1
_ENTRIES = 32
_DIVISOR = 1 + (_MODULUS - 1) // _ENTRIES
_LARGEST = np.float32(1.0 - 1.2e-7)


class MinimalStandard:
    """A stream of uniform float32 numbers between 0 and 1."""

    def __init__(self, seed: int) -> None:
        """Start the stream; the sign of the seed does not matter, and multiples of 2³¹ − 1 count as 1."""
        self._state = abs(int(seed))
        if self._state % _MODULUS == 0:
            self._state = 1  # 0 would be followed by nothing else
        table = [self._advance() for _ in range(_ENTRIES + 8)]
        # The eight first numbers warm up; the rest fill the table from its end.
        self._table = table[8:][::-1]
        self._last = self._table[0]

    def _advance(self) -> int:
        self._state = self._state * _MULTIPLIER % _MODULUS
        return self._state

    def uniform(self) -> np.float32:
        """The next number."""
        found = self._advance()
        slot = self._last // _DIVISOR
        self._last, self._table[slot] = self._table[slot], found
        return min(np.float32(self._last * (1.0 / _MODULUS)), _LARGEST)


def rotations(seed: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Axes and angles of the C program's random rotations.

    Args:
        seed: Of the stream.
        count: Rotations; each takes three numbers.

    Returns:
        Unit vectors [count, 3], and angles as a share of the cap's radius [count]: (1 − r₃²)^(1/3). All are float64,
        but the shares are float32 numbers, as there.
    """
    stream = MinimalStandard(seed)
    found = np.array([[stream.uniform() for _ in range(3)] for _ in range(count)], dtype=np.float32).reshape(-1, 3)
    around, up, angle = 2.0 * found.T.astype(np.float64) - 1.0
    # C's powf: float32 in and out, rounded once. numpy's own float32 power is off by a last digit now and then.
    base, exponent = (np.float32(x).astype(np.float64) for x in (1.0 - angle * angle, 1.0 / 3.0))
    share = np.power(base, exponent).astype(np.float32)
    level = np.sqrt(1.0 - up * up)
    phase = np.pi * around
    axes = np.stack([level * np.sin(phase), level * np.cos(phase), up], axis=1)
    return axes, share.astype(np.float64)
