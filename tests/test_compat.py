"""Each known error of the C program on its own, as compat mode puts it into an experiment."""

import gemmi
import numpy as np
import pytest
from cases import experiment, in_float64, panel

import jaxbragg as jb
from jaxbragg.cli.errors import UsageError
from jaxbragg.cli.read import Setup, read_setup
from jaxbragg.cli.scanner import scan
from jaxbragg.compat import as_the_c_program_draws, misset_angles, random_misset
from jaxbragg.models.unit_cell import cell_parameters

THOMSON_AREA = 7.94079248018965e-30
FLAGS = "-cell 70 80 90 75 85 95 -default_F 100 -N 5 -detpixels 16 -pixel 1 -oversample 1"


def drawn(options: jb.Options | None = None, *, layers_given: bool = True, **parts) -> jb.Experiment:
    return as_the_c_program_draws(experiment(**parts), options or jb.Options(), layers_given=layers_given)[0]


def setup(flags: str = "", given: str = FLAGS) -> Setup:
    return read_setup(scan(f"{given} {flags}".split()))


def six(crystal: jb.Crystal) -> np.ndarray:
    return np.array([float(getattr(crystal.cell, name)) for name in ("a", "b", "c", "alpha", "beta", "gamma")])


# Spindle -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("angles", "expected"),
    [
        ((0.0, 0.1, 0.2), (0.2, 0.1, 0.2)),
        ((-0.1, 0.0, 0.1), (-0.1, -0.1, 0.1)),
        ((-0.2, -0.1, 0.0), (-0.2, -0.1, -0.1)),
        ((10.0, 10.1, 10.2), (10.0, 10.1, 10.2)),
        ((0.0,), (0.0,)),
        ((1e-9, 1.0), (1e-9, 1.0)),
    ],
)
def test_a_step_at_zero_takes_the_one_before(angles, expected):
    axis = (0.0, 0.6, 0.8)
    scan_ = drawn(scan=jb.Scan(angles, axis)).scan
    assert np.asarray(scan_.angles).tolist() == list(expected)
    assert np.asarray(scan_.axis).tolist() == list(axis)


def test_the_spindle_of_a_command_line():
    assert np.asarray(setup("-osc 1 -phisteps 4").experiment.scan.angles) == pytest.approx([0, 0.25, 0.5, 0.75])
    compat = setup("-osc 1 -phisteps 4 --compat")
    assert np.asarray(compat.experiment.scan.angles) == pytest.approx([0.75, 0.25, 0.5, 0.75])
    assert compat.phi == 0  # the header and the log say what was asked for


# Crystal -------------------------------------------------------------------------------------------------------------


def test_a_triclinic_cell_gets_other_angles():
    crystal = drawn(crystal=jb.Crystal((70, 80, 90, 75, 85, 95))).crystal
    assert six(crystal)[:3] == pytest.approx([70, 80, 90], rel=1e-12)
    assert six(crystal)[3:] == pytest.approx([75.039, 85.014, 95.008], abs=5e-4)


def test_that_is_the_formula_of_c_star():
    """c*_z is |c*| V / (abc sin γ*) in the C program, V/(abc) in place of the reciprocal ratio; lengths put back."""
    wanted = six(jb.Crystal((70, 80, 90, 75, 85, 95)))
    cosines, sines = np.cos(np.radians(wanted[3:])), np.sin(np.radians(wanted[3:]))
    ratio = np.sqrt(1 - (cosines**2).sum() + 2 * cosines.prod())
    star = sines / (wanted[:3] * ratio)
    cos_star = (np.roll(cosines, 1) * np.roll(cosines, 2) - cosines) / (np.roll(sines, 1) * np.roll(sines, 2))
    sin_gamma = np.sqrt(1 - cos_star[2] ** 2)
    columns = np.array(
        [
            [star[0], star[1] * cos_star[2], star[2] * cos_star[1]],
            [0, star[1] * sin_gamma, star[2] * (cos_star[0] - cos_star[1] * cos_star[2]) / sin_gamma],
            [0, 0, star[2] * ratio / sin_gamma],
        ]
    )
    angles = cell_parameters(np.linalg.inv(columns))[3:]
    assert six(drawn(crystal=jb.Crystal(tuple(wanted))).crystal)[3:] == pytest.approx(angles, abs=1e-9)


