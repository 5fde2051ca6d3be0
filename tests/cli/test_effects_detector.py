"""What each flag of the detector changes: sizes, conventions, pivots, place, sensor and inherited headers."""

from collections.abc import Callable

import numpy as np
import pytest
from effects import Effect, check, same, setup

from jaxbragg.cli.errors import UsageError
from jaxbragg.cli.outputs import header_fields
from jaxbragg.cli.read import Setup
from jaxbragg.io import FileError, write_smv
from jaxbragg.models import CurvedDetector, FlatPanel

C, S = np.cos(np.radians(10)), np.sin(np.radians(10))

# The table of conventions: beam, fast, slow, normal, 2θ axis, polarization, spindle; pivot.
X, Y, Z = np.eye(3)
AXES = {
    "mosflm": (X, Z, -Y, X, -Z, Z, Z),
    "denzo": (X, Z, -Y, X, -Z, Z, Z),
    "adxv": (Z, X, -Y, Z, -X, X, X),
    "xds": (Z, X, Y, Z, X, X, X),
    "dials": (Z, X, Y, Z, Y, Y, Y),
}
PIVOT = {"mosflm": "beam", "denzo": "beam", "adxv": "beam", "xds": "sample", "dials": "sample"}


@pytest.fixture(autouse=True)
def _files(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    image = np.ones((20, 30), np.uint16)
    image[3, 4] = 0
    write_smv("mask.img", image, {"PIXEL_SIZE": "0.2", "DISTANCE": "150", "BEAM_CENTER_X": "1", "BEAM_CENTER_Y": "1.5"})
    write_smv("image.img", np.ones((20, 30), np.uint16), {
        "PIXEL_SIZE": "0.25", "DISTANCE": "200", "WAVELENGTH": "0.9", "BEAM_CENTER_X": "2", "BEAM_CENTER_Y": "3",
        "PHI": "12", "OSC_RANGE": "0.5", "TWOTHETA": "4"})  # fmt: skip
    write_smv("near.img", np.ones((20, 30), np.uint16), {"CLOSE_DISTANCE": "120", "ORGX": "7", "ORGY": "9"})


def placed(name: str) -> Callable[[Setup], np.ndarray]:
    """A length of the placement [mm]."""
    return lambda s: 1e3 * np.asarray(getattr(s.detector.placement, name))


def turned(s: Setup) -> np.ndarray:
    """Fast, slow and normal in the end."""
    placement = s.detector.placement
    return np.array([placement.fast, placement.slow, placement.normal])


def axes(s: Setup) -> np.ndarray:
    frame = s.frame
    names = ("beam", "fast", "slow", "normal", "twotheta_axis", "polarization", "spindle")
    return np.array([getattr(frame, name) for name in names])


def frame(name: str) -> Callable[[Setup], np.ndarray]:
    return lambda s: getattr(s.frame, name)


def shape(s: Setup) -> tuple[int, int]:
    """Pixels along fast and slow."""
    return s.experiment.detector.shape[2], s.experiment.detector.shape[1]


def size(s: Setup) -> np.ndarray:
    return 1e3 * np.array(s.detector.size)


def center(s: Setup) -> np.ndarray:
    """Xbeam and Ybeam [mm]."""
    return 1e3 * np.array(s.detector.beam_center)


def pivot(s: Setup) -> str:
    return s.detector.pivot


def layers(s: Setup) -> tuple[float, float, int] | None:
    """Thickness of a layer and attenuation depth [µm], layers."""
    sensor = s.experiment.detector.sensor
    return (
        None
        if sensor is None
        else (1e6 * float(sensor.layer_thickness), 1e6 / float(sensor.attenuation), sensor.layers)
    )


def drawn(s: Setup) -> int | None:
    """Pixels that the mask leaves."""
    mask = s.experiment.detector.mask
    return None if mask is None else int(np.asarray(mask).sum())


origin, spot, near = placed("origin"), placed("beam_spot"), placed("close_point")
distance, close_distance = placed("distance"), placed("close_distance")
RECTANGLE = "-detpixels_f 200 -detpixels_s 100"  # 20 mm × 10 mm

CASES = (
    Effect("-distance 250", distance, 250),
    Effect("-distance 250", distance, 250, base="-close_distance 80"),
    Effect("-close_distance 80", close_distance, 80),
    Effect("-close_distance 80", distance, 80 / C, base="-detector_rotz 10"),
    Effect("-pixel 0.2", lambda s: 1e3 * np.asarray(s.experiment.detector.pixel_size), (0.2, 0.2)),
    Effect("-pixel 0.2", shape, (512, 512)),
    Effect("-detpixels 100", shape, (100, 100)),
    Effect("-detpixels 100", size, (10, 10)),
    Effect("-detpixels_f 100", shape, (100, 1024)),
    Effect("-detpixels_s 100", shape, (1024, 100)),
    Effect("-detpixels_s 100", shape, (50, 100), base="-detpixels 50"),
    Effect("-detsize 10", shape, (100, 100)),
    Effect("-detsize 10.06", shape, (101, 101)),
    Effect("-detsize 10.04", shape, (100, 100)),
    Effect("-detsize_f 10", shape, (100, 1024)),
    Effect("-detsize_s 10", shape, (1024, 100)),
    Effect("-detpixels_f 70", shape, (70, 100), base="-detsize 10"),
    Effect("-Xbeam 12", spot, (51.3, 12.05)),
    Effect("-Ybeam 12", spot, (12.05, 51.3)),
    Effect("-Xbeam 12", spot, (51.25, 12), base="-denzo"),
    Effect("-Ybeam 12", spot, (12, 51.25), base="-denzo"),
    Effect("-Xbeam 12", spot, (12, 102.4 - 51.15), base="-adxv"),
    Effect("-Ybeam 12", spot, (51.25, 90.4), base="-adxv"),
    Effect("-Xbeam 12", spot, (12, 51.2), base="-xds -pivot beam"),
    Effect("-Ybeam 12", spot, (51.2, 12), base="-dials -pivot beam"),
    Effect("-Xbeam 12", near, (12, 51.2), base="-spindle_axis 0 0 1 -Xclose 3 -Xbeam 51.2"),
    Effect("-Xclose 12", near, (12, 51.2), base="-xds"),
    Effect("-Yclose 12", near, (51.2, 12), base="-xds"),
    Effect("-ORGX 120.5", near, (12, 51.2), base="-xds"),
    Effect("-ORGY 120.5", near, (51.2, 12), base="-xds"),
    Effect("-ORGX 120.5", near, (12, 51.2), base="-xds -Xclose 30"),
    Effect("-Xclose 12", near, (12, 51.2), base="-xds -ORGX 30"),
    *(Effect(f"-{name}", axes, AXES[name], base="-dials" if name == "xds" else "-xds") for name in AXES),
    *(Effect(f"-{name}", pivot, PIVOT[name], base="-adxv" if PIVOT[name] == "sample" else "-xds") for name in AXES),
    Effect("-denzo", spot, (10.05, 5.05), base=RECTANGLE),
    Effect("-mosflm", spot, (10.1, 5.1), base=f"{RECTANGLE} -denzo"),
    Effect("-adxv", spot, (10.05, 10 - 4.95), base=RECTANGLE + " -mosflm"),
    Effect("-xds", spot, (10, 5), base=RECTANGLE),
    Effect("-dials", spot, (10, 5), base=RECTANGLE),
    Effect("-pivot sample", pivot, "sample"),
    Effect("-pivot beam", pivot, "beam", base="-xds"),
    Effect("-pivot beam", pivot, "beam", base="-beam_vector 1 0 0 -twotheta 10"),
    # About x: f = z → (0, −S, C), s = −y → (0, −C, −S). About y: f → (S, 0, C), o = x → (C, 0, −S), and so on.
    Effect("-detector_rotx 10", turned, [(0, -S, C), (0, -C, -S), (1, 0, 0)]),
    Effect("-detector_roty 10", turned, [(S, 0, C), (0, -1, 0), (C, 0, -S)]),
    Effect("-detector_rotz 10", turned, [(0, 0, 1), (S, -C, 0), (C, S, 0)]),
    Effect("-detector_rotz 10", origin, np.array((100, 0, 0)) - 51.3 * Z - 51.3 * np.array((S, -C, 0))),
    Effect("-twotheta 10", turned, [(0, 0, 1), (-S, -C, 0), (C, -S, 0)]),
    Effect("-twotheta 10", turned, [(C, 0, -S), (0, 1, 0), (S, 0, C)], base="-dials"),
    Effect("-twotheta 10", origin, (-51.2 * C + 100 * S, -51.2, 51.2 * S + 100 * C), base="-dials"),
    Effect("-twotheta_axis 0 0 2", frame("twotheta_axis"), (0, 0, 1)),
    Effect("-twotheta_axis 0 0 1", turned, [(0, 0, 1), (S, -C, 0), (C, S, 0)], base="-twotheta 10"),
    Effect("-fdet_vector 0 0 -2", turned, [(0, 0, -1), (0, -1, 0), (1, 0, 0)]),
    Effect("-sdet_vector 0 3 4", frame("slow"), (0, 0.6, 0.8)),
    Effect("-odet_vector 0.8 0.6 0", frame("normal"), (0.8, 0.6, 0)),
    Effect("-pix0_vector 0.2 0.01 -0.03", origin, (200, 10, -30)),
    Effect("-pix0_vector_mm 200 10 -30", origin, (200, 10, -30)),
    Effect("-pix0_vector_mm 200 10 -30", spot, (30, 10)),
    Effect("-curved_det", lambda s: type(s.experiment.detector), CurvedDetector),
    Effect("-point_pixel", lambda s: s.options.point_pixel, True),
    Effect("-detector_thick 100", layers, (50, 100, 2)),
    Effect("-detector_abs 400", layers, (50, 400, 2), base="-detector_thick 100"),
    Effect("-detector_abs inf", layers, None, base="-detector_thick 100"),
    Effect("-detector_thicksteps 5", layers, (20, 100, 5), base="-detector_thick 100"),
    Effect("-detector_thicksteps 5", layers, (25, 100, 5), base="--compat -detector_thick 100"),
    Effect("-img image.img", distance, 200, base="-twotheta 0"),
    Effect("-img image.img", spot, (3.125, 2.125), base="-twotheta 0"),
    Effect("-mask mask.img", drawn, 599),
    Effect("-mask mask.img", center, (1, 20 * 0.2 - 1.5)),
)  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=str)
def test_effect(case: Effect) -> None:
    check(case)


