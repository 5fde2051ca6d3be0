"""How far the derivatives of `simulate` agree: reverse with forward mode, with differences, mixed with float64.

For every real leaf of a few small experiments, which together hold every kind of leaf there is, and for the quantities
of `jaxbragg.refine.derived`.

usage: python -m benchmarks.derivatives [--out docs/derivatives.md]
"""

import argparse
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

import jaxbragg as jb
from jaxbragg.refine.free_values import free_values
from jaxbragg.refine.parameters import Parameter, scale_of, unit_of
from jaxbragg.refine.paths import assign, find

BOUNDS = {"reverse": 1e-9, "differences": 1e-5, "mixed": 1e-3}

# Changes of the image by one step, over its maximum; the best agreement counts. Long steps cross borders between the
# reflections of a table, short ones lose digits.
_CHANGES = (1e-3, 1e-5, 1e-7)
_COTANGENTS = 3
_ELEMENTS = 100  # of one parameter, at most, drawn at random: tables of structure factors have thousands


# 1. The experiments ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Case:
    """One small experiment.

    Attributes:
        about: What it holds, for the document.
        experiment: With values that are off every setting where a derivative vanishes.
        options: In float64.
        virtual: Quantities of `jaxbragg.refine.derived` that are meant instead of the leaves. Not shift and distance
            of one panel together: the distance is set last, wherever a shift has put the panel.
        slow: Whether it takes long to compile.
    """

    about: str
    experiment: jb.Experiment
    options: jb.Options
    virtual: tuple[str, ...] = ()
    slow: bool = False


def _turn(seed: int) -> np.ndarray:
    left, _, right = np.linalg.svd(np.random.default_rng(seed).normal(size=(3, 3)))
    whole = left @ right
    return whole * np.sign(np.linalg.det(whole))


def _small_turn(angles: Any) -> np.ndarray:
    from scipy.spatial.transform import Rotation

    return Rotation.from_euler("xyz", angles, degrees=True).as_matrix()


def _panel(
    pixels: tuple[int, int], pixel_size: Any, origin: Any, turn: Any = (0, 0, 0), **arguments: Any
) -> jb.FlatPanel:
    axes = _small_turn(turn)
    return jb.FlatPanel(pixels, pixel_size, origin, axes @ [0, 0, 1.0], axes @ [0, -1.0, 0], **arguments)


def _crystal(**arguments: Any) -> jb.Crystal:
    arguments = {"cells": (7.0, 6.0, 5.0), "misset": (10.0, -20.0, 30.0), "fudge": 1.1, **arguments}
    return jb.Crystal((41.0, 52.0, 63.0, 82.0, 97.0, 105.0), **arguments)


_SOURCES = jb.RelativeSources([1e-3, 2e-3, -1e-3], [5e-4, -1e-3, 3e-3], [1.0, 1.01, 0.985], [3.0, 1.0, 2.0])
_WATER = jb.AmorphousBackground(3e7, (0.0, 0.02, 0.05, 0.1), (2.5, 3.0, 4.0, 1.0))
_DIRECTIONS = [[1.0, 0.0, 0.0], [0.999928, 0.012, 0.0], [0.999872, 0.0, 0.016]]
_UNIT = np.array(_DIRECTIONS) / np.linalg.norm(_DIRECTIONS, axis=1)[:, None]


def _table(low: float, high: float, default: float) -> jb.StructureFactors:
    values = np.random.default_rng(1).uniform(low, high, (4, 5, 4))
    return jb.StructureFactors(values, (-2, -2, -2), default)


