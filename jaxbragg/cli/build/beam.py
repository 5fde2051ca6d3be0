"""Flags → beam, sources and background."""

import numpy as np

from jaxbragg.cli.build.memory import check_list
from jaxbragg.cli.build.notes import Notes
from jaxbragg.cli.build.sample import profile_of
from jaxbragg.cli.build.sampling import dispersion_grid, divergence_grid, divergence_pairs, wavelength_ratios
from jaxbragg.cli.build.spectra import spectrum_of
from jaxbragg.cli.errors import UsageError
from jaxbragg.cli.scanner import Scanned
from jaxbragg.io import read_sources
from jaxbragg.models import (
    AbsoluteSources,
    AbstractProfile,
    Beam,
    GaussianProfile,
    GaussianSources,
    RelativeSources,
    SpectrumTable,
    TophatProfile,
)
from jaxbragg.models.beam import polarization_of_stokes
from jaxbragg.models.sources import AbstractSources
from jaxbragg.units import (
    METRE_IN_ANGSTROM,
    MILLIMETRE,
    MILLIRADIAN,
    PERCENT,
    UNIT_FLUENCE,
    wavelength_from_energy,
)

DEFAULT_BEAM_SIZE = 1e-4
_GRID = ("dispersion", "dispsteps", "divergence", "hdivrange", "vdivrange", "hdivstep", "vdivstep", "divsteps",
         "hdivsteps", "vdivsteps")  # fmt: skip


def build_beam(
    scanned: Scanned,
    direction: np.ndarray,
    polarization_axis: np.ndarray,
    notes: Notes,
    placed: AbstractSources | None = None,
) -> Beam:
    """The beam.

    Args:
        scanned: Flags.
        direction: Unit vector of the photons, of the detector's convention.
        polarization_axis: Unit vector of the electric field, not along the beam.
        notes: For the log.
        placed: Sources of a --geometry, where no flag says others.

    Raises:
        FileError: If the source file is missing or broken.
        UsageError: If flags contradict each other.
    """
    wavelength = wavelength_of(scanned, notes)
    others = any(name in scanned for name in ("sourcefile", *_GRID))
    sources = _sources(scanned, direction, wavelength, notes) if placed is None or others else placed
    across, up = scanned.numbers("divergence_gauss") or (0.0, 0.0)
    gauss = [name for name in ("bandwidth", "divergence_gauss") if name in scanned]
    if gauss:
        if others:
            idle = next(name for name in ("sourcefile", *_GRID) if name in scanned)
            raise UsageError(f"-{idle} contradicts --{gauss[0].replace('_', '-')}, which says all of the sources")
        share = (scanned.number("bandwidth") or 0.0) * PERCENT
        sources = GaussianSources(share, across * MILLIRADIAN, up * MILLIRADIAN)
    profile = profile_of(scanned, notes)
    fluence, spectrum = _fluence(scanned, notes, profile), spectrum_of(scanned, wavelength, notes)
    polarization, polarization_axis = _polarization(scanned, direction, polarization_axis)
    if spectrum is not None:
        if others:
            idle = next(name for name in ("sourcefile", *_GRID) if name in scanned)
            given = next(name for name in ("spectrum", "sase", "two_colors") if name in scanned)
            raise UsageError(f"-{idle} contradicts --{given.replace('_', '-')}, which says all of the spectrum")
        table, energy = spectrum
        sources = SpectrumTable(
            table.wavelengths, table.weights, table.bandwidths, across * MILLIRADIAN, up * MILLIRADIAN
        )
        fluence = fluence * energy
    return Beam(
        wavelength,
        direction=direction,
        polarization_axis=polarization_axis,
        polarization=polarization,
        fluence=fluence,
        sources=sources,
        profile=profile,
    )


def _polarization(scanned: Scanned, direction: np.ndarray, axis: np.ndarray) -> tuple[float, np.ndarray]:
    """Kahn's factor, and the axis that it is about.

    Raises:
        UsageError: If --stokes contradicts another flag, or cannot be.
    """
    stokes = scanned.numbers("stokes")
    if stokes is None:
        return scanned.number("polar") or 0.0, axis
    if "polar" in scanned or "compat" in scanned:
        raise UsageError(f"--stokes contradicts {'-polar' if 'polar' in scanned else '--compat'}")
    try:
        factor, turned = polarization_of_stokes(stokes, direction, axis)
    except ValueError as error:
        raise UsageError(f"--stokes: {error}") from None
    return factor, turned


def wavelength_of(scanned: Scanned, notes: Notes) -> float:
    """λ [Å] of -lambda or -energy, the last of them; 1 Å where neither is given."""
    last = scanned.last("lambda", "energy")
    if "lambda" in scanned and "energy" in scanned:
        notes.warn(f"-lambda and -energy are both given: -{last} was given last and is used")
    if last == "energy":
        return wavelength_from_energy(scanned.number("energy") or 0.0)
    return scanned.number("lambda") or 1.0


def beam_size(scanned: Scanned) -> float:
    """Full width of the beam [m]."""
    size = scanned.number("beamsize")
    return DEFAULT_BEAM_SIZE if size is None else size * MILLIMETRE


def _used(name: str, scanned: Scanned) -> bool:
    """Whether another flag than -flux makes something of it."""
    others = {"exposure": ("dead_time",), "beamsize": ("liquid", "air", "helium", "ice")}[name]
    return any(other in scanned for other in others)


