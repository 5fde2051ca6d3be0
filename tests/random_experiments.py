"""Random experiments, to measure how far precisions agree; the same seed always gives the same experiment.

What is static (sizes, shapes, counts, choices) comes from a short list of templates, so that few programs have to be
compiled; every value is drawn. Most experiments are aimed: a reflection is chosen, the detector looks along its
diffracted ray, and the crystal is rotated until the reflection, or a point of its spot, is on the Ewald sphere at a
chosen sub-pixel. Without that, hardly any small image of a large crystal would have a spot.
"""

import re
import warnings
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import equinox as eqx
import jax
import numpy as np
from scipy.spatial.transform import Rotation

import jaxbragg as jb

THOMSON_AREA = 7.94079248018965e-30
SYSTEMS = ("triclinic", "monoclinic", "orthorhombic", "tetragonal", "hexagonal", "cubic")
AIMS = ("centre", "spot", "pixel", "dark")
DARK = 1e-30
_TABLE = 8  # largest index of a table of structure factors
_Random = np.random.Generator


class Template(NamedTuple):
    """What is static.

    Attributes:
        shape: Of the spots.
        detector: "flat", "curved", or "panels" for three of them.
        pixels: Along slow and fast.
        orientations: Mosaic domains, spindle angles.
        sources: Directions and wavelengths of the beam.
        layers: Of the sensor; 0 for no sensor.
        table: Whether structure factors come from a table.
        background: Whether there is water in the beam.
        options: All else.
    """

    shape: str
    detector: str = "flat"
    pixels: tuple[int, int] = (24, 24)
    orientations: tuple[int, int] = (1, 1)
    sources: int = 1
    layers: int = 0
    table: bool = False
    background: bool = False
    options: jb.Options = jb.Options()


TEMPLATES = (
    Template("square", pixels=(32, 32)),
    Template("round"),
    Template("gauss"),
    Template("tophat"),
    Template("square", orientations=(5, 1), sources=4, table=True, pixels=(16, 40)),
    Template("gauss", orientations=(20, 2), sources=3, table=True),
    Template("tophat", orientations=(30, 1), pixels=(20, 28)),
    Template("round", table=True, options=jb.Options(oversample=3)),
    Template("square", layers=3, options=jb.Options(oversample=2)),
    Template("square", "curved", orientations=(3, 1), table=True),
    Template("gauss", "curved", layers=2, sources=2),
    Template("square", "panels", orientations=(1, 4), pixels=(16, 20)),
    Template("tophat", "panels", background=True, table=True, pixels=(16, 16)),
    Template("square", table=True, options=jb.Options(interpolation="tricubic"), pixels=(16, 24)),
    Template("gauss", table=True, orientations=(2, 2), options=jb.Options(interpolation="tricubic"), pixels=(16, 16)),
    Template("square", background=True, table=True, options=jb.Options(d_min=3.0), sources=2),
    Template("round", "panels", orientations=(4, 2), layers=2, pixels=(16, 16)),
    Template("square", orientations=(12, 1), options=jb.Options(oversample=2, point_pixel=True), pixels=(18, 30)),
    Template("square", pixels=(48, 48), table=True),
)


@dataclass(frozen=True)
class RandomExperiment:
    """An experiment, and what it was drawn for.

    Attributes:
        seed: That it was drawn from.
        template: What is static.
        aim: Where the reflection is: at a sub-pixel's "centre" exactly, at a "spot"'s flank there, anywhere in a
            "pixel"; or nowhere in particular ("dark").
        experiment: As `jaxbragg.simulate` takes it.
        options: In mixed precision.
        peak: About the photons of a pixel in which a whole reflection of the largest |F| is exact.
    """

    seed: int
    template: Template
    aim: str
    experiment: jb.Experiment
    options: jb.Options
    peak: float

    @property
    def about(self) -> str:
        """One line that tells the experiment from others."""
        crystal, beam = self.experiment.crystal, self.experiment.beam
        cell = " ".join(f"{float(getattr(crystal.cell, name)):.4g}" for name in ("a", "b", "c"))
        cells = " ".join(f"{float(n):.4g}" for n in np.asarray(crystal.cells))
        static, options = self.template, self.options
        parts = [f"seed {self.seed}: {static.shape}, {static.detector}, {self.aim}, λ {float(beam.wavelength):.3g} Å"]
        parts += [f"cell {cell} Å", f"cells {cells}"]
        parts += [f"{np.prod(static.orientations)} orientations, {static.sources} sources"]
        parts += [f"oversample {options.oversample}"] if options.oversample > 1 else []
        parts += [options.interpolation] if options.interpolation != "nearest" else []
        return ", ".join(parts)


