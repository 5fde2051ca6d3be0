"""What the tests of kernels, models and the simulation share: float64, small experiments, and a direct implementation.

`textbook_image` is the formula of the image written as plainly as it can be, in numpy and float64, from the six numbers
of the cell to the photons. It uses no function of jaxbragg.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from scipy.spatial.transform import Rotation

import jaxbragg as jb
from jaxbragg_kernels.rays import Directions, directions

THOMSON_AREA = 7.94079248018965e-30


def in_float64(function: Callable) -> Callable:
    """A test that runs with JAX's float64 switched on, for itself alone."""

    @wraps(function)
    def wrapped(*args, **kwargs):
        with jax.enable_x64(True):
            return function(*args, **kwargs)

    return wrapped


def relative(found: Any, wanted: Any) -> float:
    """Largest difference over the largest wanted value."""
    found, wanted = np.asarray(found, np.float64), np.asarray(wanted, np.float64)
    assert found.shape == wanted.shape
    return float(np.abs(found - wanted).max() / np.abs(wanted).max())


def directions_of(position: Any, dtype: str) -> Directions:
    """Directions to pixels at [tile, pixel, 3], whose tiles' middles are the means of their pixels."""
    middle = position.mean(axis=1)
    x, y, z = (position[..., j] - middle[:, j, None] for j in range(3))
    return directions(middle, (x, y, z), jnp.dtype(dtype))


# Small experiments ---------------------------------------------------------------------------------------------------


def panel(pixels=(32, 32), pixel_size=1e-3, distance=0.1, **arguments) -> jb.FlatPanel:
    """A panel across the beam, which runs along x; the beam hits its middle."""
    size = np.broadcast_to(pixel_size, (2,))
    fast, slow = np.array([0.0, 0.0, 1.0]), np.array([0.0, -1.0, 0.0])
    origin = distance * np.array([1.0, 0, 0]) - pixels[1] / 2 * size[0] * fast - pixels[0] / 2 * size[1] * slow
    return jb.FlatPanel(pixels, pixel_size, origin, fast, slow, **arguments)


def tilted_panel(pixels=(32, 32), pixel_size=(1e-3, 0.8e-3), **arguments) -> jb.FlatPanel:
    """A panel off the beam and turned about three axes, with pixels that are not square."""
    turn = Rotation.from_euler("xyz", [7, -12, 20], degrees=True).as_matrix()
    return jb.FlatPanel(pixels, pixel_size, [0.09, 0.02, -0.018], turn @ [0, 0, 1.0], turn @ [0, -1.0, 0], **arguments)


def crystal(**arguments) -> jb.Crystal:
    """A small triclinic crystal, a little out of every setting."""
    arguments = {"cells": (7, 6, 5), "misset": (10.0, -20.0, 30.0), **arguments}
    return jb.Crystal((41.0, 52.0, 63.0, 82.0, 97.0, 105.0), **arguments)


def structure_factors(seed: int = 0, default: float = 25.0) -> jb.StructureFactors:
    """A table that serves the middle of the images below and leaves their corners to the default."""
    values = np.random.default_rng(seed).uniform(10.0, 100.0, (9, 11, 13))
    return jb.StructureFactors(values, (-4, -5, -6), default)


def experiment(**parts) -> jb.Experiment:
    """A beam on a crystal before a panel, any part of which can be given."""
    parts = {
        "beam": jb.Beam(1.1, polarization=0.4),
        "crystal": crystal(),
        "detector": panel(),
        "structure_factors": structure_factors(),
        **parts,
    }
    return jb.Experiment(**parts)


# The formula, plainly ------------------------------------------------------------------------------------------------


