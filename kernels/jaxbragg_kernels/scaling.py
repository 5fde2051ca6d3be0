"""What turns |F|² into photons: polarization, solid angle, absorption in the sensor, and the photon scale.

None of them depends on the crystal's orientation, so they stay outside the innermost loop.
"""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

THOMSON_AREA = 7.94079248018965e-30
"""Classical electron radius squared [m²]."""

_Number = Float[Array, "..."]


def polarization(
    diffracted: tuple[_Number, _Number, _Number],
    beam: Float[Array, "3"],
    axis: Float[Array, "3"],
    factor: Float[Array, ""],
) -> _Number:
    """Kahn's polarization factor ½(1 + cos²2θ − K cos 2ψ sin²2θ).

    With B = unit(axis × beam) and E = unit(beam × B), the diffracted direction d has sin²2θ cos 2ψ = (d·E)² − (d·B)²,
    which needs no angle ψ: value and derivative are finite at exact forward scattering too, where the factor is 1.

    Args:
        diffracted: Unit vectors to the pixels, by component.
        beam: Unit vector of the photons.
        axis: Direction of the electric field; where it is parallel to the beam, ψ = 0.
        factor: Kahn's K, −1 … 1; 0 is unpolarized.

    References:
        Kahn, Fourme, Gadet, Janin, Dumas & André (1982), J. Appl. Cryst. 15, 330; `polarization_factor` of the C
        program.
    """
    return polarized(diffracted, polarization_frame(beam, axis), factor)


class PolarizationFrame(NamedTuple):
    """What the polarization factor has of a beam alone.

    Attributes:
        electric, magnetic: Unit vectors E and B across the beam.
        sign: −1; 1 where the axis is along the beam, and ψ is 0.
    """

    electric: Float[Array, "*many 3"]
    magnetic: Float[Array, "*many 3"]
    sign: Float[Array, "*many"]


def polarization_frame(beam: Float[Array, "3"], axis: Float[Array, "3"]) -> PolarizationFrame:
    """E and B of `polarization`.

    Args:
        beam: Unit vector of the photons.
        axis: Direction of the electric field.
    """
    # Along the beam the axis says nothing: any other will do, and ψ is 0.
    undefined = (axis * axis).sum() - (axis * beam).sum() ** 2 < 1e-12 * (axis * axis).sum()
    other = jnp.where(jnp.abs(beam[0]) < 0.9, jnp.array([1.0, 0, 0], beam.dtype), jnp.array([0, 1.0, 0], beam.dtype))
    magnetic = _unit(_cross(jnp.where(undefined, other, axis), beam))
    return PolarizationFrame(_unit(_cross(beam, magnetic)), magnetic, jnp.where(undefined, 1.0, -1.0))


def polarized(
    diffracted: tuple[_Number, _Number, _Number], frame: PolarizationFrame, factor: Float[Array, ""]
) -> _Number:
    """The factor of `polarization`, of one beam; or of many, one for each row of the directions.

    Args:
        diffracted: Unit vectors to the pixels, by component.
        frame: Of the beam, or of as many as there are rows.
        factor: Kahn's K.
    """
    dtype = diffracted[0].dtype
    one = frame.sign.ndim == 0
    columns = [v if one else v.T[:, :, None] for v in (frame.electric, frame.magnetic)]
    along, across = (_dot(diffracted, v.astype(dtype)) for v in columns)
    # 1 + cos²2θ = 2 − (d·E)² − (d·B)²: exact where 2θ is small
    in_plane, out_of_plane = along * along, across * across
    sign = (frame.sign if one else frame.sign[:, None]).astype(dtype)
    return 1.0 - 0.5 * (in_plane + out_of_plane + factor.astype(dtype) * (in_plane + sign * out_of_plane))


def solid_angle(
    distance: _Number,
    nearer: _Number,
    area: Float[Array, "..."],
    plane_distance: _Number,
    *,
    point_pixel: bool = False,
) -> _Number:
    """Solid angle of a pixel [sr], in the type of `nearer`.

    Args:
        distance: Sample to the middle of the pixel's tile [m].
        nearer: That over the distance from the sample to the pixel, R.
        area: Of the pixel [m²].
        plane_distance: Of the pixel's plane from the sample, along its normal [m].
        point_pixel: Take 1/R² [1/m²] instead.
    """
    if point_pixel:
        return (1.0 / distance**2).astype(nearer.dtype) * (nearer * nearer)
    return (area * plane_distance / distance**3).astype(nearer.dtype) * (nearer * nearer * nearer)


def capture_fraction(
    obliquity: _Number, layer: Float[Array, ""], layer_thickness: Float[Array, ""], attenuation: Float[Array, ""]
) -> _Number:
    """Share of the photons that stop in one layer of the sensor.

    Args:
        obliquity: Cosine between the photon's direction and the sensor's normal.
        layer: Its number, 0 in front.
        layer_thickness: [m].
        attenuation: Attenuation coefficient µ of the sensor [1/m].
    """
    path = layer_thickness * attenuation / obliquity
    return -jnp.exp(-layer * path) * jnp.expm1(-path)


def photon_scale(fluence: Float[Array, ""], volume: Float[Array, ""], steps: int) -> Float[Array, ""]:
    """Photons for one unit of summed |F|²·(F_latt / det N)².

    Args:
        fluence: [photons/m²].
        volume: Unit cells in the crystal, det N; Na Nb Nc where N is a diagonal.
        steps: Sub-pixels × φ steps × mosaic domains that the sum runs over.
    """
    return THOMSON_AREA * fluence * volume * volume / steps


def _dot(a: tuple[_Number, _Number, _Number], b: Float[Array, "3"]) -> _Number:
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


def _cross(a: Float[Array, "3"], b: Float[Array, "3"]) -> Float[Array, "3"]:
    return jnp.stack([a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]])


def _unit(a: Float[Array, "3"]) -> Float[Array, "3"]:
    # By components: else XLA makes a Triton kernel of it for GPUs, which takes in what uses the vector, down to the
    # drawing of spots, by tiles of 1024 × 16 numbers; a thread of that spilled 17 kB (jax 0.10.2).
    return a / jnp.sqrt(a[0] * a[0] + a[1] * a[1] + a[2] * a[2])