def cases() -> dict[str, Case]:
    """The experiments by a letter."""
    double = jb.Options(precision="float64", unroll=1)
    beam = jb.Beam(1.1, polarization=0.4, fluence=1e28, sources=_SOURCES)
    # One amplitude throughout: the image has no jumps, and differences can take any step.
    even = _table(30.0, 30.0, 30.0)
    uneven = _table(10.0, 60.0, 20.0)
    flat = jb.Experiment(
        beam=beam,
        crystal=_crystal(orientation=_small_turn((3, 50, 7)), mosaic=jb.CapMosaic(0.8, 3)),
        detector=_panel((16, 16), (2e-3, 1.6e-3), (0.09, 0.014, -0.018), (7, -12, 20), sensor=jb.Sensor(6e-4, 4e-4, 2)),
        structure_factors=even,
        scan=jb.Scan((0.3, 0.9), (0.6, 0.0, 0.8)),
        background=_WATER,
    )
    two = [
        _panel((12, 12), (2e-3, 1.5e-3), (0.1, 0.02, -0.026), (2, -3, 4)),
        _panel((12, 12), 1.8e-3, (0.095, 0.019, 0.002), (-4, 6, 1)),
    ]
    several = jb.Experiment(
        beam=jb.Beam(
            1.0, polarization=0.7, fluence=1e28, sources=jb.AbsoluteSources(_UNIT, [1.1, 1.0, 1.2], [1.0, 2.0, 0.5])
        ),
        crystal=_crystal(
            shape="gauss",
            cells=(7.0, 6.0, 5.0, 0.9, -0.7, 1.1),
            mosaic=jb.RotationList([np.eye(3), _small_turn((0.3, -0.5, 0.4))]),
        ),
        detector=jb.MultiPanel(two),
        structure_factors=uneven,
        scan=jb.Scan((0.0, 0.4)),
    )
    curved = jb.Experiment(
        beam=jb.Beam(1.1, direction=_UNIT[1], polarization=-0.6, fluence=1e28, sources=_SOURCES),
        crystal=jb.Crystal(
            (11.0, 12.0, 13.0, 82.0, 97.0, 105.0), misset=(10, -20, 30), fudge=1.1,
            cells=(2.5, 3.2, 2.0, 0.3, -0.2, 0.4), mosaic=jb.CapMosaic(2.0, 3), shape="round",
        ),
        detector=jb.CurvedDetector((16, 16), (2.2e-3, 2e-3), 0.11, (-0.009, -0.007), sensor=jb.Sensor(4e-4, 3e-4, 2)),
        structure_factors=even,
        scan=jb.Scan((0.3,), (0.6, 0.0, 0.8)),
        background=jb.AmorphousBackground(30.0, (0.0, 0.05, 0.1, 0.2), (2.5, 3.0, 4.0, 1.0)),
    )  # fmt: skip
    boxes = np.random.default_rng(2).uniform(10.0, 60.0, (3, 4, 5, 4))
    per_source = jb.SourceStructureFactors(boxes, (-2, -2, -2), 20.0)
    dealt_out = eqx.tree_at(lambda e: e.structure_factors, several, per_source)
    gaussian = eqx.tree_at(
        lambda e: (e.crystal.mosaic, e.crystal.cell_spread, e.beam.sources, e.scan),
        several,
        (
            jb.GaussianMosaic((0.3, 0.5, 0.4, 0.1, -0.1, 0.2)),
            jb.CellSpread((0.006, 0.01, 0.008)),
            jb.GaussianSources(0.01, 0.002, 0.001),
            jb.Scan.continuous(0.0, 1.0),
        ),
        is_leaf=lambda x: x is None,
    )
    lines = eqx.tree_at(
        lambda e: e.beam.sources, gaussian, jb.SpectrumTable([1.09, 1.11], [1.0, 2.0], 0.005, 0.002, 0.001)
    )
    one = jb.RotationList(np.eye(3)[None])
    along = eqx.tree_at(lambda e: (e.beam.sources, e.crystal.mosaic), several, (jb.RelativeSources(), one))
    tilted = eqx.tree_at(lambda e: e.detector, along, _panel((16, 16), 2e-3, (0.09, 0.014, -0.018), (7, -12, 20)))
    between = eqx.tree_at(
        lambda e: (e.structure_factors, e.crystal), tilted, (curved.structure_factors, curved.crystal)
    )
    real = eqx.tree_at(
        lambda e: (e.structure_factors, e.crystal, e.background, e.absorbers, e.response),
        tilted,
        (
            _table(10.0, 60.0, 0.0),
            _crystal(shape="gauss", b_factor=(20.0, 30.0, 10.0, 3.0, -4.0, 5.0)),
            (
                jb.AmorphousBackground(300.0, (0.0, 0.02, 0.05, 0.1), (2.5, 3.0, 4.0, 1.0)),
                jb.PowderRings(3.0, (0.03, 0.05, 0.08), (0.2, 0.3, 0.1), 4e-3),
                jb.LiquidLikeMotions(41.0 * _small_turn((3, 50, 7)), _table(10.0, 60.0, 0.0).values, (-2, -2, -2), 2e2),
            ),
            (jb.AirPath(0.4, 0.01), jb.BeamStop(2e-3, 0.03, 1e-3)),
            jb.Response(
                [
                    jb.GaussianSpread(1.3), jb.MoffatSpread(1.0, 2.5), jb.FibreSpread(0.4), jb.Flicker(0.02),
                    jb.Counting(1.0, 2.0), jb.PhotonCharge(0.2), jb.ChargeSharing(0.2), jb.CalibrationError(0.03),
                    jb.GainStages([40.0, -2.0], [3.0, 2.0], [1e2, 1.6e4], [80.0]), jb.Gain(1.7), jb.ReadNoise(2.0),
                    jb.Pedestal(9.0), jb.Saturation(1e30), jb.BadPixels.random((16, 16), 0.02, 0.02),
                ]
            ),
        ),
        is_leaf=lambda x: x is None,
    )  # fmt: skip
    axes = {"omega": (0.6, 0.0, 0.8), "kappa": (0.0, 0.6, 0.8), "phi": (0.0, 0.8, 0.6)}
    chain = jb.Goniometer(axes, {"kappa": 20.0, "phi": -30.0}, tilts=[[0.5, -0.3]] * 3)
    faces = np.vstack([_small_turn((3, -7, 20)), -_small_turn((13, 17, -9))])
    composed = replace(
        tilted,
        structure_factors=_table(10.0, 60.0, 0.0),
        crystal=_crystal(
            shape="gauss", b_factor=10.0, damage=jb.Damage(4.0, 2.0), sizes=jb.LogNormalSizes(0.2, 3),
            position=(3e-4, -5e-4, 2e-4), absorption=jb.ConvexAbsorption(faces, 5e-5 + 1e-5 * np.arange(6), 3e3, 8),
        ),
        scan=jb.Scan((1.0, 9.0), goniometer=chain),
        beam=tilted.beam.replace(profile=jb.GaussianProfile((1e-3, 2e-3))),
        lattices=[_crystal(shape="gauss", misset=(11.0, -20.0, 30.0), blocks=0.4)],
    )  # fmt: skip
    between = replace(between, beam=between.beam.replace(profile=jb.TophatProfile(1e-3)))
    moves = tuple(f"detector.{panel}{what}" for panel in ("", "panels[0].", "panels[1].") for what in _MOVES)
    flat_virtual = ("crystal.vectors", "detector.rotation", "detector.distance", "detector.beam_center")
    return {
        "F": Case("flat panel with a sensor, square spots, relative sources, mosaic, scan, water", flat, double),
        "M": Case("two panels, gauss spots, absolute sources, list of rotations, uneven |F|", several, double),
        "C": Case("curved detector with a sensor, round spots, relative sources, mosaic, water", curved, double),
        "S": Case("as M, |F| of each source", dealt_out, double, slow=True),
        "G": Case(
            "as M, samples of what is Gaussian", gaussian, replace(double, method="samples", samples=18), slow=True
        ),
        "P": Case("as G, by spots, lines of a spectrum", lines, replace(double, method="spots"), slow=True),
        "R": Case("flat panel, gauss spots, B factor, backgrounds, absorbers, response", real, double, slow=True),
        "X": Case(
            "flat panel, gauss spots, goniometer, lattices, sizes, place, profile, damage, absorption",
            composed,
            double,
            slow=True,
        ),
        "V": Case("flat panel, gauss spots, quantities that are no leaf", tilted, double, flat_virtual, slow=True),
        "W": Case(
            "two panels, gauss spots, quantities that are no leaf",
            along,
            double,
            ("crystal.rotation", *moves),
            slow=True,
        ),
        "T": Case(
            "flat panel, round spots, tricubic |F|", between, replace(double, interpolation="tricubic"), slow=True
        ),
    }


