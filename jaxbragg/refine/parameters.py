"""What a fit may change: `Parameter`, and the usual sets of them for the crystal systems."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from jaxbragg.models import checks

_POSITIVE = ("cells", "fudge", "blocks")


@dataclass(frozen=True)
class Parameter:
    """One free quantity, or several that share a path.

    Attributes:
        path: Such as "crystal.cell.a", "crystal.misset[0]", "detector.distance", "image.scale". A path to an array
            frees all its elements. Several paths in a tuple are set to the same value: ("crystal.cell.a",
            "crystal.cell.b") for a tetragonal cell.
        scale: A typical change, in the unit of the path; what first-order solvers step by, and no more than that.
        bounds: Lowest and highest value, either may be None; kept by a transformation, never reached exactly. Unless
            given, numbers of cells, the fudge factor and blocks stay above 0.
        prior: Value and standard uncertainty known from elsewhere.
        per_image: Whether each image has a value of its own; otherwise one serves all.
        start: Instead of the experiment's value: one number, one for each element, or with `per_image` one for each
            image and element.
        name: Instead of the path, where results are shown.
    """

    path: str | tuple[str, ...]
    scale: float | None = None
    bounds: tuple[float | None, float | None] | None = None
    prior: tuple[Any, float] | None = None
    per_image: bool = False
    start: Any = None
    name: str | None = None

    def __post_init__(self) -> None:
        """Check the parameter.

        Raises:
            ValueError: If a value cannot be; the message names it.
        """
        if not isinstance(self.path, str):
            object.__setattr__(self, "path", tuple(self.path))
        if not self.paths or not all(isinstance(path, str) for path in self.paths):
            raise ValueError(f"Argument `path` must be a path or a tuple of paths, but is {self.path!r}.")
        if self.scale is not None:
            checks.positive("scale", np.asarray(self.scale))
        if self.bounds is not None:
            if len(self.bounds) != 2:
                raise ValueError(f"Argument `bounds` must be a lowest and a highest value, but is {self.bounds!r}.")
            if self.lower >= self.upper:
                raise ValueError(f"Argument `bounds` must ascend, but is {self.bounds!r}.")
        if self.prior is not None:
            if len(self.prior) != 2:
                raise ValueError(f"Argument `prior` must be a value and its uncertainty, but is {self.prior!r}.")
            checks.positive("prior", np.asarray(self.prior[1]))

    @property
    def paths(self) -> tuple[str, ...]:
        """The path, or all of them."""
        return (self.path,) if isinstance(self.path, str) else self.path

    @property
    def lower(self) -> float:
        """Lowest value, or −∞."""
        low = self.bounds[0] if self.bounds is not None else (0.0 if _ends_in(self.paths[0], _POSITIVE) else None)
        return -math.inf if low is None else float(low)

    @property
    def upper(self) -> float:
        """Highest value, or ∞."""
        high = None if self.bounds is None else self.bounds[1]
        return math.inf if high is None else float(high)


def _ends_in(path: str, names: tuple[str, ...]) -> bool:
    return path.rsplit(".", 1)[-1].split("[")[0] in names


_SYSTEMS: dict[str, tuple[str, ...]] = {
    "triclinic": ("a", "b", "c", "alpha", "beta", "gamma"),
    "monoclinic": ("a", "b", "c", "beta"),
    "orthorhombic": ("a", "b", "c"),
    "tetragonal": ("a b", "c"),
    "hexagonal": ("a b", "c"),
    "rhombohedral": ("a b c", "alpha beta gamma"),
    "cubic": ("a b c",),
}


def cell_parameters(system: str, **arguments: Any) -> list[Parameter]:
    """The free parameters of a cell.

    Args:
        system: "triclinic", "monoclinic" (unique axis b), "orthorhombic", "tetragonal", "hexagonal" (also a trigonal
            cell on hexagonal axes), "rhombohedral" (on its own axes) or "cubic".
        **arguments: As for `Parameter`, for each of them.

    Raises:
        ValueError: If there is no such system.
    """
    checks.choice("system", system, tuple(_SYSTEMS))
    return [
        Parameter(tuple(f"crystal.cell.{word}" for word in words.split()), **arguments) for words in _SYSTEMS[system]
    ]


# Unit and typical change of what a path ends in; a change of None is a tenth of the value.
_KINDS: dict[str, tuple[str, float | None]] = {
    **dict.fromkeys(("a", "b", "c", "vectors"), ("Å", 0.1)),
    **dict.fromkeys(("alpha", "beta", "gamma"), ("°", 0.1)),
    **dict.fromkeys(("misset", "rotation", "spread", "angles"), ("°", 0.05)),
    **dict.fromkeys(("direction", "polarization_axis", "axis", "fast_axis", "slow_axis", "normal_axis"), ("", 1e-3)),
    **dict.fromkeys(("origin", "shift", "beam_center", "distance"), ("m", 1e-4)),
    **dict.fromkeys(("pixel_size", "layer_thickness"), ("m", None)),
    **dict.fromkeys(("horizontal", "vertical"), ("rad", 1e-3)),
    **dict.fromkeys(("constant", "slow", "fast", "radial"), ("photons", 1.0)),
    **dict.fromkeys(("values", "default"), ("e", None)),
    "bandwidth": ("", 5e-4),
    "width": ("°", 0.05),
    "wavelength": ("Å", 1e-3),
    "wavelengths": ("Å", 1e-3),
    "wavelength_ratios": ("", 1e-3),
    "fluence": ("1/m²", None),
    "attenuation": ("1/m", None),
    **dict.fromkeys(("cells", "shear"), ("", 1.0)),
    "polarization": ("", 0.1),
}


def unit_of(name: str) -> str:
    """Unit of what a path ends in."""
    return _KINDS.get(name, ("", None))[0]


def scale_of(name: str, value: float) -> float:
    """A typical change of what a path ends in."""
    scale = _KINDS.get(name, ("", None))[1]
    return scale if scale is not None else 0.1 * abs(value) or 1.0