@pytest.mark.parametrize("cell", [(70, 80, 90, 90, 90, 90), (70, 80, 90, 90, 104, 90), (70, 70, 90, 90, 90, 120)])
def test_two_right_angles_save_a_cell(cell):
    """Then one angle alone is oblique, and the two volume ratios are the same."""
    assert six(drawn(crystal=jb.Crystal(cell)).crystal) == pytest.approx(list(cell), rel=1e-12)


def test_a_cell_with_an_orientation_is_drawn_as_it_is():
    oriented = jb.Crystal((70, 80, 90, 75, 85, 95), orientation=np.eye(3))
    assert six(drawn(crystal=oriented).crystal).tolist() == [70, 80, 90, 75, 85, 95]


@pytest.mark.parametrize(("shape", "narrower"), [("gauss", True), ("tophat", True), ("round", False)])
def test_widths_are_made_of_the_volume_as_given(shape, narrower):
    """a* is b × c of the vectors with their wrong angles, over the volume of the cell without that error."""
    cell = (62, 71, 84, 77, 83, 94)
    crystal = drawn(crystal=jb.Crystal(cell, shape=shape, fudge=1.5)).crystal
    wrong, right = gemmi.UnitCell(*six(crystal)).volume, gemmi.UnitCell(*cell).volume
    assert abs(wrong / right - 1) > 1e-4
    assert float(crystal.fudge) == pytest.approx(1.5 * (wrong / right) ** 2 if narrower else 1.5, rel=1e-12)


def test_the_rest_of_the_crystal_stays():
    wanted = jb.Crystal((70, 80, 90, 75, 85, 95), cells=(4, 5, 6), misset=(1, 2, 3), shape="round", fudge=1.5)
    found = drawn(crystal=wanted).crystal
    for name in ("cells", "misset", "fudge"):
        assert np.array_equal(getattr(found, name), getattr(wanted, name))
    assert found.shape == "round"


# Beam ----------------------------------------------------------------------------------------------------------------


def test_sources_weigh_the_same():
    directions = np.array([[1.0, 0, 0], [0.8, 0.6, 0]])
    beam = jb.Beam(1.0, sources=jb.AbsoluteSources(directions, [1.0, 1.1], [3.0, 1.0]))
    assert np.asarray(beam.rays()[2]) == pytest.approx([0.75, 0.25])
    rays = drawn(beam=beam).beam.rays()
    assert np.asarray(rays[2]) == pytest.approx([0.5, 0.5])
    assert np.asarray(rays[0]) == pytest.approx(directions)
    assert np.asarray(rays[1]) == pytest.approx([1.0, 1.1])


# Detector ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("layers", "apart"), [(4, 100e-6), (2, 300e-6)])
def test_layers_are_spread_over_one_interval_fewer(layers, apart):
    sensor = drawn(detector=panel(sensor=jb.Sensor(300e-6, 400e-6, layers))).detector.sensor
    assert sensor.layers == layers
    assert float(sensor.layer_thickness) == pytest.approx(apart, rel=1e-12)
    assert 1 / float(sensor.attenuation) == pytest.approx(400e-6, rel=1e-12)


def test_layers_that_were_not_asked_for_lie_right():
    sensor = drawn(detector=panel(sensor=jb.Sensor(300e-6, 400e-6, 2)), layers_given=False).detector.sensor
    assert float(sensor.layer_thickness) == pytest.approx(150e-6)


@pytest.mark.parametrize(
    ("flags", "apart"), [("", 150e-6), ("-detector_thicksteps 3", 150e-6), ("-thicksteps 2", 300e-6)]
)
def test_layers_of_a_command_line(flags, apart):
    found = setup(f"-detector_thick 300 -detector_abs 400 {flags} --compat").experiment.detector.sensor
    assert float(found.layer_thickness) == pytest.approx(apart, rel=1e-12)


@in_float64
def test_a_curved_detector_is_turned_the_wrong_way_round():
    """A step along fast moves the pixel against slow, and one along slow against fast: an anti-transposed image."""
    curved = jb.CurvedDetector((16, 16), 1e-3, 0.1, (0.008, 0.008))
    wrong = drawn(detector=curved).detector

    def step(detector, slow, fast):
        panel_, middle = np.int32(0), np.float64(8)
        here = detector.position(panel_, middle, middle)
        return np.asarray(detector.position(panel_, middle + slow, middle + fast) - here) / 1e-3

    fast, slow = np.asarray(curved.fast_axis), np.asarray(curved.slow_axis)
    assert step(curved, 0, 1) == pytest.approx(fast, abs=0.01)
    assert step(curved, 1, 0) == pytest.approx(slow, abs=0.01)
    assert step(wrong, 0, 1) == pytest.approx(-slow, abs=0.01)
    assert step(wrong, 1, 0) == pytest.approx(-fast, abs=0.01)


