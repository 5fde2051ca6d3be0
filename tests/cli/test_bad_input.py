"""What users get wrong: one line that says so and where, the right exit status, and nothing left behind."""

import errno
import io
import os
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from jaxbragg.cli import main
from jaxbragg.io import write_float_image, write_smv

CRYSTAL = "-cell 40 40 55 90 90 90 -default_F 100 -N 5"
SMALL = f"{CRYSTAL} -detpixels 16 -pixel 1"
FILES = {
    "empty.hkl": "",
    "word.hkl": "0 0 1 5\n0 0 2 6\n0 0 three 7\n",
    "good.hkl": "0 0 1 5\n0 0 2 6\n",
    "far.hkl": "0 0 0 1\n32000 32000 32000 2\n",
    "binary.hkl": b"\xff\xfe\x00",
    "eight.mat": "1 2 3\n4 5 6\n7 8\n",
    "flat.mat": "1 2 3\n2 4 6\n7 8 9\n",
    "none.sources": "# nothing here\n",
    "dark.sources": "1 0 0 0\n",
    "angstrom.sources": "-10 0 0 1\n-10 0 0 0.5 0.99\n",
    "twice.stol": "0 1\n0 2\n",
    "notes.txt": "what I did today\n",
}


@pytest.fixture(autouse=True)
def _files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, text in FILES.items():
        (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    write_smv("mask.img", np.ones((8, 8), np.uint16), {"PIXEL_SIZE": "1"})
    (tmp_path / "cut.img").write_bytes((tmp_path / "mask.img").read_bytes()[:-5])
    write_smv("word.img", np.ones((8, 8), np.uint16), {"DISTANCE": "far"})
    write_smv("dark.img", np.ones((8, 8), np.uint16), {"WAVELENGTH": "0"})
    write_smv("ten.img", np.ones((8, 8), np.uint16), {"DISTANCE": "1_0"})
    np.lib.format.write_array_header_1_0(
        buffer := io.BytesIO(), {"descr": "<f8", "fortran_order": False, "shape": (10**13,)}
    )
    (tmp_path / "huge.npy").write_bytes(buffer.getvalue())
    np.save("nan.npy", np.full((16, 16), np.nan))
    write_float_image("raw.bin", np.ones((16, 16)))
    with h5py.File("null.h5", "w") as file:
        file["data"] = h5py.Empty("f4")
        file["loop"] = h5py.SoftLink("/loop")
    (tmp_path / "readonly.bin").write_text("old")
    (tmp_path / "readonly.bin").chmod(0o444)


def contents():
    return {path.name: path.read_bytes() for path in sorted(Path.cwd().iterdir())}


def run(capsys, line):
    """Exit status and lines on stderr, warnings apart."""
    status = main(line.split())
    lines = capsys.readouterr().err.splitlines()
    warnings = [text for text in lines if text.startswith("warning: ")]
    return status, [text for text in lines if text not in warnings], warnings


def refused(capsys, line):
    """The one line, without the program's name, and the status; the folder is as it was."""
    before = contents()
    status, lines, _ = run(capsys, line)
    assert len(lines) == 1
    assert lines[0].startswith("jaxbragg: ")
    assert contents() == before
    return lines[0].removeprefix("jaxbragg: "), status


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ("-foo", "unknown flag -foo: --help lists all flags"),
        ("-detpixel 100", "unknown flag -detpixel: did you mean -detpixels?"),
        ("-N", "-N takes 1 value (unit cells along a, b and c), but the command line ends there"),
        ("-N 0", "-N takes a whole number of at least 1, but got '0'"),
        ("-N -3", "-N takes a whole number of at least 1, but got '-3'"),
        ("-N abc", "-N takes a whole number of at least 1, but got 'abc'"),
        ("-phisteps 3.5", "-phisteps takes a whole number of at least 1, but got '3.5'"),
        ("-oversample 0", "-oversample takes a whole number of at least 1, but got '0'"),
        ("-mosaic -1", "-mosaic takes a number of at least 0 in degrees, but got '-1'"),
        ("-lambda 0", "-lambda takes a number above 0 in Å, but got '0'"),
        ("-distance 100mm", "-distance takes a number above 0 in mm, but got '100mm'"),
        ("-distance nan", "-distance takes a number above 0 in mm, but got 'nan' (nan and inf are not numbers here)"),
        (
            "-cell 10 20 30 90 90 200",
            "-cell takes 1 to 6 numbers in Å and degrees, but gamma is 200 (angles lie between 0 and 180)",
        ),
        (
            "-cell 100 100 100 30 30 120",
            "-cell 100 100 100 30 30 120: No unit cell has the angles alpha 30°, beta 30°, gamma 120°: each must be "
            "less than the sum of the other two, and all three together less than 360°.",
        ),
        ("-roi 50 10 0 5", "-roi takes 4 whole numbers of at least 0 in pixels, but xmin 50 is larger than xmax 10"),
        (
            "-roi 0 50 0 5",
            "-roi: The region of interest, fast 0 … 50 and slow 0 … 5, must lie on the detector of 16 × 16 pixels: "
            "fast 0 … 15, slow 0 … 15.",
        ),
        ("-fdet_vector 0 0 0", "-fdet_vector takes 3 numbers, but all of them are 0"),
        (
            "-fdet_vector 0 1 0",
            "-fdet_vector and -sdet_vector must not be parallel: no detector plane holds them",
        ),
        ("-odet_vector 0 0 1", "-odet_vector must not lie in the detector plane of -fdet_vector and -sdet_vector"),
        (
            "-polar_vector 1 0 0 -polar 0.9",
            "-polar_vector must not be along the beam: the polarization would have no direction",
        ),
        ("-detector_roty 90", "the detector stands edge-on to the beam: check the vectors and the rotations"),
        (
            "-beam_vector 0 0 1",
            "the detector stands edge-on to the beam: check the vectors and the rotations; "
            "-beam_vector alone leaves the detector where MOSFLM has it",
        ),
        (
            "-twotheta 90",
            "the detector's plane goes through the sample: check -twotheta, the vectors and the rotations",
        ),
        ("-water 1e300", "a number is too large or too small to be calculated with: check the units"),
        ("-cell 1e-300", "a number is too large or too small to be calculated with: check the units"),
        (
            "-curved_det -xds -twotheta 90",
            "no experiment is like this: Argument `slow_axis` must not be along the beam, "
            "but is [0.000000e+00, 6.123234e-17, 1.000000e+00].",
        ),
        ("-pix0_vector -1 0 0", "the detector lies behind the sample: check -distance, the vectors and the rotations"),
        ("-twotheta 120", "the detector lies behind the sample: check -distance, the vectors and the rotations"),
        ("-dispersion 300", "-dispersion 300 reaches wavelengths of zero or less: it must stay below 200 %"),
        ("-printout_pixel 16 0", "-printout_pixel 16 0 is not on the detector of 16 × 16 pixels"),
        ("-printout_pixel 0 16", "-printout_pixel 0 16 is not on the detector of 16 × 16 pixels"),
        (
            "--memory-limit 1K",
            "-detpixels 16: an image of 16 × 16 pixels needs 6 KiB of memory, but --memory-limit allows 1 KiB",
        ),
        ("-sourcefile dark.sources", "-sourcefile dark.sources: all intensities are zero"),
        (
            "-flux 1e300 -beamsize 1e-300",
            "-flux, -exposure and -beamsize give more photons per area than a number holds",
        ),
        ("-floatfile a.bin -intfile ./a.bin", "-intfile ./a.bin: -floatfile names the same file"),
        ("-hkl good.hkl -floatfile good.hkl", "-floatfile good.hkl: -hkl names the same file"),
        ("-hkl good.hkl -dump a.bin -intfile a.bin", "-intfile a.bin: -dump names the same file"),
    ],
)
def test_a_line_that_cannot_be(capsys, flags, message):
    assert refused(capsys, f"{SMALL} {flags}") == (message, 2)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("-default_F 100", "no crystal: give its orientation with -mat FILE, or its cell with -cell a b c al be ga"),
        ("-cell 40", "no structure factors: give them with -hkl FILE, or one for all with -default_F F"),
        ("simulte -cell 40", "unknown sub-command 'simulte': known are"),
    ],
)
def test_what_is_missing(capsys, line, message):
    found, status = refused(capsys, line)
    assert found.startswith(message)
    assert status == 2