@dataclass(frozen=True)
class Comparison:
    """Mixed precision against float64.

    Attributes:
        error: Largest difference over the largest value in float64; infinite where a value is not finite.
        brightest: That value over `RandomExperiment.peak`.
        warnings: What `simulate` warned of in mixed precision: class and message.
    """

    error: float
    brightest: float
    warnings: tuple[tuple[str, str], ...]

    @property
    def is_dark(self) -> bool:
        """Whether nobody could count the photons of any pixel; see `compare`."""
        return self.brightest <= DARK

    @property
    def warned_bound(self) -> float | None:
        """The largest number in a `PrecisionWarning`, or None where there was none."""
        texts = [text for kind, text in self.warnings if kind == "PrecisionWarning"]
        numbers = [float(number) for text in texts for number in re.findall(r"\d[\d.]*e[+-]?\d+|0\.\d+", text)]
        return max(numbers, default=float("nan")) if texts else None


def compare(case: RandomExperiment) -> Comparison:
    """Simulate in both precisions.

    An image whose brightest pixel is below 1e-30 of `peak` is dark: float32 ends near there, and nobody counts such
    photons. Its differences are taken over 1e-30 of `peak`.

    Spots of shape "tophat" end at an edge where a pixel jumps by a whole step, and any rounding decides on which side
    it is. The mixed image need only lie between those in float64 of spots that are wider and narrower by 1e-6.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = np.asarray(jb.simulate(case.experiment, case.options), np.float64)
    double = replace(case.options, precision="float64")
    changes = (1.0, 1 - 2e-6, 1 + 2e-6) if case.template.shape == "tophat" else (1.0,)
    exact = []
    for change in changes:
        with jax.enable_x64(True):
            fudge = case.experiment.crystal.fudge * change
        changed = eqx.tree_at(lambda e: e.crystal.fudge, case.experiment, fudge)
        exact.append(np.asarray(jb.simulate(changed, double)))
    low, high, brightest = np.min(exact, axis=0), np.max(exact, axis=0), float(exact[0].max())
    error = float("inf")
    if np.isfinite(found).all() and np.isfinite(exact).all():
        error = float(np.maximum(found - high, low - found).max(initial=0.0)) / max(brightest, DARK * case.peak)
    seen = tuple((warning.category.__name__, str(warning.message)) for warning in caught)
    return Comparison(error, brightest / case.peak, seen)


def random_experiment(seed: int, template: Template | None = None) -> RandomExperiment:
    """The experiment of a seed.

    Args:
        seed: Any whole number from 0; consecutive ones go through the templates in turn.
        template: Instead of the seed's own.
    """
    static = TEMPLATES[seed % len(TEMPLATES)] if template is None else template
    random = np.random.default_rng([20261125, seed])
    aim = str(random.choice(AIMS, p=(0.35, 0.4, 0.15, 0.1)))
    cells = _cells(random)
    wavelength, parameters, hkl = _reflection(random, static.table)
    # The point of the spot that is on the Ewald sphere.
    flank = random.uniform(-0.5, 0.5, 3) / np.maximum(cells, 2.0) if aim == "spot" else np.zeros(3)
    rows = _rows(*parameters)
    wanted = np.linalg.inv(rows) @ (hkl + flank)
    beam = np.array([1.0, 0.0, 0.0]) if random.random() < 0.5 else _direction(random)
    ray = _diffracted(random, beam, np.linalg.norm(wanted) * wavelength)
    found = (ray - beam) / wavelength
    orientation = _aligning(random, wanted, found) if aim != "dark" else Rotation.random(rng=random).as_matrix()
    factors, largest = _factors(random, static.table, rows)
    detector, area, distance = _detector(random, static, ray, aim)
    fluence = 10 ** random.uniform(24, 32)
    experiment = jb.Experiment(
        beam=jb.Beam(
            wavelength,
            direction=beam,
            polarization_axis=_across(random, beam),
            polarization=random.uniform(-1, 1),
            fluence=fluence,
            sources=_sources(random, static.sources),
        ),
        crystal=jb.Crystal(
            parameters,
            orientation=orientation,
            cells=cells,
            fudge=1.0 if random.random() < 0.5 else random.uniform(0.5, 2.0),
            mosaic=jb.CapMosaic(10 ** random.uniform(-3, 0.5), static.orientations[0], int(random.integers(1, 10**6))),
            shape=static.shape,
        ),
        detector=detector,
        structure_factors=factors,
        scan=jb.Scan(_angles(random, static.orientations[1]), _direction(random)),
        background=_water(random) if static.background else None,
    )
    peak = THOMSON_AREA * fluence * float(cells.prod()) ** 2 * largest**2 * area / distance**2
    if static.options.point_pixel:
        peak /= area
    return RandomExperiment(seed, static, aim, experiment, replace(static.options, shape=static.shape), float(peak))


# Crystal -------------------------------------------------------------------------------------------------------------


def _log_uniform(random: _Random, low: float, high: float, size: Any = None) -> Any:
    return np.exp(random.uniform(np.log(low), np.log(high), size))


def _cells(random: _Random) -> np.ndarray:
    """Unit cells along a, b, c: whole numbers but for some."""
    cells = np.clip(_log_uniform(random, 1, 3000) * np.exp(random.normal(0, 0.7, 3)), 1, 3000)
    return cells if random.random() < 0.15 else np.round(cells)


def _cell(random: _Random) -> tuple[float, ...]:
    """Lengths and angles of a cell of some crystal system [Å, deg]."""
    system = random.choice(SYSTEMS, p=(0.3, 0.2, 0.2, 0.1, 0.1, 0.1))
    a, b, c = np.clip(_log_uniform(random, 5, 2000) * np.exp(random.normal(0, 0.35, 3)), 5, 2000)
    if system == "triclinic":
        while True:
            angles = random.uniform(60, 120, 3)
            ca, cb, cg = np.cos(np.radians(angles))
            if 1 - ca**2 - cb**2 - cg**2 + 2 * ca * cb * cg > 0.1:
                return a, b, c, *angles
    if system == "monoclinic":
        return a, b, c, 90.0, random.uniform(90, 125), 90.0
    if system == "hexagonal":
        return a, a, c, 90.0, 90.0, 120.0
    return a, b if system == "orthorhombic" else a, a if system == "cubic" else c, 90.0, 90.0, 90.0


def _rows(a: float, b: float, c: float, *angles: float) -> np.ndarray:
    """Rows a, b, c [Å] in the standard setting: c along z, b in the yz plane."""
    ca, cb, cg = np.cos(np.radians(angles))
    sa = np.sin(np.radians(angles[0]))
    volume = np.sqrt(1 - ca**2 - cb**2 - cg**2 + 2 * ca * cb * cg)
    return np.array([[a * volume / sa, a * (cg - ca * cb) / sa, a * cb], [0, b * sa, b * ca], [0, 0, c]])


def _reflection(random: _Random, table: bool) -> tuple[float, tuple[float, ...], np.ndarray]:
    """Wavelength, cell, and Miller indices of a reflection that can be diffracted."""
    while True:
        wavelength, parameters = float(_log_uniform(random, 0.1, 10)), _cell(random)
        rows = _rows(*parameters)
        if table:
            hkl = np.round(random.uniform(-_TABLE + 2, _TABLE - 2, 3) * _log_uniform(random, 0.1, 1))
        else:
            length = 2 * _log_uniform(random, 1e-3, 0.9) / wavelength
            hkl = np.round(rows @ (length * _direction(random)))
        if not hkl.any() and random.random() > 0.05:
            continue
        if np.linalg.norm(np.linalg.inv(rows) @ hkl) * wavelength < 1.8:
            return wavelength, parameters, hkl


def _factors(random: _Random, table: bool, rows: np.ndarray) -> tuple[jb.StructureFactors, float]:
    """|F| of a random structure with a temperature factor, and the largest; or one |F| for all reflections."""
    mean = float(_log_uniform(random, 1, 1000))
    if not table:
        return jb.StructureFactors(default=mean), mean
    index = np.arange(-_TABLE, _TABLE + 1)
    hkl = np.stack(np.meshgrid(index, index, index, indexing="ij"), axis=-1)
    stol_squared = ((hkl @ np.linalg.inv(rows).T) ** 2).sum(axis=-1) / 4
    # Wilson: the parts of F are normal, |F| follows Rayleigh's distribution.
    values = mean * random.rayleigh(1.0, hkl.shape[:3]) * np.exp(-random.uniform(5, 80) * stol_squared)
    values[_TABLE, _TABLE, _TABLE] = 5 * mean
    default = float(random.choice([0.0, 0.3 * mean]))
    return jb.StructureFactors(values, (-_TABLE,) * 3, default), float(values.max())


# Directions ----------------------------------------------------------------------------------------------------------


def _direction(random: _Random) -> np.ndarray:
    vector = random.normal(size=3)
    return vector / np.linalg.norm(vector)


def _across(random: _Random, direction: np.ndarray) -> np.ndarray:
    """A unit vector at right angles."""
    vector = np.cross(direction, _direction(random))
    return vector / np.linalg.norm(vector)


def _diffracted(random: _Random, beam: np.ndarray, ratio: float) -> np.ndarray:
    """Direction of a ray that |q| λ = `ratio` diffracts: 2 sin θ."""
    theta = np.arcsin(ratio / 2)
    ray = np.cos(2 * theta) * beam + np.sin(2 * theta) * _across(random, beam)
    return ray / np.linalg.norm(ray)


def _frame(random: _Random, first: np.ndarray) -> np.ndarray:
    """Rows of a right-handed frame with this first vector."""
    if not first.any():
        first = _direction(random)
    first = first / np.linalg.norm(first)
    second = _across(random, first)
    return np.stack([first, second, np.cross(first, second)])


def _aligning(random: _Random, wanted: np.ndarray, found: np.ndarray) -> np.ndarray:
    """A random rotation that takes one vector into the direction of the other."""
    left, right = _frame(random, found), _frame(random, wanted)
    u, _, v = np.linalg.svd(left.T @ right)
    return u @ v


# Beam, scan, water ---------------------------------------------------------------------------------------------------


def _sources(random: _Random, count: int) -> jb.RelativeSources:
    """The first is the beam itself."""
    angles = 10 ** random.uniform(-5, -2) * random.normal(size=(2, count))
    ratios = 1 + 10 ** random.uniform(-5, -1.5) * random.normal(size=count)
    angles[:, 0], ratios[0] = 0.0, 1.0
    return jb.RelativeSources(*angles, ratios, random.uniform(0.2, 1, count))


def _angles(random: _Random, count: int) -> np.ndarray:
    """Spindle angles [deg], the first of them 0."""
    return 10 ** random.uniform(-3, 0) * np.arange(count)


def _water(random: _Random) -> jb.AmorphousBackground:
    points = np.array([0.0, 0.02, 0.05, 0.1, 0.2, 0.5])
    return jb.AmorphousBackground(10 ** random.uniform(0, 18), points, 2.57 * random.uniform(0.3, 1, points.size))


# Detector ------------------------------------------------------------------------------------------------------------


def _detector(random: _Random, static: Template, ray: np.ndarray, aim: str) -> tuple[Any, float, float]:
    """A detector with a pixel in the ray's way, the area of a pixel [m²], and its distance [m]."""
    size = _log_uniform(random, 10e-6, 1e-3) * np.ones(2)
    size[1] *= random.uniform(0.7, 1.4) if random.random() < 0.3 else 1.0
    distance = float(_log_uniform(random, 0.02, 5.0))
    sensor = None
    if static.layers:
        sensor = jb.Sensor(_log_uniform(random, 50e-6, 1e-3), _log_uniform(random, 50e-6, 2e-3), static.layers)
    oversample = static.options.oversample
    # Slow and fast of the point that the ray hits; a sub-pixel's centre, unless anywhere.
    within = random.uniform(size=2) if aim == "pixel" else (random.integers(oversample, size=2) + 0.5) / oversample
    slow, fast = random.integers(0, static.pixels) + within
    if static.detector == "curved":
        return _curved(random, static, ray, size, distance, (slow, fast), sensor), size.prod(), distance
    first = _flat(random, static, ray, size, distance, (slow, fast), sensor)
    if static.detector == "flat":
        return first, size.prod(), distance
    others = []
    for _ in range(2):
        place = random.integers(0, static.pixels) + 0.5
        beside = ray + random.normal(size=3) * 30 * size[0] / distance
        others.append(_flat(random, static, beside, size, distance * random.uniform(0.9, 1.1), place, sensor))
    return jb.MultiPanel(random.permutation(np.array([first, *others], object))), size.prod(), distance