# Conventions ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "beam_center", "beam_spot"),
    [
        # 20 mm along fast, 10 mm along slow, pixels of 0.1 mm
        ("mosflm", (5.05, 10.05), (10.1, 5.1)),
        ("denzo", (5.05, 10.05), (10.05, 5.05)),
        ("adxv", (10.05, 4.95), (10.05, 5.05)),
        ("xds", (10, 5), (10, 5)),
        ("dials", (10, 5), (10, 5)),
    ],
)
def test_where_the_beam_hits_unless_told_otherwise(name: str, beam_center: object, beam_spot: object) -> None:
    s = setup(f"{RECTANGLE} -{name}")
    assert same(center(s), beam_center)
    assert same(spot(s), beam_spot)
    assert same(distance(s), 100)
    assert s.frame.convention.name == name


@pytest.mark.parametrize("name", ["xds", "dials"])
def test_the_near_point_stands_in_for_the_beam_centre(name: str) -> None:
    s = setup(f"-{name} -Xclose 3 -ORGY 40.5")
    assert same(center(s), (3, 4))
    assert same(near(s), (3, 4))


def test_mosflm_holds_where_nothing_is_said_and_else_the_last() -> None:
    assert setup().frame.convention.name == "mosflm"
    assert setup("-xds -adxv -denzo").frame.convention.name == "denzo"


