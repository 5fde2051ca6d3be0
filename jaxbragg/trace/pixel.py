"""Every factor of one pixel, step by step, from the same kernels as the image."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from jaxbragg.models import AbstractDetector, CurvedDetector, Experiment, FlatPanel, MultiPanel
from jaxbragg.models.components import only_component
from jaxbragg.options import Options
from jaxbragg.pipeline.arrays import Arrays, unpack
from jaxbragg.pipeline.blocks import crystal_of, numbered_sources, polarization_of, simulate_tiles
from jaxbragg.pipeline.geometry import Subpixel, subpixels_of, view_of_tiles
from jaxbragg.pipeline.plan import Plan
from jaxbragg.pipeline.sampled import angles_of
from jaxbragg.pipeline.settings import Settings, make_settings
from jaxbragg.pipeline.threshold import with_threshold
from jaxbragg.pipeline.tiles import place_of_tiles
from jaxbragg.trace.record import PixelTrace, Step
from jaxbragg_kernels import scaling
from jaxbragg_kernels.numerics import numerics
from jaxbragg_kernels.orientations import Choices
from jaxbragg_kernels.orientations.one import indices, intensity, lattice_factor
from jaxbragg_kernels.rays import Rays
from jaxbragg_kernels.shapes import SHAPES


def trace_pixel(
    experiment: Experiment,
    options: Options,
    slow: int,
    fast: int,
    *,
    panel: int = 0,
    phi: Sequence[float] | None = None,
) -> PixelTrace:
    """Every factor of one pixel. The image is not computed.

    Args:
        experiment: What is in the beam, and where.
        options: How it is simulated; `options.precision` is that of the trace.
        slow: Of the pixel.
        fast: Of the pixel.
        panel: Of the pixel.
        phi: Spindle angles to be written for the steps [deg], where the orientations are not those of the angles, as
            in compat mode.

    Raises:
        ValueError: If the pixel is not simulated: off the detector, outside the region of interest, or masked; or the
            experiment has several crystals, or one beside the sample's place: trace one of `jb.components`.
    """
    experiment = only_component(experiment)
    settings = make_settings(experiment, options)
    plan = settings.plan
    _check_pixel(experiment, plan, panel, slow, fast)
    row, column = (slow - plan.first[0]) // plan.tile, (fast - plan.first[1]) // plan.tile
    tile = (panel * plan.tiles_slow + row) * plan.tiles_fast + column
    # The tile of the image, not the pixel alone: in mixed precision the middle of the tile counts.
    inside = slow % plan.tile * plan.tile + fast % plan.tile
    with numerics():
        factors, steps = _trace(experiment, settings, jnp.asarray([tile]), jnp.asarray(inside))
    (where,) = steps.devices()
    angles: np.ndarray = angles_of(experiment, options) if phi is None else np.asarray(phi)[None]
    return PixelTrace(
        slow=slow,
        fast=fast,
        panel=panel,
        precision=options.precision,
        factors=_by_key(experiment.detector, panel, options, jax.tree.map(np.asarray, factors), np.asarray(steps)),
        steps=_steps(options, angles, np.asarray(steps)),
        device=where.device_kind,
    )


def _check_pixel(experiment: Experiment, plan: Plan, panel: int, slow: int, fast: int) -> None:
    if not (0 <= slow < plan.slow and 0 <= fast < plan.fast and 0 <= panel < plan.panels):
        raise ValueError(
            f"Pixel slow {slow}, fast {fast} is not on the detector: "
            f"slow 0 … {plan.slow - 1}, fast 0 … {plan.fast - 1}."
        )
    if not (plan.roi[2] <= slow <= plan.roi[3] and plan.roi[0] <= fast <= plan.roi[1]):
        raise ValueError(
            f"Pixel slow {slow}, fast {fast} is outside the region of interest: "
            f"slow {plan.roi[2]} … {plan.roi[3]}, fast {plan.roi[0]} … {plan.roi[1]}."
        )
    mask = experiment.detector.mask
    if mask is not None and not bool(mask[panel, slow, fast]):
        raise ValueError(f"Pixel slow {slow}, fast {fast} is masked, or beyond its panel: nothing is simulated there.")


@partial(jax.jit, static_argnames="settings")
def _trace(
    experiment: Experiment, settings: Settings, tile: Int[Array, "1"], inside: Int[Array, ""]
) -> tuple[dict[str, Float[Array, "..."]], Float[Array, "subpixel source orientation 8"]]:
    arrays, volume, plan = unpack(experiment, settings), experiment.crystal.volume(), settings.plan
    tiles = place_of_tiles(plan, tile)
    subpixels = subpixels_of(arrays.detector, settings)

    def per_subpixel(subpixel: Subpixel) -> tuple[Any, Any]:
        view = view_of_tiles(arrays, settings, tiles, subpixel)
        seen = view.directions

        def per_source(source: Any) -> tuple[Any, Any]:
            direction, wavelength, _, *number = source
            rays = Rays(direction, wavelength, seen)
            crystal = crystal_of(arrays, *number)
            step = partial(_step, arrays._replace(crystal=crystal), settings, rays)
            steps = jax.lax.map(lambda cell: step(cell, volume)[:, inside], crystal.orientations)
            polar = jnp.ones_like(view.solid_angle)
            if settings.options.polarization:
                polar = polarization_of(arrays, rays)
            return polar[0, inside], steps

        polar, steps = jax.lax.map(per_source, numbered_sources(arrays))
        unit = [seen.middle[0, i] + seen.step[i][0, inside].astype(seen.middle.dtype) for i in range(3)]
        at = {
            "unit": jnp.stack(unit),
            "distance": seen.distance[0] / seen.nearer[0, inside],
            "omega": view.solid_angle[0, inside],
            "capture": jnp.broadcast_to(view.capture, view.solid_angle.shape)[0, inside],
            "polar": polar,
        }
        return at, steps

    at, steps = jax.lax.map(per_subpixel, subpixels)
    panel, row, column = (number[0] for number in tiles)
    first_slow = plan.first[0] + plan.tile * row + inside // plan.tile + subpixels.slow[0]
    first_fast = plan.first[1] + plan.tile * column + inside % plan.tile + subpixels.fast[0]
    return {
        **at,
        "position": arrays.detector.position(panel, first_slow, first_fast),
        "close_distance": arrays.detector.plane_distance(panel, first_slow, first_fast),
        "directions": arrays.sources[0],
        "wavelengths": arrays.sources[1],
        "cell": arrays.crystal.orientations.reshape(-1, 3, 3)[0],
        "fluence": experiment.beam.fluence,
        "blocks": experiment.crystal.blocks,
        "final": simulate_tiles(with_threshold(arrays, settings), settings, tile)[0, inside],
    }, steps  # type: ignore[return-value]


def _step(
    arrays: Arrays, settings: Settings, rays: Rays, cell: Float[Array, "3 3"], volume: Float[Array, ""]
) -> Float[Array, "8 pixel"]:
    """h, k, l, |F|, F_latt and its three factors for one term of the sum, of the pixels of the tile."""
    crystal, shape = arrays.crystal, settings.shape
    choices = Choices(shape, settings.options.interpolation)
    # The image's own kernel with a lattice factor of 1.
    flat = crystal._replace(metric=jnp.zeros_like(crystal.metric), phase_size=None)
    whole, offsets, nearest = indices(cell, crystal, rays, shape)
    lattice_squared = lattice_factor(offsets, crystal, shape)
    cell_squared = intensity(cell, flat, rays, choices._replace(shape=SHAPES["gauss"]))
    wholes = [w + near.astype(w.dtype) for w, near in zip(whole, nearest, strict=True)]
    index = [w + delta.astype(w.dtype) for w, delta in zip(wholes, offsets.delta, strict=True)]
    size = shape.size(crystal.n_cells, crystal.metric)
    points = tuple(w.astype(delta.dtype) for w, delta in zip(wholes, offsets.delta, strict=True))
    sign, axes = shape.sign(offsets, points, size), shape.axes(offsets, points, size)
    amplitude = sign * volume.astype(sign.dtype) * jnp.sqrt(lattice_squared)
    values = [*index, jnp.sqrt(cell_squared), amplitude, *axes]
    return jnp.stack([jnp.broadcast_to(value, sign.shape)[0].astype(jnp.float64) for value in values])


def _steps(options: Options, phi: np.ndarray, steps: np.ndarray) -> tuple[Step, ...]:
    """Records of all steps; the orientations are φ steps × domains, domains fastest, of all sources or of each."""
    n = options.oversample
    domains = steps.shape[2] // phi.shape[1]
    records = []
    for sample, source, orientation in np.ndindex(steps.shape[:3]):
        layer, sub = divmod(sample, n * n)
        tic, domain = divmod(orientation, domains)
        which = (layer, sub // n, sub % n, source, tic, domain)
        numbers = [float(value) for value in steps[sample, source, orientation]]
        records.append(Step(*which, float(phi[source % phi.shape[0], tic]), *numbers))
    return tuple(records)


def _by_key(
    detector: AbstractDetector, panel: int, options: Options, found: Mapping[str, np.ndarray], steps: np.ndarray
) -> dict[str, tuple[float, ...]]:
    """The factors under the C program's keys: what varies is that of the first step, except the corrections.

    These are the ones in force at the end of the pixel: the last ones, or with `corrections="first"` the first ones.
    """
    wavelength = found["wavelengths"][0]
    unit, direction = found["unit"][0], found["directions"][0]
    once = options.corrections == "first"
    last_layer = len(found["omega"]) - options.oversample**2
    h, k, l, f_cell, f_latt = steps[0, 0, 0, :5]
    values: dict[str, Any] = {
        **_panel_vectors(detector, panel),
        "pixel_pos_meters": found["position"],
        "R_distance_meters": found["distance"][0],
        "omega_pixel_sr": found["omega"][0],
        "close_distance_meters": found["close_distance"],
        "obliquity_factor": found["close_distance"] / found["distance"][0],
        "diffracted_vec": unit,
        "incident_vec": direction,
        "lambda_meters": wavelength * 1e-10,
        "scattering_vec_A_inv": (unit - direction) / wavelength,
        "rot_a_angstroms": found["cell"][0],
        "rot_b_angstroms": found["cell"][1],
        "rot_c_angstroms": found["cell"][2],
        "hkl_frac": (h, k, l),
        "hkl_rounded": np.round((h, k, l)),
        "F_latt": f_latt,
        "F_cell": f_cell,
        "I_before_scaling": ((steps[..., 3] * steps[..., 4]) ** 2).sum(),
        "r_e_sqr": scaling.THOMSON_AREA,
        "fluence_photons_per_m2": found["fluence"],
        "steps": options.oversample**2 * steps.shape[1] * steps.shape[2],
        "capture_fraction": found["capture"][last_layer if once else -1],
        "polar": found["polar"][0, 0] if once else found["polar"][-1, -1],
        "omega_pixel": found["omega"][0 if once else -1],
        "cos_2theta": found["unit"][-1] @ found["directions"][-1],
        "I_pixel_final": found["final"],
    }
    if float(found["blocks"]) != 1.0:  # which the C program does not know
        values["blocks"] = found["blocks"]
    return {key: tuple(float(v) for v in np.atleast_1d(value)) for key, value in values.items()}


def _panel_vectors(detector: AbstractDetector, panel: int) -> dict[str, Any]:
    """Origin and axes of the pixel's panel, where it has such; of a curved detector those of the flat one it is."""
    if isinstance(detector, MultiPanel):
        detector = detector.panels[panel]
    detector = getattr(detector, "curved", detector)
    if isinstance(detector, FlatPanel):
        origin = np.asarray(detector.origin)
    elif isinstance(detector, CurvedDetector):
        fast, slow = np.asarray(detector.beam_center)
        origin = np.asarray(detector.direction) * float(detector.distance)
        origin = origin - fast * np.asarray(detector.fast_axis) - slow * np.asarray(detector.slow_axis)
    else:
        return {}
    return {
        "pix0_vector_meters": origin,
        "fdet_vec": np.asarray(detector.fast_axis),
        "sdet_vec": np.asarray(detector.slow_axis),
    }