def _flat(
    random: _Random, static: Template, ray: np.ndarray, size: np.ndarray, distance: float, place: Any, sensor: Any
) -> jb.FlatPanel:
    """A panel that the ray hits at slow and fast, tilted by up to 50°."""
    tilt = np.radians(random.uniform(0, 50) if random.random() < 0.6 else 0.0)
    ray = ray / np.linalg.norm(ray)
    normal = np.cos(tilt) * ray + np.sin(tilt) * _across(random, ray)
    normal /= np.linalg.norm(normal)
    fast = _across(random, normal)
    slow = np.cross(normal, fast)
    origin = distance * ray - fast * (place[1] * size[0]) - slow * (place[0] * size[1])
    return jb.FlatPanel(static.pixels, size, origin, fast, slow, sensor=sensor)


def _curved(
    random: _Random, static: Template, ray: np.ndarray, size: np.ndarray, distance: float, place: Any, sensor: Any
) -> jb.CurvedDetector:
    """A curved detector that the ray hits at slow and fast, which may be far from its own pole along fast."""
    angle = random.uniform(-1, 1) if random.random() < 0.5 else 0.0
    across = _across(random, ray)
    # The pole turned towards fast by the angle is the ray.
    pole, fast = np.cos(angle) * ray - np.sin(angle) * across, np.sin(angle) * ray + np.cos(angle) * across
    pole /= np.linalg.norm(pole)
    fast /= np.linalg.norm(fast)
    center = place[1] * size[0] - angle * distance, place[0] * size[1]
    return jb.CurvedDetector(
        static.pixels, size, distance, center, direction=pole, fast_axis=fast, slow_axis=np.cross(pole, fast),
        sensor=sensor,
    )  # fmt: skip
