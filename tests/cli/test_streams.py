"""Streams that are closed, full or of another encoding: the image is there, and the exit status says the rest."""

import os
import subprocess
import sys
import warnings

import numpy as np
import pytest

from jaxbragg.cli import main, streams
from jaxbragg.io import read_float_image

LINE = "-cell 40 40 55 90 90 90 -N 5 -default_F 100 -gauss_xtal -oversample 1 -detpixels 16 -pixel 1 -floatfile a.bin"
PROGRAM = "import sys; from jaxbragg.cli import main; sys.exit(main())"
FULL = pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full here")


@pytest.fixture(scope="module")
def wanted(tmp_path_factory) -> np.ndarray:
    folder = tmp_path_factory.mktemp("wanted")
    assert main([*LINE.split()[:-1], f"{folder}/a.bin", "--quiet"]) == 0
    return read_float_image(folder / "a.bin", (16, 16))


def run(folder, redirections: str = "", line: str = LINE, **environment: str) -> tuple[int, bytes]:
    """Exit status, and what reached the streams."""
    path = os.pathsep.join(path for path in sys.path if path)
    done = subprocess.run(
        ["bash", "-c", f"exec {sys.executable} -c '{PROGRAM}' {line} {redirections}"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert b"Traceback" not in done.stdout
    assert b"Exception ignored" not in done.stdout
    return done.returncode, done.stdout


@pytest.mark.parametrize("redirections", ["2>&-", ">&-", ">&- 2>&- <&-"])
def test_closed_streams_cost_nothing(tmp_path, wanted, redirections: str) -> None:
    """Nothing lands in the image that was meant for them either."""
    assert run(tmp_path, redirections)[0] == 0
    assert np.array_equal(read_float_image(tmp_path / "a.bin", (16, 16)), wanted)
    assert os.listdir(tmp_path) == ["a.bin"]


@FULL
def test_a_log_on_a_full_disk_costs_the_log_alone(tmp_path, wanted) -> None:
    status, said = run(tmp_path, ">/dev/full")
    assert status == 1
    assert said == b"jaxbragg: stdout: no space left on device; the log is not complete, the images are\n"
    assert np.array_equal(read_float_image(tmp_path / "a.bin", (16, 16)), wanted)
    (tmp_path / "a.bin").unlink()
    assert run(tmp_path, ">/dev/full 2>/dev/full", PYTHONUNBUFFERED="1") == (1, b"")
    assert np.array_equal(read_float_image(tmp_path / "a.bin", (16, 16)), wanted)


@FULL
def test_a_page_on_a_full_disk(tmp_path) -> None:
    assert run(tmp_path, ">/dev/full", "--help") == (1, b"jaxbragg: stdout: no space left on device\n")


def test_a_log_in_ascii(tmp_path, wanted) -> None:
    status, said = run(tmp_path, PYTHONIOENCODING="ascii")
    assert status == 0
    assert said.decode("ascii").splitlines()[-1] == (r"wrote a.bin: photons, raw little-endian float32, 16 \xd7 16")
    assert np.array_equal(read_float_image(tmp_path / "a.bin", (16, 16)), wanted)
    assert run(tmp_path, line="simulate --help", PYTHONIOENCODING="ascii")[0] == 0


def test_a_file_name_that_is_no_text(tmp_path) -> None:
    status, said = run(tmp_path, line=LINE.replace("a.bin", r"$'\xff.bin'"))
    assert status == 0
    assert said.splitlines()[-1].startswith(rb"wrote \udcff.bin: photons")
    assert os.listdir(os.fsencode(tmp_path)) == [b"\xff.bin"]


def test_a_folder_that_is_gone(tmp_path) -> None:
    path = os.pathsep.join(path for path in sys.path if path)
    script = f"mkdir gone; cd gone; rmdir ../gone; exec {sys.executable} -c '{PROGRAM}' {LINE}"
    done = subprocess.run(
        ["bash", "-c", script], cwd=tmp_path, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert done.stderr == "jaxbragg: the working folder is gone: it was removed or renamed while it was in use\n"


@pytest.mark.parametrize(
    ("device", "status", "says"),
    [
        ("--device cpu", 0, b"wrote a.bin"),
        ("", 2, b"jaxbragg: JAX_PLATFORMS=nonsense: "),
    ],
)
def test_a_platform_that_is_not_there(tmp_path, device: str, status: int, says: bytes) -> None:
    found, said = run(tmp_path, line=f"{LINE} {device}", JAX_PLATFORMS="nonsense")
    assert found == status
    assert said.splitlines()[-1].startswith(says)


def test_a_warning_of_python_is_a_line(capsys) -> None:
    usual = warnings.showwarning
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        with streams.prepared():
            warnings.warn("spots are too sharp\nfor this precision", UserWarning, stacklevel=1)
        assert warnings.showwarning is usual
    assert capsys.readouterr().err == "warning: spots are too sharp for this precision\n"
