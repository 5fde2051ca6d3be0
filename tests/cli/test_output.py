"""`--output FILE`: an image in the format that its name says."""

import h5py
import numpy as np
import pytest

from jaxbragg.cli import main
from jaxbragg.io import read_image

FLAGS = [
    *[
        "-cell",
        "40",
        "-default_F",
        "100",
        "-N",
        "10",
        "-detpixels",
        "64",
        "-distance",
        "20",
        "-oversample",
        "1",
        "-water",
        "1",
    ],
    "-fluence",
    "1e21",
]


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_photons_are_those_of_the_raw_file(capsys) -> None:
    assert main([*FLAGS, "-osc", "0.2", "-phisteps", "3", "-phi", "5", "-o", "x.h5", "-floatfile", "x.bin"]) == 0
    assert "wrote x.h5: NXmx, photons, float32, 0.2° of rotation" in capsys.readouterr().out
    np.testing.assert_array_equal(read_image("x.h5").pixels, np.fromfile("x.bin", "<f4").reshape(64, 64))
    with h5py.File("x.h5") as file:
        moves = file["entry/sample/transformations"]
        np.testing.assert_allclose([*moves["omega"][()], *moves["omega_end"][()]], [5.0, 5.2])


def test_counts_are_those_of_the_noise_file_with_the_same_seed() -> None:
    assert main([*FLAGS, "--output", "x.nxs", "--counts", "-seed", "7", "-noisefile", "n.img", "--quiet"]) == 0
    counts = read_image("x.nxs").pixels
    assert counts.dtype == np.uint32
    np.testing.assert_array_equal(np.minimum(counts + 40, 65535), read_image("n.img").pixels)


def test_what_is_too_bright_to_be_counted_is_said(capsys) -> None:
    bright = "-cell 40 -default_F 100000 -N 60 -detpixels 16 -oversample 1 -o x.h5 --counts -seed 1"
    assert main(bright.split()) == 0
    largest = 2**31 - 2**7
    overloads = int((read_image("x.h5").pixels >= largest).sum())
    assert overloads > 0
    assert f"seed 1, {overloads} overloads" in capsys.readouterr().out


def test_counts_without_a_seed_say_theirs(capsys) -> None:
    assert main([*FLAGS, "--output", "x.h5", "--counts"]) == 0
    said = capsys.readouterr().out
    assert "note: -seed " in said
    assert "Poisson counts, uint32, seed " in said


def test_the_sensor_is_that_of_the_detector() -> None:
    flags = "-cell 40 -default_F 100 -N 5 -oversample 1 --detector pilatus-100k -distance 100 -o x.h5 --quiet"
    assert main(flags.split()) == 0
    with h5py.File("x.h5") as file:
        detector = file["entry/instrument/detector"]
        assert detector["sensor_material"][()] == b"Si"
        np.testing.assert_allclose(detector["sensor_thickness"][()], 320e-6)


def test_a_series_is_its_images_one_by_one(capsys) -> None:
    turned = [*FLAGS, "-misset", "10", "20", "30", "-osc", "0.5", "-phisteps", "2"]
    assert main([*turned, "-phi", "5", "-seed", "7", "--images", "3", "--counts", "-o", "all.h5"]) == 0
    assert "one more for each next image, 0 overloads, 3 images of 0.5° of rotation" in capsys.readouterr().out
    for i in range(3):
        alone = ["-phi", str(5 + 0.5 * i), "-seed", str(7 + i), "--counts", "-o", "one.h5", "--quiet"]
        assert main([*turned, *alone]) == 0
        one, other = read_image("one.h5").pixels, read_image("all.h5", None, None, i).pixels
        assert one.max() > 0
        np.testing.assert_array_equal(one, other)
    with h5py.File("all.h5") as file:
        np.testing.assert_allclose(file["entry/sample/transformations/omega"][()], [5.0, 5.5, 6.0])
        assert file["entry/data/data"].shape == (3, 64, 64)


def test_stills_of_a_series_differ_in_their_noise() -> None:
    assert main([*FLAGS, "--images", "2", "--counts", "-seed", "1", "-o", "x.h5", "--quiet"]) == 0
    one, other = (read_image("x.h5", None, None, i).pixels for i in range(2))
    assert (one != other).any()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--counts", "--counts needs --output FILE"),
        ("--images 3 -o x.h5 -floatfile x.bin", "--images 3: -floatfile holds one image"),
        ("--images 3", "--images 3: -floatfile holds one image; --output FILE.h5 holds several"),
        ("-o x.bin", "the name must end in one of .h5, .nxs, .hdf5"),
        ("-o x.h5 -curved_det", "NXmx has flat panels, but -curved_det is none"),
        ("-o x.h5 -floatfile x.h5", "x.h5"),
    ],
)
def test_what_cannot_be_is_named(words, message, capsys, tmp_path) -> None:
    assert main([*FLAGS, *words.split()]) == 2
    assert message in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
