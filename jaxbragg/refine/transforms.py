"""Free values behind bounds: solvers move an unbounded x, whose unit is the parameter's scale at its start.

p = start + scale·x without bounds; an exponential above (below) a single bound; a logistic curve between two.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Transform:
    """All free values at once.

    Attributes:
        start: Values at x = 0.
        scale: dp/dx there.
        lower, upper: Bounds, infinite where there is none.
    """

    start: np.ndarray
    scale: np.ndarray
    lower: np.ndarray
    upper: np.ndarray

    def values(self, x: Any, xp: Any = np) -> Any:
        """p of x; `xp` is numpy or jax.numpy."""
        return self._both(x, xp)[0]

    def slopes(self, x: Any, xp: Any = np) -> Any:
        """dp/dx."""
        return self._both(x, xp)[1]

    def _both(self, x: Any, xp: Any) -> tuple[Any, Any]:
        below, above = np.isfinite(self.lower), np.isfinite(self.upper)
        start, slope = self.start + self.scale * x, self.scale + 0.0 * x
        # Each branch is given harmless numbers where it is not taken: no overflow, no NaN in a derivative.
        gap = np.where(below & ~above, self.start - np.where(below, self.lower, 0), 1.0)
        grown = gap * xp.exp(xp.clip(x * self.scale / gap, -200.0, 200.0))
        start = xp.where(below & ~above, np.where(below, self.lower, 0) + grown, start)
        slope = xp.where(below & ~above, self.scale * grown / gap, slope)
        gap = np.where(above & ~below, np.where(above, self.upper, 0) - self.start, 1.0)
        grown = gap * xp.exp(xp.clip(-x * self.scale / gap, -200.0, 200.0))
        start = xp.where(above & ~below, np.where(above, self.upper, 0) - grown, start)
        slope = xp.where(above & ~below, self.scale * grown / gap, slope)
        both = below & above
        low, width = np.where(both, self.lower, 0.0), np.where(both, self.upper, 1.0) - np.where(both, self.lower, 0.0)
        share = np.where(both, (self.start - low) / width, 0.5)
        rate = self.scale / (width * share * (1 - share))
        level = np.log(share / (1 - share)) + xp.clip(rate * x, -200.0, 200.0)
        logistic = 1.0 / (1.0 + xp.exp(-level))
        start = xp.where(both, low + width * logistic, start)
        return start, xp.where(both, width * logistic * (1 - logistic) * rate, slope)

    def inverse(self, values: np.ndarray) -> np.ndarray:
        """x of p; p must lie inside the bounds."""
        below, above = np.isfinite(self.lower), np.isfinite(self.upper)
        x = (values - self.start) / self.scale
        for i in np.nonzero(below | above)[0]:
            p, start, scale, low, high = values[i], self.start[i], self.scale[i], self.lower[i], self.upper[i]
            if below[i] and above[i]:
                share, first = (p - low) / (high - low), (start - low) / (high - low)
                change = np.log(share / (1 - share)) - np.log(first / (1 - first))
                x[i] = change * (high - low) * first * (1 - first) / scale
            elif below[i]:
                x[i] = np.log((p - low) / (start - low)) * (start - low) / scale
            else:
                x[i] = -np.log((high - p) / (high - start)) * (high - start) / scale
        return x
