"""What each flag of the sampling changes (spindle, mosaic domains, sub-pixels, region), and jaxbragg's own."""

from collections.abc import Callable

import numpy as np
import pytest
from effects import Effect, check, same, setup

from jaxbragg.cli.errors import UsageError
from jaxbragg.cli.read import Setup, read_experiment
from jaxbragg.models import CapMosaic
from jaxbragg.models.minimal_standard import rotations


def option(name: str) -> Callable[[Setup], object]:
    return lambda s: getattr(s.options, name)


def phi(s: Setup) -> np.ndarray:
    """Spindle angles [deg]."""
    return np.asarray(s.experiment.scan.angles)


def domains(s: Setup) -> int:
    return len(np.asarray(s.experiment.crystal.mosaic.rotations()))


def largest_turn(s: Setup) -> float:
    """Of the mosaic domains [deg]."""
    traces = np.trace(np.asarray(s.experiment.crystal.mosaic.rotations()), axis1=1, axis2=2)
    return float(np.degrees(np.arccos(np.clip((traces - 1) / 2, -1, 1))).max())


def second_axis(s: Setup) -> np.ndarray:
    return np.asarray(s.experiment.crystal.mosaic.axes)[1]


def spread(s: Setup) -> float | None:
    mosaic = s.experiment.crystal.mosaic
    return float(mosaic.spread) if isinstance(mosaic, CapMosaic) else None


oversample, precision = option("oversample"), option("precision")

CASES = (
    Effect("-phi 30", phi, [30]),
    Effect("-phi 30", phi, [30, 30.5], base="-osc 1"),
    Effect("-osc 1", phi, [0, 0.5]),
    Effect("-osc 1", lambda s: s.spindle.span, 1),
    Effect("-phistep 0.25", phi, [0, 0.25, 0.5, 0.75], base="-osc 1"),
    Effect("-phisteps 5", phi, [0, 0.2, 0.4, 0.6, 0.8], base="-osc 1"),
    Effect("-spindle_axis 3 0 4", lambda s: s.experiment.scan.axis, (0.6, 0, 0.8)),
    Effect("-mosaic 0.5", spread, 0.5),
    Effect("-mosaic 0.5", domains, 10),
    Effect("-mosaic_domains 25", domains, 25, base="-mosaic 0.5"),
    Effect("-mosaic_seed 99", second_axis, rotations(99, 2)[0][1], base="-mosaic 0.5"),
    Effect("-mosaic_seed -99", second_axis, rotations(99, 2)[0][1], base="-mosaic 0.5"),
    Effect("-oversample 3", oversample, 3),
    Effect("-roi 1 20 3 40", option("roi"), (1, 20, 3, 40)),
    Effect("--precision float64", precision, "float64"),
    Effect("--precision float32", precision, "float32"),
    Effect("--precision mixed", precision, "mixed", base="--precision float32"),
    Effect("--memory-limit 2G", lambda s: s.options.memory_limit or 0, 2 * 2**30),
    Effect("--devices 4", lambda s: s.options.devices or 1, 4),
    Effect("--compat", option("corrections"), "first"),
    Effect("--compat", option("spot_width"), "reciprocal"),
    Effect("--compat", phi, [0.5, 0.5], base="-osc 1"),
    *(
        Effect(f"-oversample_{name}", lambda s: len(s.notes.said), 1)
        for name in ("thick", "polar", "omega")
    ),
)  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=str)
def test_effect(case: Effect) -> None:
    check(case)


# Spindle: none / step / range / range+step / count / count+step / range+count; all three (physics.md §7) --------------


