"""What a run prints: the experiment as it was understood, and what came of it."""

from collections.abc import Iterator

import jax
import jax.numpy as jnp
import numpy as np

from jaxbragg.cli.outputs import Statistics
from jaxbragg.cli.read import Setup
from jaxbragg.models import Experiment, GaussianMosaic, GaussianSources
from jaxbragg.models.unit_cell import cell_parameters, cell_volume, reciprocal_vectors
from jaxbragg.pipeline.sampled import steps_text
from jaxbragg.pipeline.settings import make_settings
from jaxbragg.pipeline.spots.closed_form import by_spots
from jaxbragg_kernels.numerics import numerics


def describe(setup: Setup) -> Iterator[str]:
    """The experiment, line by line."""
    # With numpy leaves the models answer in numpy: at once, where eager JAX would compile a hundred small operations.
    experiment, options = jax.tree.map(np.asarray, setup.experiment), setup.options
    crystal, beam, detector = experiment.crystal, experiment.beam, setup.detector
    vectors = np.asarray(experiment.scan.mounted(crystal.vectors()))
    yield "crystal"
    yield _line("cell", " ".join(f"{v:.6g}" for v in cell_parameters(vectors)) + " Å, deg")
    yield _line("volume", f"{cell_volume(vectors):.6g} Å³")
    for name, row in zip("abc", vectors, strict=True):
        yield _line(name, _vector(row) + " Å")
    for name, row in zip("abc", reciprocal_vectors(vectors), strict=True):
        yield _line(name + "*", _vector(row) + " 1/Å")
    if np.any(np.asarray(crystal.misset)):
        yield _line("misset", _vector(np.asarray(crystal.misset)) + " deg")
    cells = np.asarray(crystal.cells)
    size = cells * np.linalg.norm(vectors, axis=1) * 1e-4
    yield _line("size", f"{_times(cells)} cells, {_times(size)} µm, {options.shape or crystal.shape} spots")
    if (blocks := float(crystal.blocks)) != 1.0:
        whole = cell_volume(vectors) * 1e-12 * float(np.asarray(crystal.volume())) * blocks
        cube = f"as in a cube of {whole ** (1 / 3):.4g} µm"
        yield _line(
            "blocks", f"{blocks:.6g} of these, {whole:.4g} µm³ of crystal, {cube}: the Bragg part × {blocks:.6g}"
        )
    if isinstance(crystal.mosaic, GaussianMosaic):
        yield _line("mosaic", f"Gaussian, standard deviations {_vector(np.asarray(crystal.mosaic.spread))} deg")
    else:
        spread, domains = getattr(crystal.mosaic, "spread", None), crystal.mosaic.rotations().shape[0]
        yield _line("mosaic", f"{domains} domain(s)" + ("" if spread is None else f" within {float(spread):g} deg"))
    if crystal.cell_spread is not None:
        yield _line("cells", f"Gaussian, standard deviations {_vector(100 * np.asarray(crystal.cell_spread.spread))} %")
    yield "structure factors"
    factors = experiment.structure_factors
    if factors.has_table:
        *boxes, n_h, n_k, n_l = factors.amplitudes().shape
        ranges = [f"{low} … {low + n - 1}" for low, n in zip(factors.minimum, (n_h, n_k, n_l), strict=True)]
        each = f", of {boxes[0]} wavelengths" if boxes else ""
        yield _line("h k l", ", ".join(ranges) + f", {options.interpolation} look-up{each}")
    yield _line("elsewhere", f"{float(factors.default):g} electrons")
    yield "beam"
    directions, wavelengths, _ = (np.asarray(x) for x in beam.rays())
    yield _line("wavelength", f"{float(beam.wavelength):.8g} Å")
    yield _line("direction", _vector(np.asarray(beam.direction)))
    yield _line("polarized", f"{float(beam.polarization):g} along {_vector(np.asarray(beam.polarization_axis))}")
    yield _line("fluence", f"{float(beam.fluence):.8g} photons/m²")
    spread_text = ""
    if len(wavelengths) > 1 or wavelengths[0] != beam.wavelength:
        angle = np.degrees(np.arccos(np.clip(directions @ np.asarray(beam.direction), -1, 1))).max() * np.pi / 0.18
        spread_text = f", {wavelengths.min():.6g} … {wavelengths.max():.6g} Å, up to {angle:.4g} mrad off the beam"
    if isinstance(beam.sources, GaussianSources):
        width, across, up = (float(x) for x in (beam.sources.bandwidth, beam.sources.horizontal, beam.sources.vertical))
        widths = f"{width * 100:g} % of wavelength, {across * 1e3:g} and {up * 1e3:g} mrad"
        yield _line("sources", f"Gaussian, standard deviations {widths}")
    else:
        yield _line("sources", f"{len(wavelengths)}{spread_text}")
    yield from _describe_detector(setup)
    yield from _describe_beside(experiment)
    yield "steps"
    axis = _vector(np.asarray(experiment.scan.spindle()))
    if by_spots(setup.experiment, make_settings(setup.experiment, options, warns=False)):
        inside = f"{options.oversample}² sub-pixels × {_layers(detector.detector)} layer(s)"
        yield _line("by spots", f"in closed form, {inside} in each spot's box")
        if experiment.scan.width is not None:
            start = float(experiment.scan.angles[0])
            yield _line("phi", f"{start:g} … {start + float(experiment.scan.width):g} deg, evenly, about {axis}")
    else:
        inside = f"{options.oversample}² sub-pixels × {_layers(detector.detector)} layer(s)"
        yield _line("per pixel", f"{inside} × {steps_text(experiment, options)}")
        angles = np.asarray(experiment.scan.held)
        yield _line("phi", f"{angles[0]:g} … {angles[-1]:g} deg about {axis}")
    several = f"{options.devices} × " if (options.devices or 1) > 1 else ""
    yield _line("precision", f"{options.precision} on {several}{jax.devices()[0].device_kind}")


