"""What `--detector NAME` stands for."""

import numpy as np
import pytest
from effects import Effect, check, setup

from jaxbragg.cli import main
from jaxbragg.cli.errors import UsageError
from jaxbragg.io import FileError
from jaxbragg.models.detector.attenuation import attenuation_depth

NAME = "--detector pilatus-1m"
CASES = (
    Effect(NAME, lambda s: s.experiment.detector.shape, (1, 1043, 981)),
    Effect(NAME, lambda s: s.experiment.detector.pixel_size, [172e-6, 172e-6]),
    Effect(NAME, lambda s: None if s.experiment.detector.mask is None else int((~s.experiment.detector.mask).sum()),
           73533),
)  # fmt: skip


@pytest.mark.parametrize("effect", CASES, ids=range(len(CASES)))
def test_the_flag_changes_what_it_says(effect) -> None:
    check(effect)


def test_the_sensor_is_the_makers_at_the_wavelength() -> None:
    sensor = setup(f"{NAME} -lambda 0.7").experiment.detector.sensor
    np.testing.assert_allclose(np.asarray(sensor.attenuation), 1 / attenuation_depth("Si", 0.7))
    np.testing.assert_allclose(np.asarray(sensor.layer_thickness) * sensor.layers, 320e-6)
    given = setup(f"{NAME} -detector_thick 450 -detector_abs 200").experiment.detector.sensor
    np.testing.assert_allclose(np.asarray(given.attenuation), 1 / 200e-6)
    np.testing.assert_allclose(np.asarray(given.layer_thickness) * given.layers, 450e-6)
    assert setup("--detector adsc-q315").experiment.detector.sensor is None


def test_the_beam_is_in_its_middle_unless_given() -> None:
    found = setup(f"{NAME} -distance 200").detector
    np.testing.assert_allclose(found.size, [981 * 172e-6, 1043 * 172e-6])
    np.testing.assert_allclose(found.placement.beam_spot, np.array(found.size) / 2, atol=172e-6)
    given = setup(f"{NAME} -distance 200 -Xbeam 50 -Ybeam 60").detector
    np.testing.assert_allclose(given.placement.beam_spot, [0.06, 0.05], atol=172e-6)


def test_gaps_are_dark_and_a_mask_takes_more_away(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    mask = np.ones((619, 487), np.uint8)
    mask[:10] = 0
    np.save("m.npy", mask)
    flags = "-cell 50 -default_F 100 -N 5 -water 1000 -oversample 1 --detector pilatus-300k -mask m.npy"
    assert main([*flags.split(), "-floatfile", "f.bin", "--quiet"]) == 0
    image = np.fromfile("f.bin", "<f4").reshape(619, 487)
    assert (image[:10] == 0).all()
    assert (image[195:212] == 0).all()
    assert (image[10:195] > 0).all()
    assert (image[212:407] > 0).all()


def test_all_are_listed(capsys) -> None:
    assert main(["--detectors"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) > 20
    assert any(line.startswith("eiger2-16m ") and "4148 × 4362" in line for line in lines)
    assert any(line.startswith("pilatus-6m ") and "at most 1048575 counts" in line for line in lines)
    assert any(line.startswith("agipd-1m ") and "--geometry" in line for line in lines)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--detector pilatus-7m", "no detector of that name is known; did you mean pilatus-"),
        ("--detector xyzzy", "jaxbragg --detectors lists them"),
        (f"{NAME} -detpixels 100", "-detpixels contradicts --detector pilatus-1m"),
        (f"{NAME} -pixel 0.1", "-pixel contradicts"),
        (f"{NAME} -curved_det", "-curved_det contradicts"),
    ],
)
def test_what_cannot_be_is_named(words, message) -> None:
    with pytest.raises(UsageError, match=message):
        setup(words)


def test_a_mask_of_another_size_is_named(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    np.save("m.npy", np.ones((100, 100), np.uint8))
    with pytest.raises(FileError, match=r"m.npy: the mask has 100 × 100 pixels, but the detector 981 × 1043"):
        setup(f"{NAME} -mask m.npy")