_MOVES = ("rotation", "shift")


# 2. Its image as a function of the parameters ----------------------------------------------------------------------


@dataclass(frozen=True)
class Drawing:
    """An image as a function of a dictionary of parameters.

    Attributes:
        start: The parameters.
        image: Their image, flattened, in float64.
    """

    start: dict[str, jax.Array]
    image: Callable[[dict[str, jax.Array], str], jax.Array]


def drawing(case: Case) -> Drawing:
    """The image by leaves or by virtual quantities."""
    start, changed = _virtual(case.experiment, case.virtual) if case.virtual else _leaves(case.experiment)
    by_spots = case.options.method == "spots"
    chosen = jb.spot_options(case.experiment, case.options) if by_spots else case.options

    def image(values: dict[str, jax.Array], precision: str) -> jax.Array:
        options = replace(chosen, precision=precision)
        return jb.simulate(changed(values), options).astype(jnp.float64).ravel()

    return Drawing(start, image)


def _leaves(experiment: jb.Experiment) -> tuple[dict[str, jax.Array], Callable]:
    real, rest = eqx.partition(experiment, eqx.is_inexact_array)
    with_paths, structure = jax.tree_util.tree_flatten_with_path(real)
    start = {jax.tree_util.keystr(path).lstrip("."): leaf for path, leaf in with_paths}

    def changed(values: dict[str, jax.Array]) -> jb.Experiment:
        return eqx.combine(jax.tree.unflatten(structure, [values[name] for name in start]), rest)

    return start, changed


