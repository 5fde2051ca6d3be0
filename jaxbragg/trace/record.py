"""The record of one pixel: what it holds, and how it is written down.

The keys are those of the traces that the C program prints, so that the two can be laid side by side.
"""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np


class Step(NamedTuple):
    """One term of the sum: a layer, sub-pixel, source, φ step and mosaic domain.

    Attributes:
        thick_tic, subS, subF, source, phi_tic, mos_tic: Which one.
        phi_deg: Spindle angle [deg].
        h_frac, k_frac, l_frac: Miller indices.
        F_cell: Structure factor [electrons].
        F_latt: Lattice factor.
        F_latt_a, F_latt_b, F_latt_c: Its factor along each axis; NaN for shapes that have none.
    """

    thick_tic: int
    subS: int
    subF: int
    source: int
    phi_tic: int
    mos_tic: int
    phi_deg: float
    h_frac: float
    k_frac: float
    l_frac: float
    F_cell: float
    F_latt: float
    F_latt_a: float
    F_latt_b: float
    F_latt_c: float


@dataclass(frozen=True)
class PixelTrace:
    """The record of one pixel.

    Attributes:
        slow, fast, panel: Which pixel.
        precision: In which it was computed.
        factors: Numbers by key, in the order of the computation; vectors have three.
        steps: Every term of the sum.
        device: On which it was computed.
    """

    slow: int
    fast: int
    panel: int
    precision: str
    factors: Mapping[str, tuple[float, ...]]
    steps: tuple[Step, ...]
    device: str = ""

    def to_json(self) -> dict[str, Any]:
        """The record as what the json module can write."""
        return {**asdict(self), "steps": [step._asdict() for step in self.steps]}

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> "PixelTrace":
        """The record that `to_json` made this of."""
        factors = {key: tuple(values) for key, values in record["factors"].items()}
        steps = tuple(Step(**step) for step in record["steps"])
        return cls(**{**record, "factors": factors, "steps": steps})

    def to_text(self) -> str:
        """Lines `TRACE_JAX: key values…`, and one `TRACE_JAX_PHI` line for each step, 15 digits."""
        lines = [f"# jaxbragg, {self.precision}, panel {self.panel}", f"TRACE_JAX: pixel {self.slow} {self.fast}"]
        if self.device:
            lines.append(f"TRACE_JAX: device {self.device}")
        for key, values in self.factors.items():
            if key == "I_before_scaling":  # computed from the steps, so it comes after them
                lines.extend(map(_step_line, self.steps))
            lines.append(f"TRACE_JAX: {key} " + " ".join(f"{value:.15g}" for value in values))
        return "\n".join(lines) + "\n"

    @classmethod
    def from_text(cls, text: str) -> "PixelTrace":
        """The record that `to_text` made this of.

        Raises:
            ValueError: If it is something else.
        """
        head, *lines = text.splitlines() or [""]
        found = re.fullmatch(r"# jaxbragg, (\w+), panel (\d+)", head)
        if found is None or not lines:
            raise ValueError("This is not the text of a jaxbragg trace: its first line must begin with '# jaxbragg'.")
        factors: dict[str, tuple[float, ...]] = {}
        steps, device = [], ""
        for line in lines:
            kind, *words = line.split()
            if kind == "TRACE_JAX_PHI":
                values = dict(word.split("=") for word in words)
                steps.append(Step(*(_number(key, values.get(key, "nan")) for key in Step._fields)))  # type: ignore
            elif words[0] == "device":
                device = " ".join(words[1:])
            else:
                factors[words[0]] = tuple(float(word) for word in words[1:])
        slow, fast = factors.pop("pixel")
        return cls(int(slow), int(fast), int(found[2]), found[1], factors, tuple(steps), device)


def _number(key: str, word: str) -> float:
    return int(word) if Step.__annotations__[key] is int else float(word)


def _step_line(step: Step) -> str:
    words = (f"{key}={value:.15g}" for key, value in step._asdict().items() if not np.isnan(value))
    return "TRACE_JAX_PHI " + " ".join(words)