VECTORS = {
    "fdet_vector": "0 0 1",
    "sdet_vector": "0 -1 0",
    "odet_vector": "1 0 0",
    "beam_vector": "1 0 0",
    "polar_vector": "0 0 1",
    "spindle_axis": "0 0 1",
    "twotheta_axis": "0 1 0",
    "pix0_vector": "0.1 0.05 -0.05",
    "pix0_vector_mm": "100 50 -50",
}


@pytest.mark.parametrize(("flag", "value"), VECTORS.items())
def test_a_vector_selects_custom_and_says_what_is_lost(flag: str, value: str) -> None:
    s = setup(f"-{flag} {value}")
    assert s.frame.convention.name == "custom"
    assert same(axes(s), [X, Z, -Y, X, Y, Z, Z])
    assert f"-{flag} selects the CUSTOM convention, without MOSFLM's half-pixel shift" in s.notes.said
    named = setup(f"-xds -{flag} {value}")
    assert named.frame.convention.name == "custom"
    assert f"-{flag} selects the CUSTOM convention, without -xds, whose axes and pivot it leaves behind" in (
        named.notes.said
    )


def test_custom_without_a_beam_centre_takes_the_near_point() -> None:
    s = setup(f"{RECTANGLE} -spindle_axis 0 0 1")
    assert same(center(s), (10, 5))
    assert same(spot(s), (10, 5))
    s = setup(f"{RECTANGLE} -spindle_axis 0 0 1 -Xclose 3 -Yclose 4")
    assert same(center(s), (3, 4))
    assert same(near(s), (3, 4))