@in_float64
def test_layers_of_a_curved_detector_lie_on_one_sphere():
    """Depth moves the flat pixel along the flat normal; what is left of that on the sphere are the angles.

    At the beam spot of a detector that is tilted about y the normal's z, times the depth, is the arc.
    """
    c, s = np.cos(0.3), np.sin(0.3)
    axes = {"fast_axis": (s, 0, c), "slow_axis": (0, -1, 0)}
    curved = jb.CurvedDetector((16, 16), 1e-3, 0.1, (0.008, 0.008), sensor=jb.Sensor(3e-4, 4e-4, 3), **axes)
    wrong = drawn(detector=curved).detector
    at = (np.int32(0), np.float64(8), np.float64(8))
    assert np.asarray(wrong.normal(*at)) == pytest.approx([c, 0, -s], abs=1e-15)
    assert float(wrong.plane_distance(*at)) == pytest.approx(0.1 * c, rel=1e-14)
    depth = np.float64(1e-3)
    moved = np.asarray(wrong.position_at_depth(*at, depth))
    assert np.linalg.norm(moved) == pytest.approx(0.1, rel=1e-14)
    # The angle −s · depth / distance about the fast axis, from the beam spot.
    angle, fast, beam = -s * depth / 0.1, np.array([s, 0, c]), np.array([1.0, 0, 0])
    cross, along = np.cross(fast, beam), fast * (fast @ beam)
    wanted = 0.1 * (beam * np.cos(angle) + cross * np.sin(angle) + along * (1 - np.cos(angle)))
    assert moved == pytest.approx(wanted, abs=1e-15)


@in_float64
def test_the_wrong_detector_is_the_right_one_otherwise():
    mask = np.eye(16, dtype=bool)[None]
    curved = jb.CurvedDetector((16, 16), 1e-3, 0.1, (0.008, 0.003), sensor=jb.Sensor(3e-4, 4e-4, 3), mask=mask)
    wrong = drawn(detector=curved).detector
    at = (np.int32(0), np.float64(2.5), np.float64(11.5))
    assert wrong.shape == curved.shape
    assert np.array_equal(wrong.mask, mask)
    assert wrong.sensor.layers == 3
    assert np.linalg.norm(wrong.position(*at)) == pytest.approx(0.1, rel=1e-6)
    assert float(wrong.plane_distance(*at)) == float(curved.plane_distance(*at))
    assert float(wrong.pixel_area(at[0])) == float(curved.pixel_area(at[0]))
    assert np.asarray(wrong.normal(*at)).tolist() == [1, 0, 0]


def test_a_flat_panel_without_a_sensor_stays():
    flat = panel()
    assert drawn(detector=flat).detector is flat


# Background and options ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("layers", "over"), [(None, 1), (3, 3)])
def test_water_is_scaled_once_more(layers, over):
    """By r_e² Φ / steps, whatever the number of layers: the C program adds its background once, not for each."""
    water = jb.AmorphousBackground.water(1e-5)
    sensor = None if layers is None else jb.Sensor(3e-4, 4e-4, layers)
    found = drawn(
        jb.Options(oversample=2),
        background=water,
        beam=jb.Beam(1.0, fluence=1e24, sources=jb.RelativeSources.grid([0.0, 1e-3], [0.0, 0.0], [1.0, 1.01])),
        crystal=jb.Crystal((50, 50, 50, 90, 90, 90), mosaic=jb.CapMosaic(0.5, 5, 1)),
        detector=panel(sensor=sensor),
        scan=jb.Scan((1.0, 2.0, 3.0)),
    ).background
    steps = 2**2 * 4 * 5 * 3
    expected = float(water.molecules) * THOMSON_AREA * 1e24 / steps / over
    assert float(found.molecules) == pytest.approx(expected, rel=1e-9)


def test_no_water_stays_no_water():
    assert drawn().background is None


def test_corrections_and_widths_of_spots_are_options():
    options = jb.Options(oversample=3, precision="float64", d_min=2.0)
    found = as_the_c_program_draws(experiment(), options)[1]
    assert found == jb.Options(
        oversample=3, precision="float64", d_min=2.0, corrections="first", spot_width="reciprocal"
    )


