"""What the flags of closed forms stand for, and what contradicts them."""

import jax
import numpy as np
import pytest
from effects import Effect, check, setup

import jaxbragg as jb
from jaxbragg.cli.errors import UsageError

GAUSS = "-gauss_xtal -N 5"
PULSE = float(jb.sase_pulse(jax.random.key(3), 1.0, 2e-3, 20.0).energy)


@pytest.fixture(autouse=True)
def spectra(tmp_path, monkeypatch) -> None:
    """Two lines about 1 Å, in eV, and in keV by the wrong name."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "s.txt").write_text("12400 3\n12380 1\n")
    (tmp_path / "k.lam").write_text("12.4 3\n12.38 1\n")


CASES = (
    Effect("--mosaic-gauss 0.3", lambda s: getattr(s.experiment.crystal.mosaic, "spread", None), [0.3], base=GAUSS),
    Effect(
        "--cell-spread 0.5 0.2 0.1",
        lambda s: getattr(s.experiment.crystal.cell_spread, "spread", None),
        [0.005, 0.002, 0.001],
        base=GAUSS,
    ),
    Effect("--bandwidth 0.5", lambda s: getattr(s.experiment.beam.sources, "bandwidth", None), 0.005, base=GAUSS),
    Effect("--divergence-gauss 2 1", lambda s: getattr(s.experiment.beam.sources, "vertical", None), 0.001, base=GAUSS),
    Effect("--spectrum s.txt", lambda s: getattr(s.experiment.beam.sources, "weights", [0])[0], 3.0, base=GAUSS),
    Effect(
        "--spectrum-unit keV",
        lambda s: float(np.asarray(s.experiment.beam.sources.wavelengths)[0]) < 2,
        True,
        base=f"{GAUSS} --spectrum k.lam",
    ),
    Effect(
        "--sase 0.2 20", lambda s: getattr(s.experiment.beam.sources, "weights", np.ones(1)).shape[0], 128, base=GAUSS
    ),
    Effect(
        "--sase-seed 3",
        lambda s: float(s.experiment.beam.fluence) / 1e25,
        1e3 * PULSE,
        base=f"{GAUSS} --sase 0.2 20 -fluence 1e28",
    ),
    Effect("--sase-lines 16", lambda s: s.experiment.beam.sources.weights.shape[0], 16, base=f"{GAUSS} --sase 0.2 20"),
    Effect("--method spots", lambda s: s.options.method, "spots", base=GAUSS),
    Effect("--tolerance 0.1", lambda s: s.options.tolerance, 0.1, base=f"{GAUSS} --mosaic-gauss 0.3"),
    Effect("--samples 100", lambda s: s.options.samples, 100, base=f"{GAUSS} --mosaic-gauss 0.3 --method samples"),
)


@pytest.mark.parametrize("effect", CASES, ids=range(len(CASES)))
def test_the_flag_changes_what_it_says(effect) -> None:
    check(effect)


def test_the_wavelength_is_the_mean_of_the_spectrum_unless_another_is_given() -> None:
    mean = (3 * 12398.42 / 12400 + 12398.42 / 12380) / 4
    found = setup(f"{GAUSS} --spectrum s.txt")
    assert float(found.experiment.beam.wavelength) == pytest.approx(mean, rel=1e-6)
    assert not any("--spectrum" in line for line in found.notes.warnings)
    other = setup(f"{GAUSS} --spectrum s.txt -lambda 1.2")
    assert float(other.experiment.beam.wavelength) == 1.2
    assert any("its mean is 1.00028 Å, but -lambda 1.2" in line for line in other.notes.warnings)


def test_a_rotation_is_even_where_it_is_in_closed_form() -> None:
    found = setup(f"{GAUSS} --mosaic-gauss 0.1 0.2 0.3 -phi 5 -osc 2").experiment
    assert np.asarray(found.scan.angles).tolist() == [5.0]
    assert float(found.scan.width) == 2.0
    np.testing.assert_allclose(found.crystal.mosaic.spread, [0.1, 0.2, 0.3])
    assert setup(f"{GAUSS} -phi 5 -osc 2").experiment.scan.width is None


def test_where_nothing_is_in_closed_form_the_samples_are_said() -> None:
    notes = setup("-N 5 --mosaic-gauss 0.3 --bandwidth 0.1").notes
    assert any("4096 samples (--samples) stand for what is Gaussian" in line for line in notes.warnings)
    assert any(
        "--method samples" in line for line in setup(f"{GAUSS} --mosaic-gauss 0.3 --method samples").notes.warnings
    )


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--mosaic-gauss 1 2", "--mosaic-gauss takes 1, 3 or 6 numbers in degrees, but got 2"),
        ("--mosaic-gauss -1", "--mosaic-gauss: Argument `spread` must not be negative"),
        ("--mosaic-gauss 1 -mosaic 1", "-mosaic contradicts --mosaic-gauss"),
        ("--bandwidth 1 -dispersion 1", "-dispersion contradicts --bandwidth"),
        ("--divergence-gauss 1 1 -divergence 1", "-divergence contradicts --divergence-gauss"),
        ("--method spots -osc 400", "-osc 400: an image turns evenly by more than 0° and at most 180°"),
        ("--method spots -osc 1 -phisteps 5", "-phisteps contradicts an image by spots"),
        ("--method spots -curved_det", "--method spots: the detector must be of flat panels"),
        ("--method spots -square_xtal", "--method spots: spots must be gauss ones"),
        ("--mosaic-gauss 1 1 1 2 0 0", "must be a matrix without negative eigenvalues"),
        ("--cell-spread 1 2", "--cell-spread takes 1 or 3 numbers in percent, but got 2"),
        ("--cell-spread -1", "--cell-spread takes 1 to 3 numbers of at least 0"),
        ("--samples 10", "--samples: nothing is sampled without one of --mosaic-gauss"),
        ("--samples 10 --mosaic-gauss 1", "--samples: nothing is sampled, all is in closed form"),
        ("--spectrum s.txt --sase 0.2 20", "--sase contradicts --spectrum"),
        ("--spectrum s.txt --bandwidth 1", "--bandwidth contradicts --spectrum"),
        ("--spectrum s.txt -dispersion 1", "-dispersion contradicts --spectrum"),
        ("--spectrum-unit eV", "--spectrum-unit needs --spectrum"),
        ("--sase-seed 1", "--sase-seed needs --sase"),
        ("--sase 0.2", "--sase"),
        ("--sase 0.2 1e9", "`duration` must be shorter"),
        ("--sase 0.2 20 --compat", "--compat"),
        ("--tolerance 0.1", "--tolerance: nothing is in closed form without --method spots or one of --mosaic-gauss"),
        ("--tolerance 0.1 --mosaic-gauss 1 --method samples", "--tolerance: nothing is in closed form .--method samp"),
        ("--tolerance 0 --mosaic-gauss 1", "--tolerance takes a number above 0"),
        ("--mosaic-gauss 1 --compat", "--compat samples as the C program does"),
    ],
)
def test_what_cannot_be_is_named(words, message) -> None:
    with pytest.raises(UsageError, match=message):
        setup(f"{GAUSS} {words}")


def test_the_image_is_that_of_the_library(tmp_path, monkeypatch) -> None:
    from jaxbragg.cli import main

    monkeypatch.chdir(tmp_path)
    flags = f"-cell 50 -default_F 100 {GAUSS} -lambda 1 -detpixels 48 -pixel 1 -oversample 1 --mosaic-gauss 0.5 -osc 1"
    assert main([*flags.split(), "-floatfile", "f.bin", "--quiet"]) == 0
    experiment, options = jb.read_experiment(flags.split())
    image = np.asarray(jb.simulate(experiment, options))
    np.testing.assert_array_equal(np.fromfile("f.bin", "<f4").reshape(48, 48), image)
    assert image.max() > 0