@pytest.mark.parametrize(
    ("words", "angles"),
    [
        ("", [0]),
        ("-phistep 0.5", [0, 0.5]),
        ("-osc 2", [0, 1]),
        ("-osc 0 -phisteps 3", [0, 0, 0]),
        ("-osc 2 -phistep 0.5", [0, 0.5, 1, 1.5]),
        ("-osc 2 -phistep 0.75", [0, 0.75, 1.5]),
        ("-phisteps 4", [0, 0.25, 0.5, 0.75]),
        ("-phisteps 4 -phistep 0.5", [0, 0.5]),
        ("-osc 2 -phisteps 4", [0, 0.5, 1, 1.5]),
        ("-osc 2 -phisteps 1", [0]),
        ("-osc 2 -phistep 0.3 -phisteps 3", [0, 0.3, 0.6]),
        ("-osc 0 -phistep 0", [0]),
        ("-osc -2", [0, -1]),
        ("-osc -2 -phisteps 4", [0, -0.5, -1, -1.5]),
        ("-osc -2 -phistep -0.5", [0, -0.5, -1, -1.5]),
        ("-osc 2 -phistep -0.5", [0]),
    ],
)
def test_spindle_that_is_partly_given(words: str, angles: list[float]) -> None:
    assert same(phi(setup(words)), angles)
    assert same(phi(setup(f"{words} -phi 30")), 30 + np.array(angles))


@pytest.mark.parametrize(
    ("words", "span"),
    [("", 0), ("-phistep 0.5", 0.5), ("-osc 2", 2), ("-phisteps 4", 1), ("-osc 2 -phistep 0.3 -phisteps 3", 2)],
)
def test_the_range_that_goes_with_it(words: str, span: float) -> None:
    assert same(setup(words).spindle.span, span)


def test_steps_that_cannot_be_are_named() -> None:
    assert setup("-phisteps 4 -phistep 0.5").notes.warnings == [
        "-phisteps 4 without -osc: -phistep alone makes 2 steps"
    ]
    assert setup("-osc 2 -phistep -0.5").notes.warnings == [
        "-phistep -0.5 leads away from the end of -osc 2: one step is simulated"
    ]


@pytest.mark.parametrize(
    ("words", "angles"),
    [
        ("-osc 2 -phisteps 4", [1.5, 0.5, 1, 1.5]),
        ("-phi -1 -osc 2 -phisteps 4", [-1, -0.5, -0.5, 0.5]),
        ("-phi 10 -osc 2", [10, 11]),
        ("", [0]),
    ],
)
def test_in_compat_a_step_at_zero_keeps_the_orientation_before_it(words: str, angles: list[float]) -> None:
    s = setup(f"{words} --compat")
    assert same(phi(s), angles)
    assert same(s.phi, phi(setup(words))[0])  # what the header says


# Mosaic domains ------------------------------------------------------------------------------------------------------


def test_the_first_domain_is_not_turned_and_none_beyond_the_spread() -> None:
    s = setup("-mosaic 0.5 -mosaic_domains 200")
    assert same(np.asarray(s.experiment.crystal.mosaic.rotations())[0], np.eye(3))
    assert 0.45 < largest_turn(s) <= 0.5


def test_seeds_of_the_mosaic_domains() -> None:
    words = "-mosaic 1 -mosaic_domains 4"
    unsaid = second_axis(setup(words))
    assert same(unsaid, second_axis(setup(f"{words} -mosaic_seed 12345678")))
    assert same(unsaid, second_axis(setup(f"{words} -misset_seed 5 -seed 6")))
    assert same(unsaid, second_axis(setup(f"{words} --compat")))
    assert not np.allclose(unsaid, second_axis(setup(f"{words} -mosaic_seed 5")))


def test_a_spread_without_domains_and_domains_without_a_spread_are_named() -> None:
    assert setup("-mosaic 0.5").notes.warnings == ["-mosaic without -mosaic_domains: 10 domains are simulated"]
    s = setup("-mosaic_domains 5")
    assert domains(s) == 1
    assert s.notes.warnings == ["-mosaic_domains without a spread: all domains would be alike, one is simulated"]
    for quiet in ("-mosaic 0.5 -mosaic_domains 3", "-mosaic_domains 1", "-mosaic 0"):
        assert not setup(quiet).notes.warnings


