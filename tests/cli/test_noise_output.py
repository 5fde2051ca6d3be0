"""The noise image of a run: counts of `jaxbragg.counting` on the offset, clamped, with the overloads counted."""

import numpy as np
import pytest

from jaxbragg.cli import main
from jaxbragg.counting import poisson_counts
from jaxbragg.io import read_float_image, read_smv, read_smv_header

BASE = "-cell 40 40 55 90 90 90 -default_F 100 -N 5 -detpixels 16 -pixel 1 -oversample 1 -floatfile f.bin"


@pytest.fixture
def noise(tmp_path, monkeypatch, capsys):
    """Draws a noise image; also gives the photons that it was drawn from, and the last line printed."""
    monkeypatch.chdir(tmp_path)

    def noise(words):
        assert main(f"{BASE} -noisefile n.img {words}".split()) == 0
        said = capsys.readouterr().out.splitlines()[-1]
        return read_smv("n.img")[1].astype(int), read_float_image("f.bin", (16, 16)), said

    return noise


def test_counts_lie_on_the_offset_and_about_the_photons(noise):
    image, photons, said = noise("-seed 3")
    assert np.array_equal(image - 40, poisson_counts(photons, 3))
    assert np.abs(image - 40 - photons).max() < 6 * np.sqrt(photons.max())
    assert said == "wrote n.img: SMV, Poisson counts + 40, seed 3, 0 overloads"
    assert np.array_equal(noise("-seed 3")[0], image)
    assert not np.array_equal(noise("-seed 4")[0], image)
    assert np.array_equal(noise("-seed 3 -adc 7")[0], image - 33)


def test_overloads_are_counted_and_clamped(noise):
    image, photons, said = noise("-seed 3 -fluence 1e30 -adc 100")
    counts = np.asarray(poisson_counts(photons, 3)).astype(np.int64)
    overloads = int((counts + 100 > 65535).sum())
    assert 0 < overloads < 256
    assert said == f"wrote n.img: SMV, Poisson counts + 100, seed 3, {overloads} overloads"
    assert np.array_equal(image, np.minimum(counts + 100, 65535))


def test_counts_beyond_any_integer_are_overloads_too(noise):
    image, _, said = noise("-fluence 1e38")
    assert image.max() == 65535
    assert said.endswith(f" {(image == 65535).sum()} overloads")


def test_a_seed_that_was_not_given_is_fresh_said_and_can_be_given_again(noise):
    image, _, said = noise("")
    seed = read_smv_header("n.img")["SEED"]
    assert said == f"wrote n.img: SMV, Poisson counts + 40, seed {seed}, 0 overloads"
    again, _, _ = noise(f"-seed {seed}")
    assert np.array_equal(again, image)
    other, _, _ = noise("")
    assert read_smv_header("n.img")["SEED"] != seed
    assert not np.array_equal(other, image)


def test_the_header_says_the_offset_and_the_seeds_behind_the_c_programs_keys(noise):
    noise("-seed -3 -adc 12.25 -misset random -intfile i.img")
    last = list(read_smv_header("n.img").items())[-4:]
    assert last == [("BEAMLINE", "fake"), ("ADC_OFFSET", "12.25"), ("SEED", "-3"), ("MISSET_SEED", "-3")]
    last = list(read_smv_header("i.img").items())[-3:]
    assert last == [("BEAMLINE", "fake"), ("ADC_OFFSET", "12.25"), ("MISSET_SEED", "-3")]
