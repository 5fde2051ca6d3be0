"""What a run writes: headers, integers, pictures, statistics and lines, the C program's where it wrote any."""

import json
import os
from pathlib import Path

import h5py
import numpy as np
import pytest

from jaxbragg.cli import main
from jaxbragg.cli.errors import UsageError
from jaxbragg.cli.outputs import header_fields, statistics
from jaxbragg.cli.read import read_setup
from jaxbragg.cli.scanner import scan
from jaxbragg.cli.simulate_command import _check_numbers
from jaxbragg.io import read_float_image, read_pgm, read_smv, read_smv_header
from jaxbragg.io.smv import smv_header_bytes

HERE = Path(__file__).parents[1] / "reference"
SMALL = "-cell 40 40 55 90 90 90 -default_F 100 -N 5 -detpixels 16 -pixel 1 -oversample 1"
# Why the C program's header is another one; jaxbragg's is compared with the flags below.
DIFFERENT = {
    "twotheta/c": "its beam spot is the one before the swing about the 2θ axis, at another distance",
    "twotheta/fixed": "as twotheta/c",
    "everything/c": "as twotheta/c",
    "everything/fixed": "as twotheta/c",
}
BEAM_SPOT = {
    *("DISTANCE", "ADXV_CENTER_X", "ADXV_CENTER_Y", "MOSFLM_CENTER_X", "MOSFLM_CENTER_Y"),
    *("DENZO_X_BEAM", "DENZO_Y_BEAM"),
}


def _cases():
    for path in sorted(HERE.glob("images_*.h5")):
        with h5py.File(path) as file:
            for name in file:
                for variant in file[name]:
                    if "smv_header" in file[f"{name}/{variant}"].attrs:
                        yield path, f"{name}/{variant}"


CASES = dict((name, path) for path, name in _cases())
WITH_FILES = ("tetragonal_hkl/c", "cubic_default_F/c", "scale_adc/c")


def argv_of(node, name):
    return json.loads(node.attrs["argv"]) + (["--compat"] if name.endswith("/c") else [])


def header_text(argv):
    setup = read_setup(scan(argv))
    _, slow, fast = setup.experiment.detector.shape
    return smv_header_bytes({"SIZE1": str(fast), "SIZE2": str(slow)} | header_fields(setup)).decode()


def keys(text):
    return dict(line.split("=", 1) for line in text.replace(";", "").splitlines() if "=" in line)


# Headers -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name in CASES if name not in DIFFERENT])
def test_the_header_is_the_c_programs(name, monkeypatch):
    monkeypatch.chdir(HERE / "inputs")
    with h5py.File(CASES[name]) as file:
        wanted, argv = file[name].attrs["smv_header"], argv_of(file[name], name)
    assert header_text(argv).rstrip(" ") == wanted + "\f"


@pytest.mark.parametrize("name", DIFFERENT)
def test_the_header_of_a_swung_detector_gives_its_beam_spot_as_it_is(name, monkeypatch):
    """The C program's detector stands there too, as its other keys say."""
    monkeypatch.chdir(HERE / "inputs")
    with h5py.File(CASES[name]) as file:
        wanted, argv = keys(file[name].attrs["smv_header"]), argv_of(file[name], name)
    found = keys(header_text(argv))
    different = {key for key in wanted if found[key] != wanted[key]}
    assert different <= BEAM_SPOT
    assert list(found) == list(wanted)
    assert found["DISTANCE"] == argv[argv.index("-distance") + 1]
    assert found["MOSFLM_CENTER_X"] == found["BEAM_CENTER_X"]
    assert found["MOSFLM_CENTER_Y"] == found["BEAM_CENTER_Y"]


def test_the_header_of_a_twotheta_axis_says_the_swing(monkeypatch):
    """The C program takes the axis's first number, 0, for the angle; --compat, tested above, does so, too."""
    monkeypatch.chdir(HERE / "inputs")
    name = "twotheta_axis/c"
    with h5py.File(CASES[name]) as file:
        wanted, argv = file[name].attrs["smv_header"], json.loads(file[name].attrs["argv"])
    assert keys(header_text(argv))["TWOTHETA"] == "15"
    assert header_text([*argv, "-twotheta", "0"]).rstrip(" ") == wanted + "\f"