# Sub-pixels, region, precision ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        # the cell is 50 × 60 × 70 Å; 1 Å · 100 mm / 0.1 mm = 1000 Å
        ("", 1),
        ("-N 4", 1),  # 3 · 280 / 1000
        ("-N 5", 2),  # 3 · 350 / 1000
        ("-N 100", 21),
        ("-Na 100", 15),
        ("-samplesize 0.0007", 22),  # 117 cells of 60 Å are 7020 Å
        ("-N 100 -lambda 2", 11),
        ("-N 100 -distance 50", 42),
        ("-N 100 -pixel 0.05", 11),
        ("-N 100 -oversample 1", 1),
        ("-N 5 -oversample 7", 7),
    ],
)
def test_three_sub_pixels_to_the_finest_fringe(words: str, expected: int) -> None:
    assert oversample(setup(words)) == expected


def test_too_few_sub_pixels_are_named() -> None:
    warning = "-oversample 20: the crystal's fringes need 21 sub-pixels along each side"
    assert setup("-N 100 -oversample 20").notes.warnings == [warning]
    assert not setup("-N 100 -oversample 21").notes.warnings
    assert setup("-N 100 -oversample 20 -round_xtal").notes.doubts == [warning]


@pytest.mark.parametrize("flag", ["-gauss_xtal", "-tophat_spots", "-binary_spots"])
def test_shapes_without_fringes_need_no_sub_pixels_for_them(flag: str) -> None:
    assert not setup(f"-N 100 -oversample 1 {flag}").notes.warnings


def test_a_region_ends_within_the_detector() -> None:
    assert setup("-roi 0 1023 0 1023").options.roi == (0, 1023, 0, 1023)
    with pytest.raises(UsageError, match="-roi"):
        setup("-roi 0 1024 0 1023")
    with pytest.raises(UsageError, match="-roi"):
        setup("-detpixels_s 10 -roi 0 20 0 10")


@pytest.mark.parametrize("name", ["thick", "polar", "omega"])
def test_corrections_are_taken_at_each_sub_pixel_anyway(name: str) -> None:
    said = f"-oversample_{name}: corrections are always taken at each sub-pixel"
    assert setup(f"-oversample_{name}").notes.said == [said]
    warned = setup(f"-oversample_{name} --compat").notes.warnings
    assert warned == [
        f"-oversample_{name}: the C program's running product of corrections is not reproduced by --compat"
    ]


def test_compat_says_that_it_does_not_switch_interpolation_off(tmp_path) -> None:
    (tmp_path / "table.hkl").write_text("1 2 3 4\n")
    words = f"-hkl {tmp_path}/table.hkl --compat"
    assert any("does not switch interpolation off" in line for line in setup(words).notes.warnings)
    assert not any("interpolation" in line for line in setup(f"{words} -nointerpolate").notes.warnings)


@pytest.mark.parametrize(
    ("words", "asks"),
    [
        ("-detpixels 1000", "-detpixels 1000"),
        ("-detpixels 10 -phisteps 1e5", "-phisteps"),
        ("-detpixels 10 -mosaic 1 -mosaic_domains 1e5", "-mosaic_domains"),
        ("-detpixels 10 -oversample 1000", "-oversample"),
        ("-detpixels 10 -divergence 1 -divsteps 1000", "-hdivsteps"),
    ],
)
def test_more_than_the_memory_allowed_is_an_error_before_the_work(words: str, asks: str) -> None:
    with pytest.raises(UsageError, match=rf"{asks}.*--memory-limit allows 10 MiB"):
        setup(f"{words} --memory-limit 10M")


def test_the_experiment_of_python_is_that_of_the_command_line() -> None:
    words = "-cell 50 60 70 90 90 90 -default_F 100 -osc 1 -phisteps 4 -oversample 2 -roi 0 9 0 9"
    experiment, options = read_experiment(words.split())
    s = setup(words)
    assert options == s.options
    assert same(experiment.scan.angles, phi(s))