def test_a_device_that_is_not_there(capsys):
    message, status = refused(capsys, f"{SMALL} --device nonsense")
    assert message.startswith("--device nonsense: JAX finds no such device here, only ")
    assert status == 2


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ("-hkl missing.hkl", "missing.hkl: no such file"),
        ("-hkl .", ".: is a folder, not a file"),
        ("-hkl empty.hkl", "empty.hkl: the file is empty"),
        ("-hkl word.hkl", "word.hkl, line 3: expected h k l F, but found '0 0 three 7'"),
        ("-hkl binary.hkl", "binary.hkl, line 1: expected text in UTF-8, but found the byte 0xff"),
        ("-hkl eight.mat", "eight.mat, line 1: expected h k l F, but found '1 2 3'"),
        ("-mat eight.mat", "eight.mat: expected nine numbers, but found 8"),
        ("-mat flat.mat", "flat.mat: expected three reciprocal vectors that span a volume, but they lie in a plane"),
        ("-mask cut.img", "cut.img: expected 640 bytes (512 of header, 8×8 pixels of 2 bytes), but found 635"),
        ("-mask mask.img", "mask.img: the mask has 8 × 8 pixels, but the detector 16 × 16"),
        ("-img notes.txt", "notes.txt: expected an SMV header, '{' first, but found 'what I d'"),
        ("-img word.img", "word.img: the header's DISTANCE must be a number, but is 'far'"),
        ("-img dark.img", "dark.img: the header's WAVELENGTH must be a number above 0, but is '0'"),
        ("-sourcefile none.sources", "none.sources: expected x y z intensity wavelength, but found no source"),
        ("-sourcefile empty.hkl", "empty.hkl: the file is empty"),
        ("-water 5 -stol twice.stol", "twice.stol, line 2: expected each sin θ/λ once, but found that of line 1 again"),
        ("-dump missing.bin", "missing.bin: no such file"),
        ("-hkl /dev/zero", "/dev/zero, line 1: expected text, but found a zero byte"),
        ("-mat /dev/zero", "/dev/zero, line 1: expected text, but found a zero byte"),
        ("-sourcefile /dev/zero", "/dev/zero, line 1: expected text, but found a zero byte"),
        ("-water 1 -stol /dev/zero", "/dev/zero, line 1: expected text, but found a zero byte"),
        ("-img /dev/zero", "/dev/zero: expected an SMV header, '{' first, but found '" + 8 * "\\x00" + "'"),
        ("-mask /dev/zero", "/dev/zero: expected a file on a disk for this format, but found a device or a pipe"),
        (
            "-dump /dev/zero",
            "/dev/zero, line 1: expected six integers, a line feed and a form feed, but found '" + 40 * "\\x00" + "'",
        ),
        (
            "-mask huge.npy",
            f"huge.npy: expected {8 * 10**13 + 128} bytes for 10000000000000 numbers of float64, but found 128",
        ),
        ("-mask null.h5", "null.h5: no dataset of 2 dimensions in it: one is expected here"),
        ("-mask nan.npy", "nan.npy: expected 0 for the pixels to skip and other numbers elsewhere, but found NaN"),
        ("-mask raw.bin", "raw.bin: expected an image of slow × fast pixels whose file says how many there are"),
        ("-img ten.img", "ten.img: the header's DISTANCE must be a number, but is '1_0'"),
        (
            "-sourcefile angstrom.sources",
            "angstrom.sources, line 2: expected a wavelength below 1e-6 m, but found "
            "'0.99': is it in metres? 1 Å is 1e-10, 12.4 keV likewise",
        ),
        ("-hkl good.hkl -dump readonly.bin", "readonly.bin: the file is read-only"),
        ("-floatfile readonly.bin", "readonly.bin: the file is read-only"),
        ("-intfile .", ".: is a folder, not a file"),
    ],
)
def test_a_file_at_fault(capsys, flags, message):
    assert refused(capsys, f"{SMALL} {flags}") == (message, 1)