def textbook_vectors(crystal: jb.Crystal) -> np.ndarray:
    """Rows a, b, c [Å] in the laboratory, by way of a* along x and b* in the xy plane."""
    cell = crystal.cell
    a, b, c, *angles = (float(x) for x in (cell.a, cell.b, cell.c, cell.alpha, cell.beta, cell.gamma))
    (ca, cb, cg), (sa, sb, sg) = np.cos(np.radians(angles)), np.sin(np.radians(angles))
    volume = a * b * c * np.sqrt(1 - ca**2 - cb**2 - cg**2 + 2 * ca * cb * cg)
    star = b * c * sa / volume, c * a * sb / volume, a * b * sg / volume
    cos_alpha, cos_beta, cos_gamma = (cb * cg - ca) / (sb * sg), (cg * ca - cb) / (sg * sa), (ca * cb - cg) / (sa * sb)
    sin_gamma = np.sqrt(1 - cos_gamma**2)
    y = (cos_alpha - cos_beta * cos_gamma) / sin_gamma
    reciprocal = np.array(
        [
            [star[0], 0.0, 0.0],
            [star[1] * cos_gamma, star[1] * sin_gamma, 0.0],
            [star[2] * cos_beta, star[2] * y, star[2] * np.sqrt(1 - cos_beta**2 - y**2)],
        ]
    )
    turn = Rotation.from_euler("xyz", np.asarray(crystal.misset), degrees=True).as_matrix()
    if crystal.orientation is not None:
        turn = turn @ np.asarray(crystal.orientation)
    return np.linalg.inv((reciprocal @ turn.T).T)


def textbook_lattice(
    shape: str, index: np.ndarray, cells: np.ndarray, fudge: float, shear: np.ndarray | None = None
) -> np.ndarray:
    """F_latt² at real Miller indices [..., 3]."""
    if shape == "square":
        with np.errstate(invalid="ignore", divide="ignore"):
            ratio = np.sin(np.pi * cells * index) / np.sin(np.pi * index)
        return np.where(index == np.round(index), cells, ratio).prod(axis=-1) ** 2
    d, e, f = (0, 0, 0) if shear is None else shear
    matrix = np.diag(cells) + np.array([[0, d, f], [d, 0, e], [f, e, 0]])
    radius2 = fudge * (((index - np.round(index)) @ matrix) ** 2).sum(axis=-1)
    if shape == "gauss":
        value = np.exp(-radius2 / 0.63)
    elif shape == "tophat":
        value = (radius2 < 0.3969) * 1.0
    else:
        x = np.pi * np.sqrt(np.maximum(radius2, 1e-12))
        value = 0.723601254558268 * 3 * (np.sin(x) / x - np.cos(x)) / x**2
    return (np.linalg.det(matrix) * value) ** 2


def textbook_factor(factors: jb.StructureFactors, index: np.ndarray, interpolation: str) -> np.ndarray:
    """|F| at real Miller indices [..., 3], one look-up at a time."""
    box, low, default = np.asarray(factors.values), np.array(factors.minimum), float(factors.default)
    found = np.full(index.shape[:-1], default)
    for place in np.ndindex(*found.shape):
        h = index[place]
        if interpolation == "nearest":
            at = np.round(h).astype(int) - low
            if (at >= 0).all() and (at < box.shape).all():
                found[place] = box[tuple(at)]
            continue
        corner = np.floor(h).astype(int) - 1
        at = corner - low
        if (at >= 0).all() and (at + 4 <= box.shape).all():
            weights = [[_lagrange_weight(x, j) for j in range(4)] for x in h - corner]
            neighbours = box[at[0] : at[0] + 4, at[1] : at[1] + 4, at[2] : at[2] + 4]
            found[place] = np.einsum("i,j,k,ijk", *weights, neighbours)
    return found


def _lagrange_weight(x: float, node: int) -> float:
    others = [other for other in range(4) if other != node]
    return float(np.prod([(x - other) / (node - other) for other in others]))


def textbook_polarization(d: np.ndarray, beam: np.ndarray, axis: np.ndarray, factor: float) -> np.ndarray:
    """Kahn's formula with its angles 2θ and ψ."""
    magnetic = np.cross(axis, beam)
    magnetic /= np.linalg.norm(magnetic)
    electric = np.cross(beam, magnetic)
    electric /= np.linalg.norm(electric)
    cos2 = (d @ beam) ** 2
    psi = -np.arctan2(d @ magnetic, d @ electric)
    return 0.5 * (1 + cos2 - factor * np.cos(2 * psi) * (1 - cos2))


