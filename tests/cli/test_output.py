"""`--output FILE`: an image in the format that its name says."""

import json
from pathlib import Path

import h5py
import numpy as np
import pytest

import jaxbragg as jb
from jaxbragg.cli import main
from jaxbragg.io import read_image, read_smv_header

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


@pytest.mark.parametrize(("words", "full"), [([], 1048575), (["--saturation", "700"], 700)])
def test_a_pixel_holds_what_the_detector_or_the_flag_says(words, full, capsys) -> None:
    """PILATUS has counters of 20 bits."""
    bright = "-cell 40 -default_F 1e5 -N 30 -oversample 1 --detector pilatus-100k --counts -seed 1 --sidecar"
    for name in ("x.h5", "x_1.cbf", "x_1.img", "x.tif"):
        assert main([*bright.split(), *words, "-o", name]) == 0
        pixels, offset = read_image(name).pixels, 40 if name.endswith("img") else 0
        largest = min(full + offset, 65535) if offset else full
        overloads = int((pixels == largest).sum())
        assert pixels.max() == largest
        assert f"{overloads} overloads" in capsys.readouterr().out
        (panel,) = json.loads(Path(name).with_suffix(".expt").read_text())["detector"][0]["panels"]
        assert panel["trusted_range"][1] == largest - 1
        assert f"flag_morethan = {largest - 1}\n" in Path(name).with_suffix(".geom").read_text()
    with h5py.File("x.h5") as file:
        assert file["entry/instrument/detector/saturation_value"][()] == full - 1
    assert f"# Count_cutoff {full - 1} counts\r\n".encode() in Path("x_1.cbf").read_bytes()
    assert read_smv_header("x_1.img")["CCD_IMAGE_SATURATION"] == str(min(full + 40, 65535) - 1)


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


def test_a_series_in_files_of_their_own(capsys) -> None:
    turned = [
        *FLAGS,
        "-misset",
        "10",
        "20",
        "30",
        "-osc",
        "0.5",
        "-phisteps",
        "2",
        "-phi",
        "5",
        "-seed",
        "7",
        "--counts",
    ]
    assert main([*turned, "--images", "3", "-o", "all.h5", "--quiet"]) == 0
    assert main([*turned, "--images", "3", "-o", "im.cbf", "--sidecar"]) == 0
    said = capsys.readouterr().out
    assert "wrote im_0001.cbf … im_0003.cbf: miniCBF, Poisson counts, int32, seed 7, one more for each" in said
    assert sorted(path.name for path in Path().iterdir()) == [
        "all.h5", "im.cbf.json", "im.expt", "im.geom", "im_0001.cbf", "im_0002.cbf", "im_0003.cbf"
    ]  # fmt: skip
    for i in range(3):
        name = f"im_{i + 1:04d}.cbf"
        np.testing.assert_array_equal(read_image(name).pixels, read_image("all.h5", None, None, i).pixels)
        assert jb.load(name).rotation == pytest.approx((5 + 0.5 * i, 0.5))
    assert jb.load("im.expt").rotation == pytest.approx((5.0, 0.5))
    assert jb.load("im.expt").images == 3
    assert json.loads(Path("im.expt").read_text())["imageset"][0]["template"] == "im_####.cbf"


def test_the_truth_is_written(capsys) -> None:
    assert main([*FLAGS, "-misset", "10", "20", "30", "--truth", "t.h5", "-o", "x.h5"]) == 0
    said = capsys.readouterr().out
    with h5py.File("t.h5") as file:
        hkl, photons = file["reflections/hkl"][()], file["reflections/photons"][()]
        strongest, wavelength = file["pixels/hkl"][()], file["pixels/wavelength"][()]
        assert file["reflections/spacing"].attrs["units"] == "angstrom"
        assert file["reflections/slow"].shape == photons.shape
    assert f"wrote t.h5: ground truth, {len(hkl)} reflections of {photons.sum():.6g} photons" in said
    image = read_image("x.h5").pixels
    assert strongest.shape == (64, 64, 3)
    assert photons.sum() < image.sum()  # of the crystal alone, without the water
    brightest = np.unravel_index(image.argmax(), image.shape)
    assert (hkl == strongest[brightest]).all(axis=1).any()
    np.testing.assert_allclose(wavelength, 1.0)
    assert main([*FLAGS, "--truth", "t.h5", "--images", "2", "-o", "y.h5"]) == 2
    assert "--images 2: --truth holds one image" in capsys.readouterr().err
    assert main([*FLAGS, "-lambda", "0.01", "-cell", "300", "--truth", "u.h5", "--quiet"]) == 2
    assert "-dmin, cuts it" in capsys.readouterr().err


