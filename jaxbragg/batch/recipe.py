"""What a batch is of: an experiment, how many shots, and how what varies is distributed."""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import jax
import numpy as np
from numpy.typing import NDArray

from jaxbragg.batch.distributions import Distribution
from jaxbragg.models import Experiment, RelativeSources
from jaxbragg.models.readable import with_fields
from jaxbragg.models.sase import sase_pulse
from jaxbragg.options import Options
from jaxbragg.pipeline.sampled import steps_per_pixel
from jaxbragg.pipeline.settings import make_settings
from jaxbragg.pipeline.spots.closed_form import by_spots
from jaxbragg.refine.paths import Assignment, find
from jaxbragg_kernels.numerics import numerics

_ORIENTATION = "crystal.orientation"
_PIXELS_AT_ONCE = 1 << 22
_STEPS_AT_ONCE = 1 << 29  # some seconds of two cores: a launch cannot be interrupted, and may be filled up
_MOST_AT_ONCE = 64
_ALIKE = ("cells", "spread", "widths", "pixel_size")  # of several elements, for which one number may stand


@dataclass(frozen=True)
class SasePulses:
    """A random pulse of a free-electron laser for each shot; see `jaxbragg.sase_pulse`.

    Attributes:
        bandwidth: Full width at half maximum of the mean spectrum, as a share of the energy.
        duration: Of the pulse [fs].
        lines: That stand for its spectrum.
    """

    bandwidth: float
    duration: float
    lines: int = 128


