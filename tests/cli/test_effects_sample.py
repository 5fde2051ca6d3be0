"""What the flags of a crystal beside its cell stand for, and what contradicts them."""

import jax
import numpy as np
import pytest
from effects import Effect, check, setup

from jaxbragg.cli import main
from jaxbragg.cli.errors import UsageError
from jaxbragg.cli.simulate_command import _turned
from jaxbragg.io import FileError
from jaxbragg.models.detector.attenuation import attenuation_of

CHAIN = "--goniometer chain.txt"


@pytest.fixture(autouse=True)
def _files(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "chain.txt").write_text("# of a beamline\nomega 0 0 2\nkappa 0 0.6 0.8 30\nphi 0 0 1\n")
    (tmp_path / "two.txt").write_text("0.3 0.5 0 0\n0.25 0 1 0 50.5 60 70 90 90 90  # another cell\n")
    (tmp_path / "twin.txt").write_text("0.25 -h,-k,l\n")


def crystal(get):
    return lambda s: get(s.experiment.crystal)


def chain(get):
    return lambda s: None if s.experiment.scan.goniometer is None else get(s.experiment.scan.goniometer)


def optional(name, get):
    return crystal(lambda c: None if getattr(c, name) is None else get(getattr(c, name)))


def numbers(array):
    return tuple(np.asarray(array).round(12).tolist())


CASES = (
    Effect("--lattices two.txt", lambda s: len(s.experiment.lattices), 2),
    Effect("--size-spread 20", optional("sizes", lambda x: float(x.spread)), 0.2),
    Effect("--size-spread 20 5", optional("sizes", lambda x: x.count), 5, ""),
    Effect("--dose 3", optional("damage", lambda x: float(x.dose)), 1.5, given="-cell 50 60 70 90 90 90 -hkl a.hkl"),
    Effect("--crystal-position 0.1 -0.2 0.3", optional("position", numbers), (1e-4, -2e-4, 3e-4)),
    Effect("--crystal-box 100 200 300", optional("absorption", lambda x: numbers(x.distances[:3])),
           (5e-5, 1e-4, 1.5e-4)),
    Effect("--crystal-depth 400", optional("absorption", lambda x: float(x.attenuation)), 2500.0,
           "--crystal-box 100 100 100"),
    Effect(CHAIN, chain(lambda x: len(x.names)), 3),
    Effect("--goniometer-angles kappa=40,phi=-10", chain(lambda x: float(x.angles[1])), 40.0, CHAIN),
    Effect("--scan-axis phi", chain(lambda x: x.scanned), 2, CHAIN),
    Effect("--beam-fwhm 0.1 0.2", lambda s: type(s.experiment.beam.profile).__name__, "GaussianProfile",
           "--crystal-position 0 0 0"),
    Effect("--beam-box 0.1 0.2", lambda s: type(s.experiment.beam.profile).__name__, "TophatProfile",
           "--crystal-position 0 0 0"),
    Effect("--two-colors 1.0 1.02 0.3", lambda s: s.experiment.beam.rays()[1].shape[0], 2),
    Effect("--stokes 0.6 0 0.5", lambda s: float(s.experiment.beam.polarization), 0.6),
)  # fmt: skip


@pytest.mark.parametrize("effect", CASES, ids=range(len(CASES)))
def test_the_flag_changes_what_it_says(effect, tmp_path) -> None:
    (tmp_path / "a.hkl").write_text("1 2 3 10\n")
    check(effect)


def test_lattices_are_turned_after_the_crystal_and_keep_the_rest() -> None:
    found = setup("--lattices two.txt -misset 10 20 30 -N 8 --spot-scale 4").experiment
    first, second = found.lattices
    assert (float(first.blocks), float(second.blocks)) == (4 * 0.3, 4 * 0.25)
    assert float(second.cell.a) == 50.5
    angle = np.radians(0.5)
    turn = np.array([[1, 0, 0], [0, np.cos(angle), -np.sin(angle)], [0, np.sin(angle), np.cos(angle)]])
    np.testing.assert_allclose(np.asarray(first.vectors()), np.asarray(found.crystal.vectors()) @ turn.T, atol=1e-4)
    np.testing.assert_array_equal(first.cells, 8.0)
    (twin,) = setup("--lattices twin.txt").experiment.lattices
    wanted = np.asarray(setup().experiment.crystal.vectors()) * np.array([[-1.0], [-1.0], [1.0]])
    np.testing.assert_allclose(np.asarray(twin.vectors()), wanted, atol=1e-4)


def test_the_dose_grows_from_image_to_image(tmp_path) -> None:
    (tmp_path / "a.hkl").write_text("1 2 3 10\n")
    found = setup("--dose 4 2 -osc 1", "-cell 50 60 70 90 90 90 -hkl a.hkl")
    experiment = jax.device_get(found.experiment)
    doses = [float(_turned(experiment, found, i).crystal.damage.dose) for i in range(3)]
    assert doses == [2.0, 6.0, 10.0]


