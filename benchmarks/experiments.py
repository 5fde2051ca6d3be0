"""A case as jaxbragg's experiment and options, and the very same as nanoBragg's flags."""

from dataclasses import fields, replace
from functools import cache
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.cases import LATTICES, Case
from benchmarks.inputs import write_matrix
from jaxbragg.io.hkl import write_hkl
from jaxbragg.models import (
    Beam,
    CapMosaic,
    Crystal,
    Experiment,
    FlatPanel,
    MultiPanel,
    RelativeSources,
    Scan,
    StructureFactors,
)
from jaxbragg.options import Options

WAVELENGTH = 1.0
SPREAD = 0.5  # of the mosaic domains [deg]
BANDWIDTH = 1.0  # [%]
OSCILLATION = 1.0  # [deg]
DEFAULT_F = 100.0
_EDGE = 30  # the table holds −30 … 30 along each axis
_SMALLEST_TRUTH = 1 << 12  # pixels


def experiment_of(case: Case) -> Experiment:
    """What the case draws; of a batch, the first still."""
    return Experiment(
        beam=Beam(WAVELENGTH, sources=_sources(case)),
        crystal=Crystal(
            LATTICES[case.lattice].cell,
            misset=LATTICES[case.lattice].misset,
            cells=case.cells,
            shape=case.shape,
            mosaic=CapMosaic(SPREAD, case.domains) if case.domains > 1 else None,
        ),
        detector=_detector(case),
        structure_factors=StructureFactors(_table(), (-_EDGE,) * 3)
        if case.table
        else StructureFactors(None, default=100),
        scan=Scan.from_range(0.0, OSCILLATION, case.phi_steps) if case.phi_steps > 1 else Scan(),
    )


def stills_of(case: Case) -> list[Experiment]:
    """The experiments of a batch: one crystal in random orientations."""
    first = experiment_of(case)
    turns = np.random.default_rng(1).uniform(-180.0, 180.0, (case.stills, 3))
    with jax.enable_x64(True):
        return [eqx.tree_at(lambda e: e.crystal.misset, first, jnp.asarray(turn)) for turn in turns]


def stacked(experiments: list[Experiment]) -> Experiment:
    """Experiments that differ in their misset alone, as one with a leading axis on that leaf."""
    with jax.enable_x64(True):
        missets = jnp.stack([each.crystal.misset for each in experiments])
        return eqx.tree_at(lambda e: e.crystal.misset, experiments[0], missets)


def options_of(case: Case, precision: str = "mixed") -> Options:
    """How the case is drawn.

    Raises:
        ValueError: If this version of jaxbragg has no such option, or it makes no sense on this device.
    """
    known = {field.name for field in fields(Options)}
    for name, value in case.options:
        if name not in known:
            raise ValueError(f"this version has no Options({name}={value!r})")
    return Options(**{"precision": precision, **dict(case.options)})  # type: ignore[arg-type]


def truth_options(case: Case) -> Options:
    """Float64, all tiles."""
    options = options_of(replace(case, options=tuple(o for o in case.options if o[0] != "skip_below")), "float64")
    return replace(options, **({"skip_below": 0.0} if "skip_below" in Options.__dataclass_fields__ else {}))


def truth_region(case: Case, most_steps: float) -> tuple[int, int, int, int] | None:
    """A region about the beam in which float64 takes no more than so many steps; None for the whole image.

    As `Options.roi`: first and last pixel along fast, then along slow.
    """
    slow, fast = case.pixels
    share = most_steps / (case.steps / case.stills)
    if share >= 1.0:
        return None
    shrink = max(share, _SMALLEST_TRUTH / case.image_pixels) ** 0.5
    width, height = (max(1, min(n, round(n * shrink))) for n in (fast, slow))
    left, top = (fast - width) // 2, (slow - height) // 2
    return left, left + width - 1, top, top + height - 1


def flags_of(case: Case, folder: Path) -> list[str]:
    """nanoBragg's flags for the same experiment; the files that they name are written into the folder.

    Raises:
        ValueError: If the C program cannot draw it; the message says why.
    """
    if case.panels > 1 or case.stills > 1:
        raise ValueError("nanoBragg draws one panel and one still at a time")
    unknown = [name for name, _ in case.options if name not in ("oversample", "interpolation")]
    if unknown:
        raise ValueError(f"nanoBragg has nothing like Options.{unknown[0]}")
    chosen = dict(case.options)
    vectors = np.asarray(experiment_of(case).crystal.vectors())
    write_matrix(folder / "A.mat", vectors, WAVELENGTH)
    slow, fast = case.pixels
    flags = ["-lambda", WAVELENGTH, "-mat", folder / "A.mat", "-distance", case.distance * 1e3]
    flags += ["-pixel", case.pixel_size * 1e3, "-detpixels_f", fast, "-detpixels_s", slow]
    flags += [word for axis, n in zip("abc", case.cells, strict=True) for word in (f"-N{axis}", n)]
    flags += ["-interpolate" if chosen.get("interpolation") == "tricubic" else "-nointerpolate"]
    flags += ["-oversample", chosen.get("oversample", 1)]
    flags += ["-tophat_spots" if case.shape == "tophat" else f"-{case.shape}_xtal"]
    if case.domains > 1:
        flags += ["-mosaic", SPREAD, "-mosaic_domains", case.domains]
    if case.wavelengths > 1:
        flags += ["-dispersion", BANDWIDTH, "-dispsteps", case.wavelengths]
    if case.phi_steps > 1:
        flags += ["-phi", 0.0, "-osc", OSCILLATION, "-phisteps", case.phi_steps]
    if case.table:
        edge = np.arange(-_EDGE, _EDGE + 1)
        indices = np.stack(np.meshgrid(edge, edge, edge, indexing="ij"), axis=-1).reshape(-1, 3)
        write_hkl(folder / "P1.hkl", indices, _table().ravel())
        flags += ["-hkl", folder / "P1.hkl"]
    else:
        flags += ["-default_F", DEFAULT_F]
    return [str(flag) for flag in flags]


@cache
def _table() -> np.ndarray:
    return np.random.default_rng(0).random((2 * _EDGE + 1,) * 3) * 100.0


def _sources(case: Case) -> RelativeSources | None:
    if case.wavelengths == 1:
        return None
    half = BANDWIDTH / 200
    return RelativeSources.grid((0.0,), (0.0,), np.linspace(1 - half, 1 + half, case.wavelengths))


def _detector(case: Case) -> FlatPanel | MultiPanel:
    fast_axis, slow_axis = np.array([0.0, 0.0, 1.0]), np.array([0.0, -1.0, 0.0])
    slow, fast = case.pixels
    size = case.pixel_size
    if case.panels == 1:
        # The beam spot is where the C program puts it unasked: a pixel beyond the middle.
        corner = -(fast / 2 + 1) * size * fast_axis - (slow / 2 + 1) * size * slow_axis
        return FlatPanel(case.pixels, size, [case.distance, *corner[1:]], fast_axis, slow_axis)
    columns = max(1, round((case.panels * slow / fast) ** 0.5))
    rows = -(-case.panels // columns)
    panels = []
    for number in range(case.panels):
        row, column = divmod(number, columns)
        corner = (column - columns / 2) * fast * size * fast_axis + (row - rows / 2) * slow * size * slow_axis
        panels.append(FlatPanel(case.pixels, size, [case.distance, *corner[1:]], fast_axis, slow_axis))
    return MultiPanel(panels)
