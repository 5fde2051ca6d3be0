"""Pulses of a free-electron laser by self-amplified spontaneous emission: spikes that differ from shot to shot."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxbragg.models import checks
from jaxbragg.models.gaussian import SpectrumTable
from jaxbragg.units import HC_EV_ANGSTROM
from jaxbragg_kernels.numerics import with_numerics

_HBAR = 0.6582119569  # [eV fs]
_FWHM = 2.0 * np.sqrt(2.0 * np.log(2.0))
_REACH = 4.0  # standard deviations of the mean spectrum and of the pulse that are computed
_FINE = 6.0  # points to a spike's standard deviation


class SasePulse(NamedTuple):
    """One pulse.

    Attributes:
        sources: Its spectrum: lines that overlap.
        energy: Of the pulse, 1 on average: the beam's fluence is to be multiplied by it.
    """

    sources: SpectrumTable
    energy: Float[Array, ""]


def sase_pulse(key: Array, wavelength: Any, bandwidth: Any = 2e-3, duration: Any = 20.0, lines: int = 128) -> SasePulse:
    """A random pulse; under `jax.jit` and `jax.vmap` over keys, too.

        pulse = jb.sase_pulse(jax.random.key(0), 1.0)
        beam = jb.Beam(1.0, fluence=1e24 * pulse.energy, sources=pulse.sources)

    Noise of the mean spectrum's power, cut by the pulse's envelope: the spectrum has spikes as wide as the pulse is
    short, with the exponential distribution of chaotic light, and pulses have energies of a gamma distribution of
    variance 1/M, M = √(1 + 4 σ_ω² σ_t²).

    Args:
        key: Of `jax.random`.
        wavelength: Mean [Å].
        bandwidth: Full width at half maximum of the mean spectrum, as a share of the energy.
        duration: Full width at half maximum of the pulse's power [fs].
        lines: Of the table. Spikes narrower than the lines are averaged.

    Raises:
        ValueError: If a number is not positive, or the pulse would need more than 2²⁰ points.

    References:
        Pfeifer, Jiang, Düsterer, Moshammer & Ullrich (2010), Opt. Lett. 35, 3441 (partial coherence); Saldin,
        Schneidmiller & Yurkov (1998), Opt. Commun. 148, 383 (its statistics).
    """
    for name, value in (("wavelength", wavelength), ("bandwidth", bandwidth), ("duration", duration)):
        checks.positive(name, checks.leaf(name, value))
    checks.concrete("bandwidth", bandwidth, "the number of points depends on it")
    checks.concrete("duration", duration, "the number of points depends on it")
    checks.concrete("wavelength", wavelength, "the number of points depends on it")
    checks.count("lines", lines, 2)
    energy = HC_EV_ANGSTROM / float(wavelength)
    wide = float(bandwidth) * energy / _FWHM  # standard deviations of powers [eV], [fs]
    long = float(duration) / _FWHM
    spike = _HBAR / (2.0 * long)
    # From −reach to reach in energy, in steps that resolve a spike: the time that they span holds the pulse.
    points = 1 << int(np.ceil(np.log2(2.0 * _REACH * np.hypot(wide, spike) / spike * _FINE)))
    if points > 1 << 20:
        raise ValueError(
            f"Argument `duration` must be shorter, or `bandwidth` narrower: {points} points would be needed."
        )
    shape = _Shape(energy, wide, long, 2.0 * _REACH * float(np.hypot(wide, spike)), points, lines)
    weights, total = with_numerics(_drawn)(shape, key)
    middles, widths = _lines(shape)
    return SasePulse(SpectrumTable(HC_EV_ANGSTROM / middles, weights, widths / middles), total)


class _Shape(NamedTuple):
    energy: float
    wide: float
    long: float
    span: float
    points: int
    lines: int


def _lines(shape: _Shape) -> tuple[np.ndarray, np.ndarray]:
    """Middles of the lines and their standard deviations [eV]."""
    edges = shape.energy + shape.span * (np.arange(shape.lines + 1) / shape.lines - 0.5)
    return 0.5 * (edges[1:] + edges[:-1]), np.full(shape.lines, 0.7 * shape.span / shape.lines)


def _drawn(shape: _Shape, key: Array) -> tuple[Float[Array, "line"], Float[Array, ""]]:
    """Power in each line, and in all of them, 1 on average."""
    step = shape.span / shape.points
    offset = step * (np.arange(shape.points) - shape.points // 2)
    amplitude = np.exp(-0.25 * (offset / shape.wide) ** 2)
    # Of float32: under a caller's vmap with float64 off, others would be made of bits that are not there.
    phases = 2.0 * np.pi * jax.random.uniform(key, (shape.points,), jnp.float32).astype(jnp.float64)
    noise = jnp.fft.ifft(jnp.fft.ifftshift(amplitude * jnp.exp(1j * phases)))
    time = 2.0 * np.pi * _HBAR / shape.span * np.fft.fftfreq(shape.points, 1.0 / shape.points)
    envelope = np.exp(-0.25 * (time / shape.long) ** 2)
    power = jnp.abs(jnp.fft.fftshift(jnp.fft.fft(noise * envelope))) ** 2
    # Of the noise every time has the same mean power, so that the mean of all pulses is that of the envelope.
    mean = (amplitude**2).sum() / shape.points * (envelope**2).sum()
    power = power / mean
    which = np.minimum(np.arange(shape.points) * shape.lines // shape.points, shape.lines - 1)
    return jnp.zeros(shape.lines).at[which].add(power), power.sum()