@dataclass(frozen=True)
class Recipe:
    """Shots of one experiment, what varies drawn for each by the seed and its number alone.

    Attributes:
        experiment: What all shots have in common.
        shots: How many.
        vary: Distributions by path, such as "crystal.cell.a" or "detector.distance", all that `refine` can name; of
            several paths with commas between them, which then have one value, "crystal.cell.a, crystal.cell.b".
            "crystal.orientation" takes rotations.
        seed: Of everything that is random.
        options: How each shot is simulated.
        counts: Whether images are what is read out, with its noise; otherwise mean photons, or readings on average.
        lattices: How many crystals a shot has, drawn for each; what varies of the crystal is drawn for every one. None
            for one.
        sase: Pulses of the beam's wavelength, parallel; None for the experiment's own spectrum.
        reflections: Whether each shot comes with its reflections and their photons, which takes some ten times as long.
        at_once: Shots to a launch; None to choose by the pixels and steps of one.
    """

    experiment: Experiment
    shots: int
    vary: Mapping[str, Distribution] = field(default_factory=dict)
    seed: int = 0
    options: Options = field(default_factory=Options)
    counts: bool = False
    lattices: Distribution | None = None
    sase: SasePulses | None = None
    reflections: bool = False
    at_once: int | None = None

    def __post_init__(self) -> None:
        """Check what can be checked without drawing.

        Raises:
            ValueError: If a path names nothing, or a distribution is not of its shape; the message names it.
        """
        for name, least in (("shots", 1), ("seed", 0), ("at_once", 1)):
            value = getattr(self, name)
            if value is None and name == "at_once":
                continue
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise ValueError(f"Argument `{name}` must be a whole number of at least {least}, but is {value!r}.")
        if not isinstance(self.experiment, Experiment):
            raise ValueError(f"Argument `experiment` must be an Experiment, but is {type(self.experiment).__name__}.")
        for path, distribution in self.vary.items():
            if not isinstance(distribution, Distribution):
                raise ValueError(f"Argument `vary` must hold distributions, but {path!r} is {distribution!r}.")
        self._check_lattices()
        self._check_sase()
        taken: dict[tuple, str] = {}
        for name, distribution, paths in self._draws:
            for assignment in self._assignments_of(paths, distribution.shape, 0):
                for element in assignment.elements:
                    key = (assignment.owner, assignment.name, element)
                    if key in taken:
                        raise ValueError(f"Argument `vary` sets the same number by {taken[key]!r} and {name!r}.")
                    taken[key] = name

    def _check_lattices(self) -> None:
        """Raise a ValueError for lattices that cannot be."""
        if self.lattices is None:
            return
        if self.lattices.counts is None:
            raise ValueError(
                f"Argument `lattices` must be a distribution of whole numbers from 1 on, but is {self.lattices!r}."
            )
        if _ORIENTATION not in self.vary:
            raise ValueError('Argument `lattices` needs "crystal.orientation" in `vary`: all would lie alike.')
        if self.experiment.lattices:
            raise ValueError("Argument `lattices` must be None where the experiment has lattices of its own.")
        for key in self.vary:
            if len({path.strip().startswith("crystal.") for path in key.split(",")}) > 1:
                raise ValueError(
                    f"Argument `vary` must not have {key!r}, in part of the crystal, where `lattices` has several."
                )
        for path in self._varied():
            if path.startswith(("crystal.blocks", "lattices")):
                raise ValueError(
                    f"Argument `vary` must not set {path!r} where `lattices` says which crystals there are."
                )

    def _check_sase(self) -> None:
        """Raise a ValueError where pulses would take the place of what is said otherwise."""
        if self.sase is None:
            return
        sources = self.experiment.beam.sources
        if not isinstance(sources, RelativeSources) or sources.weights.shape != (1,):
            raise ValueError(
                "Argument `sase` must be None where the experiment's beam has a spectrum or divergence of its own, "
                f"here {type(sources).__name__}."
            )
        for path in self._varied():
            if path.startswith(("beam.wavelength", "beam.sources")):
                raise ValueError(f"Argument `vary` must not set {path!r} where `sase` makes pulses of one wavelength.")
        if any("," in key and "beam.fluence" in key for key in self.vary):
            raise ValueError("Argument `vary` must set 'beam.fluence' alone where `sase` multiplies it.")

    def _varied(self) -> list[str]:
        return [path.strip() for key in self.vary for path in key.split(",")]

    @cached_property
    def group(self) -> int:
        """Shots to a launch, whatever the machine."""
        if self.at_once is not None:
            return self.at_once
        pixels = int(np.prod(self.experiment.detector.shape))
        most = min(_MOST_AT_ONCE, _PIXELS_AT_ONCE // pixels)
        if not by_spots(self.base, make_settings(self.base, self.options, warns=False)):
            most = min(most, _STEPS_AT_ONCE // (pixels * steps_per_pixel(self.base, self.options) * self.most_lattices))
        return max(1, most)

    @property
    def most_lattices(self) -> int:
        """Crystals that a shot may have; every shot takes the time of so many."""
        counts = None if self.lattices is None else self.lattices.counts
        return 1 if counts is None else counts[1]

    @cached_property
    def base(self) -> Experiment:
        """The experiment with a place for everything that varies, of numpy's leaves."""
        experiment = jax.device_get(self.experiment)
        with numerics():
            if _ORIENTATION in self.vary:
                crystal = experiment.crystal
                frame = np.asarray(crystal.frame(), float)
                experiment = with_fields(
                    experiment, crystal=with_fields(crystal, orientation=frame, misset=np.zeros(3))
                )
            if self.most_lattices > 1:
                others = (experiment.crystal,) * (self.most_lattices - 1)
                experiment = with_fields(experiment, lattices=others)
            if self.sase is not None:
                pulse = jax.device_get(self._pulse(0))
                experiment = with_fields(experiment, beam=with_fields(experiment.beam, sources=pulse.sources))
        return experiment

    def _pulse(self, shot: int) -> Any:
        assert self.sase is not None
        number = self.number(shot, "sase")
        key = jax.random.fold_in(jax.random.key(number >> 31), number & (2**31 - 1))
        wavelength = float(self.experiment.beam.wavelength)
        return sase_pulse(key, wavelength, self.sase.bandwidth, self.sase.duration, self.sase.lines)

    # What is drawn --------------------------------------------------------------------------------------------------

    def chance(self, shot: int, what: str) -> np.random.Generator:
        """Random numbers of one shot for one purpose: by the seed, its number and the name alone."""
        return np.random.Generator(np.random.Philox(self._sequence(shot, what)))

    def number(self, shot: int, what: str) -> int:
        """A random whole number below 2⁶², likewise."""
        return int(self._sequence(shot, what).generate_state(1, np.uint64)[0]) >> 2

    def _sequence(self, shot: int, what: str) -> np.random.SeedSequence:
        return np.random.SeedSequence([self.seed, shot, zlib.crc32(what.encode())])

    @cached_property
    def _draws(self) -> list[tuple[str, Distribution, list[str]]]:
        """Name, distribution and paths of everything that is drawn; of each lattice what the crystal has, anew."""
        found = [(key, each, [path.strip() for path in key.split(",")]) for key, each in self.vary.items()]
        for i in range(1, self.most_lattices):
            for key, each, paths in found[: len(self.vary)]:
                if all(path.startswith("crystal.") for path in paths):
                    mine = [path.replace("crystal.", f"lattices[{i - 1}].", 1) for path in paths]
                    found.append((f"{key} of lattice {i + 1}", each, mine))
        return found

    def values(self, shot: int) -> dict[str, NDArray[np.float64]]:
        """Everything that is drawn for a shot, by path; of the lattices after the first, `… of lattice 2`."""
        found = {name: each.draw(self.chance(shot, name), shot) for name, each, _ in self._draws}
        if self.lattices is not None:
            found["lattices"] = np.asarray(self.lattices.draw(self.chance(shot, "lattices"), shot), float)
        if self.sase is not None:
            pulse = self._pulse(shot)
            found["sase.energy"] = np.asarray(pulse.energy, float)
            found["sase.weights"] = np.asarray(pulse.sources.weights, float)
        return found

    @cached_property
    def assignments(self) -> tuple[Assignment, ...]:
        """Where the numbers of `row` go."""
        found: list[Assignment] = []
        at = 0
        for _, distribution, paths in self._draws:
            found += self._assignments_of(paths, distribution.shape, at)
            at += int(np.prod(distribution.shape, dtype=int))
        for i in range(self.most_lattices if self.lattices is not None else 0):
            name = "crystal.blocks" if i == 0 else f"lattices[{i - 1}].blocks"
            found += self._of(name, (), at)
            at += 1
        if self.sase is not None:
            found += self._of("beam.sources.weights", (self.sase.lines,), at)
            found += self._of("beam.fluence", (), at + self.sase.lines)
        return tuple(found)

    def row(self, values: Mapping[str, NDArray[np.float64]]) -> NDArray[np.float64]:
        """The numbers of a shot as one vector, in the order of `assignments`."""
        parts = [np.ravel(values[name]) for name, _, _ in self._draws]
        if self.lattices is not None:
            blocks = float(self.experiment.crystal.blocks)
            parts.append(np.where(np.arange(self.most_lattices) < values["lattices"], blocks, 0.0))
        if self.sase is not None:
            fluence = values.get("beam.fluence", float(self.experiment.beam.fluence))
            parts += [values["sase.weights"], np.ravel(fluence * values["sase.energy"])]
        return np.concatenate(parts) if parts else np.zeros(0)

    def _assignments_of(self, paths: list[str], shape: tuple[int, ...], at: int) -> list[Assignment]:
        return [each for path in paths for each in self._of(path, shape, at)]

    def _of(self, path: str, shape: tuple[int, ...], at: int) -> list[Assignment]:
        experiment = self.base if path != _ORIENTATION and not self._is_plain_path(path) else self._with_frame()
        target = find(experiment, path)
        if target.kind == "image":
            raise ValueError(f"Argument `vary` must name what an experiment has, but {path!r} is a term of an image.")
        count = int(np.prod(shape, dtype=int))
        one_for_all = count == 1 and (len(target.elements) == 1 or target.name in _ALIKE)
        if not one_for_all and count != len(target.elements):
            raise ValueError(
                f"Argument `vary` must have distributions of a path's shape, {target.shape} of {path!r}, but has one "
                f"of shape {shape}."
            )
        sources = tuple(at + (i if count > 1 else 0) for i in range(len(target.elements)))
        return [Assignment(target.kind, target.owner, target.name, target.elements, sources)]

    def _is_plain_path(self, path: str) -> bool:
        return not path.startswith(("lattices", "beam.sources"))

    def _with_frame(self) -> Experiment:
        if self.experiment.crystal.orientation is not None:
            return self.experiment
        return with_fields(self.experiment, crystal=with_fields(self.experiment.crystal, orientation=np.eye(3)))