def _virtual(experiment: jb.Experiment, paths: tuple[str, ...]) -> tuple[dict[str, jax.Array], Callable]:
    free = free_values([experiment], [Parameter(path) for path in paths])
    sizes = [len(find(experiment, path).elements) for path in paths]
    parts = np.split(free.start[0], np.cumsum(sizes)[:-1])

    def changed(values: dict[str, jax.Array]) -> jb.Experiment:
        whole = jnp.concatenate([values[path] for path in paths])
        return assign(experiment, free.assignments, whole)

    return {path: jnp.asarray(part) for path, part in zip(paths, parts, strict=True)}, changed


# 3. What is compared -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Row:
    """One parameter of one case.

    Attributes:
        name: Its path.
        size: How large the derivative is: the largest change of a pixel by a typical change of the parameter, over the
            image's maximum.
        reverse: Reverse against forward mode, over the largest.
        differences: Forward mode against differences of fourth order, every pixel, over the largest pixel.
        mixed: Mixed precision against float64, worse of forward (every pixel) and reverse.
    """

    name: str
    size: float
    reverse: float
    differences: float
    mixed: float


class _Compiled:
    """Values and derivatives of one case, compiled once."""

    def __init__(self, case: Case) -> None:
        drawn = drawing(case)
        self.start = drawn.start
        self._still = jax.tree.map(jnp.zeros_like, drawn.start)

        @partial(jax.jit, static_argnums=2)
        def forward(values: dict, change: dict, precision: str) -> tuple[jax.Array, jax.Array]:
            return jax.jvp(lambda v: drawn.image(v, precision), (values,), (change,))

        @partial(jax.jit, static_argnums=2)
        def reverse(values: dict, cotangent: jax.Array, precision: str) -> dict:
            return jax.vjp(lambda v: drawn.image(v, precision), values)[1](cotangent)[0]

        self._forward, self._reverse = forward, reverse

    def image(self, **changed: Any) -> np.ndarray:
        """The image in float64; of the same program as its derivative, to compile one less."""
        return np.asarray(self._forward(self.start | changed, self._still, "float64")[0])

    def slope(self, name: str, direction: jax.Array, precision: str = "float64") -> np.ndarray:
        """The derivative of every pixel along a direction of one parameter."""
        return np.asarray(self._forward(self.start, self._still | {name: direction}, precision)[1])

    def gradient(self, cotangent: np.ndarray, precision: str = "float64") -> dict[str, np.ndarray]:
        """The derivative of one sum over the pixels by every parameter."""
        return jax.tree.map(np.asarray, self._reverse(self.start, jnp.asarray(cotangent), precision))