# Pivot ---------------------------------------------------------------------------------------------------------------

CUSTOM = "-spindle_axis 0 0 1"


@pytest.mark.parametrize(
    ("words", "expected", "of_the_c_program"),
    [
        (CUSTOM, "beam", "beam"),
        *((f"{CUSTOM} -twotheta 0 -{flag} 50", "beam", "beam") for flag in ("distance", "Xbeam", "Ybeam")),
        *(
            (f"{CUSTOM} -distance 100 -{flag} 50", "sample", "sample")
            for flag in ("close_distance", "Xclose", "Yclose", "ORGX", "ORGY", "twotheta")
        ),
        (f"-Xclose 50 {CUSTOM} -distance 100", "beam", "beam"),
        (f"-pivot sample {CUSTOM} -distance 100", "sample", "beam"),
        (f"{CUSTOM} -distance 100 -pivot sample", "sample", "sample"),
        (f"-pivot beam {CUSTOM} -Xclose 50", "beam", "sample"),
        ("-xds -distance 100", "sample", "sample"),
        ("-mosflm -close_distance 100", "beam", "beam"),
        ("-mosflm -twotheta 10", "beam", "beam"),
        ("-mosflm -pivot sample", "sample", "beam"),
        ("-pivot beam -dials", "beam", "sample"),
        ("-pivot samp", "sample", "beam"),
    ],
)
def test_pivot(words: str, expected: str, of_the_c_program: str) -> None:
    assert pivot(setup(words)) == expected
    assert pivot(setup(f"{words} --compat")) == of_the_c_program


def test_a_pivot_that_compat_overrides_is_named() -> None:
    warning = "-pivot sample: overridden by the MOSFLM convention (compat)"
    assert setup("-pivot sample --compat").notes.warnings == [warning]
    assert not setup("-pivot beam --compat").notes.warnings
    assert not setup("-pivot sample").notes.warnings


TILT = "-detector_rotx 7 -detector_roty -8 -detector_rotz 9 -twotheta 10"


@pytest.mark.parametrize("name", AXES)
def test_about_the_beam_spot_beam_spot_and_distance_from_the_plane_stay(name: str) -> None:
    s, straight = setup(f"-{name} -pivot beam {TILT}"), setup(f"-{name} -pivot beam")
    assert same(spot(s), spot(straight))
    rotated = setup(f"-{name} -pivot beam {TILT.split(' -twotheta')[0]}")
    assert same(distance(rotated), 100)
    assert close_distance(rotated) < 99.5


@pytest.mark.parametrize("name", AXES)
def test_about_the_sample_the_near_point_and_its_distance_stay(name: str) -> None:
    s = setup(f"-{name} -pivot sample {TILT} -close_distance 100 -Xclose 30 -Yclose 40")
    assert same(near(s), (30, 40))
    assert same(close_distance(s), 100)
    assert distance(s) > 100.5


def test_a_near_point_without_effect_is_named() -> None:
    for name in ("mosflm", "denzo", "adxv"):
        s = setup(f"-{name} -Xclose 3 -ORGY 4")
        assert same(spot(s), spot(setup(f"-{name}")))
        assert "-Xclose, -ORGY: no effect" in s.notes.warnings[0]
        assert not setup(f"-{name} -Xclose 3 -ORGY 4 -pivot sample").notes.warnings


