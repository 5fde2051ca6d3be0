"""An experiment → the experiment that the C program would really have simulated.

nanoBragg has known errors, and images and papers that were made with them. The errors are put into the experiment here,
so that the pipeline itself stays right and simple; where they cannot be, they are an option with a name of its own
(`corrections="first"`, `spot_width="reciprocal"`). None of it is on unless asked for.
"""

from dataclasses import replace
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from jaxbragg.models import (
    AbstractBackground,
    AbstractDetector,
    AmorphousBackground,
    Crystal,
    CurvedDetector,
    Experiment,
    Scan,
    Sensor,
    UnitCell,
    checks,
)
from jaxbragg.models.components import is_plain, settled
from jaxbragg.models.minimal_standard import rotations
from jaxbragg.models.mosaic import CapMosaic, RoundedCapMosaic
from jaxbragg.models.unit_cell import cell_parameters, cell_vectors, cell_volume
from jaxbragg.options import Options
from jaxbragg.units import RADIANS, THOMSON_AREA
from jaxbragg_kernels import rotation
from jaxbragg_kernels.numerics import numerics
from jaxbragg_kernels.shapes import SHAPES, AbstractShape


def as_the_c_program_draws(
    experiment: Experiment, options: Options, *, layers_given: bool = True
) -> tuple[Experiment, Options]:
    """Put the C program's errors into an experiment.

    - A spindle step at φ = 0 keeps the orientation of the step before it; the first step that of the last.
    - Rotations of mosaic domains are rounded to float32.
    - A cell in its standard setting (given by its six numbers alone) has other angles where it is triclinic; gauss and
      tophat spots are then narrower by the ratio of its volume to that of the cell as given, or wider.
    - Polarization and solid angle are those of the first sub-pixel and source, the capture fraction that of the last
      layer there, times the sum over layers.
    - Sensor layers are thickness/(n−1) apart where their number is given.
    - Sources all weigh the same.
    - Gauss and tophat spots have a width in Å⁻¹ that depends on Na Nb Nc.
    - A curved detector is rotated the wrong way round. Its sensor's layers lie on one sphere, shifted as those of the
      flat detector are in the laboratory's y and z; solid angle and path through a layer are those of the flat plane.
    - The background is scaled by r_e² Φ / steps once more.

    Args:
        experiment: As it ought to be simulated.
        options: As it ought to be simulated.
        layers_given: Whether the user gave the number of sensor layers.

    Returns:
        Experiment and options for `simulate`.

    Raises:
        ValueError: If it has what the C program knows nothing of: a response, absorbers, a background of another class.
    """
    if experiment.response is not None:
        raise ValueError("Argument `experiment` must have no response: the C program's detector counts photons.")
    if experiment.absorbers:
        raise ValueError("Argument `experiment` must have no absorbers: the C program knows of none.")
    if not is_plain(experiment) or experiment.crystal.damage is not None or experiment.beam.profile is not None:
        raise ValueError(
            "Argument `experiment` must have one crystal of one size in the middle of a wide beam, without damage and "
            "absorption: the C program knows of no other."
        )
    experiment = settled(experiment)
    beam = experiment.beam
    sources = jax.eval_shape(lambda b: b.rays()[2], beam).shape[0]
    domains = jax.eval_shape(lambda c: c.mosaic.rotations(), experiment.crystal).shape[0]
    changed = replace_parts(
        experiment,
        beam=eqx.tree_at(lambda b: b.sources.weights, beam, checks.leaf("weights", np.ones(sources), (sources,))),
        crystal=_crystal(experiment.crystal, experiment.crystal.spot_shape(options.shape)),
        scan=_scan(experiment.scan),
        detector=_detector(experiment.detector, layers_given),
    )
    if experiment.backgrounds:
        steps = options.oversample**2 * sources * changed.scan.angles.shape[0] * domains
        layers = changed.detector.sensor.layers if changed.detector.sensor else 1
        with numerics():
            scale = experiment.beam.fluence * (THOMSON_AREA / steps / layers)
            scaled = tuple(_scaled(background, scale) for background in experiment.backgrounds)
        changed = replace_parts(changed, background=scaled[0] if len(scaled) == 1 else scaled)
    return changed, replace(options, corrections="first", spot_width="reciprocal")


def _scaled(background: AbstractBackground, scale: Float[Array, ""]) -> AbstractBackground:
    if not isinstance(background, AmorphousBackground):
        raise ValueError(
            "Argument `background` must be an AmorphousBackground where the C program is followed, but is a "
            f"{type(background).__name__}."
        )
    return eqx.tree_at(lambda b: b.molecules, background, background.molecules * scale)


def replace_parts(experiment: Experiment, **parts: Any) -> Experiment:
    """The experiment with other parts."""
    kept = {name: getattr(experiment, name) for name in Experiment.__dataclass_fields__}
    return Experiment(**{**kept, **parts})


def _scan(scan: Scan) -> Scan:
    """The C loop rotates the crystal only `if (phi != 0)`; at φ = 0 it keeps what the last rotation left."""
    with numerics():
        xp = jnp if checks.is_traced(scan.held) else np
        angles = xp.where(scan.held == 0, xp.roll(scan.held, 1), scan.held)
        return Scan(jnp.asarray(angles), scan.spindle())