def measure(case: Case, *, every_element: bool) -> list[Row]:
    """The rows of one case.

    Args:
        case: The experiment.
        every_element: Along each element of each parameter (of a table, along some), and mixed precision in reverse
            mode too; otherwise along one random direction of each.
    """
    with jax.enable_x64(True):
        made = _Compiled(case)
        at, random = made.image(), np.random.default_rng(0)
        sums = random.uniform(-1, 1, (_COTANGENTS, at.size))
        precisions = ("float64", "mixed") if every_element else ("float64",)
        gradients = {p: [made.gradient(each, p) for each in sums] for p in precisions}
        rows = []
        for name, value in made.start.items():
            if value.size:
                directions = list(_directions(value, random, every_element=every_element))
                rows.append(_row(made, name, directions, np.abs(at).max(), sums, gradients))
        return rows


def _row(
    made: _Compiled,
    name: str,
    directions: list[jax.Array],
    peak: float,
    sums: np.ndarray,
    gradients: dict[str, list[dict[str, np.ndarray]]],
) -> Row:
    slopes = np.array([made.slope(name, direction) for direction in directions])
    mixed = np.array([made.slope(name, direction, "mixed") for direction in directions])
    ahead = slopes @ sums.T
    behind = {p: np.array([[np.vdot(g[name], d) for g in gradients[p]] for d in directions]) for p in gradients}
    largest, largest_sum = np.abs(slopes).max(), np.abs(ahead).max()
    if largest == 0.0:
        nothing = np.array([*(np.abs(each).max() for each in behind.values()), np.abs(mixed).max()]).max()
        return Row(name, 0.0, *(float(nothing),) * 3)
    typical = typical_change(name, made.start[name])
    wrong = []
    for direction, slope in zip(directions, slopes, strict=True):
        # Where an element hardly matters, no step is long enough to change the image by so much.
        steps = [change * min(peak / (np.abs(slope).max() or largest), 100.0 * typical) for change in _CHANGES]
        wrong.append(min(np.abs(_difference(made, name, np.asarray(direction), h) - slope).max() for h in steps))
    # numpy's maxima, unlike Python's, let a NaN through.
    off = {p: np.abs(each - ahead).max() / largest_sum for p, each in behind.items()}
    return Row(
        name,
        size=float(largest * typical / peak),
        reverse=float(off["float64"]),
        differences=float(np.max(wrong) / largest),
        mixed=float(np.max([off.get("mixed", 0.0), np.abs(mixed - slopes).max() / largest])),
    )


def _directions(value: jax.Array, random: np.random.Generator, *, every_element: bool) -> Iterator[jax.Array]:
    if every_element:
        for i in random.permutation(value.size)[:_ELEMENTS]:
            yield jnp.zeros(value.size).at[i].set(1.0).reshape(value.shape)
    else:
        direction = random.normal(size=value.shape)
        yield jnp.asarray(direction / np.sqrt((direction**2).sum()))


def _difference(made: _Compiled, name: str, direction: np.ndarray, step: float) -> np.ndarray:
    """Fourth order: (8(f₁ − f₋₁) − (f₂ − f₋₂))/12h."""

    def at(steps: int) -> np.ndarray:
        return made.image(**{name: made.start[name] + steps * step * direction})

    return (8.0 * (at(1) - at(-1)) - (at(2) - at(-2))) / (12.0 * step)