# The corner of the first pixel ---------------------------------------------------------------------------------------


def test_a_corner_given_in_metres_and_in_millimetres() -> None:
    assert same(origin(setup("-pix0_vector 0.2 0.01 -0.03 -pix0_vector_mm 300 1 2")), (300, 1, 2))
    assert same(origin(setup("-pix0_vector_mm 300 1 2 -pix0_vector 0.2 0.01 -0.03")), (200, 10, -30))


def test_a_corner_stays_when_the_detector_turns() -> None:
    s = setup("-pix0_vector 0.2 0.01 -0.03 -detector_rotz 10 -twotheta 0")
    assert same(origin(s), (200, 10, -30))
    assert same(turned(s), [(0, 0, 1), (S, -C, 0), (C, S, 0)])
    assert same(close_distance(s), 200 * C + 10 * S)
    assert not s.notes.warnings


@pytest.mark.parametrize("other", ["distance", "close_distance", "Xbeam", "Ybeam", "Xclose", "Yclose", "ORGX", "ORGY"])
@pytest.mark.parametrize("order", ["-pix0_vector 0.2 0.01 -0.03 -{} 150", "-{} 150 -pix0_vector 0.2 0.01 -0.03"])
def test_a_corner_beside_another_place_is_overridden_and_named(order: str, other: str) -> None:
    s = setup(order.format(other))
    assert not np.allclose(origin(s)[0], 200)
    assert s.notes.warnings == [f"-pix0_vector is overridden by -{other}"]


def test_compat_ignores_the_corner_as_the_c_program_does() -> None:
    s = setup("-pix0_vector 0.2 0.01 -0.03 --compat")
    assert same(origin(s), (100, 51.2, -51.2))
    assert "-pix0_vector is ignored, as in the C program (--compat)" in s.notes.said
    assert s.frame.convention.name == "custom"


# Vectors -------------------------------------------------------------------------------------------------------------


def test_a_normal_that_is_not_of_length_one_is_fast_cross_slow() -> None:
    s = setup("-odet_vector 2 1 0")
    assert same(frame("normal")(s), np.cross(Z, -Y))
    assert any("not of length 1" in line for line in s.notes.said)