def _crystal(crystal: Crystal, shape: AbstractShape) -> Crystal:
    """The C program's c*_z uses the direct-space volume ratio where the reciprocal one belongs.

    It then divides b × c by the volume of the cell as given, although the vectors are those of another one: a*, b* and
    c*, which the widths of gauss and tophat spots are made of, are too long or too short by one factor for all.
    """
    if isinstance(crystal.mosaic, CapMosaic):
        crystal = eqx.tree_at(lambda c: c.mosaic, crystal, RoundedCapMosaic(crystal.mosaic))
    if crystal.orientation is not None:
        return crystal
    cell = crystal.cell
    six = np.array([float(getattr(cell, name)) for name in ("a", "b", "c", "alpha", "beta", "gamma")])
    rows = cell_vectors(*six)
    reciprocal = np.linalg.inv(rows)  # columns a*, b*, c*, upper triangular
    volume_ratio = abs(np.linalg.det(rows)) / six[:3].prod()
    length = np.linalg.norm(reciprocal, axis=0)
    sine_gamma_star = reciprocal[1, 1] / length[1]
    reciprocal[2, 2] = length[2] * volume_ratio / sine_gamma_star
    cell = np.linalg.inv(reciprocal)
    cell *= (six[:3] / np.linalg.norm(cell, axis=1))[:, None]
    found = eqx.tree_at(lambda c: c.cell, crystal, UnitCell(*cell_parameters(cell)))
    if shape in (SHAPES["round"], SHAPES["square"]):  # whose widths are no lengths in Å⁻¹
        return found
    with numerics():
        narrower = (cell_volume(cell) / cell_volume(rows)) ** 2
        return eqx.tree_at(lambda c: c.fudge, found, crystal.fudge * narrower)


def _detector(detector: AbstractDetector, layers_given: bool) -> AbstractDetector:
    sensor = detector.sensor
    if layers_given and sensor is not None:
        thickness = float(sensor.layer_thickness) * sensor.layers
        layers = max(sensor.layers, 2)
        spread = Sensor(thickness * layers / (layers - 1), 1.0 / float(sensor.attenuation), layers)
        detector = eqx.tree_at(lambda d: d.sensor, detector, spread)
    if isinstance(detector, CurvedDetector):
        return _WrongWayRound(curved=detector, sensor=detector.sensor, mask=detector.mask)
    return detector


class _WrongWayRound(AbstractDetector):
    """The C program's curved detector: laboratory y and z of the flat pixel, taken for angles about slow and fast."""

    curved: CurvedDetector
    sensor: Sensor | None
    mask: Bool[Array, "panel slow fast"] | None

    @property
    def shape(self) -> tuple[int, int, int]:
        return self.curved.shape

    def position(self, panel: Int[Array, ""], slow: Float[Array, ""], fast: Float[Array, ""]) -> Float[Array, "3"]:
        del panel
        return self._on_the_sphere(self._flat(slow, fast))

    def _flat(self, slow: Float[Array, ""], fast: Float[Array, ""]) -> Float[Array, "3"]:
        c = self.curved
        return (
            c.fast_axis * (fast * c.pixel_size[0] - c.beam_center[0])
            + c.slow_axis * (slow * c.pixel_size[1] - c.beam_center[1])
            + c.direction * c.distance
        )

    def _on_the_sphere(self, flat: Float[Array, "3"]) -> Float[Array, "3"]:
        c = self.curved
        about_slow = rotation.axis_angle(c.slow_axis, flat[1] / c.distance)
        about_fast = rotation.axis_angle(c.fast_axis, flat[2] / c.distance)
        return rotation.apply(about_fast, rotation.apply(about_slow, c.distance * c.direction))

    def normal(self, panel: Int[Array, ""], slow: Float[Array, ""], fast: Float[Array, ""]) -> Float[Array, "3"]:
        """Of the flat detector."""
        del panel, slow, fast
        c = self.curved
        across = jnp.cross(c.fast_axis, c.slow_axis)
        across = across / jnp.sqrt((across * across).sum())
        return jnp.where((across * c.direction).sum() < 0, -across, across)

    def position_at_depth(
        self, panel: Int[Array, ""], slow: Float[Array, ""], fast: Float[Array, ""], depth: Float[Array, ""]
    ) -> Float[Array, "3"]:
        """The layer is that of the flat detector before it is bent: it is as far from the sample as the front."""
        return self._on_the_sphere(self._flat(slow, fast) + depth * self.normal(panel, slow, fast))

    def plane_distance(self, panel: Int[Array, ""], slow: Float[Array, ""], fast: Float[Array, ""]) -> Float[Array, ""]:
        """Of the flat detector, whose distance along the beam is that of the sphere."""
        c = self.curved
        return c.distance * (c.direction * self.normal(panel, slow, fast)).sum()

    def pixel_area(self, panel: Int[Array, ""]) -> Float[Array, ""]:
        return self.curved.pixel_area(panel)


def random_misset(seed: int) -> tuple[float, float, float]:
    """The C program's -misset random: three angles about x, y, z [deg].

    Its mosaic formula with a spread of 90 that is taken for radians: not uniform over rotations.

    Args:
        seed: Of `-misset_seed`.
    """
    axes, shares = rotations(seed, 1)
    angle: Any = np.float64(np.float32(90.0) * np.float32(shares[0]))
    axis: Any = axes[0]
    return misset_angles(np.asarray(rotation.axis_angle(axis, angle)))


def misset_angles(matrix: np.ndarray) -> tuple[float, float, float]:
    """A rotation as angles about x, then y, then z [deg]."""
    x = np.arctan2(matrix[2, 1], matrix[2, 2])
    y = np.arctan2(-matrix[2, 0], np.hypot(matrix[2, 1], matrix[2, 2]))
    z = np.arctan2(matrix[1, 0], matrix[0, 0])
    return tuple(float(angle / RADIANS) for angle in (x, y, z))  # type: ignore[return-value]