def _fluence(scanned: Scanned, notes: Notes, profile: AbstractProfile | None) -> float:
    """[photons/m²], of -fluence or of -flux, -exposure and -beamsize or the beam's profile."""
    flux = scanned.number("flux")
    if flux is None:
        idle = [f"-{name}" for name in ("exposure", "beamsize") if name in scanned and not _used(name, scanned)]
        if idle and not (idle == ["-beamsize"] and _sized(scanned)):
            notes.warn(f"{' and '.join(idle)} without -flux: the fluence is not changed")
        fluence = scanned.number("fluence")
        return UNIT_FLUENCE if fluence is None else fluence
    exposure = scanned.number("exposure")
    area = beam_size(scanned) ** 2
    photons = flux * (1.0 if exposure is None else exposure)
    computed = photons / area if area > 0 else np.inf
    if isinstance(profile, GaussianProfile):
        computed = float(profile.fluence(photons))
    elif isinstance(profile, TophatProfile):
        computed = photons / float(np.prod(np.asarray(profile.widths)))
    if profile is not None and "beamsize" in scanned and not _used("beamsize", scanned):
        raise UsageError("-beamsize contradicts --beam-fwhm and --beam-box, which say how wide the beam is")
    if not np.isfinite(computed):
        raise UsageError("-flux, -exposure and -beamsize give more photons per area than a number holds")
    if "fluence" in scanned and scanned.last("flux", "exposure", "beamsize", "fluence") == "fluence":
        notes.warn("-flux and -fluence are both given: -fluence was given last and is used")
        return scanned.number("fluence") or 0.0
    if "fluence" in scanned:
        notes.warn("-flux and -fluence are both given: -flux was given last and is used")
    notes.say(f"fluence from flux, exposure and beam size: {computed:g} photons/m²")
    return computed


def _sized(scanned: Scanned) -> bool:
    return any(name in scanned for name in ("samplesize", "sample_thick", "sample_width", "sample_height"))


def _sources(scanned: Scanned, direction: np.ndarray, wavelength: float, notes: Notes) -> AbstractSources:
    if path := scanned.text("sourcefile"):
        grid_flags = [f"-{name}" for name in (*_GRID, "round_div", "square_div") if name in scanned]
        if grid_flags:
            notes.warn(f"-sourcefile gives all sources: {', '.join(grid_flags)} left out")
        return _sources_of_file(path, direction, wavelength)
    horizontal = divergence_grid(*_angles(scanned, "h"))
    vertical = divergence_grid(*_angles(scanned, "v"))
    percent = scanned.number("dispersion")
    dispersion = dispersion_grid(None if percent is None else percent * PERCENT, scanned.whole("dispsteps"))
    for flag, asked, grid in (
        ("dispsteps", scanned.whole("dispsteps"), dispersion),
        ("hdivsteps", _last_whole(scanned, "divsteps", "hdivsteps"), horizontal),
        ("vdivsteps", _last_whole(scanned, "divsteps", "vdivsteps"), vertical),
    ):
        if asked is None or asked == grid.count:
            continue
        if flag == "dispsteps" and not percent:
            notes.warn(f"-dispsteps {asked} without a bandwidth (-dispersion): one wavelength is simulated")
        else:
            notes.warn(f"-{flag} {asked} cannot be with the range or step given: {grid.count} steps are taken")
    check_list(
        scanned,
        "sources (wavelengths × directions: -dispsteps, -hdivsteps, -vdivsteps and their steps)",
        horizontal.count * vertical.count * dispersion.count,
    )
    square = scanned.last("round_div", "square_div") == "square_div"
    pairs = divergence_pairs(horizontal, vertical, round_=not square)
    ratios = wavelength_ratios(dispersion)
    if (ratios <= 0).any():
        raise UsageError(f"-dispersion {percent:g} reaches wavelengths of zero or less: it must stay below 200 %")
    if len(pairs[0]) == 0:
        raise UsageError("no source is left of the divergence grid once its corners are cut: try -square_div")
    return RelativeSources.grid(*pairs, ratios)


def _last_whole(scanned: Scanned, *names: str) -> int | None:
    last = scanned.last(*names)
    return None if last is None else scanned.whole(last)


def _angles(scanned: Scanned, axis: str) -> tuple[float | None, float | None, int | None]:
    """Range and step [rad], count, of one direction of the divergence."""
    last = scanned.last("divergence", f"{axis}divrange")
    span = None if last is None else (scanned.number(last) or 0.0) * MILLIRADIAN
    step = scanned.number(f"{axis}divstep")
    return span, None if step is None else step * MILLIRADIAN, _last_whole(scanned, "divsteps", f"{axis}divsteps")


def _sources_of_file(path: str, direction: np.ndarray, wavelength: float) -> AbsoluteSources:
    """Sources whose photons travel from their place to the sample; what a line leaves out is taken from the beam."""
    table = read_sources(path)
    position = table[:, :3]
    position = np.where(np.isnan(position).any(axis=1, keepdims=True), -10.0 * direction, position)
    directions = -position / np.linalg.norm(position, axis=1, keepdims=True)
    weights = np.where(np.isnan(table[:, 3]), 1.0, table[:, 3])
    if weights.sum() == 0:
        raise UsageError(f"-sourcefile {path}: all intensities are zero")
    wavelengths = np.where(np.isnan(table[:, 4]), wavelength, table[:, 4] * METRE_IN_ANGSTROM)
    return AbsoluteSources(directions, wavelengths, weights)