def typical_change(path: str, value: jax.Array) -> float:
    """Of the element that may change least."""
    return min(scale_of(_last(path), float(v)) for v in np.asarray(value).ravel())


def _last(path: str) -> str:
    return path.rsplit(".", 1)[-1].split("[")[0]


# 4. The document ---------------------------------------------------------------------------------------------------


def document(rows: dict[str, list[Row]], about: dict[str, str]) -> str:
    """All cases in one table, a row for each parameter."""
    together: dict[str, list[tuple[str, Row]]] = {}
    for letter, found in rows.items():
        for row in found:
            together.setdefault(re.sub(r"panels\[\d+\]", "panels[i]", row.name), []).append((letter, row))
    lines = [_HEAD.format(**{k: f"{v:.0e}".replace("e-0", "e-") for k, v in BOUNDS.items()})]
    lines += [f"- {letter}: {text}" for letter, text in about.items()]
    lines += ["", "| parameter | unit | in | reverse – forward | forward – differences | mixed – float64 |"]
    lines += ["|---|---|---|--:|--:|--:|"]
    for name, parts in together.items():
        live = [row for _, row in parts if row.size > 0]
        letters = "".join(dict.fromkeys(letter for letter, row in parts if row.size > 0 or not live))
        numbers = [_number(max(getattr(row, key) for row in live)) if live else "0" for key in BOUNDS]
        lines.append(f"| `{name}` | {unit_of(_last(name))} | {letters} | {' | '.join(numbers)} |")
    worst = {key: max(getattr(row, key) for found in rows.values() for row in found) for key in BOUNDS}
    lines += [f"| the worst | | | {' | '.join(_number(worst[key]) for key in BOUNDS)} |", ""]
    return "\n".join(lines)


def _number(value: float) -> str:
    return f"{value:.0e}".replace("e-0", "e-")


_HEAD = """# Derivatives

`simulate` can be differentiated by every real number that describes an experiment, in forward and in reverse mode. The
table shows how far the derivatives agree; `python -m benchmarks.derivatives --out docs/derivatives.md` writes it, and
`tests/test_derivatives.py` holds the bounds: {reverse} for reverse against forward mode in float64, {differences} for
forward mode against central differences of fourth order, {mixed} for mixed precision against float64.

Every number is the worst over all elements of the parameter, all pixels and all experiments named in the third column,
over the parameter's largest derivative: of a pixel for the differences, of three random sums over the image for reverse
mode, the worse of both for mixed precision. Of three lengths of step the best counts: the image jumps where the nearest
reflection changes, its slope jumps there and at the points of the table of the background, and a long step may cross
such a border. Derivatives know nothing of the jumps, which are as small as spots are half-way between two reflections.
What nothing depends on in an experiment has derivatives of exactly 0 there, in both modes and both precisions, and the
experiment is not named; so it is with the wavelength and the direction of the beam where sources are absolute.

Spots of shape "tophat" are left out: by all that moves or widens them their derivative is 0 wherever it exists.

The experiments, of 256 to 288 pixels:
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--out", metavar="FILE", help="write the document there")
    parser.add_argument("--only", nargs="+", metavar="LETTER", help="only these experiments")
    chosen = parser.parse_args()
    all_cases = {k: v for k, v in cases().items() if not chosen.only or k in chosen.only}
    rows = {}
    for letter, case in all_cases.items():
        rows[letter] = measure(case, every_element=True)
        print(letter, len(rows[letter]), "parameters", file=sys.stderr)
        for row in rows[letter]:
            missed = [key for key, bound in BOUNDS.items() if not getattr(row, key) <= bound]
            print(f"  {row.name:45s} {row.size:8.1e} {row.reverse:8.1e} {row.differences:8.1e} {row.mixed:8.1e}",
                  *missed, file=sys.stderr)  # fmt: skip
    text = document(rows, {letter: case.about for letter, case in all_cases.items()})
    if chosen.out:
        Path(chosen.out).write_text(text, encoding="utf-8")
    else:
        print(text, end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