@pytest.mark.parametrize("flag", ["-floatfile", "-intfile", "-pgmfile", "-noisefile", "--png", "-hkl good.hkl -dump"])
def test_an_output_folder_that_is_not_there(capsys, tmp_path, flag):
    message, status = refused(capsys, f"{SMALL} {flag} nowhere/a.out")
    assert message == f"nowhere/a.out: the folder {tmp_path}/nowhere does not exist"
    assert status == 1


@pytest.mark.parametrize(
    ("flags", "wanted", "flag"),
    [
        ("-detpixels 1e9", "an image of 1000000000 × 1000000000 pixels needs 2.132e+04 PiB", "-detpixels 1e+09"),
        ("-detsize 1e6", "an image of 10000000 × 10000000 pixels needs 2.132 PiB", "-detsize 1e+06"),
        ("-pixel 1e-6", "pixels needs", "-pixel 1e-06"),
        ("-phisteps 1e12", "1e+12 orientations", "-phisteps"),
        ("-osc 1 -phistep 1e-12", "1e+12 orientations", "-phistep"),
        ("-mosaic 1 -mosaic_domains 1e12", "1e+12 orientations", "-mosaic_domains"),
        ("-dispersion 1 -dispsteps 1e12", "1e+12 sources", "-dispsteps"),
        ("-divergence 1 -divsteps 1e6", "1e+12 sources", "-hdivsteps"),
        ("-oversample 1e6", "1e+12 sub-pixels to a pixel", "-oversample"),
        ("-N 1e200", "sub-pixels to a pixel", "-oversample"),
        ("-lambda 1e-300", "sub-pixels to a pixel", "-oversample"),
        ("-hkl far.hkl", "3.27711e+13 indices in the box that far.hkl spans", "far.hkl"),
    ],
)
def test_more_than_fits_into_memory(capsys, flags, wanted, flag):
    message, status = refused(capsys, f"{CRYSTAL} {flags}")
    assert wanted in message
    assert flag in message
    assert "of memory, but this machine has" in message
    assert status == 2