def test_a_turned_detector_has_its_own_normal_but_not_in_compat() -> None:
    words = "-fdet_vector 0 0 1 -sdet_vector 0.6 -0.8 0"
    assert same(frame("normal")(setup(words)), (0.8, 0.6, 0))
    assert same(frame("normal")(setup(f"{words} --compat")), X)
    assert same(frame("normal")(setup("-fdet_vector 0 0 -1")), X)  # along the beam


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("-fdet_vector 0 1 0", "must not be parallel"),
        ("-odet_vector 0 1 0", "must not lie in the detector plane"),
        ("-detector_rotz 90", "edge-on"),
        ("-twotheta 90", "goes through the sample"),
        ("-close_distance -100 -pivot sample", "behind the sample"),
        ("-pix0_vector -0.1 0 0", "behind the sample"),
    ],
)
def test_a_detector_that_cannot_be_is_an_error(words: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        setup(words)


@pytest.mark.parametrize("angle", [0, 60, 90, 120])
def test_a_detector_swung_to_the_side_needs_as_many_sub_pixels(angle: int) -> None:
    """Of 0.1 mm at 100 mm: 3 · 70000 Å / (1 Å · 1000) with N 1000; where the beam would hit does not matter."""
    s = setup(f"-xds -twotheta {angle} -N 1000")
    assert same(close_distance(s), 100)
    assert s.options.oversample == 210


def test_the_last_of_two_distances_counts_and_says_so() -> None:
    s = setup("-close_distance 80 -distance 90")
    assert same(distance(s), 90)
    assert s.notes.warnings == ["-distance and -close_distance are both given: -distance was given last and is used"]


def test_compat_reads_the_axis_of_twotheta_as_its_angle_too() -> None:
    words = "-twotheta_axis 0 0.5 0"
    assert same(turned(setup(words)), [Z, -Y, X])
    s = setup(f"{words} --compat")
    assert np.allclose(turned(s)[1], -Y)
    assert pivot(s) == "sample"
    assert "-twotheta_axis also sets -twotheta to 0" in s.notes.warnings[0]
    angle = np.radians(0.6)
    s = setup("-twotheta_axis 0.6 0.8 0 --compat")
    assert np.isclose(turned(s)[2] @ X, 0.36 + 0.64 * np.cos(angle), rtol=0, atol=1e-12)
    assert same(turned(setup("-twotheta_axis 0 0 1 -twotheta 10 --compat")), [Z, (S, -C, 0), (C, S, 0)])


# Kinds of detector, sensor, mask -------------------------------------------------------------------------------------


def test_a_curved_detector_is_at_its_distance_everywhere() -> None:
    detector = setup("-curved_det -distance 200 -Xbeam 10 -Ybeam 20").experiment.detector
    assert isinstance(detector, CurvedDetector)
    assert same(detector.distance, 0.2)
    assert same(detector.beam_center, (20.05e-3, 10.05e-3))
    assert isinstance(setup().experiment.detector, FlatPanel)
    wrong = setup("-curved_det --compat").experiment.detector
    assert type(wrong).__name__ == "_WrongWayRound"


def test_the_panel_stands_where_the_placement_says() -> None:
    s = setup(f"{TILT} -distance 300 -detpixels_f 200")
    panel, placement = s.experiment.detector, s.detector.placement
    assert same(panel.origin, placement.origin)
    assert same([panel.fast_axis, panel.slow_axis, panel.normal_axis], turned(s))
    assert panel.shape == (1, 1024, 200)


def test_a_thickness_alone_is_the_depth_too() -> None:
    warning = "-detector_thick without -detector_abs: attenuation depth 100 µm, the thickness"
    assert setup("-detector_thick 100").notes.warnings == [warning]


@pytest.mark.parametrize("words", ["-detector_abs 100", "-detector_thicksteps 4", "-detector_thick 0 -detector_abs 5"])
def test_a_sensor_without_thickness_counts_every_photon(words: str) -> None:
    s = setup(words)
    assert s.experiment.detector.sensor is None
    assert "without -detector_thick: every photon is counted" in s.notes.warnings[0]


def test_compat_spreads_layers_only_where_their_number_is_given() -> None:
    assert layers(setup("-detector_thick 100 -detector_abs 400 --compat")) == pytest.approx((50, 400, 2))
    assert layers(setup("-detector_thick 100 -detector_abs 400 -detector_thicksteps 2 --compat")) == pytest.approx(
        (100, 400, 2)
    )


def test_zero_in_the_mask_skips_a_pixel() -> None:
    mask = np.asarray(setup("-mask mask.img").experiment.detector.mask)
    assert mask.shape == (1, 20, 30)
    assert np.argwhere(~mask).tolist() == [[0, 3, 4]]


def test_a_mask_of_another_size_is_an_error() -> None:
    with pytest.raises(FileError, match="the mask has 30 × 20 pixels, but the detector 31 × 20"):
        setup("-mask mask.img -detpixels_f 31")


# Headers -------------------------------------------------------------------------------------------------------------


def test_what_an_image_header_gives() -> None:
    s = setup("-img image.img")
    assert shape(s) == (30, 20)
    assert same(size(s), (7.5, 5))
    assert same(center(s), (2, 3))
    assert same(s.experiment.beam.wavelength, 0.9)
    assert same(s.phi, 12)
    assert same(s.spindle.span, 0.5)
    assert s.scanned.number("twotheta") == 4
    assert same(distance(setup("-img image.img -twotheta 0")), 200)
    assert s.notes.said[0].startswith("from the header of image.img: -detpixels_f 30, -detpixels_s 20, -pixel 0.25")


@pytest.mark.parametrize("words", ["-mosflm", "-denzo", "-adxv", "-dials", "-mosflm -pivot sample"])
def test_the_header_of_a_swung_detector_puts_it_back(words: str) -> None:
    """It gives both distances, and its pivot says which of them the swing about the 2θ axis left alone."""
    swung = setup(f"{words} -twotheta 20 -distance 120 -Xbeam 40 -Ybeam 60 -detpixels 30")
    write_smv("swung.img", np.ones((30, 30), np.uint16), header_fields(swung))
    again = setup(f"{words} -img swung.img")
    assert np.allclose(origin(again), origin(swung), rtol=0, atol=1e-3)  # six digits of each number
    assert same(turned(again), turned(swung))
    assert not again.notes.warnings


def test_compat_takes_the_near_one_of_a_headers_distances() -> None:
    write_smv("both.img", np.ones((20, 30), np.uint16), {"DISTANCE": "120", "CLOSE_DISTANCE": "110"})
    assert same(distance(setup("-img both.img")), 120)
    assert same(distance(setup("-img both.img --compat")), 110)


def test_what_a_header_of_near_points_gives() -> None:
    s = setup("-img near.img -xds")
    assert same(near(s), (0.65, 0.85))
    assert same(close_distance(s), 120)


def test_what_a_mask_header_gives() -> None:
    s = setup("-mask mask.img")
    assert shape(s) == (30, 20)
    assert same(distance(s), 150)
    assert same(center(s), (1, 2.5))  # 20 · 0.2 − 1.5: counted from the other end


def test_a_mask_header_without_a_pixel_size_counts_from_the_other_end_too(tmp_path) -> None:
    write_smv("plain.img", np.ones((20, 30), np.uint16), {"BEAM_CENTER_X": "1", "BEAM_CENTER_Y": "1.5"})
    assert same(center(setup("-mask plain.img")), (1, 0.5))
    assert same(center(setup("-mask plain.img -pixel 0.4")), (1, 6.5))


def test_the_image_wins_over_the_mask() -> None:
    for words in ("-mask mask.img -img image.img", "-img image.img -mask mask.img"):
        s = setup(f"{words} -twotheta 0")
        assert same(center(s), (2, 3))
        assert same(distance(s), 200)
        assert drawn(s) == 599


@pytest.mark.parametrize(
    ("words", "get", "expected"),
    [
        ("-distance 250 -twotheta 0", distance, 250),
        ("-close_distance 250 -twotheta 0", close_distance, 250),
        ("-Xbeam 1.25", center, (1.25, 3)),
        ("-Ybeam 1.25", center, (2, 1.25)),
        ("-detpixels 50", shape, (50, 50)),
        ("-detpixels_f 50", shape, (50, 20)),
        ("-detsize 10", shape, (40, 40)),
        ("-detsize_s 10", shape, (30, 40)),
        ("-pixel 0.5", size, (15, 10)),
        ("-lambda 1.1", lambda s: s.experiment.beam.wavelength, 1.1),
        ("-energy 12398.42", lambda s: s.experiment.beam.wavelength, 1),
        ("-phi 3", lambda s: s.phi, 3),
        ("-osc 3", lambda s: s.spindle.span, 3),
    ],
)
def test_flags_win_over_headers_wherever_they_stand(words: str, get: Callable, expected: object) -> None:
    assert same(get(setup(f"{words} -img image.img")), expected)
    assert same(get(setup(f"-img image.img {words}")), expected)
    if "detpixels" not in words and "detsize" not in words:
        assert same(get(setup(f"{words} -mask mask.img -img image.img")), expected)


def test_a_header_sets_the_pivot_before_any_flag_does() -> None:
    """Its numbers count as flags that stand first, so that the last flag given still has its say."""
    assert pivot(setup(f"{CUSTOM} -img near.img")) == "sample"
    assert pivot(setup(f"{CUSTOM} -Xbeam 3 -img near.img")) == "beam"


@pytest.mark.parametrize(("key", "value"), [("DISTANCE", "far"), ("PIXEL_SIZE", "nan"), ("WAVELENGTH", "inf")])
def test_a_header_whose_value_is_no_number_is_an_error(key: str, value: str) -> None:
    write_smv("broken.img", np.ones((20, 30), np.uint16), {key: value})
    for flag in ("-img", "-mask"):
        with pytest.raises(FileError, match=f"the header's {key} must be a number, but is '{value}'"):
            setup(f"{flag} broken.img")


def test_a_missing_header_is_an_error() -> None:
    with pytest.raises(FileError, match=r"none\.img"):
        setup("-img none.img")
