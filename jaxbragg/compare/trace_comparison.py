"""What the comparison of two traces found: of each factor, of each step, and of the whole."""

from __future__ import annotations

import dataclasses
import enum
import math

from jaxbragg.compare.factors import INDEX_KEYS, Factor
from jaxbragg.io.trace_text import Trace


class Status(enum.StrEnum):
    """How far apart two values are; MISSING and SKIPPED are reported, and are no difference."""

    PASS = "PASS"  # up to the tolerance
    MINOR = "MINOR"  # beyond it, below 1e-4
    DIVERGENT = "DIVERGENT"  # below 1e-2
    CRITICAL = "CRITICAL"  # beyond, or no number
    MISSING = "MISSING"  # one trace alone has it
    SKIPPED = "SKIPPED"  # the two traces show different steps here

    @property
    def differs(self) -> bool:
        """Whether this is beyond the tolerance."""
        return self in (Status.MINOR, Status.DIVERGENT, Status.CRITICAL)


@dataclasses.dataclass(frozen=True)
class FactorComparison:
    """One factor in both traces.

    Attributes:
        factor: What it is.
        a, b: Its numbers; None where the trace has none.
        deltas: b − a, component by component; empty where there is nothing to subtract.
        abs_delta: Length of that.
        rel_delta: (b − a)/|a| of a single number, with its sign; of a vector the length of b − a over that of a, so
            that a small component raises no alarm. Infinite where a alone is zero.
        status: The class of the magnitude of `rel_delta`.
    """

    factor: Factor
    a: tuple[float, ...] | None
    b: tuple[float, ...] | None
    deltas: tuple[float, ...]
    abs_delta: float | None
    rel_delta: float | None
    status: Status

    @property
    def key(self) -> str:
        """The factor's name in the trace."""
        return self.factor.key

    @property
    def change(self) -> float | None:
        """`rel_delta` of a single number; None for a vector, and where a is zero."""
        single = self.a is not None and len(self.a) == 1 and len(self.deltas) == 1 and self.a[0] != 0.0
        return self.rel_delta if single else None


@dataclasses.dataclass(frozen=True)
class StepComparison:
    """One step of the innermost loop in both traces.

    Attributes:
        tics: The numbers that name the step, such as `phi_tic`.
        values: What both know of it, in the order of computation; empty where one trace lacks the step.
        status: The worst of them, or MISSING.
        only_in: "A" or "B" where one trace alone has the step.
    """

    tics: dict[str, int]
    values: tuple[FactorComparison, ...]
    status: Status
    only_in: str | None = None

    @property
    def label(self) -> str:
        """`phi_tic=0`, with the other counters where they are not zero."""
        shown = [f"{tic}={tic_value}" for tic, tic_value in self.tics.items() if tic_value or tic == "phi_tic"]
        return " ".join(shown) or "step"

    def value(self, key: str) -> FactorComparison | None:
        """What the step says of a key; None where it says nothing."""
        return next((value for value in self.values if value.key == key), None)

    @property
    def worst_index(self) -> FactorComparison | None:
        """Of h, k and l the one that differs most; None where none does."""
        differing = [v for v in self.values if v.key in INDEX_KEYS and v.status.differs]
        return max(
            differing, key=lambda v: math.inf if math.isnan(v.abs_delta or 0.0) else v.abs_delta or 0.0, default=None
        )

    @property
    def first_differing(self) -> FactorComparison | None:
        """What is wrong first in the step: the angle, the worst of the indices, then the factors."""
        differing = [value for value in self.values if value.status.differs]
        if not differing or differing[0].key not in INDEX_KEYS:
            return differing[0] if differing else None
        return self.worst_index


@dataclasses.dataclass(frozen=True)
class TraceComparison:
    """Two traces of one pixel, A and B.

    Attributes:
        a, b: The traces.
        tolerance: Relative differences up to this pass.
        ignored: Keys left out.
        factors: Every other key, in the order of computation.
        steps: Every step, in A's order, then those that B alone has.
        first_divergence: The key that differs first in the order of computation, or the step's label (`phi_tic=0`);
            None where nothing does.
        num_divergent: Number of factors beyond the tolerance.
        num_divergent_steps: Number of steps with a value beyond it.
        missing: What one trace alone has, in words: one line for A, one for B.
        gaps: Why too little was compared to say that the programs agree, in words; empty where enough was.
    """

    a: Trace
    b: Trace
    tolerance: float
    ignored: tuple[str, ...]
    factors: tuple[FactorComparison, ...]
    steps: tuple[StepComparison, ...]
    first_divergence: str | None
    num_divergent: int
    num_divergent_steps: int
    missing: tuple[str, ...]
    gaps: tuple[str, ...]

    @property
    def agrees(self) -> bool:
        """Whether all that both traces have is within the tolerance, however little that is: see `passes`."""
        return not self.num_divergent and not self.num_divergent_steps

    @property
    def passes(self) -> bool:
        """Whether the traces agree, and enough of them was compared to say so."""
        return self.agrees and not self.gaps

    @property
    def first_step(self) -> StepComparison | None:
        """The first step with a value beyond the tolerance."""
        return next((step for step in self.steps if step.status.differs), None)

    def factor(self, key: str) -> FactorComparison | None:
        """The comparison of a key; None where neither trace has it."""
        return next((item for item in self.factors if item.key == key), None)