def test_a_long_header_takes_1024_bytes(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    turns = "-detector_rotx 1.23456 -detector_roty 2.34567 -detector_rotz 3.45678 -Xbeam 8.12345 -Ybeam 7.65432"
    line = f"{SMALL} -lambda 1.234567 -distance 123.4567 -phi 12.34567 {turns} -twotheta 1.23457 --quiet"
    assert main(f"{line} -intfile a.img -osc 0.123457 -phisteps 1 -dmin 5 -pixel 1.00123".split()) == 0
    header, image = read_smv("a.img")
    assert header["HEADER_BYTES"] == "1024"
    assert os.path.getsize("a.img") == 1024 + image.size * 2
    assert main(f"{SMALL} --quiet -intfile b.img".split()) == 0
    assert read_smv_header("b.img")["HEADER_BYTES"] == "512"


@pytest.mark.parametrize("flags", ["-fluence 1e300", "-default_F 1e308", "-default_F 1e30 -water 1e9"])
def test_pixels_that_no_number_holds_are_infinite_and_said(flags, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(f"{SMALL} {flags} --quiet -floatfile a.bin -intfile a.img -noisefile n.img -pgmfile a.pgm".split()) == 0
    assert "warning: 256 of 256 pixels hold more photons than float32 can, and are infinite" in capsys.readouterr().err
    assert np.isposinf(read_float_image("a.bin", (16, 16))).all()
    for name in ("a.img", "n.img"):
        assert (read_smv(name)[1] == 65535).all()
    assert (read_pgm("a.pgm") == 255).all()


def test_pixels_that_are_no_numbers_are_refused():
    image = np.zeros((16, 16), np.float32)
    image[3, 4] = np.nan
    with pytest.raises(UsageError, match=r"1 of 256 pixels are no numbers \(NaN\): check -fluence"):
        _check_numbers(image)


# Images and statistics -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def simulated(tmp_path_factory):
    """The cases of which the C program's files are kept, simulated once."""
    folder = tmp_path_factory.mktemp("simulated")
    here = os.getcwd()
    os.chdir(HERE / "inputs")
    try:
        for name in WITH_FILES:
            with h5py.File(CASES[name]) as file:
                argv = argv_of(file[name], name)
            at = str(folder / name.replace("/", "_"))
            outputs = ["-floatfile", f"{at}.bin", "-intfile", f"{at}.img", "-pgmfile", f"{at}.pgm"]
            assert main([*argv, *outputs, "--quiet"]) == 0
    finally:
        os.chdir(here)
    return folder


@pytest.mark.parametrize("name", WITH_FILES)
def test_integers_are_the_c_programs(simulated, name):
    with h5py.File(CASES[name]) as file:
        wanted = file[name]["intimage"][()].astype(int)
    found = read_smv(simulated / f"{name.replace('/', '_')}.img")[1].astype(int)
    assert found.shape == wanted.shape
    different = np.abs(found - wanted).ravel()[1:]  # not the first pixel: see the references' README
    assert different.max() <= 1
    assert (different > 0).sum() <= 1e-3 * different.size


@pytest.mark.parametrize("name", WITH_FILES)
def test_grey_levels_are_the_c_programs(simulated, name, tmp_path):
    with h5py.File(CASES[name]) as file:
        content = file[name]["pgm"][()].tobytes()
    written = (simulated / f"{name.replace('/', '_')}.pgm").read_bytes()
    # The scale follows from the rms deviation, of which the first pixel is a part.
    (*head, remark), (*wanted_head, wanted_remark) = (text.split(b"\n", 3)[:3] for text in (written, content))
    assert head == wanted_head
    assert remark.rsplit(b" ", 1)[0] == wanted_remark.rsplit(b" ", 1)[0]
    assert float(remark.split()[-1]) == pytest.approx(float(wanted_remark.split()[-1]), rel=1e-5)
    (tmp_path / "c.pgm").write_bytes(content)
    wanted = read_pgm(tmp_path / "c.pgm").astype(int)
    different = np.abs(read_pgm(simulated / f"{name.replace('/', '_')}.pgm") - wanted).ravel()[1:]
    assert different.max() <= 1
    assert (different > 0).sum() <= 1e-3 * different.size


@pytest.mark.parametrize("name", CASES)
def test_statistics_are_the_c_programs(name, monkeypatch):
    """Of the C program's own image: six digits, as it prints them."""
    monkeypatch.chdir(HERE / "inputs")
    with h5py.File(CASES[name]) as file:
        summary, argv = json.loads(file[name].attrs["summary"]), argv_of(file[name], name)
        image = file[name]["image"][()]
    setup = read_setup(scan(argv))
    found = statistics(image, setup)
    largest, at_fast, at_slow = summary["max_I_at_m"]
    assert found.largest == pytest.approx(largest, rel=6e-6)
    # It says where the last sub-pixel of the pixel is, not the middle.
    last = 1 - 0.5 / setup.options.oversample
    assert (found.fast + last) * setup.detector.pixel == pytest.approx(at_fast, rel=6e-6)
    assert (found.slow + last) * setup.detector.pixel == pytest.approx(at_slow, rel=6e-6)
    mean, rms, rmsd = summary["mean_rms_rmsd"]
    assert [found.mean, found.rms] == pytest.approx([mean, rms], rel=6e-6)
    if name.startswith("mask/"):  # where its deviation from the mean counts the masked pixels, too, as zeros
        assert np.sqrt(((image - found.mean) ** 2).sum() / (image.size - 1)) == pytest.approx(rmsd, rel=6e-6)
    else:
        assert found.rmsd == pytest.approx(rmsd, rel=6e-6)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_fabio_reads_the_images(simulated):
    fabio = pytest.importorskip("fabio")
    path = simulated / "tetragonal_hkl_c.img"
    with fabio.open(str(path)) as image:
        assert np.array_equal(image.data, read_smv(path)[1])
        assert image.header["DISTANCE"] == "100"
        assert image.header["BEAMLINE"] == "fake"


# Flags of the outputs ------------------------------------------------------------------------------------------------


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Runs a command line in an empty folder; its lines on stdout and on stderr."""
    monkeypatch.chdir(tmp_path)

    def run(argv, base=SMALL):
        assert main(f"{base} {argv}".split()) == 0
        said = capsys.readouterr()
        return said.out.splitlines(), said.err.splitlines()

    return run


def files():
    return sorted(os.listdir("."))


def floats(path="f.bin"):
    return read_float_image(path, (16, 16))


def test_two_images_unless_others_are_asked_for(run):
    out, _ = run("")
    assert files() == ["floatimage.bin", "intimage.img"]
    assert out[-2] == "wrote floatimage.bin: photons, raw little-endian float32, 16 × 16"
    assert out[-1].startswith("wrote intimage.img: SMV, photons × ")
    photons = floats("floatimage.bin")
    scale = 55000.0 / float(photons.max())
    assert np.array_equal(read_smv("intimage.img")[1], np.floor(photons * scale + 40.5).astype(int))


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ("-floatfile a", ["a"]),
        ("-intimage a -pgmimage b", ["a", "b"]),
        ("-noisefile a -floatfile b -nonoise", ["b"]),
        ("-pgmfile a -floatfile b -nopgm", ["b"]),
        ("-nonoise -nopgm", ["floatimage.bin", "intimage.img"]),
        ("-floatfile a -intfile b -pgmfile c -noisefile d --png e", ["a", "b", "c", "d", "e"]),
        ("-floatfile /dev/null", []),
    ],
)
def test_what_is_asked_for_is_written(run, flags, expected):
    run(f"{flags} --quiet")
    assert files() == expected


def test_scale_and_offset(run):
    run("-floatfile f.bin -intfile a.img -scale 0.5 -adc 3 --quiet")
    photons = floats().astype(float)
    assert np.array_equal(read_smv("a.img")[1], np.clip(np.floor(photons * 0.5 + 3.5), 0, 65535).astype(int))
    run("-intfile a.img -adc 0 --quiet")
    assert read_smv("a.img")[1].max() == 55000
    run("-intfile a.img -scale 1e9 -adc -5 --quiet")
    image = read_smv("a.img")[1]
    assert image.max() == 65535
    assert np.array_equal(image == 0, np.floor(photons * 1e9 - 4.5) <= 0)


def test_scale_of_the_picture(run):
    run("-floatfile f.bin -pgmfile a.pgm -pgmscale 0.25 --quiet")
    photons = floats().astype(float)
    assert np.array_equal(read_pgm("a.pgm"), np.clip(np.floor(photons * 0.25), 0, 255).astype(int))
    assert Path("a.pgm").read_bytes().startswith(b"P5\n16 16\n# pixels scaled by 0.25\n255\n")
    run("-floatfile f.bin -pgmfile a.pgm --quiet")
    assert np.array_equal(read_pgm("a.pgm"), np.clip(np.floor(photons * 50 / photons.std(ddof=1)), 0, 255).astype(int))


def test_a_dark_image_is_written(run):
    _, warnings = run("-floatfile f.bin -intfile a.img -pgmfile a.pgm -dmin 1e6 --quiet")
    assert floats().max() == 0
    assert (read_smv("a.img")[1] == 40).all()
    assert read_pgm("a.pgm").max() == 0
    assert warnings[-1].startswith("warning: no photons at all")


def test_a_picture_in_colour(run):
    pytest.importorskip("matplotlib")
    run("--png a.png --quiet")
    assert Path("a.png").read_bytes().startswith(b"\x89PNG\r\n")


# What is printed -----------------------------------------------------------------------------------------------------


def rows(out):
    start = next(i for i, line in enumerate(out) if line.split()[:2] == ["fast", "slow"])
    end = next((i for i, line in enumerate(out) if i > start and line.startswith("wrote")), len(out))
    return [line.split() for line in out[start + 1 : end]]


def test_every_pixel_is_printed(run):
    out, _ = run("-floatfile f.bin -printout")
    table = rows(out)
    image = floats()
    assert [(int(row[1]), int(row[0])) for row in table] == list(np.ndindex(16, 16))
    assert [float(row[3]) for row in table] == pytest.approx(image.ravel().tolist(), rel=1e-7)


def test_spacings_are_braggs(run):
    """λ / 2 sin θ, from the distance of 100 mm and the beam at fast = slow = 8.5 - 0.5 pixels of 1 mm."""
    out, _ = run("-floatfile f.bin -printout -roi 3 4 5 6")
    table = rows(out)
    assert [row[:2] for row in table] == [["3", "5"], ["4", "5"], ["3", "6"], ["4", "6"]]
    center = float(read_setup(scan(SMALL.split())).detector.placement.beam_spot[0]) * 1e3
    for fast, slow, spacing, _ in table:
        radius = np.hypot(int(fast) + 0.5 - center, int(slow) + 0.5 - center)
        assert float(spacing) == pytest.approx(0.5 / np.sin(np.arctan(radius / 100) / 2), rel=1e-5)


def test_one_pixel_is_printed(run):
    out, _ = run("-floatfile f.bin -printout_pixel 3 6")
    ((fast, slow, _, photons),) = rows(out)
    assert (fast, slow) == ("3", "6")
    assert float(photons) == pytest.approx(float(floats()[6, 3]), rel=1e-7)


def test_the_pixel_that_the_beam_hits_has_no_spacing(run):
    out, _ = run("-floatfile f.bin -detpixels 15 -xds -printout_pixel 7 7")
    assert rows(out)[0][2] == "inf"


def test_quiet_leaves_what_was_asked_for_and_doubts(run):
    assert run("-floatfile f.bin --quiet -oversample 9") == ([], [])
    doubt = ["warning: -oversample 1: the crystal's fringes need 9 sub-pixels along each side"]
    assert run("-floatfile f.bin --quiet") == ([], doubt)
    out, _ = run("-floatfile f.bin --quiet -printout_pixel 3 6")
    assert len(out) == 2


def test_what_is_said(run):
    out, warnings = run("-floatfile f.bin -osc 1 -phisteps 2")
    assert warnings == ["warning: -oversample 1: the crystal's fringes need 9 sub-pixels along each side"]
    headings = [line for line in out if not line.startswith((" ", "note:", "wrote"))]
    assert headings == ["crystal", "structure factors", "beam", "detector", "steps", "image"]
    photons = floats().astype(float)
    assert f"  photons     {photons.sum():.8g} in all" in out
    assert any(line.startswith(f"  brightest   {photons.max():.8g} at slow ") for line in out)


def test_no_bar_in_a_log(run):
    assert run("-floatfile f.bin")[1] == [
        "warning: -oversample 1: the crystal's fringes need 9 sub-pixels along each side"
    ]


def test_a_memory_limit_changes_the_blocks_and_not_the_image(run):
    base = SMALL.replace("-detpixels 16", "-detpixels 64")
    run("-floatfile a.bin --quiet", base)
    run("-floatfile b.bin --quiet --memory-limit 256K", base)
    a, b = (read_float_image(name, (64, 64)) for name in ("a.bin", "b.bin"))
    assert np.abs(a - b).max() <= 1e-6 * a.max()
    assert read_setup(scan(f"{base} --memory-limit 256K".split())).options.memory_limit == 2**18