def _describe_beside(experiment: Experiment) -> Iterator[str]:
    """What there is beside beam, crystal and detector."""
    crystal = experiment.crystal
    for name, several in (
        ("background", experiment.backgrounds),
        ("absorbers", experiment.absorbers),
        ("sample", (crystal.damage, crystal.sizes, crystal.absorption)),
        ("stands on", (experiment.scan.goniometer,)),
        ("profile", (experiment.beam.profile,)),
        ("response", () if experiment.response is None else experiment.response.steps),
    ):
        if said := ", ".join(type(each).__name__ for each in several if each is not None):
            yield _line(name, said)
    if crystal.position is not None:
        yield _line("position", f"{_vector(np.asarray(crystal.position) * 1e6)} µm from the spindle and the beam")
    for i, lattice in enumerate(experiment.lattices):
        share = float(lattice.blocks) / float(crystal.blocks) if float(crystal.blocks) else 0.0
        cell = " ".join(f"{v:.6g}" for v in cell_parameters(np.asarray(lattice.vectors())))
        yield _line(f"lattice {i + 2}", f"{share:g} of the first, cell {cell}")


def _describe_detector(setup: Setup) -> Iterator[str]:
    detector = setup.detector
    place = detector.placement
    panels, slow, fast = detector.detector.shape
    yield "detector"
    several = f"{panels} panels of up to " if panels > 1 else ""
    kind = setup.frame.convention.name.upper()
    yield _line("pixels", f"{several}{fast} × {slow} of {detector.pixel * 1e3:g} mm, {kind}")
    if panels > 1:
        yield _line("panel", "the one nearest to the beam stands below")
    if abs(place.close_distance) < 1e-9 * abs(place.distance) or place.distance < 0:
        yield _line("distance", "none: behind the sample the beam does not reach it")
    else:
        yield _line("distance", f"{float(place.distance) * 1e3:.8g} mm to the beam spot")
    yield _line("nearest", f"{float(place.close_distance) * 1e3:.8g} mm at fast, slow {_mm(place.close_point)} mm")
    yield _line("Xbeam Ybeam", f"{_mm(detector.beam_center)} mm")
    yield _line("Fbeam Sbeam", f"{_mm(place.beam_spot)} mm")
    yield _line("origin", f"{_mm(place.origin)} mm (outer corner of the first pixel)")
    for name, axis in (("fast", place.fast), ("slow", place.slow), ("normal", place.normal)):
        yield _line(name, _vector(np.asarray(axis)))
    yield _line("pivot", detector.pivot)
    sensor = detector.detector.sensor
    if sensor is not None:
        yield _line(
            "sensor",
            f"{sensor.layers} layer(s), {float(sensor.layer_thickness) * 1e6:g} µm apart, attenuation depth "
            f"{1e6 / float(sensor.attenuation):g} µm",
        )


def describe_result(stats: Statistics, setup: Setup) -> Iterator[str]:
    """The statistics of the image, line by line."""
    pixel = setup.detector.pixel * 1e3
    panel = f"panel {stats.panel}, " if setup.experiment.detector.shape[0] > 1 else ""
    at = f"({(stats.fast + 0.5) * pixel:g}, {(stats.slow + 0.5) * pixel:g} mm)"
    place = f"{panel}slow {stats.slow}, fast {stats.fast} {at}"
    yield "image"
    yield _line("photons", f"{stats.total:.8g} in all")
    yield _line("brightest", f"{stats.largest:.8g} at {place}")
    yield _line("mean", f"{stats.mean:.6g}, rms {stats.rms:.6g}, rmsd {stats.rmsd:.6g}")


def pixel_lines(image: np.ndarray, setup: Setup) -> Iterator[str]:
    """`-printout`: place, spacing at its middle and photons of one pixel, or of every pixel simulated."""
    slow_count, fast_count = image.shape
    roi = setup.options.roi or (0, fast_count - 1, 0, slow_count - 1)
    if (chosen := setup.scanned.numbers("printout_pixel")) is not None:
        fast, slow = (int(v) for v in chosen)
        roi = (fast, fast, slow, slow)
    yield "    fast    slow       d [Å]         photons"
    detector = setup.experiment.detector
    wavelength = float(setup.experiment.beam.wavelength)
    columns = np.arange(roi[0], roi[1] + 1)
    with numerics():
        middles = jax.jit(jax.vmap(lambda slow, fast: detector.position(jnp.asarray(0), slow, fast), (None, 0)))
        for slow in range(roi[2], roi[3] + 1):
            position = np.asarray(middles(slow + 0.5, columns + 0.5))
            unit = position / np.linalg.norm(position, axis=1, keepdims=True)
            length = np.linalg.norm(unit - np.asarray(setup.frame.beam), axis=1)
            for fast, bend in zip(columns, length, strict=True):
                spacing = f"{wavelength / bend:12.6g}" if bend > 0 else "         inf"
                yield f"{fast:8d}{slow:8d}{spacing}  {image[slow, fast]:14.8g}"


def _line(name: str, text: str) -> str:
    return f"  {name:<12}{text}"


def _vector(vector: np.ndarray) -> str:
    return " ".join(f"{v:.8g}" for v in vector)


def _times(values: np.ndarray) -> str:
    return " × ".join(f"{v:g}" for v in values)


def _mm(values) -> str:
    return ", ".join(f"{float(v) * 1e3:.6g}" for v in values)


def _layers(detector) -> int:
    return 1 if detector.sensor is None else detector.sensor.layers