@pytest.mark.parametrize("dialect", ["nanobragg", "dials"])
def test_the_dialect_of_smv_headers(dialect) -> None:
    panel = ["-Xbeam", "3.1", "-Ybeam", "2.9"]
    assert main([*FLAGS, *panel, "-noisefile", "n.img", "--smv-dialect", dialect, "-seed", "1", "--quiet"]) == 0
    header = read_smv_header("n.img")
    if dialect == "nanobragg":
        assert (header["BEAM_CENTER_X"], header["BEAM_CENTER_Y"]) == ("3.1", "2.9")
        return
    fast, slow, pixel = float(header["DENZO_Y_BEAM"]), float(header["DENZO_X_BEAM"]), 0.1
    assert float(header["BEAM_CENTER_X"]) == pytest.approx(fast - pixel, abs=1e-9)
    assert float(header["BEAM_CENTER_Y"]) == pytest.approx(6.4 - slow + pixel, abs=1e-9)
    assert header["ADC_OFFSET"] == "40"


def test_a_panel_that_a_header_cannot_place_is_said(capsys) -> None:
    assert main([*FLAGS, "-detector_rotx", "3", "-o", "x_1.cbf", "--counts", "-seed", "1"]) == 0
    warned = capsys.readouterr().err
    assert "the header of miniCBF knows panels across the beam" in warned
    assert "--sidecar writes it beside" in warned
    assert main([*FLAGS, "-o", "y_1.cbf", "--counts", "-seed", "1"]) == 0
    assert "miniCBF" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--counts", "--counts needs --output FILE"),
        ("--images 3 -o x.h5 -floatfile x.bin", "--images 3: -floatfile holds one image"),
        ("--images 3", "--images 3: -floatfile holds one image; --output FILE.h5 holds several"),
        ("--sidecar", "--sidecar needs --output FILE"),
        ("--saturation 100", "--saturation needs --output FILE"),
        ("-o x.h5 --saturation 100", "--saturation needs --counts"),
        ("-o x.h5 --counts --saturation 0", "--saturation"),
        ("--resume", "--resume needs --output FILE"),
        ("-o x.h5 --resume", "--resume needs --images"),
        ("-o x.h5 --images 2 --resume -printout", "-printout prints the first image"),
        ("-o x.npy --images 2 --resume", "--resume needs --images, and --output of NXmx (.h5) or of files"),
        ("-o x.h5 --smv-dialect dials", "--smv-dialect needs an SMV image"),
        ("-o x_#.tif --images 12", "12 images need more digits than 1"),
        ("-o x.cbf", "miniCBF holds counts, not expected photons: add --counts"),
        ("-o x.img --counts --smv-dialect nanobragg", "--output has that of dials"),
        ("--png x.png --smv-dialect dials", "--smv-dialect needs an SMV image"),
        ("-o x.bin", "the name must end in one of .h5, .nxs, .hdf5"),
        ("-o x.h5 -curved_det", "NXmx has flat panels, but -curved_det is none"),
        ("-o x.h5 -floatfile x.h5", "x.h5"),
    ],
)
def test_what_cannot_be_is_named(words, message, capsys, tmp_path) -> None:
    assert main([*FLAGS, *words.split()]) == 2
    assert message in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