def test_the_last_of_two_values_counts_with_a_warning(capsys):
    status, lines, warnings = run(capsys, f"{SMALL} -N 6 -floatfile a.bin")
    assert (status, lines, warnings) == (0, [], ["warning: -N 6 replaces the earlier -N 5"])


def test_a_dark_image_is_said(capsys):
    status, lines, warnings = run(capsys, f"{SMALL} -dmin 1e6 --quiet -floatfile a.bin")
    assert (status, lines) == (0, [])
    assert warnings == ["warning: no photons at all: check structure factors, -dmin, -roi and -mask"]


# While writing -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("flag", ["-floatfile", "-intfile", "-pgmfile", "-noisefile", "--png"])
def test_a_full_disk(capsys, monkeypatch, tmp_path, flag):
    (tmp_path / "a.out").write_text("of yesterday")

    def full(*arguments):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "write", full)
    assert refused(capsys, f"{SMALL} --quiet {flag} a.out") == ("a.out: no space left on device", 1)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full here")
def test_a_link_to_a_full_device(capsys, tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "a.bin").symlink_to("/dev/full")
    assert main(f"{SMALL} --quiet -floatfile full/a.bin".split()) == 1
    assert capsys.readouterr().err == "jaxbragg: full/a.bin: no space left on device\n"
    assert (tmp_path / "full" / "a.bin").is_symlink()


def test_ctrl_c(capsys, monkeypatch):
    def interrupted(*arguments, **keywords):
        raise KeyboardInterrupt

    monkeypatch.setattr("jaxbragg.simulate", interrupted)
    monkeypatch.setattr(sys.modules["jaxbragg.simulate"], "simulate", interrupted)
    assert refused(capsys, f"{SMALL} --quiet") == ("interrupted: nothing is half written", 130)


def test_no_device_memory(capsys, monkeypatch):
    def exhausted(*arguments, **keywords):
        raise RuntimeError("RESOURCE_EXHAUSTED: Out of memory while trying to allocate 1 byte")

    monkeypatch.setattr(sys.modules["jaxbragg.simulate"], "simulate", exhausted)
    message, status = refused(capsys, f"{SMALL} --quiet")
    assert message == "the device is out of memory: try --memory-limit, such as --memory-limit 1G"
    assert status == 1


# As a process of its own ---------------------------------------------------------------------------------------------

PROGRAM = "import sys; from jaxbragg.cli import main; sys.exit(main())"


def test_a_wrong_line_as_a_process():
    words = [sys.executable, "-c", PROGRAM, *SMALL.split(), "-detpixel", "3"]
    done = subprocess.run(words, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "jaxbragg: unknown flag -detpixel: did you mean -detpixels?\n"


def test_a_reader_that_goes_away():
    """`jaxbragg … -printout | head -1`."""
    command = f"{sys.executable} -c '{PROGRAM}' {CRYSTAL} -detpixels 64 -pixel 1 -oversample 1 -printout | head -1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True)
    assert done.stdout == "crystal\n"
    assert "Traceback" not in done.stderr
    assert "Exception" not in done.stderr
