"""What the flags of the detector's response stand for, what contradicts them, and what is written."""

import numpy as np
import pytest
from effects import Effect, check, setup

import jaxbragg as jb
from jaxbragg.cli import main
from jaxbragg.cli.errors import UsageError


def step(kind, name):
    """A number of the first step of a kind."""

    def get(s):
        response = s.experiment.response
        found = [each for each in response.steps if isinstance(each, kind)] if response is not None else []
        return getattr(found[0], name) if found else None

    return get


CASES = (
    Effect("--psf-gauss 150", step(jb.GaussianSpread, "fwhm"), 1.5),
    Effect("--psf-fibre 60", step(jb.FibreSpread, "g"), 0.6),
    Effect("--psf-moffat 120 2.5", step(jb.MoffatSpread, "beta"), 2.5),
    Effect("--psf-radius 20", step(jb.FibreSpread, "radius"), 20, base="--psf-fibre 60"),
    Effect("--flicker 2", step(jb.Flicker, "spread"), 0.02),
    Effect("--dead-time 120", step(jb.Counting, "dead_time"), 1.2e-7),
    Effect("--paralyzable", step(jb.Counting, "paralyzable"), True, base="--dead-time 120"),
    Effect("--charge-sharing 10", step(jb.PhotonCharge, "sigma"), 0.1),
    Effect("--calibration-error 3", step(jb.CalibrationError, "spread"), 0.03),
    Effect("--calibration-seed 9", step(jb.CalibrationError, "seed"), 9, base="--calibration-error 3"),
    Effect("--gain-stages jungfrau", lambda s: None if s.experiment.response is None else
           float(step(jb.GainStages, "gains")(s)[1]), -1.44 * 12.39842, base="-lambda 1"),
    Effect("--gain 1.8", step(jb.Gain, "factor"), 1.8),
    Effect("--read-noise 3", step(jb.ReadNoise, "spread"), 3.0),
    Effect("--pedestal 40", step(jb.Pedestal, "offset"), 40.0),
    Effect("--bad-pixels 1 0.5", lambda s: step(jb.BadPixels, "hot")(s) is not None, True),
    Effect("--hot-level 77", step(jb.BadPixels, "level"), 77.0, base="--bad-pixels 0 1"),
)  # fmt: skip


@pytest.mark.parametrize("effect", CASES, ids=range(len(CASES)))
def test_the_flag_changes_what_it_says(effect) -> None:
    check(effect)


def test_without_a_flag_there_is_no_response_and_with_one_photons_are_counted() -> None:
    assert setup().experiment.response is None
    steps = setup("--psf-gauss 100 --read-noise 2 --gain 3 --flicker 1").experiment.response.steps
    assert [type(each).__name__ for each in steps] == ["GaussianSpread", "Flicker", "Counting", "Gain", "ReadNoise"]
    exposed = setup("--dead-time 100 -exposure 0.5 -flux 1e12").experiment.response.steps[0]
    assert float(exposed.exposure) == 0.5


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--psf-gauss 100 --psf-fibre 50", "--psf-fibre contradicts --psf-gauss"),
        ("--psf-radius 5", "--psf-radius needs --psf-fibre or --psf-moffat"),
        ("--paralyzable", "--paralyzable needs --dead-time"),
        ("--calibration-seed 1", "--calibration-seed needs --calibration-error"),
        ("--hot-level 1", "--hot-level needs --bad-pixels"),
        ("--psf-moffat 100 1", "β is 1, and must be above 1"),
        ("--bad-pixels 60 60", "both together are more than all"),
        ("--gain 2 --compat", "--gain: the C program's detector counts photons"),
        ("--psf-gauss 0", "--psf-gauss takes a number above 0"),
        ("--read-noise -1", "--read-noise takes a number of at least 0"),
        ("--dead-time nan", "--dead-time"),
        ("--gain-stages eiger", "--gain-stages"),
    ],
)
def test_what_cannot_be_is_named(words, message) -> None:
    with pytest.raises(UsageError, match=message):
        setup(words)


FLAGS = "-cell 50 -default_F 100 -N 5 -lambda 1 -detpixels 48 -pixel 1 -oversample 1 -fluence 1e27 --quiet"


def test_images_of_photons_are_read_out_and_counts_have_noise(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    more = "--psf-gauss 1200 --gain 2 --read-noise 1.5 --pedestal 20"
    assert main([*f"{FLAGS} {more} -floatfile f.bin -o e.npy".split()]) == 0
    assert main([*f"{FLAGS} {more} --counts -o c.h5 -seed 3".split()]) == 0
    assert main([*f"{FLAGS} -floatfile p.bin".split()]) == 0
    photons = np.fromfile("p.bin", "<f4").reshape(48, 48)
    experiment, options = jb.read_experiment([*FLAGS.split(), *more.split()])
    signal = experiment.response.expected(photons)
    read = np.fromfile("f.bin", "<f4").reshape(48, 48)
    np.testing.assert_allclose(read, signal.mean, rtol=1e-5)
    np.testing.assert_allclose(np.load("e.npy"), read, rtol=1e-6)
    np.testing.assert_allclose(jb.simulate(experiment, options), read, rtol=1e-5)
    import h5py

    with h5py.File("c.h5") as file:
        found = np.asarray(file["entry/data/data"] if "entry/data/data" in file else file["entry/data/data_000001"])
    counts = found.reshape(48, 48).astype(float)
    pull = (counts - np.asarray(signal.mean)) / np.sqrt(np.asarray(signal.variance))
    assert abs(pull.mean()) < 0.15
    assert 0.9 < pull.std() < 1.1


def test_masked_pixels_and_what_is_outside_the_region_stay_0(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert main([*f"{FLAGS} --psf-gauss 1200 --pedestal 20 -roi 10 30 5 20 -floatfile f.bin".split()]) == 0
    read = np.fromfile("f.bin", "<f4").reshape(48, 48)
    inside = read[5:21, 10:31]
    assert (inside >= 20).all()
    assert read.sum() == pytest.approx(inside.sum())
    experiment, options = jb.read_experiment(f"{FLAGS} --psf-gauss 1200 --pedestal 20 -roi 10 30 5 20".split())
    np.testing.assert_allclose(jb.simulate(experiment, options), read, rtol=1e-5)


def test_masked_pixels_read_nothing_though_there_is_a_pedestal(tmp_path, monkeypatch) -> None:
    """On average, in random images, and in the library's own."""
    monkeypatch.chdir(tmp_path)
    mask = np.ones((48, 48), np.uint8)
    mask[10:20, 5:9] = 0
    np.save("mask.npy", mask)
    flags = f"{FLAGS} -mask mask.npy --psf-gauss 1200 --pedestal 20"
    assert main([*f"{flags} -floatfile f.bin -noisefile n.img -seed 1".split()]) == 0
    experiment, options = jb.read_experiment(flags.split())
    noisy = np.fromfile("n.img", "<u2", offset=512).reshape(48, 48) - 40.0  # -adc
    for image in (np.fromfile("f.bin", "<f4").reshape(48, 48), noisy, np.asarray(jb.simulate(experiment, options))):
        assert not image[mask == 0].any()
        assert (image[mask == 1] > 5).all()