# Flags ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("flags", ["", "-osc 1 -phisteps 4", "-curved_det", "-water 5", "-gauss_xtal"])
def test_none_of_it_unless_asked_for(flags):
    found = setup(flags)
    assert (found.options.corrections, found.options.spot_width) == ("each", "miller")
    compat = setup(f"{flags} --compat")
    assert (compat.options.corrections, compat.options.spot_width) == ("first", "reciprocal")
    assert six(found.experiment.crystal).tolist() == [70, 80, 90, 75, 85, 95]
    assert six(compat.experiment.crystal)[3:] == pytest.approx([75.039, 85.014, 95.008], abs=5e-4)


def test_a_convention_puts_its_own_pivot_back():
    assert setup("-mosflm -pivot sample").detector.pivot == "sample"
    compat = setup("-mosflm -pivot sample --compat")
    assert compat.detector.pivot == "beam"
    assert "-pivot sample: overridden by the MOSFLM convention (compat)" in compat.notes.warnings


def test_the_first_pixels_corner_is_ignored():
    flags = "-pix0_vector_mm 200 8 -8"
    assert float(setup(flags).detector.placement.distance) == pytest.approx(0.2)
    compat = setup(f"{flags} --compat")
    assert float(compat.detector.placement.distance) == pytest.approx(0.1)
    assert "-pix0_vector_mm is ignored, as in the C program (--compat)" in compat.notes.said


def test_twotheta_axis_is_taken_for_twotheta():
    flags = "-twotheta 15 -twotheta_axis 0 1 1"
    assert setup(flags).scanned.number("twotheta") == 15
    compat = setup(f"{flags} --compat")
    assert compat.scanned.number("twotheta") == 0
    assert "-twotheta_axis also sets -twotheta to 0, as in the C program (--compat)" in compat.notes.warnings
    after = setup("-twotheta_axis 0 0.6 0.8 -twotheta 15 --compat")
    assert after.scanned.number("twotheta") == 15


def test_a_long_axis_of_twotheta_is_normalized_and_compat_refuses_it():
    """The C program does not normalize it, and stretches the detector's axes."""
    flags = "-twotheta_axis 0 1 1 -twotheta 15"
    notes = setup(flags).notes.said
    assert "-twotheta_axis is 1.41421 long: it is normalized" in notes
    assert setup(flags).frame.twotheta_axis == pytest.approx([0, np.sqrt(0.5), np.sqrt(0.5)])
    with pytest.raises(UsageError, match=r"-twotheta_axis must be of length 1 with --compat, but is 1\.41421 long"):
        setup(f"{flags} --compat")
    unit = setup("-twotheta_axis 0 0.6 0.8 -twotheta 15").notes.said
    assert not any("normalized" in line for line in unit)


@pytest.mark.parametrize("flag", ["-oversample_thick", "-oversample_polar", "-oversample_omega"])
def test_what_is_left_out_is_said(flag):
    line = f"{flag}: the C program's running product of corrections is not reproduced by --compat"
    assert line in setup(f"{flag} --compat").notes.warnings
    assert line not in setup(flag).notes.warnings
    assert line not in setup("--compat").notes.warnings


def test_interpolation_that_is_not_switched_off_is_said(tmp_path):
    path = tmp_path / "table.hkl"
    path.write_text("0 0 1 5\n1 1 1 6\n")
    said = "--compat does not switch interpolation off half-way through the image as the C program does"
    for flags, expected in (("-interpolate --compat", True), ("-interpolate", False), ("--compat", False)):
        warnings = setup(f"-hkl {path} {flags}").notes.warnings
        assert any(line.startswith(said) for line in warnings) == expected


# Random misset -------------------------------------------------------------------------------------------------------


def test_random_misset_is_that_of_the_c_program_by_its_seed():
    assert random_misset(1) == random_misset(1)
    assert random_misset(1) != random_misset(2)
    compat = np.asarray(setup("-misset random -misset_seed 7 --compat").experiment.crystal.misset)
    assert compat == pytest.approx(random_misset(7))
    own = np.asarray(setup("-misset random -misset_seed 7").experiment.crystal.misset)
    assert np.abs(own - compat).max() > 1


def test_angles_of_a_rotation_turn_it_back():
    from scipy.spatial.transform import Rotation

    for seed in range(5):
        turn = Rotation.random(random_state=seed).as_matrix()
        again = Rotation.from_euler("xyz", misset_angles(turn), degrees=True).as_matrix()
        assert again == pytest.approx(turn, abs=1e-12)
