"""What `gpu_on_paper` compiles: the image, its gradient and a batch of stills, by samples and by spots."""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

import jaxbragg as jb
from benchmarks.cases import CASES, Case
from benchmarks.experiments import experiment_of, options_of
from benchmarks.spot_cases import SPEED, Whole

MODES = ("image", "gradient", "batch")
STILLS = 8
_BATCH_PIXELS = (512, 512)
# 1024² × 1000 mosaic domains, square spots, no table.
_SAMPLED = CASES["mosaic-1000"]


@dataclass(frozen=True)
class Drawn:
    """An experiment and how it is drawn.

    Attributes:
        about: A few words.
        case: What it is made of.
        kernel: `Options.kernel`; None where there is no choice.
    """

    about: str
    case: Case | Whole
    kernel: str | None = None

    def program(self, mode: str) -> tuple[Callable, Any, int]:
        """A function, its operand, and how many images it makes.

        Args:
            mode: One of `MODES`.
        """
        case = replace(self.case, pixels=_BATCH_PIXELS) if mode == "batch" else self.case
        experiment, options = _drawn(case)
        if self.kernel is not None:
            options = replace(options, **{"kernel": self.kernel})
        if mode == "batch":
            stills = _turned(experiment)
            if isinstance(case, Whole):
                options = jb.spot_options(stills, options, axes=_AXES)
            return lambda e: jb.simulate_batch(e, options, axes=_AXES), stills, STILLS
        if isinstance(case, Whole):
            options = jb.spot_options(experiment, options)
        if mode == "image":
            return lambda e: jb.simulate(e, options), experiment, 1
        real, rest = eqx.partition(experiment, eqx.is_inexact_array)
        return jax.grad(lambda e: jb.simulate(eqx.combine(e, rest), options).sum()), real, 1


_AXES = ("crystal.misset",)


def _drawn(case: Case | Whole) -> tuple[jb.Experiment, jb.Options]:
    if isinstance(case, Whole):
        return case.experiment(), case.options(method="spots")
    return experiment_of(case), options_of(case)


def _turned(experiment: jb.Experiment) -> jb.Experiment:
    """The same in random orientations."""
    turns = np.random.default_rng(1).uniform(-180.0, 180.0, (STILLS, 3))
    with jax.enable_x64(True):
        return eqx.tree_at(lambda e: e.crystal.misset, experiment, jnp.asarray(turns))


def _samples() -> dict[str, Drawn]:
    assert isinstance(_SAMPLED, Case)
    if "kernel" not in {field.name for field in fields(jb.Options)}:
        return {"samples": Drawn(_SAMPLED.about, _SAMPLED)}
    return {f"samples-{kernel}": Drawn(_SAMPLED.about, _SAMPLED, kernel) for kernel in ("xla", "pallas")}


_ABOUT = {
    "rotation": "Pilatus 6M, mosaic 0.3°, 1° of rotation",
    "rotation-16m": "Eiger 16M, mosaic 0.3°, 1° of rotation",
    "fine": "Pilatus 6M, mosaic 0.1°, 0.1° of rotation",
    "pink": "Pilatus 6M, mosaic 0.3°, bandwidth 0.3 %, still",
}
PROGRAMS = _samples() | {case.name: Drawn(_ABOUT.get(case.name, case.name), case) for case in SPEED}