def test_flux_through_a_profile_gives_the_fluence_in_its_middle() -> None:
    found = setup("-flux 1e12 -exposure 0.1 --beam-fwhm 0.1 0.2").experiment
    assert abs(float(found.beam.fluence) / (1e11 * 4 * np.log(2) / np.pi / 2e-8) - 1) < 1e-9
    box = setup("-flux 1e12 --beam-box 0.1 0.2 --crystal-position 0 0 0").experiment
    assert abs(float(box.beam.fluence) / (1e12 / 2e-8) - 1) < 1e-9


def test_a_crystal_box_absorbs_as_protein_with_as_much_water_by_itself() -> None:
    found = setup("--crystal-box 100 100 100 -lambda 1.5").experiment.crystal.absorption
    water = attenuation_of({"O": 0.888}, 1000.0, 1.5)
    assert 0.95 < float(found.attenuation) / water < 1.05


def test_two_colors_have_the_bandwidth_and_their_mean_is_the_wavelength() -> None:
    found = setup("--two-colors 1.02 1.0 0.25 --bandwidth 0.1").experiment.beam
    assert abs(float(found.wavelength) - (0.25 * 1.02 + 0.75)) < 1e-12
    np.testing.assert_allclose(found.gaussians().bandwidths, 1e-3)
    np.testing.assert_allclose(found.gaussians().weights, [0.75, 0.25])


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("--crystal-depth 3", "needs --crystal-box"),
        ("--scan-axis phi", "needs --goniometer"),
        ("--goniometer-angles phi=1", "needs --goniometer"),
        (f"{CHAIN} --scan-axis psi", "no psi"),
        (f"{CHAIN} --goniometer-angles chi=3", "no chi"),
        (f"{CHAIN} --goniometer-angles phi", "such as kappa=30"),
        (f"{CHAIN} -spindle_axis 0 0 1", "contradicts"),
        ("--beam-fwhm 1 1 --beam-box 1 1", "contradicts"),
        ("--stokes 0.9 0.9 0", "length 1"),
        ("--stokes 0.5 0 0 -polar 0.5", "contradicts -polar"),
        ("--two-colors 1 1.1 --sase 1 10", "contradicts"),
        ("--two-colors 1 1.1 2", "share"),
        ("--size-spread 10 2.5", "number of sizes"),
        ("--dose 3", "default 0"),
        ("--lattices two.txt --compat", "C program"),
        ("-flux 1 --beam-fwhm 1 1 -beamsize 3", "contradicts"),
    ],
)
def test_what_contradicts_is_refused(words, says) -> None:
    with pytest.raises((UsageError, ValueError), match=says):
        setup(words)


@pytest.mark.parametrize(
    ("flag", "content", "line", "says"),
    [
        ("--lattices", "# none\n", None, "no lattice"),
        ("--lattices", "0.3 1 2\n", 1, "expected a share"),
        ("--lattices", "0.1 0 0 0\n-0.3 1 2 3\n", 2, "at least 0"),
        ("--lattices", "0.3 k,h\n", 1, "twin law"),
        ("--lattices", "0.3 -h,-k,-l\n", 1, "determinant"),
        ("--lattices", "0.3 0 0 nan\n", 1, "expected a share"),
        ("--goniometer", "# nothing\n", None, "no axis"),
        ("--goniometer", "omega 0 0 0\n", 1, "direction"),
        ("--goniometer", "omega 0 0 1\nomega 0 1 0\n", 2, "twice"),
        ("--goniometer", "omega 0 0 x\n", 1, "three numbers"),
    ],
)
def test_a_broken_table_is_named_with_its_line(flag, content, line, says, tmp_path) -> None:
    (tmp_path / "broken.txt").write_text(content)
    with pytest.raises(FileError, match=says) as caught:
        setup(f"{flag} broken.txt")
    assert line is None or f"line {line}" in str(caught.value)


@pytest.mark.parametrize("flag", ["--lattices two.txt", "--size-spread 10", "--crystal-position 0.1 0 0"])
@pytest.mark.parametrize("asked", ["--truth t.h5", "trace"])
def test_what_is_of_one_crystal_says_so_before_anything_is_drawn(flag, asked, capfd) -> None:
    words = f"-cell 50 60 70 90 90 90 -default_F 100 -detpixels 8 {flag}".split()
    words = ["trace", *words, "-trace_pixel", "1", "1"] if asked == "trace" else [*words, *asked.split()]
    assert main(words) == 2
    said = capfd.readouterr()
    assert "is of one crystal on the spindle" in said.err
    assert "brightest" not in said.out


def test_the_log_has_the_crystal_where_the_goniometer_holds_it(capfd) -> None:
    words = f"-cell 50 60 70 90 90 90 -default_F 100 -detpixels 8 {CHAIN} --goniometer-angles kappa=0,phi=90"
    assert main(words.split()) == 0
    line = next(line for line in capfd.readouterr().out.splitlines() if line.startswith("  a  "))
    np.testing.assert_allclose([float(x) for x in line.split()[1:4]], [0.0, 50.0, 0.0], atol=1e-5)


def test_sub_pixels_are_as_many_as_the_largest_size_asks_for() -> None:
    few = setup("-N 40 -detpixels 20 -pixel 1").options.oversample
    assert setup("-N 40 -detpixels 20 -pixel 1 --size-spread 20").options.oversample > 1.5 * few