def textbook_image(experiment: jb.Experiment, options: jb.Options) -> np.ndarray:
    """The image of a single flat panel: a loop over layers, sub-pixels, sources and orientations."""
    beam, crystal, detector = experiment.beam, experiment.crystal, experiment.detector
    origin, fast, slow, normal, pixel = (
        np.asarray(getattr(detector, name), np.float64)
        for name in ("origin", "fast_axis", "slow_axis", "normal_axis", "pixel_size")
    )
    close = origin @ normal
    cells, fudge = np.asarray(crystal.cells), float(crystal.fudge)
    shape, n = options.shape or crystal.shape, options.oversample
    spindle = Rotation.from_rotvec(
        np.radians(np.asarray(experiment.scan.angles))[:, None] * np.asarray(experiment.scan.axis)
    )
    orientations = [
        textbook_vectors(crystal) @ (domain @ phi).T
        for phi in spindle.as_matrix()
        for domain in np.asarray(crystal.mosaic.rotations())
    ]
    directions, wavelengths, weights = (np.asarray(x) for x in textbook_sources(beam))
    sensor = detector.sensor
    image = np.zeros(detector.pixels)
    pixel_slow, pixel_fast = np.meshgrid(*(np.arange(count) for count in detector.pixels), indexing="ij")
    scale = THOMSON_AREA * float(beam.fluence)
    for layer in range(1 if sensor is None else sensor.layers):
        for sub_slow, sub_fast in np.ndindex(n, n):
            x, y = (pixel_fast + (sub_fast + 0.5) / n) * pixel[0], (pixel_slow + (sub_slow + 0.5) / n) * pixel[1]
            position = origin + x[..., None] * fast + y[..., None] * slow
            if sensor is not None:
                position = position + layer * float(sensor.layer_thickness) * normal
            distance = np.linalg.norm(position, axis=-1)
            d = position / distance[..., None]
            solid_angle = 1 / distance**2 if options.point_pixel else pixel.prod() / distance**2 * close / distance
            capture = 1.0
            if sensor is not None:
                path = float(sensor.layer_thickness) * float(sensor.attenuation) / (d @ normal)
                capture = np.exp(-layer * path) - np.exp(-(layer + 1) * path)
            for direction, wavelength, weight in zip(directions, wavelengths, weights, strict=True):
                q = (d - direction) / wavelength
                length = np.linalg.norm(q, axis=-1)
                factor = scale * weight / n**2 * solid_angle * capture
                if options.polarization:
                    factor = factor * textbook_polarization(
                        d, direction, np.asarray(beam.polarization_axis), float(beam.polarization)
                    )
                if experiment.background is not None:
                    water = experiment.background
                    molecule = np.interp(length / 2, np.asarray(water.stol), np.asarray(water.factor))
                    image += factor * float(water.molecules) * molecule**2
                factor = factor * (length * options.d_min <= 1)
                for vectors in orientations:
                    index = q @ vectors.T
                    amplitude = textbook_factor(experiment.structure_factors, index, options.interpolation)
                    lattice = textbook_lattice(shape, index, cells, fudge, np.asarray(crystal.shear))
                    image += factor * amplitude**2 * lattice / len(orientations)
    return image


def textbook_sources(beam: jb.Beam) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Photon directions, wavelengths and shares of all sources."""
    sources = beam.sources
    weights = np.asarray(sources.weights) / np.asarray(sources.weights).sum()
    if isinstance(sources, jb.AbsoluteSources):
        return np.asarray(sources.directions), np.asarray(sources.wavelengths), weights
    direction, axis = np.array(beam.direction), np.array(beam.polarization_axis)  # scipy refuses read-only ones
    across = np.cross(direction, axis)
    across /= np.linalg.norm(across)
    turned = [
        Rotation.from_rotvec(h * across).apply(Rotation.from_rotvec(v * axis).apply(direction))
        for h, v in zip(np.asarray(sources.horizontal), np.asarray(sources.vertical), strict=True)
    ]
    return np.array(turned), float(beam.wavelength) * np.asarray(sources.wavelength_ratios), weights
